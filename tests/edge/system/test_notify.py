"""What a service manager is told, by a socket that a test holds in its place."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.system.notify import Notify


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(10)
        made.bind(str(tmp_path / "notify"))
        yield made


def test_a_message_is_a_datagram_of_lines(manager: socket.socket) -> None:
    notify = Notify.from_environment({"NOTIFY_SOCKET": manager.getsockname()})
    assert notify is not None
    notify.send(READY="1", STATUS="the camera is\naway")
    assert manager.recv(1000) == b"READY=1\nSTATUS=the camera is away"
    notify.close()


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(10)
        manager.bind(f"\0thermal-edge-{os.getpid()}")
        notify = Notify.from_environment({"NOTIFY_SOCKET": f"@thermal-edge-{os.getpid()}"})
        assert notify is not None
        notify.send(STOPPING="1")
        assert manager.recv(1000) == b"STOPPING=1"
        notify.close()


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "notify"])
def test_nothing_is_sent_where_there_is_no_such_socket(address: str) -> None:
    assert Notify.from_environment({"NOTIFY_SOCKET": address}) is None
    assert Notify.from_environment({}) is None


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "90000000"}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "own"}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_how_often_a_sign_of_life_is_expected(environment: dict[str, str], seconds: float | None) -> None:
    if environment.get("WATCHDOG_PID") == "own":  # tests run in copies of the process that collected them
        environment = {**environment, "WATCHDOG_PID": str(os.getpid())}
    notify = Notify.from_environment({"NOTIFY_SOCKET": "/nowhere", **environment})
    assert notify is not None
    assert notify.watchdog_s == seconds
    notify.close()


def test_a_manager_that_does_not_listen_or_read_is_no_fault(manager: socket.socket) -> None:
    gone = Notify("/nowhere/at/all", None)
    gone.send(READY="1")
    gone.close()
    full = Notify(manager.getsockname(), None)
    for _ in range(2000):  # far more than the system keeps for it
        full.send(STATUS="x" * 1000)
    full.close()
    assert manager.recv(2000).startswith(b"STATUS=x")
