"""A call into the engine that never returns, as a driver's: a line, an exit code, and everything found is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.app.watchdog import Watchdog
from tests.conftest import ROOT
from tests.support.children import popen

# a mutex that is locked twice: the second call waits in C, and no Python runs in that thread any more
HANG = """
import ctypes, sys
import edge.app.watchdog as watchdog
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
watchdog.HUNG_S = float(sys.argv[1])
sys.exit(main(["run", "--backend", "null", "--quiet", "--record", *sys.argv[2:]]))
"""


def start(limit_s: float, bundle: Path, out: Path) -> subprocess.Popen[str]:
    words = ["--source", "sim:width=80,height=64,fps=50", "--model", bundle, "--out", out]
    command = ["python", "-c", HANG, limit_s, *words]
    return popen([sys.executable, *command[1:]], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


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
    check(start(0.5, tiny_bundle, tmp_path / "out"), tmp_path / "out", "a call into the engine does not return")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_heard_while_it_hangs(stop: signal.Signals, tiny_bundle: Path, tmp_path: Path) -> None:
    running = start(60.0, tiny_bundle, tmp_path / "out")
    assert running.stdout is not None
    assert running.stdout.readline() == "hangs\n"
    time.sleep(0.2)
    running.send_signal(stop)
    check(running, tmp_path / "out", "asked to stop, but a call into the engine does not return")


def test_it_is_silent_while_the_loop_waits_or_works() -> None:
    since: list[float | None] = [None]
    said: list[str] = []
    with Watchdog(lambda: since[0], said.append, limit_s=0.3):
        time.sleep(0.6)  # waits for a camera
        for _ in range(5):
            since[0] = time.monotonic()
            time.sleep(0.1)
        assert said == []
        time.sleep(0.8)
        assert len(said) == 1


def test_a_slow_engine_is_waited_for_when_a_stop_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.watchdog.STOP_S", 0.1)
    monkeypatch.setattr("edge.app.watchdog.LOOK_S", 0.05)
    since: list[float | None] = [None]
    said: list[str] = []
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with Watchdog(lambda: since[0], said.append, limit_s=60.0):
            for _ in range(2):  # calls of 0.8 s, which return
                since[0] = time.monotonic()
                time.sleep(0.8)
            since[0] = time.monotonic()
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.9)
            assert said == []  # it may be as slow as before
            time.sleep(1.5)
            assert len(said) == 1  # it is not
            assert said[0].startswith("asked to stop")
    finally:
        signal.signal(signal.SIGTERM, handler)
