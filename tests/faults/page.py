"""The table, for a terminal and as the first part of docs/faults.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.faults.row import Row, Seen
from tests.support.page_part import part_of, put_part

HEADING = "Faults of a flight"
COLUMNS = "| fault | exit code | what the user sees | what is kept | time, budget | before |"
PLACE = re.compile(r"/\S*/edge-faults-\w+/[\w-]+/")  # a folder of this run, which nobody will find again
HEAD = f"""\
Written by `make test-faults`. Each fault happens to the real command, `edge run` (or to what it has left), in a
process of its own: with the null engine, or with a detector that finds four bodies in each frame where tracks
matter; a simulated camera, or OpenCV's V4L2 class replaced by one that fails. A row holds where exit code,
line, files and time are as expected: all lines of `detections.jsonl` are whole and in order, each JSON file is
whole or not there, the recording can be read. The budget is for the slowest flight of a row, on a machine that
is busy. *Before*: whether the row held when it was first flown, or how it failed, and what was changed.

Disks fail in a library that stands between the process and the C library (`tests/faults/disk.c`). It sees open,
write, pwrite, writev, truncate, fallocate, fsync, fdatasync, rename, link, unlink, mkdir and rmdir, of Python
and of libraries that call them by name, such as FFmpeg. It does not see what C's stdio flushes by itself,
system calls without the C library, mapped memory, sendfile and copy_file_range. "At each call": of the calls
that a short flight makes one fails, a flight for each of them, or for 40 spread over them; "from a call on"
likewise. After a power cut the disk has what was synced, data with its file and names with their folder, as
POSIX promises; in the second and third of these rows also a part, by chance, of what came later, names in their
order, the last write cut off or full of zeros. No real disk was cut off, and no board.

{COLUMNS}
|---|---|---|---|---|---|"""


def as_line(row: Row, seen: Seen) -> str:
    """A row, and what does not hold, a line each."""
    if seen.skipped:
        return f"skipped  {row.fault}: {seen.skipped}"
    mark = "FAILS" if seen.wrong else "holds"
    lines = [
        f"{mark}    {row.fault}: exit {exits(seen)}; {seen.said or 'nothing'}; kept: {seen.kept}; {took(row, seen)}"
    ]
    return "\n".join([*lines, *(f"           {wrong}" for wrong in seen.wrong[:20])])


def exits(seen: Seen) -> str:
    """Exit codes of a row's flights, in words."""
    return " or ".join(sorted({"none" if code is None else str(code) for code in seen.exits}))


def took(row: Row, seen: Seen) -> str:
    """Of the slowest flight."""
    return f"{seen.took_s:.1f} of {row.budget_s:g} s"


def written_into(page: Path, done: Iterable[tuple[Row, Seen]], order: Iterable[Row]) -> None:
    """Put these rows into the table of ``page``; those of the table that were not flown now stay, in ``order``."""
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in _table(part_of(page, HEADING))}
    for row, seen in done:
        if not seen.skipped:
            cells = (row.fault, exits(seen), seen.said or "nothing", seen.kept, took(row, seen), row.history)
            said = " DOES NOT HOLD: " + "; ".join(seen.wrong[:3]) if seen.wrong else ""
            lines[row.fault] = "| " + " | ".join(map(_cell, (*cells[:-1], cells[-1] + said))) + " |"
    table = [lines[row.fault] for row in order if row.fault in lines]
    put_part(page, HEADING, "\n".join([HEAD, *table]))


def _table(part: str) -> list[str]:
    rows = [line for line in part.splitlines() if line.startswith("| ")]
    return rows[1:]  # without the names of the columns


def _cell(text: str) -> str:
    return " ".join(PLACE.sub("", text).replace("|", "/").replace("<", "&lt;").split())
