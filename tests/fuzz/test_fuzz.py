"""Every reader of bytes from outside: the cases that once failed, the good files, and a few nearly good ones.

`make fuzz` runs thousands of them, each watched for time, memory and what it writes: see docs/testing.md.
"""

from __future__ import annotations

import importlib.util
import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fuzz.folder import CaseFolder
from tests.fuzz.mutate import mutated
from tests.fuzz.target import KEPT, Target
from tests.fuzz.targets import TARGETS

FEW = 10
FEW_OF = {"checkpoint": 6}  # each of them builds a detector
FEW_OF |= dict.fromkeys(
    ("unit-detections", "unit-tracks", "unit-report", "unit-counts"), 5
)  # counts a flight's animals


def act(target: Target, folder: CaseFolder, data: bytes) -> None:
    with suppress(*target.raises):
        target.act(folder.ready(), data)


def available(target: Target) -> Target:
    for name in target.needs:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs the package {name}")
    return target


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_nearly_good_files_are_read_or_refused(target: Target, tmp_path: Path) -> None:
    seeds, folder = available(target).seeds(), CaseFolder(tmp_path / "case", target.beside())
    for number in range(len(seeds) + FEW_OF.get(target.name, FEW)):
        act(target, folder, target.case(seeds, 0, number))


@pytest.mark.parametrize("target", [t for t in TARGETS if t.kept()], ids=lambda t: t.name)
def test_what_once_failed(target: Target, tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path / "case", available(target).beside())
    for file in target.kept():
        act(target, folder, file.read_bytes())


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_one_of_the_seeds_is_accepted(target: Target, tmp_path: Path) -> None:
    """Else the cases would never reach what is behind the first check."""
    if target.name == "other-stills":
        pytest.skip("these are named: refused at their end")
    errors, folder = [], CaseFolder(tmp_path / "case", available(target).beside())
    for data in target.seeds().values():
        try:
            target.act(folder.ready(), data)
            return
        except target.raises as error:
            errors.append(str(error))
    pytest.fail("\n".join(errors))


def test_names_are_given_once_and_kept_files_have_a_target() -> None:
    names = [target.name for target in TARGETS]
    assert len(set(names)) == len(names)
    kept = {folder.name for folder in KEPT.iterdir()} if KEPT.is_dir() else set()
    assert kept <= set(names)


@pytest.mark.parametrize("kind", ["bytes", "text", "json", "lines", "gzip"])
def test_the_same_seed_gives_the_same_case(kind: str) -> None:
    data = b'{"a": [1, 2.5, "x"]}\n' * (1 if kind == "json" else 3)
    cases = [mutated(data, random.Random(n), (b"other",), kind) for n in range(40)]
    assert cases == [mutated(data, random.Random(n), (b"other",), kind) for n in range(40)]
    assert len(set(cases)) > 25
