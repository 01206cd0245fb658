"""The guard's own process, looked at from inside: when it ends the other one, and when not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from edge.app.watch import guard_process
from edge.app.watch.guard import Guard
from tests.support.children import popen

HELD_S, STOP_S = 0.6, 0.3
LONG_S = 3.0  # several times either


class Guarded:
    """A process that sleeps, and its guard in a thread of the test."""

    def __init__(self) -> None:
        self.process = popen(["sleep", "60"])
        self.mouth, self.ear = socket.socketpair()
        self.beats, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = (self.process.pid, self.ear, self.theirs, HELD_S, STOP_S)
        self.guard = threading.Thread(target=guard_process.main, args=words, daemon=True)
        self.guard.start()

    def lives(self, doing: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.beats.send(doing.encode())
            time.sleep(0.02)

    def killed(self) -> bool:
        self.guard.join(60)
        assert not self.guard.is_alive()
        return self.process.poll() == -signal.SIGKILL or self._waited() == -signal.SIGKILL

    def _waited(self) -> int | None:
        try:
            return self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            return None


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setattr(guard_process.os, "sync", lambda: None)
    monkeypatch.setattr(guard_process.os, "set_blocking", lambda *_: None)
    made = Guarded()
    yield made
    made.beats.close()
    made.guard.join(60)
    for one in (made.mouth, made.ear, made.theirs):
        one.close()


def test_a_process_that_ends_is_left_in_peace(guarded: Guarded) -> None:
    guarded.lives("inferring", LONG_S / 4)
    guarded.beats.close()
    assert not guarded.killed()


def test_one_that_gives_no_sign_is_killed_and_named(guarded: Guarded, capfd: pytest.CaptureFixture[str]) -> None:
    guarded.beats.send(b"inferring")
    assert guarded.killed()
    said = capfd.readouterr().err
    assert said.startswith("edge: a call has held Python's interpreter for ")
    assert ", last seen inferring: the process was killed without a report; start the program again\n" in said


def test_a_stop_that_nobody_takes(guarded: Guarded, capfd: pytest.CaptureFixture[str]) -> None:
    guarded.mouth.send(bytes([signal.SIGWINCH]))  # no stop
    guarded.lives("inferring", LONG_S / 4)
    assert guarded.guard.is_alive()
    guarded.mouth.send(bytes([signal.SIGTERM]))
    beating = threading.Thread(target=guarded.lives, args=("inferring", LONG_S / 2), daemon=True)
    beating.start()
    assert guarded.killed()
    beating.join()
    assert capfd.readouterr().err.startswith("edge: asked to stop, but a call has held")


def test_a_stop_that_is_taken_is_the_watchdogs(guarded: Guarded) -> None:
    guarded.mouth.send(bytes([signal.SIGTERM]))
    assert guarded.ear.recv(64) == bytes([signal.SIGTERM])
    guarded.lives("!inferring", LONG_S / 2)
    assert guarded.guard.is_alive()
    assert guarded.killed()  # it has heard, and gives no sign any more


def test_one_that_is_stopped_by_a_debugger_is_waited_for(guarded: Guarded) -> None:
    guarded.beats.send(b"inferring")
    os.kill(guarded.process.pid, signal.SIGSTOP)
    time.sleep(LONG_S)
    assert guarded.guard.is_alive()
    os.kill(guarded.process.pid, signal.SIGCONT)
    assert guarded.killed()


def test_no_guard_can_be_started(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with socket.socket() as ear, Guard(ear) as guard:
        guard.beat("inferring")
        guard.close()
    assert "no guard could be started" in caplog.text
