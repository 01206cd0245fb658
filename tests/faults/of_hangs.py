"""Rows: something hangs, in C, as a driver or a disk does (`tests.support.hung`); nobody reads what is printed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from tests.edge.app.watch.test_hung import SEEN
from tests.faults.row import Field, Row, Seen
from tests.faults.words import LIVE, of_file, run

LIMIT_S = 4.0  # for 30 s: after so long the watchdog takes it to hang; shorter, and a busy machine is taken for it
ROOM = 200  # bytes that a pipe takes: a line of the summary, not all of it
OF_GUARD_S = 4.0  # another process must not take a busy machine for a hung one


def hangs(fault: str) -> Callable[[Field], Seen]:
    def fly(field: Field) -> Seen:
        seen, expected = Seen(), SEEN[fault]
        out = Path(field.hangar.place("hangs"), "out")
        words = run(field, expected.source, out, "--quiet", "--trace", "--record")
        limit_s = OF_GUARD_S if fault == "interpreter" else LIMIT_S
        ended = field.hangar.fly(words, out, 60, inside=(f"hangs: {fault}", limit_s))
        seen.ended(ended, (expected.code,), expected.words)
        seen.require(ended.err.count("\n") == 1, f"not one line: {ended.err!r}")
        found = seen.left(out, tidy=expected.code >= 0) if out.exists() else None
        lines = len(found.lines) if found else 0
        seen.require(lines >= expected.lines, f"{lines} lines, expected {expected.lines}")
        how = found.report["ended"] if found and found.report else None
        seen.require(how == expected.ended, f"the report says {how}, expected {expected.ended}")
        return seen

    return fly


def nobody_reads(at_once: bool, stop: bool = False) -> Callable[[Field], Seen]:
    """A terminal that takes nothing, from the start or in flight: a pipe that is full, and open.

    ``stop``: SIGTERM comes, long before the watchdog takes it to hang.
    """

    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("stuck"), "out")
        inside = "impatient", 600.0 if stop else LIMIT_S
        flight = field.hangar.start(run(field, LIVE, out, "--seconds", "600"), out, inside=inside, stuck=("out", "err"))
        if not at_once:
            seen.require(flight.until(lambda: flight.lines() >= 5), "no lines came")
        flight.fill()
        if stop:
            flight.until(lambda: False, 1.0)
            flight.send(signal.SIGTERM)
        seen.ended(flight.end(60), (1,))
        if at_once:
            seen.said, seen.kept = "nothing", "nothing was looked at"
            return seen
        found = seen.left(out)
        error = found.report["error"] if found.report else ""
        seen.said = f"nothing; in report.json: {error}"
        seen.require(
            "the terminal, or the program that reads the output, has taken nothing" in error, f"report: {error!r}"
        )
        seen.require(len(found.lines) >= 5, f"{len(found.lines)} lines")
        return seen

    return fly


def nobody_reads_the_end(stop: bool) -> Callable[[Field], Seen]:
    """Standard output takes nothing while the summary is printed; standard error does. ``stop``: SIGTERM comes then."""

    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("stuck"), "out")
        inside = "impatient", 600.0 if stop else LIMIT_S
        flight = field.hangar.start(run(field, of_file(20), out), out, inside=inside, stuck=("out",))
        flight.fill_most(ROOM)
        if stop:
            seen.require(flight.until(lambda: flight.printed() > 0), "no summary came")
            flight.send(signal.SIGTERM)
        seen.ended(flight.end(60), (0,), "has taken nothing: the last lines were not shown")
        found = seen.left(out)
        ended = found.report["ended"] if found.report else None
        seen.require(ended == "end of source" and len(found.lines) == 20, f"{ended}, {len(found.lines)} lines")
        return seen

    return fly


def nobody_reads_the_error(field: Field) -> Seen:
    """The engine fails, and what says so cannot be printed."""
    seen = Seen()
    out = Path(field.hangar.place("stuck"), "out")
    words = run(field, of_file(60), out, "--quiet")
    flight = field.hangar.start(words, out, inside=("engine raises, impatient", LIMIT_S), stuck=("out", "err"))
    flight.fill()
    seen.ended(flight.end(60), (1,))
    found = seen.left(out)
    error = found.report["error"] if found.report else ""
    seen.require("cuGraphLaunch failed" in error, f"report: {error!r}")
    seen.said = f"nothing; in report.json: {error}"
    return seen


def paused(field: Field) -> Seen:
    """SIGSTOP for three times as long as the watchdog waits, then SIGCONT: nothing hung."""
    seen = Seen()
    out = Path(field.hangar.place("paused"), "out")
    words = run(field, LIVE, out, "--record", "--seconds", "5")
    flight = field.hangar.start(words, out, inside=("impatient", LIMIT_S))
    seen.require(flight.until(lambda: flight.lines() >= 5), "no lines came")
    flight.send(signal.SIGSTOP)
    before = flight.lines()
    flight.until(lambda: False, 3 * LIMIT_S)
    flight.send(signal.SIGCONT)
    ended = flight.end(60)
    seen.ended(ended, (0,), "time limit")
    found = seen.left(out)
    seen.require(len(found.lines) > before, "no line came after it")
    seen.require(
        "hang" not in ended.err and "has not" not in ended.err, f"it was told as a fault: {ended.err[-300:]!r}"
    )
    return seen


BUDGET_S = 40.0
HISTORY = {
    "engine": "failed: no word, and SIGTERM was ignored; a watchdog ends the run",
    "interpreter": "failed: nothing ended it but SIGKILL by hand; a small process beside it does",
}
OF_TERMINAL = (
    "failed: after 60 s neither begun nor ended, as it was taken to open its output, which may take 300 s; a line that "
    "is printed is watched as what it is"
)
AT_THE_END = (
    "failed: it waited without end, all files written; the last lines are printed by a thread that is left behind "
    "after 30 s, or a second after a stop"
)
OTHERS = "failed: only the engine was watched; the watchdog looks at every thread that works or writes"
HANGS = [
    *(Row(f"hangs: {name}", hangs(name), BUDGET_S, HISTORY.get(name, OTHERS)) for name in SEEN),
    Row("the terminal takes nothing, in flight", nobody_reads(False), BUDGET_S, quick=True),
    Row("the terminal takes nothing, from the start on", nobody_reads(True), BUDGET_S, OF_TERMINAL, quick=True),
    Row("SIGTERM while the terminal takes nothing", nobody_reads(False, stop=True), BUDGET_S),
    Row("the terminal takes nothing, at the end", nobody_reads_the_end(False), BUDGET_S, AT_THE_END, quick=True),
    Row("SIGTERM while the terminal takes nothing, at the end", nobody_reads_the_end(True), BUDGET_S, AT_THE_END),
    Row("an error, and the terminal takes nothing", nobody_reads_the_error, BUDGET_S, AT_THE_END),
    Row("stopped as a whole (SIGSTOP), and continued", paused, 30),
]
