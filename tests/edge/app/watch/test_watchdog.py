"""A call into the engine that never returns, as a driver's: a line, an exit code, and everything found is kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.app.watch.watchdog import Watchdog
from edge.system.activity import INFERRING, WAITING_FOR_A_FRAME, Activity, Now, State
from tests.conftest import ROOT
from tests.support.loaded import popen_loaded

# a mutex that is locked twice: the second call waits in C, and no Python runs in that thread any more
HANG = """
import ctypes, sys
import edge.app.watch.watchdog as watchdog
from edge.commands.main import main
from edge.engine.null import NullEngine
libc, mutex, calls = ctypes.CDLL(None), ctypes.create_string_buffer(128), []
libc.pthread_mutex_lock(mutex)
plain = NullEngine._infer
def infer(self, image):
    calls.append(1)
    if len(calls) == 12:
        print("hangs", flush=True)
        libc.pthread_mutex_lock(mutex)
    return plain(self, image)
NullEngine._infer = infer
watchdog.HUNG_S, watchdog.STOP_S, watchdog.LOOK_S = float(sys.argv[1]), 0.1, 0.02
sys.exit(main(["run", "--backend", "null", "--quiet", "--record", *sys.argv[2:]]))
"""


def start(limit_s: float, bundle: Path, out: Path) -> subprocess.Popen[str]:
    source = "sim:width=80,height=64,fps=50,pitch=-90,people=0,deer=0,cars=0"
    words = ["--source", source, "--model", bundle, "--out", out]
    command = [sys.executable, "-c", HANG, limit_s, *words]
    return popen_loaded(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(running: subprocess.Popen[str], out: Path, words: str) -> None:
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1, said
    assert said.startswith(f"edge: {words}")
    assert said.count("\n") == 1
    report = json.loads((out / "report.json").read_text())
    assert report["ended"] == "failed"
    assert words in report["error"]
    assert len((out / "detections.jsonl").read_text().splitlines()[1:]) == report["frames"] == 11
    assert report["recording"]["frames"] >= 11


def test_a_hung_engine_ends_the_run(tiny_bundle: Path, tmp_path: Path) -> None:
    check(start(0.5, tiny_bundle, tmp_path / "out"), tmp_path / "out", "the engine has not answered")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_heard_while_it_hangs(stop: signal.Signals, tiny_bundle: Path, tmp_path: Path) -> None:
    running = start(60.0, tiny_bundle, tmp_path / "out")
    assert running.stdout is not None
    assert running.stdout.readline() == "hangs\n"
    running.send_signal(stop)
    check(running, tmp_path / "out", "asked to stop, but the engine has not answered")


class Counted(Activity):
    """Counts how often it is looked at."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.looks = threading.Semaphore(0)
        super().__init__(name, clock)

    @property
    def now(self) -> Now | None:
        self.looks.release()
        return self._now

    @now.setter
    def now(self, now: Now | None) -> None:
        self._now = now


class Loop:
    """A loop and its clock in the test's hand; a watchdog that looks a hundred times a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("edge.app.watch.watchdog.LOOK_S", 0.01)
        self.now = 1000.0
        self.said: list[str] = []
        self.activity = Counted("loop", clock=lambda: self.now)
        self._hung = threading.Event()
        self._looks = self.activity.looks

    def watched(self, limit_s: float) -> Watchdog:
        watchdog = Watchdog(self.activity, limit_s=limit_s, clock=lambda: self.now)
        watchdog.keep = self._say
        return watchdog

    def _say(self, line: str, _within_s: float) -> bool:
        self.said.append(line)
        self._hung.set()
        return True

    def calls(self) -> None:
        """The loop's next call into the engine begins."""
        self.activity.works(INFERRING)
        assert self.then(0.0) == []

    def then(self, seconds: float) -> list[str]:
        """What was said once the watchdog has seen that the loop is as it is for so long."""
        self.now += seconds
        while self._looks.acquire(blocking=False):
            pass
        for _ in range(4):  # a look reads it twice, and the second look begins when the first one is over
            while not self._looks.acquire(timeout=0.05):
                if self._hung.is_set():
                    return self.said
        return self.said


def test_it_is_silent_while_the_loop_waits_or_works(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    with loop.watched(limit_s=30.0):
        loop.activity.waits(WAITING_FOR_A_FRAME, renews=False)
        assert loop.then(100.0) == []  # waits for a camera
        for _ in range(5):
            loop.calls()
            assert loop.then(29.9) == []
        assert loop.then(0.2) == ["the engine has not answered for 30 s"]


def test_a_wait_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop(monkeypatch)
    with loop.watched(limit_s=30.0):
        loop.activity.waits(WAITING_FOR_A_FRAME, renews=False)
        assert loop.then(29.0) == []
        assert caplog.messages == []
        assert loop.then(2.0) == loop.then(100.0) == []
    assert caplog.messages == ["the camera has given nothing for 30 s; the run waits for it"]


def test_a_wait_that_is_not_renewed_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    with loop.watched(limit_s=30.0):
        for _ in range(3):
            loop.activity.waits(WAITING_FOR_A_FRAME)
            assert loop.then(29.0) == []
        assert loop.then(1.5) == ["the camera has given nothing for 30 s"]


def test_a_process_that_was_stopped_as_a_whole_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    monkeypatch.setattr("edge.app.watch.watchdog.LATE_S", -1.0)  # every look comes late, as after SIGSTOP
    with loop.watched(limit_s=30.0):
        loop.calls()
        assert loop.then(100.0) == []
        monkeypatch.setattr("edge.app.watch.watchdog.LATE_S", 60.0)
        assert loop.then(29.0) == []  # counted from when it went on
        assert loop.then(2.0) == ["the engine has not answered for 30 s"]


def test_what_may_take_longer_and_what_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    left: list[str] = []
    sink = Activity("the sink video", lambda: loop.now)
    with loop.watched(limit_s=30.0) as watchdog:
        watchdog.watch(sink, left.append)
        loop.activity.works(State("loading", "the engine is not loaded", limit_s=300.0))
        sink.works(State("writing", "the sink video has not written"))
        assert loop.then(29.0) == left == []
        assert loop.then(2.0) == []
        assert left == ["the sink video has not written for 30 s"]
        assert loop.then(13.0) == []
        assert left == ["the sink video has not written for 30 s"]  # it is not watched any more
        watchdog.hurry()
        loop.activity.works(INFERRING)
        assert loop.then(14.0) == []
        assert loop.then(2.0) == ["the engine has not answered for 15 s"]


def test_what_comes_on_may_take_long_until_a_stop_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, counting = Loop(monkeypatch), State("counting", "the count has not ended")
    left: list[str] = []
    sink = Activity("the sink counts", lambda: loop.now)
    with loop.watched(limit_s=30.0) as watchdog:
        watchdog.watch(sink, left.append)
        for _ in range(4):
            sink.goes_on(counting)
            assert loop.then(20.0) == []
        watchdog.hurry()
        for _ in range(2):
            sink.goes_on(counting)
            assert loop.then(7.0) == left == []
        sink.goes_on(counting)
        assert loop.then(2.0) == []
        assert left == ["the count has not ended for 15 s"]
        left.clear()
        watchdog.watch(sink, left.append)
        sink.rests()
        sink.goes_on(counting)
        assert loop.then(14.0) == left == []
        assert loop.then(2.0) == []
        assert left == ["the count has not ended for 15 s"]  # it did not come on


def test_a_slow_engine_is_waited_for_when_a_stop_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with loop.watched(limit_s=60.0):
            for _ in range(2):  # calls of 4 s, which return
                loop.calls()
                assert loop.then(4.0) == []
            loop.calls()
            assert loop.then(1.0) == []
            signal.raise_signal(signal.SIGTERM)
            assert loop.then(0.0) == []  # heard
            assert loop.then(6.9) == []  # it may be as slow as before
            assert loop.then(0.2) == [  # it is not
                "asked to stop, but the engine has not answered for 8.1 s"
            ]
    finally:
        signal.signal(signal.SIGTERM, handler)


def test_a_quick_engine_is_waited_for_a_moment_when_a_stop_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with loop.watched(limit_s=60.0):
            loop.calls()
            assert loop.then(0.1) == []
            signal.raise_signal(signal.SIGTERM)
            assert loop.then(0.0) == []  # heard
            assert loop.then(0.7) == []
            assert len(loop.then(0.2)) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
