"""``tlog:FILE``: what a ground station recorded of the link: MAVLink messages, each with the UTC at which it came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from edge.data import Pose
from edge.errors import InputError
from edge.pose.clock import Learning, LogClock
from edge.pose.dialect import V1, V2, Decoder, frame_size, is_asked_for, is_known
from edge.pose.options import Spec
from edge.pose.source import Alignment, Moment, PoseSource, nothing_usable
from edge.pose.vehicle import Mounting, Vehicle
from edge.system.files import read_limited, reason_of

MOST_BYTES = 1 << 30  # hours of flight are 100 MB
STAMP = 8  # bytes: microseconds since 1970, big-endian
LONGEST = 300  # bytes of a record
FIRST_US, LAST_US = 1_000_000_000_000_000, 4_102_444_800_000_000  # 2001 .. 2100: another stamp is damage
GARBAGE = "damaged places"


def open_source(spec: Spec) -> PoseSource:
    """``FILE?start=UTC&offset=S&mount=YAW,PITCH,ROLL&gimbal=earth|vehicle|body&system=N``."""
    alignment, mounting, system = spec.alignment(), spec.mounting(), spec.system()
    return Tlog(Path(spec.path()), alignment, mounting, system)


class Tlog(PoseSource):
    """The poses of a telemetry log, read once, when it is opened."""

    def __init__(self, path: Path, alignment: Alignment, mounting: Mounting, system: int | None = None) -> None:
        """Raises InputError where the file cannot be read, or has no position in it."""
        super().__init__()
        self._alignment = alignment
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise InputError(f"pose {path}: {size} bytes; expected a tlog of at most {MOST_BYTES >> 20} MiB")
            data = read_limited(path, MOST_BYTES)
        except OSError as error:
            raise InputError(f"pose {path}: {reason_of(error)}; expected a tlog") from None
        self._decoder, self._garbage = Decoder(), 0
        records, learning, others = list(self._records(data)), Learning(), defaultdict[int, Learning](Learning)
        _read(data, records, Decoder(), Vehicle(mounting, learning, system, others=others.__getitem__))
        self._vehicle = vehicle = Vehicle(
            mounting, LogClock(learning.seen), system, others=lambda component: LogClock(others[component].seen)
        )
        _read(data, records, self._decoder, vehicle)
        found = len(vehicle.position)
        if not found:
            told = ", ".join(f"{count} {what}" for what, count in self.counts.items()) or "no MAVLink message"
            raise nothing_usable(str(path), f"no position is in it ({told})")
        self.assumed += vehicle.assumed
        self.assume("times are those of the computer that received the link: its delay is not known")
        minutes = (vehicle.position.last_t - vehicle.position.first_t) / 60
        self.description = f"{path}: tlog of {minutes:.1f} minutes, {found} positions of system {vehicle.system}"

    def at(self, moment: Moment) -> tuple[Pose | None, str]:
        t, why = self._utc_of(moment, self._alignment)
        if t is None:
            return None, why
        found = self._vehicle.at(t)
        for line in self._vehicle.assumed:
            self.assume(line)
        return found

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(self._vehicle.counts) + self._decoder.counts + Counter({GARBAGE: self._garbage})

    def _records(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        """``(UTC in microseconds, begin, end)`` of each message asked for; damage is passed over, counted."""
        at, damaged = 0, False
        while at + STAMP + 3 <= len(data):
            record = memoryview(data)[at : at + STAMP + LONGEST]
            stamp = int.from_bytes(record[:STAMP], "big")
            if record[STAMP] not in (V1, V2) or not FIRST_US <= stamp <= LAST_US:
                self._garbage += not damaged
                at, damaged = at + 1, True
                continue
            frame = bytearray(record[STAMP:])
            size = frame_size(frame, 0)
            if size > len(frame):
                self._garbage += not damaged
                return
            frame = frame[:size]
            # an unknown message, or one with a wrong checksum, has the right length if another record follows
            following = at + STAMP + size
            good = self._decoder.good(frame)
            whole = (good and is_known(frame)) or following + STAMP >= len(data) or data[following + STAMP] in (V1, V2)
            if good and is_asked_for(frame):
                yield stamp, at + STAMP, following
            at, damaged = (following, False) if whole else (at + 1, True)


def _read(data: bytes, records: Iterable[tuple[int, int, int]], decoder: Decoder, vehicle: Vehicle) -> None:
    for stamp, begin, end in records:
        if (message := decoder.decode(bytearray(data[begin:end]))) is not None:
            vehicle.take(message, stamp / 1e6)
