"""What the records hold: the segment header (who recorded what, where), a frame, the end mark.

Nothing of it is pickled, and everything is checked by its declared type when read: a recording may come from anywhere.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from edge.data import Frame, Pose, TemperatureScale
from edge.errors import InputError
from edge.recording import codec
from edge.recording.format import FRAME, MAX_PIXEL_BYTES, Damaged, Record, pack
from edge.system.declared import MOST, declared

T = TypeVar("T")

FORMAT = 1
MAX_TEXT = 2048
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


Whole = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Side = Annotated[int, Meta(ge=1, le=MAX_PIXEL_BYTES)]
Utc = Annotated[datetime, Meta(tz=True)]


class Newer(ValueError):
    """Written by a later version of this package."""


class _Version(Struct):
    """What a header of every version has."""

    format: Annotated[int, Meta(ge=1)]
    codec: str


class _Header(Struct):
    """The meta part of a HEADER record: what `Header.to_json` gives."""

    recording: str
    segment: Whole
    source: str
    live: bool
    fps: Annotated[float, Meta(gt=0, le=MOST)] | None
    host: str
    boot_id: str
    started: str


class _Frame(Struct):
    """The meta part of a FRAME record. A pose may hold NaN: its sender did not know."""

    seq: Whole
    t: Annotated[float, Meta(ge=-MOST, le=MOST)]
    utc: Utc | None
    flags: list[str]
    temperature: tuple[float, float] | None
    pose: tuple[float, float, float, float, float, float] | None
    size: tuple[Side, Side]
    bits: Literal[8, 16]
    origin: str | None = None  # a still's name; not in recordings of before


class EndMark(Struct):
    """The meta part of an END record. ``frames``: in this segment; ``final``: no other segment follows."""

    frames: Whole
    final: bool


def read_meta(meta: Mapping[str, object], kind: type[T]) -> T:
    """The meta part of a record as its declared type. Raises Damaged where it is another thing."""
    try:
        return declared(meta, kind)
    except ValueError as error:
        raise Damaged(f"a record that this package does not write ({one_line(str(error))})") from None


@dataclass(frozen=True, slots=True)
class Origin:
    """The camera of a recording: its ``description``, whether it was ``live``, and its ``fps`` if known."""

    source: str
    live: bool
    fps: float | None


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a segment.

    ``recording``: one random name for all segments of a recording. ``segment``: counts from 0. ``host``,
    ``boot_id``: on which machine, and since which start of it, ``t_capture`` counts. ``started``: ISO 8601,
    UTC, by the machine's clock, right or wrong.
    """

    recording: str
    segment: int
    origin: Origin
    host: str
    boot_id: str
    started: str

    @classmethod
    def here(cls, recording: str, segment: int, origin: Origin) -> Header:
        """A header for a segment that this machine begins now."""
        try:
            boot_id = BOOT_ID.read_text().strip()
        except OSError:
            boot_id = ""
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(recording, segment, origin, platform.node(), boot_id, started)

    def to_json(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "codec": codec.NAME,
            "recording": self.recording,
            "segment": self.segment,
            "source": self.origin.source[:MAX_TEXT],
            "live": self.origin.live,
            "fps": self.origin.fps,
            "host": self.host,
            "boot_id": self.boot_id,
            "started": self.started,
        }

    @classmethod
    def from_json(cls, meta: Mapping[str, object]) -> Header:
        """Raises Newer for a later format, Damaged where something is missing or of another type."""
        version = read_meta(meta, _Version)
        if version.format > FORMAT or version.codec != codec.NAME:
            raise Newer(
                f"format {version.format}, {one_line(version.codec)}; this version reads {FORMAT}, {codec.NAME}"
            )
        said = read_meta(meta, _Header)
        origin = Origin(said.source, said.live, said.fps)
        return cls(said.recording, said.segment, origin, said.host, said.boot_id, said.started)


def pack_frame(frame: Frame, encode: codec.Encoder) -> bytes:
    """The record of one frame, without what a simulator knows of it. Raises ValueError for over 64 MiB of pixels."""
    if frame.pixels.nbytes > MAX_PIXEL_BYTES:
        raise ValueError(f"{frame.pixels.nbytes} bytes of pixels; expected up to {MAX_PIXEL_BYTES}")
    scale, pose = frame.temperature, frame.pose
    meta: dict[str, object] = {
        "seq": int(frame.seq),
        "t": float(frame.t_capture),  # Python writes the shortest text that reads back as the same float64
        "utc": None if frame.utc is None else frame.utc.isoformat(),
        "flags": sorted(frame.flags),
        "temperature": None if scale is None else [float(scale.gain), float(scale.offset)],
        "pose": None if pose is None else [float(value) for value in astuple(pose)],
        "size": [frame.height, frame.width],
        "bits": 8 * frame.pixels.itemsize,
    }
    if frame.origin is not None:
        meta["origin"] = frame.origin[:MAX_TEXT]
    return pack(FRAME, meta, encode(frame.pixels))


def unpack_frame(record: Record) -> Frame:
    """The frame in a FRAME record, bit for bit as it was recorded. Raises Damaged where it is none."""
    meta = read_meta(record.meta, _Frame)
    height, width = meta.size
    if height * width * meta.bits // 8 > MAX_PIXEL_BYTES:
        raise Damaged(f"a frame of {width}x{height}, {meta.bits} bit")
    try:
        return Frame(
            pixels=codec.decode(record.payload, height, width, meta.bits),
            seq=meta.seq,
            t_capture=meta.t,
            utc=meta.utc,
            flags=frozenset(meta.flags),
            temperature=None if meta.temperature is None else TemperatureScale(*meta.temperature),
            pose=None if meta.pose is None else Pose(*meta.pose),
            origin=meta.origin,
        )
    except (InputError, ValueError) as error:
        raise Damaged(f"a frame that this package does not write ({one_line(str(error))})") from None


def one_line(text: str, most: int = 200) -> str:
    """Text out of a file as a piece of one line for a terminal: no control characters, not too long."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(clean) <= most else clean[:most] + "..."
