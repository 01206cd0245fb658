"""The ladder in a run: a board's files get hot, full and cold again by the test's clock; what is said and done."""

from __future__ import annotations

import json
import logging
import threading
from itertools import pairwise
from pathlib import Path

import pytest

import edge
import edge.app.degrade.degrader as module
from edge.app.degrade.degrader import Degrader, available
from edge.app.settings import RunSettings
from edge.data import Result
from edge.health.ladder import Rung
from edge.health.pace import Pace
from edge.health.strain import Limits
from edge.seams import Sink
from edge.sinks.spec import SinkSpec
from edge.system.sensors import Sensors
from tests.support.fake_sysfs import orin

HOT, COLD = "95000", "60000"


class Board:
    """A Jetson's files, a clock, and what the ladder did."""

    def __init__(self, folder: Path, limits: Limits | None = None, rungs: tuple[Rung, ...] = tuple(Rung)) -> None:
        self.sys, self.memory, self.t = orin(folder / "sys"), folder / "meminfo", 100.0
        self.memory.write_text("MemTotal: 8000000 kB\nMemAvailable:    4000000 kB\n")
        self.done: list[frozenset[Rung]] = []
        self.told: list[str] = []
        self.ladder = Degrader(
            rungs,
            limits or Limits(),
            folder,
            self.done.append,
            self.told.append,
            Sensors(self.sys),
            self.memory,
            lambda: self.t,
        )

    def write(self, name: str, text: str) -> None:
        (self.sys / name).write_text(text)

    def fly(self, seconds: int) -> None:
        for _ in range(seconds):
            self.ladder.look()
            self.t += 1


def test_heat_is_said_done_told_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    board = Board(tmp_path)
    board.fly(5)
    assert board.done == []
    board.write("class/thermal/thermal_zone0/temp", HOT)
    with caplog.at_level(logging.WARNING):
        board.fly(5)
        assert board.ladder.given_up() == {"lower rate": "heat"}
        board.write("class/thermal/thermal_zone0/temp", COLD)
        board.fly(40)
    assert board.ladder.given_up() == {}
    assert board.done == [frozenset({Rung.SLOWER}), frozenset()]
    assert caplog.messages == [
        "degrade: lower rate: cpu-thermal has 95.0 deg C, limit 94.0, it throttles at 99.0; frames are taken half as "
        "often, detections go on",
        "degrade: lower rate ends: cpu-thermal has 60.0 deg C, limit 94.0, it throttles at 99.0",
    ]
    assert board.told == ["lower rate because of heat", "lower rate ends: heat"]
    report = board.ladder.report()
    begun, ended = report["steps"]
    assert {key: value for key, value in begun.items() if key != "utc"} == {
        "t": 108.0,
        "step": "lower rate",
        "begins": True,
        "because": "heat",
        "value": 95.0,
        "limit": 94.0,
    }
    assert (ended["begins"], ended["t"]) == (False, 140.0)
    assert report["seconds"] == {"lower rate": 32.0}
    assert all(len(f"{name} because of over-current") <= 50 for name, _ in module.STEPS.values())


def test_over_current_counts_from_the_start_of_the_run_and_for_a_minute(tmp_path: Path) -> None:
    board = Board(tmp_path)  # 7 events before it
    board.fly(10)
    assert board.done == []
    board.write("class/hwmon/hwmon1/oc1_event_cnt", "1")
    board.fly(4)
    assert board.done == [frozenset({Rung.SLOWER})]
    board.fly(250)
    assert board.done[-1] == frozenset()
    assert {step["because"] for step in board.ladder.report()["steps"]} == {"over-current"}


def test_memory_and_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(tmp_path)
    board.memory.write_text("MemAvailable: 1000 kB\n")
    board.fly(4)
    assert board.done == [frozenset({Rung.PICTURES})]
    board = Board(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5})())
    board.fly(14)
    assert board.done[-1] == {Rung.PICTURES, Rung.RECORDING}
    assert board.ladder.report()["steps"][0]["value"] == 5


def test_old_frames(tmp_path: Path) -> None:
    board = Board(tmp_path)
    for i in range(40):
        board.ladder._results.append((board.t + i / 10, 1.5))
    board.fly(4)
    assert board.done == [frozenset({Rung.BETWEEN})]


def test_a_machine_that_tells_nothing_gives_nothing_up(tmp_path: Path) -> None:
    ladder = Degrader(tuple(Rung), Limits(), tmp_path / "gone", print, print, Sensors(tmp_path), tmp_path / "none")
    assert ladder.look() is None
    assert available(tmp_path / "none") is None


def test_degrade_false_gives_nothing_up(tmp_path: Path) -> None:
    board = Board(tmp_path, Limits(degrade=False))
    board.write("class/thermal/thermal_zone0/temp", HOT)
    board.fly(50)
    assert board.done == []
    board.ladder.start()
    assert board.ladder._thread is None


def test_a_thread_that_cannot_go_on_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    board = Board(tmp_path)
    monkeypatch.setattr(module, "PERIOD_S", 0.0)
    monkeypatch.setattr(board.ladder, "look", lambda: 1 / 0)
    board.ladder.start()
    assert board.ladder._thread
    board.ladder._thread.join(10)
    assert "cannot be told any more" in caplog.text


class Listener(Sink):
    def __init__(self) -> None:
        self.results: list[Result] = []
        self.notices: list[str] = []

    def write(self, result: Result) -> None:
        self.results.append(result)

    def notice(self, text: str) -> None:
        self.notices.append(text)


def test_a_hot_run_gives_all_up_and_still_detects(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All the way in a real run, with a clock that makes each look ten seconds."""
    sys = orin(tmp_path / "sys", thermal_zone0__temp=HOT)
    looks = iter(range(0, 100_000, 10))
    plain = Degrader.__init__

    def board(self: Degrader, *words: object) -> None:
        plain(self, *words, Sensors(sys), Path("/none"), lambda: float(next(looks)))  # type: ignore[arg-type]

    monkeypatch.setattr(Degrader, "__init__", board)
    monkeypatch.setattr(module, "PERIOD_S", 0.02)
    listener, stop = Listener(), threading.Event()
    all_given_up = f"{module.STEPS[Rung.RECORDING][0]} because of heat"
    seen: list[int] = []
    taken: list[tuple[Pace, float]] = []

    class Noted(Pace):
        def took(self, t: float, times: float) -> None:
            super().took(t, times)
            taken.append((self, t))

    monkeypatch.setattr("edge.pipeline.Pace", Noted)

    def watch(result: Result) -> None:
        if all_given_up in listener.notices:
            seen.append(result.frame.seq)
            if len(seen) >= 12:
                stop.set()

    settings = RunSettings(
        out=tmp_path / "out",
        source="sim:seed=3,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,fps=60",
        model=tiny_bundle,
        outputs=("pictures",),
        record=True,
        seconds=60,
    )
    mine = SinkSpec("mine", None, lambda _: listener, lossless=True)
    report = edge.run(settings, sinks=[mine], watch=watch, stop=stop)
    assert [step["step"] for step in report["degraded"]["steps"]] == [name for name, _ in module.STEPS.values()]
    assert report["degraded"]["seconds"].keys() == {name for name, _ in module.STEPS.values()}
    last = listener.results[-11:]
    asked = [result.inferred for result in last]
    assert 3 <= sum(asked) <= 4  # every third, to the end
    assert all(len(result.detections) == 0 for result in last if not result.inferred)
    assert report["degraded"]["frames_between"] >= 7
    assert report["shutter_frames"] == sum(result.frame.shutter_closed for result in listener.results)
    assert report["sinks"]["pictures"]["skipped"] >= 11
    assert report["sinks"]["detections"]["skipped"] == 0
    assert report["sinks"]["detections"]["written"] == report["frames"]
    assert report["recording"]["dropped"] >= 11
    (usual,) = {pace._usual for pace, _ in taken[-11:]}
    assert usual is not None
    assert min(b - a for (_, a), (_, b) in pairwise(taken[-11:])) >= 2 * usual  # half as often
    lines = [json.loads(line) for line in (tmp_path / "out/detections.jsonl").read_text().splitlines()[1:]]
    assert [line["seq"] for line in lines if line.get("inferred") is False and "ffc" not in line["flags"]]


def test_a_run_that_is_well_gives_nothing_up(tiny_bundle: Path, tmp_path: Path) -> None:
    settings = RunSettings(
        out=tmp_path,
        source="sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0,frames=3",
        model=tiny_bundle,
    )
    report = edge.run(settings)
    assert report["degraded"] == {"steps": [], "more": 0, "seconds": {}, "frames_between": 0}
