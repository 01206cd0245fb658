"""The run as a MAVLink camera, and a ground station that asks, loses, floods and speaks both protocol versions."""

from __future__ import annotations

import hashlib
import math
import os
import random
import select
import socket
import sys
import time
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.commands.main import main
from edge.data import Detections, Frame, Result, TemperatureScale
from edge.errors import InputError, SinkError
from edge.sinks.background import Background
from edge.sinks.live import mavlink_out
from edge.sinks.live.link import Address
from edge.sinks.live.mavlink_out import MOST_A_SLICE, MavlinkSink, Wire, spec_of
from edge.sinks.live.wire import Peer
from edge.sinks.spec import SinkContext
from tests.support.track_lines import tracked

mav = pytest.importorskip("pymavlink.dialects.v20.common", reason="needs the extra mavlink")
from edge.sinks.live.camera_component import CameraComponent  # noqa: E402 - it needs pymavlink
from tests.support.autopilot import Autopilot, FlyingAutopilot, key_of, wait_for  # noqa: E402

TRACKING, THERMAL, INFORMATION, SETTINGS = 275, 277, 259, 260
ACCEPTED, NOT_NOW, DENIED, UNSUPPORTED, FAILED = 0, 1, 2, 3, 4


class Station:
    """A ground station on the other end of ``component``, without a network."""

    def __init__(self, component: CameraComponent | None = None, system: int = 255) -> None:
        self.component = component or CameraComponent(("Person", "deer"), "tiny")
        self.out = mav.MAVLink(None, srcSystem=system, srcComponent=190)
        self.reader = mav.MAVLink(None)
        self.now = 0.0

    def pack(self, message: Any, v1: bool = False) -> bytes:
        data = bytes(message.pack(self.out, force_mavlink1=v1))
        self.out.seq = (self.out.seq + 1) % 256
        return data

    def command(self, number: int, *values: float, to: int = 100, system: int = 1, v1: bool = False) -> bytes:
        values = (*values, *[0.0] * (7 - len(values)))
        return self.pack(mav.MAVLink_command_long_message(system, to, number, 0, *values), v1)

    def say(self, data: bytes) -> list[Any]:
        self.component.hear(data, self.now)
        return self.heard()

    def heard(self, now: float | None = None) -> list[Any]:
        """What is due, without the heartbeat."""
        self.now = self.now if now is None else now
        data = b"".join(self.component.due(self.now))
        return [m for m in self.reader.parse_buffer(data) or [] if m.get_type() != "HEARTBEAT"]

    def ask(self, number: int, *values: float, **more: Any) -> int:
        """The result of a command, which is answered once."""
        answers = [m for m in self.say(self.command(number, *values, **more)) if m.get_type() == "COMMAND_ACK"]
        (answer,) = answers
        assert answer.command == number
        assert (answer.target_system, answer.target_component) == (255, 190)
        return int(answer.result)

    def see(self, result: Result, now: float | None = None) -> None:
        self.now = self.now if now is None else now
        self.component.see(result, self.now)


def texts(messages: list[Any]) -> list[str]:
    return [m.text for m in messages if m.get_type() == "STATUSTEXT"]


# ---- what it says by itself ----


def test_a_heartbeat_a_second() -> None:
    component = CameraComponent(("Person",), "tiny")
    reader = mav.MAVLink(None)
    beats = [m for n in range(100) for d in component.due(n / 20) for m in reader.parse_buffer(d)]
    assert [m.get_type() for m in beats] == ["HEARTBEAT"] * 5
    assert (beats[0].type, beats[0].autopilot) == (30, 8)
    assert (beats[0].get_srcSystem(), beats[0].get_srcComponent()) == (1, 100)
    assert [m.get_seq() for m in beats] == [0, 1, 2, 3, 4]


def test_it_is_a_part_of_its_vehicle() -> None:
    station = Station(system=7)
    station.out.srcComponent = 1
    station.say(station.pack(mav.MAVLink_heartbeat_message(2, 3, 0, 0, 4, 3)))
    station.out.srcSystem, station.out.srcComponent = 255, 190
    assert station.say(station.command(522, 1)) == []  # of system 1: another's
    (answer, _) = station.say(station.command(522, 1, system=7))
    assert answer.get_srcSystem() == 7


def test_a_text_for_each_new_track_and_few_of_them() -> None:
    station = Station()
    said = []
    for n in range(200):
        station.see(tracked(n, n / 20, [4] if n < 50 else [4, 9, 11, 12]), n / 20)
        said += [(n / 20, text) for text in texts(station.heard())]
    assert said == [(0.0, "Person 4 found, score 0.50"), (2.5, "3 found: 3 Person")]
    flood = Station()
    count = 0
    for n in range(600):  # 500 new ones a frame
        flood.see(tracked(n, n / 60, list(range(1 + 20 * n, 21 + 20 * n))), n / 60)
        new = texts(flood.heard())
        count += len(new)
        assert all(len(text) <= 50 for text in new)
    assert count == 5  # in ten seconds


def test_a_text_has_at_most_fifty_plain_characters() -> None:
    station = Station(CameraComponent(("Rehü" * 30,), "tiny"))
    station.see(tracked(0, 0.0, [4]))
    (text,) = texts(station.heard())
    assert text == ("Reh?" * 30)[:50]


# ---- what it answers ----


def test_who_it_is() -> None:
    station = Station()
    assert station.ask(521, 1) == ACCEPTED
    answer, information = station.say(station.command(512, INFORMATION))
    assert (answer.result, information.get_type()) == (ACCEPTED, "CAMERA_INFORMATION")
    assert bytes(information.vendor_name).rstrip(b"\0") == b"thermal-edge"
    assert bytes(information.model_name).rstrip(b"\0") == b"tiny"
    assert (information.resolution_h, information.flags) == (0, 512 | 1024)
    station.see(thermal())
    information = station.say(station.command(512, INFORMATION))[1]
    assert (information.resolution_h, information.resolution_v) == (64, 48)
    assert information.flags == 512 | 1024 | 4096  # no picture and no film can be taken
    settings = station.say(station.command(522, 1))[1]
    assert settings.get_type() == "CAMERA_SETTINGS"
    assert math.isnan(settings.zoomLevel)


@pytest.mark.parametrize(
    ("command", "values", "result"),
    [
        (400, [1], UNSUPPORTED),  # arm
        (2000, [0, 0, 1], UNSUPPORTED),  # take a picture
        (2500, [], UNSUPPORTED),
        (527, [1], UNSUPPORTED),
        (512, [0], UNSUPPORTED),
        (512, [math.nan], DENIED),
        (521, [0], DENIED),
        (511, [0, 1e6], UNSUPPORTED),
        (511, [TRACKING, 1e6], ACCEPTED),
        (511, [TRACKING, 0], ACCEPTED),
        (511, [TRACKING, -1], ACCEPTED),
        (511, [TRACKING, 1000], DENIED),
        (511, [TRACKING, -2], DENIED),
        (511, [TRACKING, math.nan], DENIED),
        (511, [THERMAL, 1e6], ACCEPTED),
        (512, [THERMAL], NOT_NOW),  # no frame yet
        (512, [TRACKING], ACCEPTED),
        (2004, [0.5, 0.5], FAILED),  # nothing is there
        (2004, [1.5, 0.5], DENIED),
        (2005, [0.1, 0.1, math.nan, 1], DENIED),
        (2010, [], ACCEPTED),
    ],
)
def test_every_command_is_answered_truly(command: int, values: list[float], result: int) -> None:
    assert Station().ask(command, *values) == result


def test_what_is_not_for_it_it_leaves() -> None:
    station = Station()
    assert station.say(station.command(522, 1, to=1)) == []
    assert station.say(station.command(522, 1, to=101)) == []
    assert station.say(station.command(522, 1, system=2)) == []
    assert station.say(station.command(400, 1, to=0)) == []  # to all: others may know it
    assert len(station.say(station.command(522, 1, to=0))) == 2
    assert len(station.say(station.command(522, 1, to=0, system=0))) == 2


@pytest.mark.parametrize("v1", [False, True])
def test_both_versions_are_understood(v1: bool) -> None:
    assert Station().ask(522, 1, v1=v1) == ACCEPTED
    station = Station()
    message = mav.MAVLink_command_int_message(1, 100, 0, 522, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    assert len(station.say(station.pack(message, v1))) == 2


def test_the_box_that_is_followed() -> None:
    station = Station()
    station.see(tracked(0, 0.0, [4, 9]))
    station.heard()
    idle = station.say(station.command(512, TRACKING))[1]
    assert (idle.tracking_status, idle.tracking_mode) == (0, 0)  # nobody asked for one
    assert station.ask(511, TRACKING, 500_000) == ACCEPTED
    station.now = 0.5
    station.see(tracked(1, 0.5, [4, 9]), 0.5)
    (status,) = station.heard()
    assert (status.tracking_status, status.tracking_mode, status.target_data) == (1, 2, 4)
    box = [status.rec_top_x, status.rec_top_y, status.rec_bottom_x, status.rec_bottom_y]
    assert box == pytest.approx([5 / 64, 6 / 48, 15 / 64, 18 / 48])
    assert math.isnan(status.point_x)
    assert station.heard(0.7) == []  # twice a second
    assert len(station.heard(1.0)) == 1
    assert station.heard(1.6)[0].tracking_status == 0  # a second later nobody knows where it is
    assert station.ask(511, TRACKING, -1) == ACCEPTED
    assert station.heard(9.0) == []


def frame_of(boxes: list[list[float]], ids: list[int]) -> Result:
    n, pixels = len(boxes), np.zeros((100, 200), np.uint8)
    scores = np.linspace(0.9, 0.5, n).astype(np.float32)
    found = Detections(
        np.array(boxes, np.float32).reshape(n, 4), scores, np.zeros(n, np.int32), 200, 100, np.array(ids, np.int32)
    )
    return Result(frame=Frame(pixels, 0, 0.0), detections=found, t_result=0.1, picture=pixels)


def test_a_track_is_chosen_by_a_point_or_a_rectangle() -> None:
    station = Station()
    boxes = [[0, 0, 20, 20], [100, 50, 110, 60], [150, 80, 160, 90]]
    station.see(frame_of(boxes, [1, 2, -1]))

    def followed() -> float | None:
        status = station.say(station.command(512, TRACKING))[1]
        return status.rec_top_x if status.tracking_status else None

    assert station.ask(2004, 0.58, 0.55) == ACCEPTED  # beside it, but near
    assert followed() == pytest.approx(0.5)
    assert station.ask(2005, 0.0, 0.0, 0.4, 0.4) == ACCEPTED
    assert followed() == 0.0
    assert station.ask(2004, 0.775, 0.85) == FAILED  # a detection, but no track
    assert station.ask(2005, 0.3, 0.3, 0.4, 0.4) == FAILED
    assert followed() == 0.0  # the one of before
    station.see(frame_of(boxes[1:], [2, -1]))
    assert followed() is None  # it is away: another one is not taken for it
    assert station.ask(2010) == ACCEPTED
    assert followed() is None
    assert station.ask(511, TRACKING, 1e6) == ACCEPTED
    station.heard()
    assert followed() == pytest.approx(0.5)  # the best


def thermal(mask: bool = False) -> Result:
    counts = np.full((48, 64), 29315, np.uint16)
    counts[0, 0], counts[47, 63], counts[5, 5] = 27315, 31315, 65000
    hidden = np.zeros((48, 64), bool)
    hidden[5, 5] = True
    frame = Frame(counts, 0, 0.0, temperature=TemperatureScale(0.01), mask=hidden if mask else None)
    return Result(frame=frame, detections=Detections.none(64, 48), t_result=0.1, picture=np.zeros((48, 64), np.uint8))


def test_the_coldest_and_the_hottest_pixel() -> None:
    station = Station()
    station.see(thermal(mask=True))
    assert station.ask(511, THERMAL, 1e6) == ACCEPTED
    (said,) = station.heard(1.0)
    assert (said.max, said.min) == pytest.approx((40.0, 0.0))
    assert (said.max_point_x, said.max_point_y) == pytest.approx((63.5 / 64, 47.5 / 48))
    assert (said.min_point_x, said.min_point_y) == pytest.approx((0.5 / 64, 0.5 / 48))
    station.see(thermal())
    assert station.say(station.command(512, THERMAL))[1].max == pytest.approx(65000 * 0.01 - 273.15, abs=0.01)
    assert station.heard(3.0) == []  # the frame is old
    station.see(tracked(1, 1.0, []))
    assert station.ask(512, THERMAL) == NOT_NOW  # counts without a scale


def test_a_dot_for_each_track_only_if_asked_for() -> None:
    for dots, expected in ((False, 0), (True, 2)):
        station = Station(CameraComponent(("Person",), "tiny", dots=dots))
        for n in range(300):
            station.see(tracked(n, n / 10, [4, 9]), n / 10)
            station.heard() if n == 0 and not dots else None
            if n == 0 and dots:
                found = [m for m in station.heard() if m.get_type() == "CAMERA_IMAGE_CAPTURED"]
                assert len(found) == expected
                assert (found[0].lat, found[0].lon, found[0].capture_result) == (515040000, -2500000, 1)
                assert [m.image_index for m in found] == [4, 9]
        assert [m for m in station.heard() if m.get_type() == "CAMERA_IMAGE_CAPTURED"] == []


def test_nothing_of_it_steers() -> None:
    source = Path("edge/sinks/live/camera_component.py").read_text()
    assert "landing_target_" not in source
    assert "set_position" not in source


# ---- what comes over a bad link ----


def test_noise_cut_and_reordered_messages_do_no_harm() -> None:
    station, chance = Station(), random.Random(7)
    good = [station.command(522, 1) for _ in range(60)]
    chance.shuffle(good)
    stream = b"".join(
        chance.randbytes(chance.randrange(40)) + one + (one[:9] if chance.random() < 0.3 else b"") for one in good
    )
    acks = 0
    while stream:
        size = chance.randrange(1, 50)
        part, stream = stream[:size], stream[size:]
        acks += sum(m.get_type() == "COMMAND_ACK" for m in station.say(part))
    assert acks >= 20
    for _ in range(10):  # a mark in the noise takes what follows with it: a station asks again
        last = [m for m in station.say(station.command(2010)) if m.get_type() == "COMMAND_ACK"]
    assert [m.result for m in last] == [ACCEPTED]


def test_answers_that_wait_have_a_limit() -> None:
    station = Station()
    station.component.hear(b"".join(station.command(522, 1) for _ in range(1000)), 0.0)
    assert len(station.heard()) == 20


# ---- over a network ----


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


# ---- serial lines, signing, both versions ----

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


# ---- a scripted autopilot over UDP: loss, messages out of order, a restart ----


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


def test_what_a_run_gives_up_is_a_warning_at_once() -> None:
    station = Station()
    for text in ("lower rate because of heat", "x" * 60):
        station.component.say(text)
    said = station.heard(0.5)
    assert texts(said) == ["lower rate because of heat", "x" * 50]
    assert {m.severity for m in said} == {mav.MAV_SEVERITY_WARNING}
    assert station.heard(9.0) == []


def test_the_sink_hands_it_on(ground: socket.socket) -> None:
    host, port = ground.getsockname()
    with spec_of(Peer.parse(f"udp:{host}:{port}")).make(SinkContext(Path(), ("Person",))) as sink:
        sink.notice("lower rate because of heat")
        heard: list[str] = []
        while not heard:
            heard = texts(mav.MAVLink(None).parse_buffer(ground.recv(4096)) or [])
    assert heard == ["lower rate because of heat"]


def test_a_frame_that_was_not_searched_takes_no_box_away() -> None:
    station = Station()
    station.see(tracked(0, 0.0, [4]))
    before = station.component._result
    station.see(replace(tracked(1, 0.1, []), inferred=False))
    assert station.component._result is before
    station.see(tracked(2, 0.2, []))
    assert station.component._result is not before
