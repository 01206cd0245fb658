"""Whatever hangs in a run is named, what was found is kept, and a stop ends it: in processes of their own.

`FAULTS` of `tests.support.hung` are the columns; here stands what the user sees of each.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT
from tests.support.hung import FAULTS
from tests.support.loaded import popen_loaded

LIVE = "sim:width=80,height=64,fps=50,pitch=-90,people=0,deer=0,cars=0"
FILE = "sim:width=80,height=64,live=0,frames=20,pitch=-90,people=0,deer=0,cars=0"


class Seen(NamedTuple):
    """What the user sees: words of the line, exit code, lines of detections at least, why the report says it ended."""

    words: str
    code: int
    lines: int
    ended: str | None
    source: str = FILE


SEEN = {
    "engine": Seen("the engine has not answered", 1, 11, "failed"),
    "interpreter": Seen("a call has held Python's interpreter", -9, 0, None),
    "source": Seen("the source has given nothing", 1, 11, "failed"),
    "detections": Seen("the sink detections has not written", 1, 11, "failed", LIVE),
    "trace": Seen("the sink trace has not written", 1, 20, "failed"),
    "recording": Seen("the recording has not been written", 1, 20, "failed"),
    "loading": Seen("the engine is not loaded", 1, 0, None),
    "opening": Seen("the source has not opened", 1, 0, None),
    "closing the trace": Seen("the sink trace has not closed", 1, 20, "failed"),
    "closing the engine": Seen("the engine has not closed", 1, 20, "failed"),
    "closing the source": Seen("the source has not closed", 1, 20, "failed"),
}
QUICK = ("detections", "trace")
QUICK_STOPS = ("detections", "interpreter", "loading")


def start(fault: str, limit_s: float, bundle: Path, out: Path) -> subprocess.Popen[str]:
    words = ["--source", SEEN[fault].source, "--model", bundle, "--out", out, "--quiet", "--trace", "--record"]
    command = [sys.executable, "-m", "tests.support.hung", fault, limit_s, *words]
    return popen_loaded(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept(out: Path) -> tuple[int, dict[str, Any] | None]:
    """Lines of detections, and the report."""
    lines, report = out / "detections.jsonl", out / "report.json"
    n = max(len(lines.read_text().splitlines()) - 1, 0) if lines.exists() else 0
    return n, json.loads(report.read_text()) if report.exists() else None


def check(fault: str, running: subprocess.Popen[str], out: Path, most: int = 1000) -> str:
    """What it said, once it has ended as it should. ``most``: lines that there could be when it was stopped."""
    _, said = running.communicate(timeout=100)
    expected = SEEN[fault]
    assert (running.returncode, said.count("\n")) == (expected.code, 1), said
    assert expected.words in said
    lines, report = kept(out)
    assert lines >= min(expected.lines, most)
    assert (report and report["ended"]) == expected.ended
    if report:
        assert expected.words in report["error"]
    return said


def of(quick: tuple[str, ...]) -> list[Any]:
    return [pytest.param(fault, marks=() if fault in quick else pytest.mark.slow) for fault in SEEN]


def test_every_fault_is_looked_at() -> None:
    assert SEEN.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", of(QUICK))
def test_what_hangs_is_named_and_what_was_found_is_kept(fault: str, tiny_bundle: Path, tmp_path: Path) -> None:
    limit_s = 4.0 if fault == "interpreter" else 1.0  # its guard must not take a busy machine for a hung one
    check(fault, start(fault, limit_s, tiny_bundle, tmp_path / "out"), tmp_path / "out")


@pytest.mark.parametrize("fault", of(QUICK_STOPS))
def test_a_stop_ends_it(fault: str, tiny_bundle: Path, tmp_path: Path) -> None:
    running = start(fault, 90.0, tiny_bundle, tmp_path / "out")
    assert running.stdout is not None
    assert running.stdout.readline() == "hangs\n"
    running.send_signal(signal.SIGTERM)
    assert check(fault, running, tmp_path / "out", most=11).startswith("edge: asked to stop, but ")
