"""An archive's run whose one worker is this process: no time passes, and nothing of Dask is in it."""

from __future__ import annotations

from pathlib import Path

from edge.archive.claims import take_away
from edge.archive.drive import Drive, Tally
from edge.archive.job import Job, folder_of, read_job
from edge.archive.manifest import Manifest
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.archive.work import Outcome, Places, detect
from tests.edge.archive.flights import null_job
from tests.faults.archive.row import UNITS, job_folder, results, tidy


class Here:
    """A pool of one worker; its clock goes on by as long as is waited where nothing comes."""

    def __init__(self, job: Job, folder: Path) -> None:
        self._job, self._folder = job, folder
        self._waiting: list[Unit] = []
        self.now = 0.0

    def submit(self, unit: Unit) -> None:
        self._waiting.append(unit)

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        self.now += wait_s
        if not self._waiting:
            return None
        unit = self._waiting.pop(0)
        return unit, detect(self._job, self._folder, unit)

    def slots(self) -> int:
        return 2


def run_here(archive: Path, job: Job | None = None) -> Tally:
    """What `edge archive run` does."""
    job = job or null_job()
    pool = Here(job, folder_of(archive, job))
    return Drive(Manifest(archive).units(), folder_of(archive, job), pool, clock=lambda: pool.now).run()


def then(archive: Path, retry: bool = False) -> str:
    """The fault is over, and the same command runs again: what it did. Every unit has its result then, once."""
    folder = job_folder(archive)
    for unit in Manifest(archive).units():
        places = Places.of(folder, unit.sha256)
        if retry and (tries := Tries(places.tries)).over:
            tries.again()
        take_away(places.claim)
    before = results(archive)
    tally = run_here(archive, read_job(folder))
    assert (tally.there + tally.done, tally.given_up) == (tally.units, 0), tally
    assert tally.there >= before - (UNITS - tally.units)
    tidy(archive)
    return f"{tally.done} done, {tally.there} before"


def named(tally: Tally) -> str:
    """What the command says of the unit that it left."""
    ((unit, why),) = tally.left
    return f"{unit.name}: {why}"
