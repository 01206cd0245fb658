"""The table, as a part of docs/archive.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.faults.archive.inside import STILL_S
from tests.faults.archive.row import UNITS, Row, Seen, as_cells
from tests.support.page_part import part_of, put_part

HEADING = "Faults of an archive"
HEAD = f"""\
Written by `make test-faults`. Each fault happens to an archive of {UNITS} flights of one still each, with the engine
that computes nothing. From the first row of SIGKILL on it is the real command with two workers, processes of this
machine, or a scheduler and two workers beside it; above that row the one worker is in the test's own process, and the
rest is what the command runs. A row holds where the exit code, every result, the number of tries of each unit and what
is left in `claims/` and `work/` are as expected, and where the same command does the rest, each unit once. A unit that
does not return has {STILL_S:g} s here instead of 15 minutes, and a worker that is not heard 20 s instead of Dask's five
minutes.

| fault | exit code | what the user sees | what is kept | the same command, when the fault is over |
|---|---|---|---|---|"""


def written_into(page: Path, done: Iterable[tuple[Row, Seen]], order: Iterable[Row]) -> None:
    """Put these rows into the table of ``page``; those of the table that did not happen now stay, in ``order``."""
    before = [line for line in part_of(page, HEADING).splitlines() if line.startswith("| ")][1:]
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in before}
    lines |= {row.fault: as_cells(row, seen) for row, seen in done}
    put_part(page, HEADING, "\n".join([HEAD, *(lines[row.fault] for row in order if row.fault in lines)]))
