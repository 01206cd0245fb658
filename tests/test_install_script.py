"""install.sh with a stand-in for Python: what it refuses, what it calls, and that it may be run again. Containers."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "install.sh"
CONTAINERS = sorted((ROOT / "containers").iterdir())
# a Python whose venv is made of itself; it notes each call, and what thermal-edge needs is asked of it
PYTHON = """#!/bin/sh
echo "$@" >>"$LOG"
case "$*" in
*version_info*) exit "${OLD:-0}" ;;
--version) echo "Python 3.10.12" ;;
*"-m venv"*)
    for prefix; do :; done
    mkdir -p "$prefix/bin" && cp "$0" "$prefix/bin/python"
    printf '#!/bin/sh\\necho thermal-edge 0.1.0\\n' >"$prefix/bin/edge" && chmod +x "$prefix/bin/edge" ;;
*"pip "*"$BROKEN"*) exit 1 ;;
esac
"""


def install(tmp_path: Path, *words: str, check: int = 0, **environment: str) -> tuple[str, list[str]]:
    """What it said, and the calls of Python."""
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    log = tmp_path / "log"
    log.write_text("")
    done = run_child(
        [SCRIPT, "--prefix", tmp_path / "opt", "--python", python, "--no-jetson", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "LOG": str(log), "BROKEN": "nothing", **environment},
    )
    assert done.returncode == check, done.stdout
    return done.stdout, log.read_text().splitlines()


def test_it_makes_an_environment_and_may_be_run_again(tmp_path: Path) -> None:
    said, calls = install(tmp_path)
    assert f"make the environment {tmp_path}/opt with Python 3.10.12\n" in said
    assert f"done: thermal-edge 0.1.0 in {tmp_path}/opt; next: {tmp_path}/opt/bin/edge doctor" in said
    assert f"-m venv --clear {tmp_path}/opt" in calls
    pips = [call for call in calls if "-m pip" in call]
    assert [("--no-deps" in call, "--requirement" in call) for call in pips] == [(True, False), (False, True)]
    said, calls = install(tmp_path)
    assert "is there: it is brought up to date" in said
    assert not [call for call in calls if "-m venv" in call]


def test_on_a_jetson_the_systems_packages_are_seen(tmp_path: Path) -> None:
    _, calls = install(tmp_path, "--jetson")
    assert f"-m venv --clear --system-site-packages {tmp_path}/opt" in calls


def test_a_wheel_and_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_text("")
    (tmp_path / "links").mkdir()
    said, calls = install(tmp_path, "--wheel", str(tmp_path / "a.whl"), "--link", str(tmp_path / "links"))
    assert any(call.endswith(f"--no-deps {tmp_path}/a.whl") for call in calls)
    assert os.readlink(tmp_path / "links/edge") == f"{tmp_path}/opt/bin/edge"
    (tmp_path / "links/edge").unlink()
    (tmp_path / "links/edge").write_text("another")
    said, _ = install(tmp_path, "--link", str(tmp_path / "links"))
    assert "another program: it is left as it is" in said
    assert (tmp_path / "links/edge").read_text() == "another"


def test_what_it_did_not_make_is_left(tmp_path: Path) -> None:
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/mine").write_text("")
    said, calls = install(tmp_path, check=2)
    assert "install.sh did not make it: move it away" in said
    assert os.listdir(tmp_path / "opt") == ["mine"]
    assert not [call for call in calls if "venv --" in call]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preffix", "/x"], "--preffix is unknown"),
        (["--prefix"], "--prefix needs a value"),
        (["--prefix", "here"], "expected a path from / on"),
        (["--wheel", "/no/such.whl"], "there is no such file"),
        (["--python", "/no/such/python"], "is not there: give --python"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, words: list[str], told: str) -> None:
    said, _ = install(tmp_path, *words, check=2)
    assert told in said
    assert not (tmp_path / "opt").exists()


def test_an_old_python_and_a_pip_that_fails(tmp_path: Path) -> None:
    said, _ = install(tmp_path, check=2, OLD="1")
    assert "is too old: give --python, 3.10 or newer" in said
    said, _ = install(tmp_path, check=1, BROKEN="--requirement")
    assert "pip failed: see above, then run it again" in said
    assert "done:" not in said
    install(tmp_path)  # and then it goes on


# ---- containers


@pytest.mark.parametrize("file", CONTAINERS, ids=lambda file: file.name)
def test_a_container_is_made_by_the_script_and_runs_as_nobody_special(file: Path) -> None:
    text = re.sub(r"\\\n\s*", "", file.read_text())
    steps = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    assert [step for step, _ in steps] == [
        "FROM", "RUN", "COPY", "RUN", "RUN", "USER", "WORKDIR", "VOLUME", "ENTRYPOINT", "CMD",
    ]  # fmt: skip
    said = dict(steps)
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", said["FROM"])
    assert f"`{said['FROM']}`" in (ROOT / "docs/service.md").read_text()
    assert f"`containers/{file.name}`" in (ROOT / "docs/service.md").read_text()
    flag = "--no-jetson" if file.stem == "x86" else "--jetson"
    assert any(what.startswith(f"/tmp/thermal-edge/install.sh {flag} ") for _, what in steps)
    assert said["USER"] == "2000"
    assert "useradd --uid 2000 " in text


def test_a_container_gets_what_the_script_takes() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.search(r"for name in (.*); do", SCRIPT.read_text())
    assert copied is not None
    assert let_in == {*copied[1].split(), "install.sh"}
    assert all((ROOT / name).exists() for name in let_in)
