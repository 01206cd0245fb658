"""A run under a service manager, a socket of the test's in its place: it is ready without a camera, and says so."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.settings import RunSettings
from edge.app.watch import awaited
from edge.camera.live.reconnect import AwayError
from edge.errors import SourceError
from edge.seams import Camera
from edge.system.activity import Activity, watched_here
from tests.conftest import ROOT
from tests.support.loaded import popen_loaded
from tests.support.scripted_camera import World, picture

WATCHDOG_USEC = "4000000"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(60)
        made.bind(str(tmp_path / "notify"))
        yield made


def start(bundle: Path, tmp_path: Path, source: str) -> subprocess.Popen[str]:
    words = ["--source", source, "--model", bundle, "--out", tmp_path / "out", "--backend", "null", "--quiet"]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": WATCHDOG_USEC}
    command = [sys.executable, "-m", "edge.commands.main", "run", *words]
    return popen_loaded(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def until(manager: socket.socket, *expected: str) -> list[str]:
    """What came, up to the last of what is expected, in this order."""
    heard: list[str] = []
    for one in expected:
        while not heard or not heard[-1].startswith(one):
            heard += manager.recv(4096).decode().splitlines()[:1]
    return heard


def test_it_is_ready_without_a_camera_and_stops_when_asked(
    manager: socket.socket, tiny_bundle: Path, tmp_path: Path
) -> None:
    running = start(tiny_bundle, tmp_path, "/dev/video987")
    heard = until(manager, "READY=1", "STATUS=waiting for the camera for ", "WATCHDOG=1")
    assert heard.count("READY=1") == 1
    assert [line for line in heard if re.fullmatch(r"STATUS=waiting for the camera for \d+ s; 0 frames, .*", line)]
    running.send_signal(signal.SIGTERM)
    until(manager, "STOPPING=1")
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (0, "")  # --quiet


def test_it_says_how_it_goes(manager: socket.socket, tiny_bundle: Path, tmp_path: Path) -> None:
    running = start(tiny_bundle, tmp_path, "sim:width=80,height=64,fps=50,pitch=-90,people=0,deer=0,cars=0")
    until(manager, "READY=1", "STATUS=detecting; ", "WATCHDOG=1")
    running.send_signal(signal.SIGTERM)
    until(manager, "STOPPING=1")
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (0, "")


def settings() -> RunSettings:
    return RunSettings(source="/dev/video987", out="out")


def test_a_camera_that_comes_later_is_taken(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    there = World([picture()]).open()
    answers: list[Exception | Camera] = [AwayError("no device"), AwayError("no device"), AwayError("in use"), there]

    def open_camera(*_: object) -> Camera:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(awaited, "open_camera", open_camera)
    monkeypatch.setattr(awaited, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(awaited, "TICK_S", 0.01)
    with watched_here(Activity("loop")) as activity:
        assert awaited.camera_of(settings(), waits=True) is there
        assert activity.now is not None
        assert (activity.now.state, activity.now.waiting) == (awaited.WAITING, True)
    assert [record.getMessage() for record in caplog.records] == [
        "waiting for the camera: no device",  # each reason once
        "waiting for the camera: in use",
        "the camera is there: scripted camera",
    ]


@pytest.mark.parametrize(("error", "waits"), [(AwayError("no device"), False), (SourceError("wrong"), True)])
def test_what_waiting_cannot_help_is_refused(error: Exception, waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Camera:
        raise error

    monkeypatch.setattr(awaited, "open_camera", refuse)
    with pytest.raises(SourceError, match=str(error)):
        awaited.camera_of(settings(), waits)


def test_a_stop_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> Camera:
        raise AwayError("no device")

    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(awaited, "open_camera", away)
    monkeypatch.setattr(awaited.time, "sleep", stopped)
    with pytest.raises(awaited.StoppedWaiting):
        awaited.camera_of(settings(), waits=True)
