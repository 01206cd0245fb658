"""The wheel: what is in it, and that it runs where nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import sys
import venv
import zipfile
from email import message_from_bytes
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT
from tests.support.children import run_child

# what pip says where its index cannot be reached, or there is none
NO_INDEX = ("NewConnectionError", "Connection refused", "No matching distribution found for", "Could not fetch URL")

# which graph is the faster is not tried: that is twelve frames, and this is about one
# and the two commands, as the metadata of what is installed name them
FLY = """
import sys
from importlib.metadata import distribution

import edge
from edge.commands.main import main
from edge.engine import cpu_graph

print(edge.__file__)
cpu_graph.timed = lambda *graphs: [70.0, 100.0]
if code := main(["demo", "--frames", "1", "--out", "out", "--quiet"]):
    raise SystemExit(code)
commands = distribution("thermal-edge").entry_points.select(group="console_scripts")
for words in (["edge", "info"], ["edge-export", "onnx"]):
    sys.argv = words
    try:
        code = commands[words[0]].load()()
    except SystemExit as error:
        code = error.code
    print(f"{' '.join(words)}: {code}")
"""


def tracked() -> list[str]:
    """The files of the repository; skips the test where this is no checkout."""
    done = run_child(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs a git checkout: {done.stderr.strip()}")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def pip(*words: object, cwd: Path | None = None) -> None:
    """Run pip; skips the test where it needs the network and there is none."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "1", *words]
    done = run_child(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if any(words in line for words in NO_INDEX)]
        if reasons:
            pytest.skip(f"pip does not reach its index: {reasons[0].strip()}")
        pytest.fail(done.stderr)


def build(source: Path, into: Path) -> Path:
    """The wheel of ``source``: by the setuptools that is here, asked as pip asks it, if it is new enough; else by pip,
    which fetches one.
    """
    try:
        own = Version(version("setuptools")) >= Version("77.0.3")  # as pyproject.toml says
    except PackageNotFoundError:
        own = False
    if own:  # what is in it is the matter, and packing it tightly takes longest
        asked = "import sys\nfrom setuptools import build_meta\n"
        asked += "build_meta.build_wheel(sys.argv[1], {'--build-option': ['--compression=stored']})"
        done = run_child([sys.executable, "-c", asked, into], cwd=source, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:
        pip("wheel", "--no-deps", "--wheel-dir", into, ".", cwd=source)
    (wheel,) = into.glob("thermal_edge-*-py3-none-any.whl")
    return wheel


def link_what_it_asks_for(wheel: Path, into: Path) -> None:
    """The wheel's dependencies, and theirs, as they are installed here; nothing else is to be found there."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        asked = message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    done: set[str] = set()
    while asked:
        need = Requirement(asked.pop())
        if need.name in done or (need.marker and not need.marker.evaluate({"extra": ""})):
            continue
        done.add(need.name)
        here = distribution(need.name)
        assert need.specifier.contains(here.version, prereleases=True), f"{need}, but {here.version} is installed"
        asked += here.requires or []
        for top in {file.parts[0] for file in here.files or []} - {"..", "__pycache__"}:
            (into / top).symlink_to(Path(str(here.locate_file(top))))


@pytest.mark.timeout(600)  # 300 s were not enough at a load of 17
def test_it_holds_the_program_and_runs_alone(tmp_path: Path) -> None:
    names = tracked()
    for name in names:
        (tmp_path / "clean" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / "clean" / name)
    wheel = build(tmp_path / "clean", tmp_path)

    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    program = {name for name in names if name.startswith(("edge/", "export/"))}
    assert inside == program, "expected every file of edge/ and export/, and no other"
    assert {"edge/py.typed", "export/py.typed"} <= inside
    assert any(name.endswith("/model.onnx") for name in inside)
    of_pages = {name for name in inside if "/assets/" in name and name.endswith((".css", ".js"))}
    assert {"edge/app/compare/assets/compare.css", "edge/app/compare/assets/compare.js"} <= of_pages
    of_pages |= {name for name in inside if name.startswith(("edge/sinks/web/static/", "edge/app/review/page/"))}
    rest = inside - of_pages
    assert all(name.endswith((".py", "/py.typed")) or name.startswith("edge/models/") for name in rest)

    place, home = tmp_path / "venv", tmp_path / "home"
    home.mkdir()
    venv.EnvBuilder(symlinks=True).create(place)
    (site,) = place.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:  # as pip does it with one that holds nothing but packages
        assert not [name for name in archive.namelist() if ".data/" in name]
        archive.extractall(site)
    link_what_it_asks_for(wheel, site)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}

    done = run_child([place / "bin/python", "-c", FLY], cwd=home, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    where, *ended = done.stdout.splitlines()
    assert where.startswith(str(place))
    assert json.loads((home / "out/report.json").read_text())["frames"] == 1
    assert ended[-2:] == ["edge info: 0", "edge-export onnx: 2"]
    assert any("Person" in line for line in ended)
    assert "pip install 'thermal-edge[export]'" in done.stderr
