"""Rows: the process is killed at a random moment, and the next flight begins in the same folder."""

from __future__ import annotations

import itertools
import json
import random
import signal
import time
from pathlib import Path

from tests.faults.flights import Flight
from tests.faults.kept import kept
from tests.faults.row import Field, Row, Seen
from tests.faults.words import LIVE, of_file, run

CHAIN = 10  # flights into one folder
MOST_S = 1.5  # a kill comes at the latest so long after the start, or after the lines that were waited for
LAST_S = 1.0  # of the flight's own time: what a kill costs at most


def kills(field: Field) -> Seen:
    """`Field.kills` kills, at moments from the start of the process on; every second one not before some lines."""
    seen, chance = Seen(), random.Random(field.seed)
    lines = recorded = replayed = 0
    for n in range(field.kills):
        if n % CHAIN == 0:
            out = Path(field.hangar.place("killed"), "out")
        flight = field.hangar.start(run(field, LIVE, out, "--record", finds=True), out, turns=True)
        if n % 2:
            least = chance.randrange(1, 30)
            came = flight.until(lambda: _is_its(flight) and flight.lines() >= least)  # noqa: B023 - it is called here
            seen.require(
                came, f"kill {n}: flight {n % CHAIN + 1} into the folder gives no lines: {flight.said()[-300:]!r}"
            )
        time.sleep(chance.uniform(0, 0.2 if n % 2 else MOST_S))
        flight.send(signal.SIGKILL)
        at = time.monotonic()
        ended = flight.end(60)
        begin = len(seen.wrong)
        seen.ended(ended, (-signal.SIGKILL,))
        if not _is_its(flight):
            continue  # it had not begun to write
        found = kept(out)
        seen.wrong += [*found.bad, *filter(None, [found.unread if found.recorded is None and found.lines else ""])]
        times = [line.t for line in found.lines]
        if n % 2 and len(times) > 1:
            own = flight.own_time(until=at)
            slow = max(own(after) - own(before) for before, after in itertools.pairwise(times))
            age = own(at) - own(times[-1])
            seen.require(age <= LAST_S + 2 * slow, f"the last line is {age:.2f} s old")
        missing = {line.seq for line in found.lines if line.t < times[-1] - LAST_S} - set(found.recorded or [])
        seen.require(not missing, f"frames {sorted(missing)} have lines, and are not in the recording")
        lines, recorded = lines + len(found.lines), recorded + len(found.recorded or [])
        if {line.seq for line in found.lines} <= set(found.recorded or []) and found.lines:
            replayed += 1
            again = out.with_name("again")
            words = run(field, f"rec:{out}/recording", again, "--verify", out / "detections.jsonl", finds=True)
            seen.ended(field.hangar.fly(words, again, 60), (0,), "verified: ")
        seen.wrong[begin:] = [f"kill {n}: {wrong}" for wrong in seen.wrong[begin:]]
    after = field.hangar.fly(run(field, of_file(3), out, "--record", "--quiet"), out, 60)
    seen.ended(after, (0,))
    seen.require(replayed > 0, "no flight could be replayed")
    seen.said = "nothing of the killed one; the next run into the folder starts, and a replay verifies"
    seen.kept = (
        f"{lines} lines, {recorded} recorded; {replayed} of {field.kills} flights had lines, and replayed the same"
    )
    return seen


def _is_its(flight: Flight) -> bool:
    """Whether the files in its folder are of this flight, and not of the one before."""
    try:
        return bool(json.loads((flight.out / "run.json").read_text())["pid"] == flight.pid)
    except FileNotFoundError:
        return False


KILLS = [Row("killed (SIGKILL) at random moments", kills, 60, quick=True)]
