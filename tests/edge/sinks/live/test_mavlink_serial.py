"""A MAVLink camera on a serial line: both protocol versions, a line that is unplugged, signing."""

from __future__ import annotations

import hashlib
import os
import select
import time
import tty
from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError
from edge.sinks.live import mavlink_out
from edge.sinks.live.link import Address
from edge.sinks.live.mavlink_out import MavlinkSink, spec_of
from edge.sinks.live.wire import Peer
from edge.sinks.spec import SinkContext
from tests.support.track_lines import tracked

mav = pytest.importorskip("pymavlink.dialects.v20.common", reason="needs the extra mavlink")
from edge.sinks.live.camera_component import CameraComponent  # noqa: E402 - it needs pymavlink
from tests.support.autopilot import Autopilot, key_of, wait_for  # noqa: E402
from tests.support.ground_station import Station, texts  # noqa: E402

KEY = hashlib.sha256(b"a passphrase").digest()


class Line:
    """A serial line: the sink at its one end, `read` and `write` at the other."""

    def __init__(self) -> None:
        self.ours, self._theirs = os.openpty()  # the other end stays open, else there is none before the sink's is
        tty.setraw(self.ours)
        self.name = os.ttyname(self._theirs)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.ours)
        os.close(self._theirs)

    def read(self) -> bytes:
        return os.read(self.ours, 4096) if select.select([self.ours], [], [], 0.02)[0] else b""


def by_serial(line: Line, more: str = "") -> MavlinkSink:
    spec = spec_of(Peer.parse(f"{line.name}?baud=115200{more}"))
    spec.check(Path())
    sink = spec.make(SinkContext(Path(), ("Person",), model="tiny"))
    assert isinstance(sink, MavlinkSink)
    return sink


def heard_on(line: Line, autopilot: Autopilot, kind: str) -> Any:
    """The first message of this kind that the autopilot at the other end gets, which goes on to speak."""
    give_up, n = time.monotonic() + 20, 0
    while time.monotonic() < give_up:
        n += 1
        os.write(line.ours, autopilot.heartbeat() + autopilot.attitude(n / 50))
        for message in autopilot.hear(line.read()):
            if message.get_type() == kind:
                return message
    raise TimeoutError(kind)


@pytest.mark.parametrize("version", [1, 2])
def test_a_serial_line_to_an_autopilot_in_its_version(version: int) -> None:
    autopilot = Autopilot(version, system=7)
    with Line() as line, by_serial(line) as sink:
        sink.write(tracked(0, 0.0, [4]))
        while (beat := heard_on(line, autopilot, "HEARTBEAT")).get_srcSystem() != 7:
            pass  # before it had heard the autopilot
        assert (beat.type, beat.get_srcComponent()) == (30, 100)
        while (mark := bytes(heard_on(line, autopilot, "HEARTBEAT").get_msgbuf())[0]) != (0xFE, 0xFD)[version - 1]:
            assert mark == 0xFD
        sink.write(tracked(1, 0.1, [4, 5]))
        assert heard_on(line, autopilot, "STATUSTEXT").text == "Person 5 found, score 0.50"
        os.write(line.ours, autopilot.pack(mav.MAVLink_command_long_message(7, 100, 522, 0, 1, 0, 0, 0, 0, 0, 0)))
        assert heard_on(line, autopilot, "CAMERA_SETTINGS").get_msgbuf()[0] == 0xFD  # version 1 has no such message
        report = sink.link_report()
    assert report["to"] == f"{line.name} at 115200 baud"
    assert report["sent"] >= 4
    assert (report["dropped"], report["away"], report["error"]) == (0, False, None)


def test_a_serial_line_that_is_unplugged_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mavlink_out, "AGAIN_S", 0.02)
    name = tmp_path / "ttyUSB0"
    with MavlinkSink(Peer(str(name)).wire(), Station().component) as sink:
        wait_for(lambda: sink.link_report()["away"])
        for n in range(50):  # what happens meanwhile is no flood afterwards
            sink.write(tracked(n, n / 10, [n + 1]))
        with Line() as line:
            name.symlink_to(line.name)
            station, seen, began = Station(), list[Any](), time.monotonic()
            wait_for(lambda: not sink.link_report()["away"])

            def listened() -> bool:
                seen.extend(station.reader.parse_buffer(line.read()) or [])
                return bool(texts(seen)) and time.monotonic() > began + 1.0

            wait_for(listened)
            took, report = time.monotonic() - began, sink.link_report()
    assert texts(seen) == ["50 found: 50 Person"]
    assert len(seen) <= 3 + int(took)  # a heartbeat each second
    assert (report["reconnects"], report["away"], report["error"]) == (1, False, "No such file or directory")
    assert [m for m in caplog.messages if "ttyUSB0" in m][:2] == [
        f"mavlink out: {name} at 57600 baud cannot be reached (No such file or directory): tried again",
        f"mavlink out: {name} at 57600 baud is back",
    ]


def test_on_a_signed_link_only_what_is_signed_is_obeyed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "key").write_text("a passphrase\n")
    signed, forged, bare = Autopilot(key=KEY, system=7), Autopilot(key=key_of("another"), system=8), Autopilot(system=9)
    with Line() as line, by_serial(line, f"&signing={tmp_path}/key") as sink:
        wait_for(lambda: line.read() != b"")  # it is open: what came before was thrown away
        for _ in range(20):
            os.write(line.ours, forged.heartbeat() + bare.heartbeat())
        wait_for(lambda: sink._component.unsigned == 40)
        beat = heard_on(line, signed, "HEARTBEAT")
        while beat.get_srcSystem() == 1:
            beat = heard_on(line, signed, "HEARTBEAT")
        data = bytes(beat.get_msgbuf())
        assert (beat.get_srcSystem(), data[2] & 1) == (7, 1)
        assert hashlib.sha256(KEY + data[:-6]).digest()[:6] == data[-6:]
        assert int.from_bytes(data[-12:-6], "little") == pytest.approx((time.time() - 1420070400) * 1e5, abs=30e5)
    assert "mavlink out: 40 messages were not signed with the key, or old: nothing was done" in caplog.text
    assert "passphrase" not in str(Peer.parse(f"udp:h:1?signing={tmp_path}/key"))


def test_a_signed_link_speaks_version_2_only() -> None:
    component = CameraComponent(("Person",), "tiny", key=KEY)
    component.hear(Autopilot(1).heartbeat(), 0.0)
    assert [data[0] for data in component.due(0.0)] == [0xFD]


@pytest.mark.parametrize(
    ("text", "where", "baud", "signing"),
    [
        ("udp:h:1", Address("udp", "h", 1), 57600, None),
        ("tcp:[::1]:1?signing=k", Address("tcp", "::1", 1), 57600, Path("k")),
        ("/dev/ttyTHS1", "/dev/ttyTHS1", 57600, None),
        ("/dev/ttyTHS1?baud=921600&signing=/a/k", "/dev/ttyTHS1", 921600, Path("/a/k")),
    ],
)
def test_a_peer(text: str, where: Address | str, baud: int, signing: Path | None) -> None:
    assert Peer.parse(text) == Peer(where, baud, signing)


@pytest.mark.parametrize(
    "text",
    ["", "udp:h", "ttyTHS1", "udp:h:1?baud=57600", "/dev/t?baud=fast", "/dev/t?rate=1", "udp:h:1?signing=", "/dev/t?x"],
)
def test_what_is_no_peer(text: str) -> None:
    with pytest.raises(InputError, match="expected udp:HOST:PORT, tcp:HOST:PORT or /dev/ttyN"):
        Peer.parse(text)


def test_a_rate_or_a_key_that_cannot_be_is_refused_before_the_run(tmp_path: Path) -> None:
    for text, why in (("/dev/t?baud=12345", "--mavlink-out: baud=12345; expected a usual rate"),
                      (f"udp:h:1?signing={tmp_path}/no", "No such file")):  # fmt: skip
        with pytest.raises(InputError, match=why):
            spec_of(Peer.parse(text)).check(tmp_path)
