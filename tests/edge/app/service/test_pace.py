"""The pause before a start whose predecessors ended soon: how long, and that nothing else is ever slowed down by it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edge.app.service import pace
from edge.app.service.pace import STARTS, Starts, pause


class Clock:
    def __init__(self, t: float = 1000.0) -> None:
        self.t, self.slept = t, list[float]()

    def __call__(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.t += seconds


def starts(tmp_path: Path, clock: Clock) -> Starts:
    return Starts(tmp_path / STARTS, clock, clock.sleep)


def test_pauses_grow_and_end_to_grow() -> None:
    assert [pause(quick) for quick in range(8)] == [0, 0, 5, 10, 20, 40, 60, 60]
    assert pause(10**9) == 60


def test_runs_that_end_soon_wait_longer_and_longer(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(6):
        starts(tmp_path, clock).wait()
        clock.t += 8  # it ran for 3 s, and the manager waited for 5
    assert clock.slept == [5, 10, 20, 40]


@pytest.mark.parametrize("ran_s", [60.0, 3600.0])
def test_a_run_that_lasted_begins_anew(tmp_path: Path, ran_s: float) -> None:
    clock = Clock()
    for _ in range(4):
        starts(tmp_path, clock).wait()
        clock.t += 8
    clock.slept.clear()
    clock.t += ran_s - 8
    starts(tmp_path, clock).wait()
    clock.t += 8
    starts(tmp_path, clock).wait()
    assert clock.slept == []


def test_a_pause_itself_is_no_long_run(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(8):
        starts(tmp_path, clock).wait()
        clock.t += 8
    assert clock.slept[-2:] == [60, 60]


def test_what_was_stopped_does_not_count(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(5):
        one = starts(tmp_path, clock)
        one.wait()
        one.forget()
    one.forget()  # nothing there: no fault
    assert clock.slept == []


def test_another_boot_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    for boot in "aaaab":
        (tmp_path / "boot").write_text(boot)
        monkeypatch.setattr(pace, "BOOT_ID", tmp_path / "boot")
        starts(tmp_path, clock).wait()
    assert clock.slept == [5, 10]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1", b'{"boot":1,"at":"","quick":[]}', b"\xff" * 9, b" " * 5000])
def test_a_broken_file_costs_the_pause_alone(tmp_path: Path, text: bytes) -> None:
    clock = Clock()
    (tmp_path / STARTS).write_bytes(text)
    starts(tmp_path, clock).wait()
    assert clock.slept == []
    assert b'"quick":0' in (tmp_path / STARTS).read_bytes()


def test_a_folder_that_cannot_be_written_holds_nothing_up(tmp_path: Path) -> None:
    one = Starts(tmp_path / "none" / STARTS, Clock())
    one.wait()
    one.forget()


def test_the_manager_is_asked_for_the_time_and_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        starts(tmp_path, clock).wait()
        starts(tmp_path, clock).wait()
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
        starts(tmp_path, clock).wait()
        sent = manager.recv(4096).decode()
    assert sent == "EXTEND_TIMEOUT_USEC=35000000\nSTATUS=waiting for 5 s: the last 2 starts ended within 60 s"


def test_only_a_service_with_a_folder_has_one(tmp_path: Path) -> None:
    folder, run = {"STATE_DIRECTORY": f"{tmp_path}:/other"}, {"INVOCATION_ID": "1"}
    assert Starts.from_environment({}) is None
    assert Starts.from_environment(folder) is None
    assert Starts.from_environment(run) is None
    assert Starts.from_environment({**run, "STATE_DIRECTORY": "relative"}) is None
    one = Starts.from_environment({**run, **folder})
    assert one is not None
    one.wait()
    assert os.listdir(tmp_path) == [STARTS]
