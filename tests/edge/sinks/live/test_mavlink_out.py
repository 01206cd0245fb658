"""The sink of a MAVLink camera over a network: a station that loses and floods, an autopilot that starts anew."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.commands.main import main
from edge.data import Result
from edge.errors import InputError, SinkError
from edge.sinks.background import Background
from edge.sinks.live.link import Address
from edge.sinks.live.mavlink_out import MOST_A_SLICE, MavlinkSink, Wire, spec_of
from edge.sinks.live.wire import Peer
from edge.sinks.spec import SinkContext
from tests.support.track_lines import tracked

mav = pytest.importorskip("pymavlink.dialects.v20.common", reason="needs the extra mavlink")
from edge.sinks.live.camera_component import CameraComponent  # noqa: E402 - it needs pymavlink
from tests.support.autopilot import Autopilot, FlyingAutopilot, wait_for  # noqa: E402
from tests.support.ground_station import TRACKING, Station, texts  # noqa: E402


@pytest.fixture
def ground() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(20)
        yield listening


def test_a_ground_station_by_udp(ground: socket.socket) -> None:
    spec = spec_of(Address("udp", "127.0.0.1", ground.getsockname()[1]))
    spec.check(Path())
    sink = Background(spec.make(SinkContext(Path(), ("Person",), model="tiny")), spec.depth, lossless=False)
    station = Station()
    data, peer = ground.recvfrom(1 << 12)
    assert station.reader.parse_buffer(data)[0].get_type() == "HEARTBEAT"
    sink.write(tracked(0, 0.0, [4]))
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:  # nobody else may command
        stranger.sendto(station.command(2010), peer)
    seen: list[Any] = []
    give_up = time.monotonic() + 20
    while not {"STATUSTEXT", "CAMERA_TRACKING_IMAGE_STATUS"} <= {m.get_type() for m in seen}:
        assert time.monotonic() < give_up
        if sent < 3:  # the first is lost
            sent += 1
            sink.write(tracked(sent, sent / 10, [4]))
            if sent > 1:
                ground.sendto(station.command(511, TRACKING, 100_000, v1=sent == 2), peer)
        seen += station.reader.parse_buffer(ground.recv(1 << 12)) or []
    assert {m.command for m in seen if m.get_type() == "COMMAND_ACK"} == {511}
    sink.close()
    assert sink.error is None


def test_a_flood_is_left_out_and_counted(ground: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    sink = MavlinkSink(Wire(Address("udp", "127.0.0.1", ground.getsockname()[1])), Station().component)
    _, peer = ground.recvfrom(1 << 12)
    give_up = time.monotonic() + 20
    while sink.flooded < 10 * MOST_A_SLICE:
        assert time.monotonic() < give_up
        ground.sendto(b"\xfd" * 1400, peer)
    ground.settimeout(30)
    assert ground.recv(1 << 12)  # it goes on to speak
    sink.close()
    sink.close()
    assert "bytes were not looked at: the other side sent too many" in caplog.text


def test_nobody_there_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    for kind in ("udp", "tcp"):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        sink = MavlinkSink(Wire(Address(kind, "127.0.0.1", port)), Station().component)
        for n in range(100):
            sink.write(tracked(n, n / 10, [n + 1]))
        give_up = time.monotonic() + 20
        while kind == "tcp" and "cannot be reached (Connection refused)" not in caplog.text:
            assert time.monotonic() < give_up
            time.sleep(0.005)
        sink.close()


def test_a_fault_of_ours_ends_the_sink_with_a_word(ground: socket.socket) -> None:
    class Broken:
        unsigned = 0

        def see(self, result: Result, now: float) -> None: ...

        def hear(self, data: bytes, now: float) -> None: ...

        def due(self, now: float) -> Iterator[bytes]:
            raise KeyError("x")

    sink = MavlinkSink(Wire(Address("udp", "127.0.0.1", ground.getsockname()[1])), Broken())
    sink._thread.join(20)
    with pytest.raises(SinkError, match=r"mavlink out: KeyError\('x'\)"):
        sink.write(tracked(0, 0.0, []))
    sink.close()


def test_without_pymavlink_it_is_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = ("edge.sinks.live.camera_component", "edge.pose.dialect")
    for name in ours:
        monkeypatch.delattr(name)
        monkeypatch.delitem(sys.modules, name)
    for name in ("pymavlink", "pymavlink.dialects.v20"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'thermal-edge\[mavlink\]'"):
        spec_of(Address("udp", "127.0.0.1", 9)).check(tmp_path)
    monkeypatch.undo()
    words = ["run", "--source", "sim:width=80,height=64,frames=2,live=0", "--model", str(tiny_bundle), "--quiet"]
    assert main([*words, "--out", str(tmp_path / "a"), "--mavlink-out", "udp:127.0.0.1:9"]) == 0
    assert '"mavlink": {' in (tmp_path / "a/report.json").read_text()
    assert capsys.readouterr().out == ""


def test_the_sink_hands_it_on(ground: socket.socket) -> None:
    host, port = ground.getsockname()
    with spec_of(Peer.parse(f"udp:{host}:{port}")).make(SinkContext(Path(), ("Person",))) as sink:
        sink.notice("lower rate because of heat")
        heard: list[str] = []
        while not heard:
            heard = texts(mav.MAVLink(None).parse_buffer(ground.recv(4096)) or [])
    assert heard == ["lower rate because of heat"]


def test_an_autopilot_that_starts_anew_changes_nothing_of_what_is_said() -> None:
    with FlyingAutopilot(None, Autopilot(system=7), loss=0.2, reorder=0.2) as flying:
        sink = MavlinkSink(Wire(Address("udp", "127.0.0.1", flying.port)), CameraComponent(("Person",), "tiny"))
        heard = flying.autopilot.heard

        def of(kind: str) -> list[Any]:
            return [m for m in heard if m.get_type() == kind]

        with sink:
            sink.write(tracked(0, 0.0, [4]))
            wait_for(lambda: bool(of("STATUSTEXT")) and heard[-1].get_srcSystem() == 7)
            flying.reboot()
            time.sleep(0.2)
            flying.leap(5000.0)
            time.sleep(0.2)
            flying.leap(-4000.0)
            before = len(of("HEARTBEAT"))
            sink.write(tracked(1, 3.0, [4]))
            wait_for(lambda: len(of("HEARTBEAT")) > before)
            numbers = [m.get_seq() for m in list(heard)]
            flying.silent.set()  # it hears nothing either
            time.sleep(0.3)
            flying.silent.clear()
            before, began = len(heard), time.monotonic()
            wait_for(lambda: time.monotonic() > began + 0.5)
            assert len(heard) - before <= 2 + int(time.monotonic() - began)  # no flood: a heartbeat each second
        assert {m.get_srcSystem() for m in heard[1:]} <= {1, 7}
        assert heard[-1].get_srcSystem() == 7
        assert [m.text for m in of("STATUSTEXT")] == ["Person 4 found, score 0.50"]
        assert numbers == [(numbers[0] + k) % 256 for k in range(len(numbers))]  # of one sender that never started anew
        assert sink.link_report()["dropped"] == 0
