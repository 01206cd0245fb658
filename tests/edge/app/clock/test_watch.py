"""clock.jsonl: written at once, at each change, and at the end; a disk that fails costs no flight."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

import msgspec
import pytest

import edge
from edge.app.clock.clock_json import ClockLine, ClockReport
from edge.app.clock.watch import ClockWatch
from edge.system.wall_clock import Relation, WallClock

START = Relation(1.25, None, "unset", "system", None)
SET = Relation(2.0, 1_800_000_000.125, "synchronised", "autopilot", None)
JUMP = Relation(3.0, 1_800_000_001.5, "synchronised", "system", -86400.5)


class Scripted(WallClock):
    def __init__(self, *found: Relation | None) -> None:
        self.found = list(found)
        self.empty = threading.Event()

    def look(self) -> Relation | None:
        one = self.found.pop(0) if self.found else None
        if not self.found:
            self.empty.set()
        return one


def test_what_is_new_stands_in_the_file_and_in_the_report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = tmp_path / "clock.jsonl", Scripted(None, SET, JUMP)
    with caplog.at_level(logging.INFO), ClockWatch(path, clock, START, 0.001) as watch:
        assert clock.empty.wait(30)
        watch.close()
    lines = [msgspec.json.decode(line, type=ClockLine) for line in path.read_bytes().splitlines()]
    assert [msgspec.to_builtins(line) for line in lines] == [
        {"t": 1.25, "utc": None, "state": "unset", "by": "system", "jump_s": None},
        {
            "t": 2.0,
            "utc": "2027-01-15T08:00:00.125+00:00",
            "state": "synchronised",
            "by": "autopilot",
            "jump_s": None,
        },
        {
            "t": 3.0,
            "utc": "2027-01-15T08:00:01.500+00:00",
            "state": "synchronised",
            "by": "system",
            "jump_s": -86400.5,
        },
    ]
    report = msgspec.convert(watch.report(), ClockReport)
    assert (report.first.state, report.last.by, report.jumps, report.largest_jump_s) == ("unset", "system", 1, -86400.5)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the machine's clock was never set: frames have no UTC until it is; clock.jsonl says when",
        "UTC is known now, by the autopilot: 2027-01-15T08:00:00.125+00:00",
        "the machine's clock jumped by -86400.500 s: times of frames are of the monotonic clock, which does not",
    ]


def test_the_first_line_is_there_before_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "clock.jsonl"
    with ClockWatch(path, Scripted(), START, 60.0) as watch:
        assert path.read_bytes().count(b"\n") == 1
        watch.close()
        watch.close()


def test_a_file_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "clock.jsonl").mkdir()
    clock = Scripted(SET, JUMP)
    with ClockWatch(tmp_path / "clock.jsonl", clock, START, 0.001) as watch:
        assert clock.empty.wait(30)
    assert "Is a directory" in str(watch.report()["error"])
    assert watch.report()["jumps"] == 1  # it goes on
    assert caplog.text.count("the flight goes on") == 1


def test_a_live_run_has_one_and_a_replay_of_files_has_none(tiny_bundle: Path, tmp_path: Path) -> None:
    for live in (0, 1):
        out = tmp_path / str(live)
        source = f"sim:width=80,height=64,live={live},fps=50,pitch=-90,people=0,deer=0,cars=0"
        report = edge.run(edge.RunSettings(out=out, source=source, model=tiny_bundle, frames=2, backend="null"))
        assert (out / "clock.jsonl").exists() is bool(live)
        if live:
            first = json.loads((out / "clock.jsonl").read_text().splitlines()[0])
            assert {**report["clock"]["first"], "jump_s": None} == first
            again = edge.RunSettings(out=out, source=source, model=tiny_bundle, frames=1, backend="null")
            edge.run(again)
            assert sorted(os.listdir(out / "earlier-1")).count("clock.jsonl") == 1
        else:
            assert report["clock"] is None
