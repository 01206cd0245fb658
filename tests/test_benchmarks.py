"""benchmarks/: every program stands in its README by folder, and runs from a checkout of any place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
README = (HERE / "README.md").read_text()
FOLDERS = sorted(path.name for path in HERE.iterdir() if path.is_dir() and (path / "__init__.py").exists())
# a folder that runs as one program: python -m benchmarks.FOLDER
PROGRAMS = {name for name in FOLDERS if (HERE / name / "__main__.py").exists()}
SCRIPTS = [path for name in FOLDERS if name not in PROGRAMS for path in sorted((HERE / name).glob("[!_]*.py"))]


def test_the_folders_are_found() -> None:
    assert set(FOLDERS) - PROGRAMS == {"accuracy", "exported", "ground", "speed"}
    assert sorted(path.name for path in HERE.glob("*.py")) == ["command.py", "figures.py"]


def test_the_readme_names_what_is_there_and_nothing_else() -> None:
    shown = dict(re.findall(r"^\| \[(\w+)/\]\(\1\) \| prints \|\n\|---\|---\|\n((?:\|.*\n)*)", README, re.MULTILINE))
    assert set(shown) == set(FOLDERS) - PROGRAMS
    for folder, table in shown.items():
        there = {path.name for path in SCRIPTS if path.parent.name == folder}
        assert set(re.findall(r"`(\w+\.py)`", table)) == there
    assert set(re.findall(r"\[(\w+)/\]", README)) == {*FOLDERS, "results"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_docstring_says_how_its_file_is_run(path: Path) -> None:
    text = path.read_text()
    own = path.relative_to(ROOT).as_posix()
    assert set(re.findall(r"python (benchmarks/[\w/]+\.py)", text)) <= {own}
    assert ("__main__" in text) == (f"python {own}" in text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_file_that_looks_for_the_checkout_looks_three_folders_up(path: Path) -> None:
    up = {int(n) for n in re.findall(r"__file__\)\.resolve\(\)\.parents\[(\d)\]", path.read_text())}
    assert up <= {2, 3}  # 3: the folder beside the checkout
    if "sys.path.insert" in path.read_text():
        assert "sys.path.insert(0, str(Path(__file__).resolve().parents[2]))" in path.read_text()
