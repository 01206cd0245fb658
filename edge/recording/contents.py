"""What the records hold: the segment header (who recorded what, where) and a frame.

Nothing of it is pickled, and everything is checked when read: a recording may come from anywhere.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.data import Frame, Pose, TemperatureScale
from edge.errors import InputError
from edge.recording import codec
from edge.recording.format import FRAME, MAX_PIXEL_BYTES, Damaged, Record, pack

FORMAT = 1
MAX_TEXT = 2048
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Newer(ValueError):
    """Written by a later version of this package."""


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
        form, name = _whole(meta.get("format")), _text(meta.get("codec"))
        if form > FORMAT or name != codec.NAME:
            raise Newer(f"format {form}, {one_line(name)}; this version reads {FORMAT}, {codec.NAME}")
        live, fps = meta.get("live"), meta.get("fps")
        fps = None if fps is None else _number(fps)
        if form < 1 or not isinstance(live, bool) or not (fps is None or 0 < fps < math.inf):
            raise Damaged("a header that this package does not write")
        texts = [_text(meta.get(key)) for key in ("recording", "source", "host", "boot_id", "started")]
        recording, source, host, boot_id, started = texts
        origin = Origin(source, live, fps)
        return cls(recording, _whole(meta.get("segment")), origin, host, boot_id, started)


def pack_frame(frame: Frame, encode: codec.Encoder) -> bytes:
    """The record of one frame; its ``truth`` is left out. Raises ValueError for over 64 MiB of pixels."""
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
    meta = record.meta
    try:
        height, width = (_whole(value) for value in meta["size"])
        bits, seq, t = _whole(meta["bits"]), _whole(meta["seq"]), _number(meta["t"])
        if bits not in (8, 16) or not 0 < height * width * bits // 8 <= MAX_PIXEL_BYTES:
            raise Damaged(f"a frame of {width}x{height}, {bits} bit")
        if not math.isfinite(t):
            raise Damaged("a frame without a time")
        utc = None if meta["utc"] is None else datetime.fromisoformat(_text(meta["utc"]))
        if utc is not None and utc.tzinfo is None:
            raise Damaged("a frame whose utc has no time zone")
        scale, pose, origin = meta["temperature"], meta["pose"], meta.get("origin")
        return Frame(
            pixels=codec.decode(record.payload, height, width, bits),
            seq=seq,
            t_capture=t,
            utc=utc,
            flags=frozenset(_text(flag) for flag in meta["flags"]),
            temperature=None if scale is None else TemperatureScale(*_numbers(scale, 2)),
            pose=None if pose is None else Pose(*_numbers(pose, 6)),
            origin=None if origin is None else _text(origin),
        )
    except Damaged:
        raise
    except (InputError, LookupError, TypeError, ValueError) as error:
        raise Damaged(f"a frame that this package does not write ({one_line(str(error))})") from None


def one_line(text: str, most: int = 200) -> str:
    """Text out of a file as a piece of one line for a terminal: no control characters, not too long."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(clean) <= most else clean[:most] + "..."


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Damaged("a number where a text belongs")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise Damaged("no whole number of 0 or more where one belongs")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Damaged("no number where one belongs")
    try:
        return float(value)
    except OverflowError:
        raise Damaged("a number over all limits") from None


def _numbers(values: object, count: int) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise Damaged(f"no list of {count} numbers where one belongs")
    return [_number(value) for value in values]
