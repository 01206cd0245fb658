"""Rows: a V4L2 camera is lost, stands still, is silent, gives frames that are none, or does not come back."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from tests.faults.row import Field, Row, Seen
from tests.faults.words import DEVICE, run

FOR_S = 1.0  # how long the fault lasts
EVER_S = 1e6
BEFORE = 11  # frames that came before it
ENOUGH = 60


def comes_back(fault: str, why: str) -> Callable[[Field], Seen]:
    """It lasts for a second; ``why``: what is said of it."""

    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("camera"), "out")
        words = run(field, DEVICE, out, "--record", "--frames", ENOUGH)
        ended = field.hangar.fly(words, out, 60, inside=(f"camera {fault}", FOR_S))
        seen.ended(ended, (0,), f"camera lost: /dev/null: .*{why}")
        seen.require("camera back after" in ended.err, f"it did not say that it is back: {ended.err[-300:]!r}")
        found = seen.left(out)
        seen.require(len(found.lines) == ENOUGH, f"{len(found.lines)} lines, expected {ENOUGH}")
        outages = (found.report or {}).get("reconnects") or {}
        seen.require(outages.get("outages", 0) >= 1, f"the report has no outage: {outages}")
        seen.require(not outages.get("away", True), "the report says that it is away")
        seen.require(any("resumed" in line.flags for line in found.lines), "no frame is flagged resumed")
        return seen

    return fly


def gone(field: Field) -> Seen:
    """For good, with --reconnect-seconds."""
    seen = Seen()
    out = Path(field.hangar.place("gone"), "out")
    words = run(field, DEVICE, out, "--record", "--reconnect-seconds", "1")
    seen.ended(field.hangar.fly(words, out, 60, inside=("camera gone", EVER_S)), (1,), "camera not back after 1 s")
    found = seen.left(out)
    seen.require(len(found.lines) > 0, "what was found before is lost")
    seen.require(bool(found.report and found.report["ended"] == "failed"), "no report that says so")
    return seen


def looked_for(field: Field) -> Seen:
    """For good, without a limit: the run looks for it until it is stopped."""
    seen = Seen()
    out = Path(field.hangar.place("gone"), "out")
    flight = field.hangar.start(run(field, DEVICE, out), out, inside=("camera gone", EVER_S))
    seen.require(flight.until(lambda: "looking for it" in flight.said()), "the loss was not told")
    flight.until(lambda: False, 2.0)
    seen.require(flight.goes_on(), "it gave up")
    flight.send(signal.SIGTERM)
    seen.ended(flight.end(60), (0,), "looking for it")
    found = seen.left(out)
    seen.require(len(found.lines) > 0 and bool(found.report), "what was found before is lost")
    seen.require(bool(found.report and found.report["reconnects"]["away"]), "the report does not say that it is away")
    return seen


def never_there(field: Field) -> Seen:
    """Not there at the start: a name may be mistyped."""
    seen = Seen()
    out = Path(field.hangar.place("none"), "out")
    words = run(field, "/dev/video-none?format=Y16&width=80&height=64", out)
    seen.ended(field.hangar.fly(words, out, 60), (2,), "/dev/video-none")
    seen.require(not out.exists(), "a folder was left behind")
    seen.kept = "nothing: no folder is made"
    return seen


def two_on_one(field: Field) -> Seen:
    """Another run has the camera."""
    seen = Seen()
    first, second = (Path(field.hangar.place(name), "out") for name in ("first", "second"))
    flight = field.hangar.start(run(field, DEVICE, first), first, inside=("camera shared", 0.0))
    seen.require(flight.until(lambda: flight.lines() > 3), "the first one gives no lines")
    ended = field.hangar.fly(run(field, DEVICE, second), second, 60, inside=("camera shared", 0.0))
    seen.ended(ended, (2,), f"process {flight.pid} looks at it already")
    seen.require(flight.goes_on(), "the first one has ended")
    flight.send(signal.SIGTERM)
    seen.ended(flight.end(60), (0,))
    seen.left(first)
    return seen


BUDGET_S = 30.0
CAMERAS = [
    Row("camera lost for a second", comes_back("lost", "no new frame"), BUDGET_S),
    Row("camera repeats an old buffer for a second", comes_back("frozen", "the same buffer came again"), BUDGET_S),
    Row("camera's driver does not return for a second", comes_back("silent", "the call does not return"), BUDGET_S),
    Row("camera's buffers are cut off for a second", comes_back("torn", "no new frame"), BUDGET_S),
    Row("camera's frames have another size for a second", comes_back("wrong size", "no new frame"), BUDGET_S),
    Row("camera's frames cannot be decoded for a second", comes_back("garbage", "cannot be decoded"), BUDGET_S),
    Row("camera gone for good, --reconnect-seconds 1", gone, BUDGET_S),
    Row("camera gone for good, then SIGTERM", looked_for, BUDGET_S),
    Row("camera not there at the start", never_there, BUDGET_S),
    Row(
        "another run has the camera",
        two_on_one,
        BUDGET_S,
        "failed: both opened it; the second is refused, and told the process of the first",
    ),
]
