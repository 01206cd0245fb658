"""The folder of each flight's results, made once: a merge that was cut off goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.app.output import REPORT
from edge.app.review.store import FILE as REVIEW
from edge.archive.merge.facts import counts_of, report_of
from edge.archive.merge.join import join_units, linked
from edge.archive.merge.parts import Parts
from edge.errors import SinkError
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.declared import decoded
from edge.system.files import read_limited, reason_of, write_whole

NAME = "merged.json"
MAX_JSON = 64 << 20


class Made(Struct, frozen=True):
    """``merged.json``, written last: whose results of which units are here; ``of``: how many the flight has."""

    job: str
    units: tuple[str, ...]
    of: int


def flight_folder(parts: Parts, job: str, flights: Path) -> Path:
    """The folder of one flight below ``flights``, made anew only where other units have a result now.

    Of a flight of one unit it holds the files of its result as they are. A folder that somebody reviewed is not thrown
    away: it is moved aside. Raises InputError where units do not belong together, SinkError where it cannot be written.
    """
    out = flights / parts.name
    made = Made(job, tuple(unit.sha256 for unit, _ in parts.there), len(parts.units))
    try:
        if _made(out) == made:
            return out
        flights.mkdir(parents=True, exist_ok=True)
        if (out / REVIEW).exists():
            number = next(n for n in range(1, 1_000_000) if not (flights / f"{out.name}.before-{n}").exists())
            out.rename(flights / f"{out.name}.before-{number}")
        results = [result for _, result in parts.there]
        if len(parts.units) == 1:
            _link(results[0], out)
        else:
            join_units(results, out)
            report = report_of(results, parts.flight, len(parts.units))
            write_whole(out / REPORT, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
            write_whole(out / COUNTS, msgspec.json.encode(counts_of(out, results)) + b"\n")
        write_whole(out / NAME, msgspec.json.encode(made) + b"\n")
    except OSError as error:
        raise SinkError(f"{out}: {reason_of(error)}: free some space, or give --out FOLDER") from None
    return out


def _made(out: Path) -> Made | None:
    try:
        return decoded(read_limited(out / NAME, MAX_JSON), Made)
    except (OSError, ValueError):
        return None


def _link(result: Path, out: Path) -> None:
    """The files of a result under another folder's name. Raises OSError."""
    work = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    try:
        for folder, _, names in os.walk(result):
            to = work / Path(folder).relative_to(result)
            to.mkdir()
            for name in names:
                linked(Path(folder) / name, to / name)
        shutil.rmtree(out, ignore_errors=True)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
