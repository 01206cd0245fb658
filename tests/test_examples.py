"""The programs that the pages show run as they stand, and the pages show them as they are."""

from __future__ import annotations

import ast
import csv
import inspect
import json
import os
import re
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge
import edge.camera.open as sources
import export
from edge.commands.main import main
from edge.engine.select import BACKENDS
from edge.sinks.open import SINKS
from tests.support.children import run_child
from tests.support.examples import EXAMPLES, datagram, example
from tests.support.house import arrows, upward
from tests.test_house import ROOMS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern))
# as tests/conftest.py says it, with nothing else of that
BUSY = """
from hypothesis import settings
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
"""
SIM = "sim:live=0,width=80,height=64,frames=3"
# a block of Python or of a patch, with what stands behind the language: ```python title="docs/examples/sink.py"
A_PROGRAM = re.compile(r"^```(python|diff)[ \t]*([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def programs(page: str) -> list[tuple[str, str]]:
    """The programs of a page: the file that each is said to be, or "", and the text."""
    found = A_PROGRAM.findall((ROOT / page).read_text())
    return [(match[1] if (match := re.search(r'title="([^"]+)"', more)) else "", text) for _, more, text in found]


def snippets() -> dict[str, str]:
    """Every program of a page that is no part of a file of docs/examples, and the one that the package opens with."""
    files = [path.read_text() for path in EXAMPLES.glob("*.py")]
    docstring = (edge.__doc__ or "").partition("\n\n")[2]
    found = {
        f"{page} {i}": text
        for page in PAGES
        for i, (file, text) in enumerate(programs(page))
        if not file and not any(f"\n{text}" in whole for whole in files)
    }
    return {**found, "edge/__init__.py": docstring}


def calls(path: Path, name: str) -> inspect.Signature:
    """How a function may be called, by the text of its file: nothing heavy is imported."""
    tree = ast.parse(path.read_text())
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    empty = ast.FunctionDef(name, found.args, [ast.Pass()], [], None, lineno=1, col_offset=0)
    found.args.defaults = [ast.Constant(None) for _ in found.args.defaults]
    found.args.kw_defaults = [default and ast.Constant(None) for default in found.args.kw_defaults]
    for argument in (*found.args.posonlyargs, *found.args.args, *found.args.kwonlyargs):
        argument.annotation = None
    space: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([empty], [])), str(path), "exec"), space)
    return inspect.signature(space[name])


@pytest.mark.parametrize("where", snippets())
def test_snippets(
    where: str, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a page shows looks at a camera and prints a line for each result, its number first; or reads what a run left
    in ``flight``; or exports a model, here only by the look of it. Other programs belong into docs/examples, with a
    test of their own.
    """
    text, exported = snippets()[where], []
    camera, engine = edge.open_camera, edge.open_engine

    def export_bundle(*words: Any, **more: Any) -> None:
        exported.append(calls(ROOT / "export/graph/bundle.py", "export_bundle").bind(*words, **more))

    monkeypatch.chdir(tmp_path)
    if "flight/" in text:
        source = SIM.replace("live=0", "live=1") if "clock.jsonl" in text else SIM
        words = ["--source", source, "--model", str(tiny_bundle), "--threshold", "0", "--out", "flight", "--quiet"]
        assert main(["run", *words]) == 0
    monkeypatch.setattr(edge, "open_camera", lambda _: camera(SIM))
    monkeypatch.setattr(edge, "open_engine", lambda _: engine(tiny_bundle, "ort"))
    monkeypatch.setitem(vars(export), "export_bundle", export_bundle)  # setattr would first ask, and load torch
    before = set(tmp_path.rglob("*"))
    exec(text, {"model": object()})
    said = capsys.readouterr().out
    if "open_camera" in text:
        assert [line.split()[0] for line in said.splitlines()] == ["0", "1", "2"]
    assert exported or said or any(path.stat().st_size > 100 for path in set(tmp_path.rglob("*")) - before)


@pytest.mark.parametrize(("page", "file"), [(page, file) for page in PAGES for file, _ in programs(page) if file])
def test_a_page_shows_an_example_as_it_is(page: str, file: str) -> None:
    assert (ROOT / file).parent == EXAMPLES
    assert dict(programs(page))[file] == (ROOT / file).read_text()


def test_every_example_is_run_by_a_test() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    names = [path.name for path in EXAMPLES.iterdir() if path.is_file()]
    assert len(names) >= 5
    assert [name for name in names if name not in text and f'example("{name.partition(".")[0]}")' not in text] == []


def test_embedding(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = EXAMPLES / "embedding.py"
    assert len(path.read_text().splitlines()) < 30
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path), str(tiny_bundle), "8"])
    names = runpy.run_path(str(path))
    report = names["report"]
    assert (report["ended"], report["frames"], report["camera"]) == ("frame limit", 8, "my driver")
    assert report["sinks"]["mine"] == {"file": None, "written": 8, "skipped": 0, "error": None}
    assert report == json.loads((tmp_path / "report.json").read_text())
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 8
    assert re.fullmatch(r"\d+ \[.*\] \d+ ms", said[0])


# ---- docs/extending.md: each as one file and one row; the contract tests hold them too ----


def test_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("camera")
    monkeypatch.setitem(sys.modules, "edge.camera.counts", module)
    row = sources.Kind(("counts:",), "edge.camera.counts", "counts:PORT?width=W&height=H")
    monkeypatch.setattr(sources, "KINDS", (*sources.KINDS, row))
    with edge.open_camera("counts:0?width=6&height=4", reconnect_s=0) as camera:
        assert (camera.live, camera.description) == (True, "counts:0, 6x4 16-bit raw counts over UDP")
        inner = camera._camera  # type: ignore[attr-defined]
        with module.socket.socket(module.socket.AF_INET, module.socket.SOCK_DGRAM) as sender:
            port = inner._socket.getsockname()
            for seq in (7, 300):
                sender.sendto(datagram(seq), port)
                frame = camera.read()
                assert frame is not None
                assert (frame.seq, str(frame.pixels.dtype), frame.pixels.shape) == (seq, "uint16", (4, 6))
                assert (frame.pixels == frame.pixels[0, 0]).all()
                assert seq <= frame.pixels[0, 0] < seq + 200
            sender.sendto(b"short", port)
            with pytest.raises(edge.CameraError, match="5 bytes came, expected 52$"):
                camera.read()
    for wrong, why in (
        ("counts:", "port ''; expected 0 to 65535"),
        ("counts:65536", "port '65536'; expected 0 to 65535"),
        ("counts:1" + "0" * 5000, "expected 0 to 65535, as in counts:5600"),
        ("counts:0?width=6&heigth=4", "is height meant"),
        ("counts:0?width=640&height=512", "640x512; expected up to 32751 pixels"),
        ("counts:0?width=wide", "width='wide'; expected pixels, such as 160"),
    ):
        with pytest.raises(edge.SourceError, match=why):
            edge.open_camera(wrong)


def test_a_camera_whose_port_is_taken_says_so() -> None:
    module = example("camera")
    with module.CountsOverUdp(0, 6, 4) as camera:
        port = camera._socket.getsockname()[1]
        with pytest.raises(edge.SourceError, match=f"port {port}: .*; give one that is free"):
            module.CountsOverUdp(port, 6, 4)


def test_sink(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "edge.sinks.boxes", example("sink"))
    monkeypatch.setitem(SINKS, "boxes", "edge.sinks.boxes")
    source = "sim:live=0,width=80,height=64,frames=4"
    words = ["run", "--source", source, "--model", str(tiny_bundle), "--out", str(tmp_path), "--boxes", "--quiet"]
    assert main([*words, "--threshold", "0.1"]) == 0
    rows = list(csv.DictReader((tmp_path / "found.csv").read_text().splitlines()))
    lines = [json.loads(line) for line in (tmp_path / "detections.jsonl").read_text().splitlines()[1:]]
    found = [(line["seq"], item) for line in lines for item in line["detections"]]
    assert len(rows) == len(found) > 0
    for row, (seq, item) in zip(rows, found, strict=True):
        assert (int(row["seq"]), row["class"], float(row["score"])) == (seq, item["class"], item["score"])
        assert [float(row[name]) for name in ("x1", "y1", "x2", "y2")] == item["box"]


def test_engine(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "edge.engine.spots", example("engine"))
    monkeypatch.setitem(BACKENDS, "spots", "edge.engine.spots")
    image = np.full((64, 80), 50, np.uint8)
    image[10:14, 20:26] = 255
    image[40:44, 60:64] = 255
    image[40, 60] = 0  # this one fills 15 of 16 pixels of its box
    image[0, 0:3] = 255  # this one is too small
    with edge.open_engine(tiny_bundle, "spots") as engine:
        raw = engine.infer(image)
    assert raw.boxes[:3].tolist() == [[20, 10, 26, 14], [60, 40, 64, 44], [0, 0, 0, 0]]
    assert raw.scores[:3].tolist() == [1.0, 15 / 16, 0.0]
    cv2.imwrite(str(tmp_path / "a.png"), image)
    words = ["run", "--source", str(tmp_path / "a.png"), "--model", str(tiny_bundle), "--out", str(tmp_path / "out")]
    assert main([*words, "--backend", "spots", "--quiet"]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert (report["backend"], report["detections"]) == ("spots", {"Person": 2})


@pytest.mark.parametrize(
    ("name", "place"),
    [("camera", "edge/camera/counts.py"), ("sink", "edge/sinks/boxes.py"), ("engine", "edge/engine/spots.py")],
)
def test_a_part_copied_to_its_place_keeps_the_house(name: str, place: str, tmp_path: Path) -> None:
    """In the package nobody imports the whole of it, and imports point down: the example is written so."""
    assert f"for the file `{place}`" in (ROOT / "docs/extending.md").read_text()
    (tmp_path / place).parent.mkdir(parents=True)
    shutil.copy(EXAMPLES / f"{name}.py", tmp_path / place)
    found = arrows(tmp_path, ("edge",))
    assert len([arrow for arrow in found if arrow.imported.startswith("edge.")]) >= 3
    assert [str(arrow) for arrow in found if arrow.imported == "edge"] == []
    assert upward(found, ROOMS["edge"], "edge") == []


def test_normaliser(tmp_path: Path) -> None:
    """The patch applies to the package as it is, and the tests that it extends pass."""
    if shutil.which("git") is None:
        pytest.skip("needs git, to apply a patch")
    patch = EXAMPLES / "normaliser.patch"
    changed = set(re.findall(r"^--- a/(.+)$", patch.read_text(), re.MULTILINE))
    assert changed
    # what it changes is a copy; all else, also what is compiled, is a link
    leave_out = shutil.ignore_patterns("models")
    shutil.copytree(ROOT / "edge", tmp_path / "edge", ignore=leave_out, copy_function=os.symlink)
    for name in changed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).unlink(missing_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "edge/__init__.py").unlink()
    (tmp_path / "edge/__init__.py").touch()  # it would load every room
    (tmp_path / "conftest.py").write_text(BUSY)
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run_child(["git", "apply", patch], cwd=tmp_path, check=True, env=environment)
    shutil.copy(ROOT / "tests/edge/thermal/test_spec.py", tmp_path / "tests/edge/thermal")
    which = ["-k", "centred or would_not_do", "-W", "error", "-p", "no:cacheprovider"]
    tests = ["tests/edge/thermal/test_normalise.py", "tests/edge/thermal/test_spec.py", *which]
    command = [sys.executable, "-m", "pytest", *tests]
    done = run_child(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 32  # a golden value, even frames of four counts and shapes, strides; names of methods
