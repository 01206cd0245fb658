"""One row: a fault of an archive, how it is made to happen, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge.archive.job import jobs_of
from edge.archive.manifest import Manifest
from edge.archive.plan import plan
from edge.archive.tries import Tries
from edge.archive.work import Places
from tests.edge.archive.flights import still

UNITS = 6
ROOT = Path(__file__).resolve().parents[3]
PLACE = re.compile(
    rf"{re.escape(str(ROOT))}/|/\S*?/(?=data/|archive/jobs|archive\b(?!/))"
)  # folders that nobody will find again
NUMBERS = re.compile(r"tcp://[\d.:]+|(?<=-)[0-9a-f]{12}\b|\b[0-9a-f]{64}\b")  # others the next time


class Seen(NamedTuple):
    """``exits``: of the command; ``said``: what the user reads; ``kept``: what is there; ``then``: what the same
    command did when the fault was over.
    """

    exits: str
    said: str
    kept: str
    then: str


@dataclass(frozen=True)
class Row:
    """``happen``: in an empty folder; raises AssertionError where something is not as it should be. ``quick``: the
    worker is the process of the test, and ``make test`` has the row too.
    """

    fault: str
    happen: Callable[[Path], Seen]
    quick: bool = field(default=True, kw_only=True)


def as_cells(row: Row, seen: Seen) -> str:
    """A line of the table."""
    cells = (_short(cell) for cell in (row.fault, *seen))
    return "| " + " | ".join(" ".join(cell.replace("|", "/").replace("<", "&lt;").split()) for cell in cells) + " |"


def _short(text: str) -> str:
    return NUMBERS.sub(lambda found: "..." if "tcp" not in found[0] else "tcp://...", PLACE.sub("", text))


def planned(root: Path) -> Path:
    """An archive of `UNITS` flights below ``root/data``, each of one still."""
    for number in range(UNITS):
        (root / "data" / f"{number:02d}").mkdir(parents=True)
        still(flight(root, number), number)
    assert plan([root / "data"], root / "archive").units == UNITS
    return root / "archive"


def flight(root: Path, number: int) -> Path:
    """The still of a flight."""
    return root / "data" / f"{number:02d}" / "a.png"


def job_folder(archive: Path) -> Path:
    """Of the one job."""
    (folder,) = jobs_of(archive)
    return folder


def results(archive: Path) -> int:
    """How many there are; raises AssertionError where one is not whole."""
    there = [path for path in job_folder(archive).glob("units/*/*") if path.is_dir()]
    assert all((path / "report.json").is_file() for path in there)
    return len(there)


def kept(archive: Path) -> str:
    """Results in words."""
    return f"{results(archive)} of {UNITS} results"


def tidy(archive: Path) -> None:
    """Raises AssertionError where a claim or a half result was left behind."""
    folder = job_folder(archive)
    assert [list((folder / name).iterdir()) for name in ("claims", "work")] == [[], []]


def begun(archive: Path) -> list[int]:
    """How often each unit was."""
    folder = job_folder(archive)
    return [Tries(Places.of(folder, unit.sha256).tries).begun for unit in Manifest(archive).units()]
