"""requirements/*.txt: every package by version and hash, as constraints.txt and pyproject.toml want them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.release import notices, pins
from tests.release.checks import package_name

ROOT = Path(__file__).resolve().parents[1]
HASH = f"    --hash=sha256:{'0' * 64}"


def project() -> dict[str, Any]:
    pytest.importorskip("tomllib", reason="needs Python 3.11")
    return notices.project_table()


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, list[str]]]:
    """Versions by package, by file."""
    return {path.name: pins.pinned(path.read_text()) for path in sorted(pins.FOLDER.glob("*.txt"))}


def test_every_package_that_is_asked_for_is_pinned(files: dict[str, dict[str, list[str]]]) -> None:
    expected = pins.inputs(project())
    assert set(files) == set(expected)
    for name, (oldest, lines) in expected.items():
        needed = [
            one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate({"python_version": oldest})
        ]
        assert {package_name(one.name) for one in needed} <= set(files[name]), f"make pins: {name}"


def test_torch_is_in_none(files: dict[str, dict[str, list[str]]]) -> None:
    """Mirrors have builds of their own, with other hashes."""
    for found in files.values():
        assert not [name for name in found if name.startswith(("torch", "nvidia"))]


def test_versions_are_those_of_the_constraints(files: dict[str, dict[str, list[str]]]) -> None:
    text = (ROOT / "constraints.txt").read_text()
    versions = {package_name(line): line.partition("==")[2] for line in text.splitlines() if "==" in line}
    for file, found in files.items():
        others = {name: lines for name, lines in found.items() if name in versions and versions[name] not in lines}
        assert not others, f"make pins: {file}"
        if file != "demo.txt":  # which is for Python 3.10, too
            assert [name for name, lines in found.items() if len(lines) > 1] == []


def test_the_makefile_installs_the_same_extras() -> None:
    extras = re.search(r"^OF_TESTS := \.\[(.*)\]$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert extras is not None
    assert tuple(extras[1].split(",")) == pins.EXTRAS
    alone = re.search(r"--no-deps (attrs .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert alone is not None
    assert tuple(alone[1].split()) == pins.ALONE


def test_what_has_no_hash_is_found() -> None:
    text = f"# a word\na==1 ; python_version < '3' \\\n{HASH}\nb.c==2 \\\n{HASH} \\\n{HASH}\na==3 \\\n{HASH}\n"
    assert pins.pinned(text) == {"a": ["1", "3"], "b-c": ["2"]}
    with pytest.raises(ValueError, match="d 4 has no hash: make pins"):
        pins.pinned(f"{text}d==4\ne==5 \\\n{HASH}\n")


def test_constraints_bind_from_python_3_11_on() -> None:
    assert pins.constraints("# a word\na==1\n\nb==2\n") == (
        "a==1 ; python_version >= '3.11'\nb==2 ; python_version >= '3.11'\n"
    )
