"""Rows: the wall clock jumps; two runs want the same folder."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

from tests.faults.row import Field, Row, Seen
from tests.faults.words import LIVE, run

YEAR_S = 365.25 * 86400


def clock_jumps(years: int) -> Callable[[Field], Seen]:
    """In flight, by so many years."""

    def fly(field: Field) -> Seen:
        seen = Seen(skipped=field.hangar.no_disk)
        if seen.skipped:
            return seen
        out = Path(field.hangar.place("clock"), "out")
        words = run(field, LIVE, out, "--record", "--csv", "--seconds", "9", finds=True)
        # late: on a busy machine a flight needs seconds before its first look at the clock
        ended = field.hangar.fly(words, out, 60, clock=(years * YEAR_S, 6.0))
        seen.ended(ended, (0,), "the machine's clock jumped by")
        found = seen.left(out)
        report = found.report or {}
        seen.require(0 < report.get("seconds", -1) < 60, f"the report says {report.get('seconds')} s")
        seen.require(0 < (report.get("fps") or 0) < 30, f"the report says {report.get('fps')} frames/s")
        seen.require((report.get("clock") or {}).get("jumps") == 1, f"clock in the report: {report.get('clock')}")
        times = [line.t for line in found.lines]
        seen.require(times == sorted(times), "times of frames go back")
        jumps = [json.loads(line)["jump_s"] for line in (out / "clock.jsonl").read_text().splitlines()]
        seen.require(any(jump and abs(jump - years * YEAR_S) < 1 for jump in jumps), f"clock.jsonl says {jumps}")
        return seen

    return fly


def same_folder(field: Field) -> Seen:
    seen = Seen()
    out = Path(field.hangar.place("folder"), "out")
    flight = field.hangar.start(run(field, LIVE, out, "--record"), out)
    seen.require(flight.until(lambda: flight.lines() > 3), "the first one gives no lines")
    ended = field.hangar.fly(run(field, LIVE, out, "--record"), out, 60)
    seen.ended(ended, (2,), "another run is writing to the output folder")
    before = flight.lines()
    seen.require(flight.until(lambda: flight.lines() > before), "the first one writes no more")
    flight.send(signal.SIGTERM)
    seen.ended(flight.end(60), (0,))
    found = seen.left(out)
    seen.require(len(found.lines) == (found.report or {}).get("frames"), "lines of the first one are missing")
    seen.require(not list(out.glob("earlier-*")), "files of the first one were moved")
    return seen


def same_mission(field: Field) -> Seen:
    """One mission, started twice in the same second."""
    seen = Seen()
    place = field.hangar.place("mission")
    mission = place / "north.toml"
    mission.write_text(
        f'name = "north"\n\n[camera]\nsource = "{LIVE}"\n\n[model]\nbundle = "{field.bundle}"\nbackend = "null"\n\n'
        '[outputs]\nfolder = "flights/{date}-{time}"\n'
    )
    words = ["run", "--mission", str(mission), "--seconds", "2"]
    flights = [field.hangar.start(words, place / "flights") for _ in range(2)]
    for flight in flights:
        seen.ended(flight.end(60), (0,), "time limit")
    folders = sorted((place / "flights").iterdir()) if (place / "flights").exists() else []
    seen.require(len(folders) == 2, f"{len(folders)} folders")
    for folder in folders:
        found = seen.left(folder)
        seen.require(bool(found.report and found.lines), f"nothing in {folder.name}")
    seen.kept = "a folder each: " + seen.kept
    return seen


BUDGET_S = 30.0
CLOCK = 'failed: "seconds": -7188 in a report; times of a run are of the monotonic clock, and a jump is told'
PROCESSES = [
    Row("wall clock jumps 30 years ahead", clock_jumps(30), BUDGET_S, CLOCK),
    Row("wall clock jumps 30 years back", clock_jumps(-30), BUDGET_S, CLOCK),
    Row(
        "two runs into one folder",
        same_folder,
        BUDGET_S,
        "failed: they mixed, and deleted each other's recordings; the folder is locked",
    ),
    Row(
        "one mission started twice in a second",
        same_mission,
        BUDGET_S,
        "failed: the second was refused, exit code 2, after which no service starts it again; it takes the next folder",
    ),
]
