"""MISB ST 0601: packets as the standard writes them, its own sample, and damage of every kind."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose import klv as module
from edge.pose.klv import BAD_SUM, CUT_OFF, KEY, NO_SUM, NO_TIME, TOO_LARGE, Klv, packets
from edge.pose.rotation import of_angles
from tests.conftest import shared

BEGIN = 1_780_000_000.0
FLIGHT = {5: 10.0, 6: 2.0, 7: -3.0, 13: 47.0, 14: 8.0, 15: 560.0, 18: 20.0, 19: -60.0, 20: 0.0, 25: 500.0}
RANGES = {  # as the standard has them: bytes, signed, span
    5: (2, False, 0, 360), 6: (2, True, -20, 20), 7: (2, True, -50, 50), 13: (4, True, -90, 90),
    14: (4, True, -180, 180), 15: (2, False, -900, 19000), 18: (4, False, 0, 360), 19: (4, True, -180, 180),
    20: (4, False, 0, 360), 25: (2, False, -900, 19000), 75: (2, False, -900, 19000), 78: (2, False, -900, 19000),
    90: (4, True, -90, 90), 91: (4, True, -90, 90),
}  # fmt: skip


def item(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value))) + value


def number(tag: int, value: float) -> bytes:
    size, signed, low, high = RANGES[tag]
    most = 2 ** (8 * size - 1) - 1 if signed else 2 ** (8 * size) - 1
    whole = round(value / high * most) if signed else round((value - low) / (high - low) * most)
    return item(tag, whole.to_bytes(size, "big", signed=signed))


def packet(utc: float | None, values: dict[int, float], more: bytes = b"", long: bool = False) -> bytes:
    body = b"" if utc is None else item(2, round(utc * 1e6).to_bytes(8, "big"))
    body += b"".join(number(tag, value) for tag, value in values.items()) + more
    size = len(body) + 4
    begin = KEY + (b"\x82" + size.to_bytes(2, "big") if long or size > 127 else bytes((size,))) + body + b"\x01\x02"
    total = sum(byte << (8 if i % 2 == 0 else 0) for i, byte in enumerate(begin)) & 0xFFFF
    return begin + total.to_bytes(2, "big")


def opened(tmp_path: Path, data: bytes, options: str = "") -> Klv:
    (tmp_path / "flight.klv").write_bytes(data)
    source = open_pose(f"klv:{tmp_path}/flight.klv{options}")
    assert isinstance(source, Klv)
    return source


def at(t: float) -> Moment:
    return Moment(0.0, datetime.fromtimestamp(BEGIN + t, timezone.utc))


@pytest.mark.parametrize("long", [False, True])
def test_a_packet_is_a_pose(tmp_path: Path, long: bool) -> None:
    source = opened(tmp_path, packet(BEGIN, FLIGHT, long=long))
    pose, why = source.at(at(0.0))
    assert pose is not None, why
    assert (pose.latitude, pose.longitude) == (pytest.approx(47, abs=1e-7), pytest.approx(8, abs=1e-7))
    assert pose.height == pytest.approx(60, abs=0.3)
    expected = of_angles(10, 2, -3) @ of_angles(20, -60, 0)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(expected.angles, abs=0.01)
    assert "(tags 15, 25)" in source.assumed[0]


def test_full_pitch_and_roll_are_used_where_they_are(tmp_path: Path) -> None:
    pose, _ = opened(tmp_path, packet(BEGIN, {**FLIGHT, 90: 30.0, 91: 0.0})).at(at(0.0))
    assert pose.pitch == pytest.approx((of_angles(10, 30, 0) @ of_angles(20, -60, 0)).angles[1], abs=0.01)


def test_heights_over_the_ellipsoid(tmp_path: Path) -> None:
    values = {tag: value for tag, value in FLIGHT.items() if tag not in (15, 25)}
    pose, _ = opened(tmp_path, packet(BEGIN, {**values, 75: 660.0, 78: 600.0})).at(at(0.0))
    assert pose.height == pytest.approx(60, abs=0.4)
    # ST 1201 of 3 bytes over -900 .. 40000: steps of 2^-7 m
    more = item(104, round((660.0 + 900) * 128).to_bytes(3, "big"))
    pose, _ = opened(tmp_path, packet(BEGIN, {**values, 78: 600.0}, more)).at(at(0.0))
    assert pose.height == pytest.approx(60, abs=0.4)


def test_between_two_packets_and_by_the_first(tmp_path: Path) -> None:
    data = packet(BEGIN, FLIGHT) + b"between them" + packet(BEGIN + 1, {**FLIGHT, 13: 47.0001, 18: 30.0})
    pose, _ = opened(tmp_path, data).at(at(0.5))
    assert pose.latitude == pytest.approx(47.00005, abs=1e-7)
    first = opened(tmp_path, data, "?start=first&offset=0.25")
    assert first.at(Moment(0.0, None, 0.25))[0].latitude == pytest.approx(47.00005, abs=1e-7)
    assert "the video begins with the first packet" in first.assumed
    assert not any("start=" in line for line in first.assumed)
    assert first.at(at(0.0))[0] is not None
    assert "start= is not used: the frames have a UTC of their own, and no time in a video" in first.assumed


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (25, "no height came"),
        (15, "no height came"),
        (5, "no attitude of the camera came"),
        (19, "no attitude of the camera came"),
    ],
)
def test_what_is_not_in_it_is_not_guessed(tmp_path: Path, missing: int, why: str) -> None:
    values = {tag: value for tag, value in FLIGHT.items() if tag != missing}
    assert opened(tmp_path, packet(BEGIN, values)).at(at(0.0)) == (None, why)


def test_values_that_are_marked_as_errors_are_left_out() -> None:
    more = item(13, b"\x80\0\0\0") + item(6, b"\x80\0") + item(14, b"\0\0")  # one has a wrong size
    found = list(packets(packet(BEGIN, {5: 10.0}, more), Counter()))
    assert {tag: round(value) for tag, value in found[0].values.items()} == {5: 10}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (packet(BEGIN, FLIGHT)[:-1] + b"\0", BAD_SUM),
        (packet(BEGIN, FLIGHT)[:60], NO_SUM),  # its end is in the next one
        (KEY, NO_SUM),
        (KEY + b"\x80", CUT_OFF),
        (KEY + b"\x84\xff\xff\xff\xff", TOO_LARGE),
        (KEY + b"\x88" + bytes(8), TOO_LARGE),
        (KEY + b"\x83\x01\x00\x01" + bytes(70000), TOO_LARGE),
        (KEY + b"\x05hello", NO_SUM),
        (packet(None, FLIGHT), NO_TIME),
    ],
)
def test_damage_is_counted_and_the_next_packet_is_read(data: bytes, why: str) -> None:
    counts: Counter[str] = Counter()
    assert len(list(packets(data + packet(BEGIN, FLIGHT), counts))) == 1
    assert counts[why] == 1


@pytest.mark.parametrize("end", [17, 18, 60, -1])
def test_a_packet_that_is_cut_off_by_the_end_of_the_file(end: int) -> None:
    counts: Counter[str] = Counter()
    assert len(list(packets(packet(BEGIN, FLIGHT) + packet(BEGIN, FLIGHT)[:end], counts))) == 1
    assert counts == {CUT_OFF: 1}


@pytest.mark.parametrize("data", [b"", b"no packet", packet(BEGIN, {5: 10.0})])
def test_a_file_without_a_position_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"flight.klv: no position is in it \(.*\)"):
        opened(tmp_path, data)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="No such file or directory; expected KLV packets"):
        open_pose(f"klv:{tmp_path}/none.klv")
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="11 bytes; expected a file of at most"):
        opened(tmp_path, bytes(11))


def test_packets_in_a_transport_stream(tmp_path: Path) -> None:
    """Cut into pieces of 184 bytes behind a PES header, with pictures of another part in between."""
    data = b"".join(packet(BEGIN + n / 2, {**FLIGHT, 13: 47 + n / 1e5}) for n in range(5))
    pes = b"\0\0\1\xbd\0\0\x84\x80\x05" + bytes(5) + data
    stream = b""
    for n, begin in enumerate(range(0, len(pes), 170)):
        piece = pes[begin : begin + 170]
        stuffing = 184 - len(piece) - 1  # the length of the adaptation field
        start = 0x40 if n == 0 else 0
        stream += bytes((0x47, start | 1, 0x01, 0x30)) + bytes((stuffing,)) + b"\0" * stuffing + piece
        picture = b"\0\0\1\xe0\0\0\x80\0\0" if n == 0 else KEY  # bytes of a picture may be any
        stream += bytes((0x47, start | 0, 0x42, 0x10)) + picture + bytes(184 - len(picture))
    assert len(stream) % 188 == 0
    source = opened(tmp_path, stream)
    assert source.counts == {"packet": 5}
    assert source.at(at(2.0))[0].latitude == pytest.approx(47.00004, abs=1e-7)


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_counted(data: bytes) -> None:
    list(packets(KEY + data, Counter()))
    body = KEY + bytes((min(len(data), 120) + 4,)) + data[:120] + b"\x01\x02"
    total = (sum(body[::2]) * 256 + sum(body[1::2])) & 0xFFFF
    list(packets(body + total.to_bytes(2, "big"), Counter()))


def test_the_standard_s_samples() -> None:
    """Of ST 0902: one whose numbers are those of the standard's text, one whose checksum is wrong."""
    path = shared("data", "telemetry", "DynamicOnlyMISMMSPacketData.bin")
    (sample,) = packets(path.read_bytes(), Counter())
    assert sample.utc == datetime(2009, 1, 12, 22, 8, 22, tzinfo=timezone.utc).timestamp()
    told = {5: 159.9744, 6: -0.4315, 7: 3.4059, 13: 60.1768, 14: 128.4268, 15: 14190.7, 18: 160.7192, 19: -168.7923,
            20: 0.0, 23: -10.5424, 24: 29.1579, 25: 3216.0}  # fmt: skip
    assert sample.values == {tag: pytest.approx(value, abs=0.05) for tag, value in told.items()}
    counts: Counter[str] = Counter()
    wrong = path.with_name("DynamicConstantMISMMSPacketData.bin").read_bytes()
    assert list(packets(wrong, counts)) == []
    assert counts == {BAD_SUM: 1}
