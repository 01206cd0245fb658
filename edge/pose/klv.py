"""``klv:FILE``: MISB ST 0601 (UAS Datalink Local Set), bare packets or those in an MPEG transport stream.

A packet is a 16-byte key, a length (BER) and items of tag, length, value; its checksum is the last item. What is read:
time (2), the platform's heading, pitch, roll (5, 6, 7, or in full 90, 91), the sensor's position (13, 14) and altitude
(15, 75, 104), its angles to the platform (18, 19, 20), the elevation of the ground in the middle of the frame (25).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from edge.data import Pose
from edge.errors import InputError
from edge.pose.options import Spec
from edge.pose.rotation import Rotation, of_angles
from edge.pose.series import Place, heights, place_error, places, rotations
from edge.pose.source import Alignment, Moment, PoseSource, nothing_usable
from edge.system.files import read_limited, reason_of

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
MOST_BYTES = 1 << 30
FIRST_S, LAST_S = 0.0, 4_102_444_800.0  # 1970 .. 2100: another time is damage
LONGEST_TAG = 4  # bytes
SPARE = 16 << 20  # bytes of checksums that are wrong, beside four times the stream: a stream may be made of them
MOST_PACKET = 64 << 10  # bytes; packets of a flight have some hundred
TS_PACKET, TS_SYNC = 188, 0x47
CHECKSUM, TIME, VERSION = 1, 2, 65
# tag: (bytes, signed, from, to): integers of so many bytes stand for from .. to; the lowest signed one is an error
MAPPED = {
    5: (2, False, 0.0, 360.0),
    6: (2, True, -20.0, 20.0),
    7: (2, True, -50.0, 50.0),
    13: (4, True, -90.0, 90.0),
    14: (4, True, -180.0, 180.0),
    15: (2, False, -900.0, 19_000.0),
    18: (4, False, 0.0, 360.0),
    19: (4, True, -180.0, 180.0),
    20: (4, False, 0.0, 360.0),
    23: (4, True, -90.0, 90.0),
    24: (4, True, -180.0, 180.0),
    25: (2, False, -900.0, 19_000.0),
    75: (2, False, -900.0, 19_000.0),
    78: (2, False, -900.0, 19_000.0),
    90: (4, True, -90.0, 90.0),
    91: (4, True, -90.0, 90.0),
}
CUT_OFF, BAD_SUM, NO_SUM, TOO_LARGE, NO_TIME = "cut off", "wrong checksum", "no checksum", "too large", "no time"
NOT_IN_IT = "not in it"


@dataclass(frozen=True, slots=True)
class Packet:
    """``utc``: seconds since 1970. ``values``: by tag, degrees and metres; what is marked as an error is left out."""

    utc: float
    values: dict[int, float]


def open_source(spec: Spec) -> PoseSource:
    """``FILE?start=UTC|first&offset=S``; ``first``: the video begins with the first packet."""
    first = spec.pairs.get("start") == "first"
    spec = replace(spec, pairs={key: value for key, value in spec.pairs.items() if not (first and key == "start")})
    return Klv(Path(spec.path()), spec.alignment(), first)


class Klv(PoseSource):
    """The poses of a file of packets, read once."""

    def __init__(self, path: Path, alignment: Alignment, first: bool = False) -> None:
        """Raises InputError where the file cannot be read, or has no position."""
        super().__init__()
        self._counts: Counter[str] = Counter()
        self._place, self._height, self._camera = places(), heights("height"), rotations("attitude of the camera")
        begin: float | None = None
        for packet in packets(_bytes(path), self._counts):
            begin = packet.utc if begin is None else begin
            self._take(packet)
        if not len(self._place):
            told = ", ".join(f"{count} {what}" for what, count in self._counts.items()) or "no packet of ST 0601"
            raise nothing_usable(str(path), f"no position is in it ({told})")
        if first and begin is not None:
            alignment = Alignment(begin, alignment.offset)
            self.assume("the video begins with the first packet")
        self._alignment = alignment
        at = datetime.fromtimestamp(self._place.first_t, timezone.utc).isoformat(timespec="seconds")
        self.description = f"{path}: MISB ST 0601, {len(self._place)} positions from {at}"

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        t, why = self._utc_of(moment, self._alignment)
        if t is None:
            return None, why
        place, why = self._place.at(t)
        height, no_height = self._height.at(t)
        camera, no_camera = self._camera.at(t)
        if place is None or height is None or camera is None:
            return None, why or no_height or no_camera
        return Pose(
            place.latitude, place.longitude, height, *camera.angles, height_source="altitude less elevation"
        ), ""

    @property
    def counts(self) -> Mapping[str, int]:
        return self._counts

    def _take(self, packet: Packet) -> None:
        values = packet.values
        place = Place(values.get(13, math.nan), values.get(14, math.nan))
        why = ("no position" if not {13, 14} <= values.keys() else "") or place_error(place)
        why = why or self._place.add(packet.utc, place)
        self._counts[f"packet: {why}" if why else "packet"] += 1
        if why:
            return
        height, camera = self._above_ground(values), self._rotation(values)
        if why := NOT_IN_IT if height is None else self._height.add(packet.utc, height):
            self._counts[f"height: {why}"] += 1
        if why := NOT_IN_IT if camera is None else self._camera.add(packet.utc, camera):
            self._counts[f"attitude: {why}"] += 1

    def _above_ground(self, values: Mapping[int, float]) -> float | None:
        for sensor, ground, over in ((15, 25, "the sea"), (104, 78, "the ellipsoid"), (75, 78, "the ellipsoid")):
            if sensor in values and ground in values:
                self.assume(
                    f"height: altitude over {over} less that of the ground in the middle of the frame (tags {sensor}, "
                    f"{ground}), the ground taken as flat"
                )
                return values[sensor] - values[ground]
        return None

    def _rotation(self, values: Mapping[int, float]) -> Rotation | None:
        pitch, roll = values.get(90, values.get(6)), values.get(91, values.get(7))
        if pitch is None or roll is None or not {5, 18, 19} <= values.keys():
            return None
        platform = of_angles(values[5], pitch, roll)
        return platform @ of_angles(values[18], values[19], values.get(20, 0.0))


def packets(data: bytes, counts: Counter[str]) -> Iterator[Packet]:
    """The packets that are whole and right, in their order; what was not is counted by reason."""
    for stream in _streams(data):
        at, left = stream.find(KEY), 4 * len(stream) + SPARE
        while at >= 0 and left > 0:
            length, begin = _length(stream, at + len(KEY))
            if length > MOST_PACKET:
                counts[TOO_LARGE] += 1
            elif length < 0 or begin + length > len(stream):
                counts[CUT_OFF] += 1
            elif why := _sum_error(stream[at : begin + length]):
                counts[why] += 1
                left -= length
            else:
                packet = _packet(stream[begin : begin + length])
                if packet is None:
                    counts[NO_TIME] += 1
                else:
                    yield packet
                at = stream.find(KEY, begin + length)
                continue
            at = stream.find(KEY, at + 1)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """``(length, where the value begins)``, BER short or long form; -1 where it is cut off or longer than 4 bytes."""
    if at >= len(data):
        return -1, at
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if size == 0 or at + 1 + size > len(data):
        return -1, at
    return (int.from_bytes(data[at + 1 : at + 1 + size], "big") if size <= 4 else MOST_PACKET + 1), at + 1 + size


def _sum_error(packet: bytes) -> str:
    """The checksum is the last item: the sum of all 16-bit words before its value."""
    if packet[-4:-2] != bytes((CHECKSUM, 2)):
        return NO_SUM
    body = packet[:-2]
    total = sum(body[::2]) * 256 + sum(body[1::2])
    return "" if total & 0xFFFF == int.from_bytes(packet[-2:], "big") else BAD_SUM


def _packet(body: bytes) -> Packet | None:
    """None for one without a time."""
    utc, values, at = None, dict[int, float](), 0
    while at < len(body):
        tag, at = _tag(body, at)
        length, at = _length(body, at)
        if length < 0 or at + length > len(body):
            break
        value = body[at : at + length]
        at += length
        if tag == TIME and length == 8:
            utc = int.from_bytes(value, "big") / 1e6
        elif tag == 104 and 0 < length <= 8:
            values[104] = _imapb(value, -900.0, 40_000.0)
        elif tag in MAPPED and (number := _mapped(value, *MAPPED[tag])) is not None:
            values[tag] = number
    return None if utc is None or not FIRST_S <= utc <= LAST_S else Packet(utc, values)


def _tag(body: bytes, at: int) -> tuple[int, int]:
    """``(tag, what follows)``: BER-OID, seven bits a byte."""
    tag, end = 0, min(at + LONGEST_TAG, len(body))
    while at < end:
        tag, more = tag << 7 | body[at] & 0x7F, body[at] & 0x80
        at += 1
        if not more:
            break
    return tag, at


def _mapped(value: bytes, size: int, signed: bool, low: float, high: float) -> float | None:
    """The number that an integer stands for; None where it is marked as an error, or has another size."""
    if len(value) != size:
        return None
    number = int.from_bytes(value, "big", signed=signed)
    if not signed:
        return low + (high - low) * number / ((1 << 8 * size) - 1)
    most = (1 << 8 * size - 1) - 1
    return None if number < -most else high * number / most


def _imapb(value: bytes, low: float, high: float) -> float:
    """MISB ST 1201."""
    power = 2.0 ** (math.ceil(math.log2(high - low)) - (8 * len(value) - 1))
    zero = low / power - math.floor(low / power) if low < 0 < high else 0.0
    return power * (int.from_bytes(value, "big") - zero) + low


def _streams(data: bytes) -> Iterator[bytes]:
    """The bytes themselves; of an MPEG transport stream the payload of each of its parts, joined."""
    if not all(data[i : i + 1] == bytes((TS_SYNC,)) for i in range(0, min(len(data), 5 * TS_PACKET), TS_PACKET)):
        yield data
        return
    parts: dict[int, bytearray] = {}
    others: set[int] = set()  # parts that are picture or sound
    for at in range(0, len(data) - TS_PACKET + 1, TS_PACKET):
        packet = data[at : at + TS_PACKET]
        if packet[0] != TS_SYNC or not packet[3] & 0x10:  # no payload
            continue
        begin = 5 + packet[4] if packet[3] & 0x20 else 4  # behind the adaptation field
        payload, number = packet[begin:], int.from_bytes(packet[1:3], "big") & 0x1FFF
        if packet[1] & 0x40 and payload[:3] == b"\0\0\1" and len(payload) > 8:
            if 0xC0 <= payload[3] <= 0xEF:
                others.add(number)
            payload = payload[9 + payload[8] :]  # behind the header of a PES packet
        if number not in others:
            parts.setdefault(number, bytearray()).extend(payload)
    for part in parts.values():
        if KEY in part:
            yield bytes(part)


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"pose {path}: {size} bytes; expected a file of at most {MOST_BYTES >> 20} MiB")
        return read_limited(path, MOST_BYTES)
    except OSError as error:
        raise InputError(f"pose {path}: {reason_of(error)}; expected KLV packets") from None
