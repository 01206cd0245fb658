"""The wire: TCP and a serial line, that are away, come, and break."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.pose.link import Serial, Tcp, Udp, open_link


def read_all(link: Tcp | Serial | Udp, expected: bytes) -> bytes:
    data, end = b"", time.monotonic() + 30
    while len(data) < len(expected) and time.monotonic() < end:
        data += link.read(0.05)
    return data


def test_tcp_connects_when_somebody_is_there_and_again() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        link = Tcp("127.0.0.1", server.getsockname()[1])
        with link, pytest.raises(OSError, match="refused"):
            link.open()
        link.write(b"nobody hears it")
        server.listen()
        for _ in range(2):
            link.open()
            link.open()  # already
            other, _ = server.accept()
            with other:
                other.sendall(b"hello")
                assert read_all(link, b"hello") == b"hello"
                assert link.read(0.01) == b""
                link.write(b"you too")
                assert other.recv(10) == b"you too"
            with pytest.raises(OSError, match="has closed"):
                link.read(1.0)
            link.close()
        with pytest.raises(OSError, match="not connected"):
            link.read(0.0)


def test_a_serial_line_is_raw_and_at_its_rate() -> None:
    import termios

    ours, theirs = os.openpty()
    with Serial(os.ttyname(theirs), 115200) as link:
        link.open()
        os.write(ours, b"\x00\xfd\r\n\x03\x11")
        assert read_all(link, b"......") == b"\x00\xfd\r\n\x03\x11"  # no byte is a control character
        link.write(b"\n\xff")
        assert os.read(ours, 10) == b"\n\xff"
        assert termios.tcgetattr(theirs)[4] == termios.B115200
        os.close(theirs)
        os.close(ours)
        with pytest.raises(OSError, match="gone|Input/output"):
            read_all(link, b"nothing comes any more")
    with pytest.raises(OSError, match="not open"):
        link.read(0.0)


def test_a_device_that_is_not_plugged_in_is_waited_for(tmp_path: Path) -> None:
    with Serial(str(tmp_path / "ttyACM0")) as link, pytest.raises(FileNotFoundError):
        link.open()


def test_what_is_no_serial_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with Serial(str(tmp_path / "file")) as link, pytest.raises(OSError, match="no serial line"):
        link.open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_device_that_may_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "tty").write_bytes(b"")
    (tmp_path / "tty").chmod(0)
    with pytest.raises(InputError, match="may not be opened.*dialout"):
        Serial(str(tmp_path / "tty"))


def test_udp_answers_whoever_sent_last() -> None:
    with Udp("127.0.0.1", 0) as link, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        link.open()
        link.write(b"nobody is there")
        assert link.read(0.0) == b""
        other.sendto(b"hello", ("127.0.0.1", link.port))
        assert read_all(link, b"hello") == b"hello"
        link.write(b"you too")
        other.settimeout(30)
        assert other.recv(10) == b"you too"
        assert link.name == f"udp 127.0.0.1:{link.port}"


def test_udp_that_holds_one_hears_and_answers_only_that_one(caplog: pytest.LogCaptureFixture) -> None:
    with (
        Udp("127.0.0.1", 0) as link,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        at = ("127.0.0.1", link.port)
        one.sendto(b"hello", at)
        assert read_all(link, b"hello") == b"hello"
        link.hold()
        for _ in range(2):
            other.sendto(b"I am the autopilot", at)
            assert link.read(5.0) == b""
        link.write(b"to the first")
        one.settimeout(5)
        assert one.recv(20) == b"to the first"
        assert link.others == 2
        assert caplog.messages == [
            f"pose: 127.0.0.1:{other.getsockname()[1]} sends to {link.name}, too: only 127.0.0.1:"
            f"{one.getsockname()[1]} is listened to"
        ]
        link.let_go()
        other.sendto(b"hello", at)
        assert read_all(link, b"hello") == b"hello"


@pytest.mark.parametrize(
    ("address", "baud", "name"),
    [
        ("udp::0", None, "udp *:"),
        ("tcp:autopilot.local:5760", None, "tcp autopilot.local:5760"),
        ("tcp:[::1]:5760", None, "tcp ::1:5760"),
        ("/dev/ttyTHS1", 921600, "/dev/ttyTHS1 at 921600 baud"),
        ("/dev/ttyACM0", None, "/dev/ttyACM0 at 57600 baud"),
    ],
)
def test_addresses(address: str, baud: int | None, name: str) -> None:
    with open_link(f"mavlink:{address}", address, baud) as link:
        assert link.name.startswith(name)


@pytest.mark.parametrize(
    ("address", "baud", "why"),
    [
        ("udp:127.0.0.1", None, "expected mavlink:udp:HOST:PORT"),
        ("udp:127.0.0.1:65536", None, "expected mavlink:udp:HOST:PORT"),
        ("tcp::5760", None, "expected mavlink:tcp:HOST:PORT"),
        ("tcp:host:port", None, "expected mavlink:tcp:HOST:PORT"),
        ("udp::0", 57600, "baud= is the rate of a serial line"),
        ("/dev/ttyACM0", 12345, "expected a usual rate"),
        ("ttyACM0", None, "expected mavlink:udp:HOST:PORT"),
        ("", None, "expected mavlink:udp:HOST:PORT"),
    ],
)
def test_what_is_no_address(address: str, baud: int | None, why: str) -> None:
    with pytest.raises(InputError, match=why):
        open_link(f"mavlink:{address}", address, baud)
