"""What the records hold: the segment header (who recorded what, where), a frame, the end mark.

Nothing of it is pickled, and everything is checked by its declared type when read: a recording may come from anywhere.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from edge.data import Frame, Pose, Scale, TemperatureScale
from edge.errors import InputError
from edge.recording import codec
from edge.recording.format import FRAME, HEADER, MAX_PIXEL_BYTES, Damaged, Record, pack
from edge.system.declared import MOST, declared
from edge.thermal.temperature import PlanckScale

T = TypeVar("T")

FORMAT = 1
MAX_TEXT = 2048
POSE_NUMBERS = 6  # latitude, longitude, height, yaw, pitch, roll
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


Focal = Annotated[float, Meta(gt=0, le=MOST)]
Coordinate = Annotated[float, Meta(ge=-MOST, le=MOST)]


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
    independent: bool = False  # not in recordings of before, whose stills were looked at one after the other
    crop: tuple[Whole, Whole, Side, Side] | None = None  # none of these is in recordings of before
    whole: tuple[Side, Side] | None = None  # width and height of the picture that crop is a part of
    intrinsics: tuple[Focal, Focal, Coordinate, Coordinate] | None = None
    mask: tuple[Side, Side] | None = None  # its size; the mask itself is the record's payload


class _PoseMore(Struct, omit_defaults=True):
    """What a pose says besides its six numbers; see `edge.Pose`."""

    sigma_position_m: float | None = None
    sigma_height_m: float | None = None
    sigma_attitude_deg: float | None = None
    sigma_time_s: float | None = None
    speed_m_s: float | None = None
    height_source: Annotated[str, Meta(max_length=MAX_TEXT)] = ""


class _Frame(Struct):
    """The meta part of a FRAME record. A pose may hold NaN: its sender did not know."""

    seq: Whole
    t: Annotated[float, Meta(ge=-MOST, le=MOST)]
    utc: Utc | None
    flags: list[str]
    temperature: Annotated[list[float], Meta(min_length=2, max_length=5)] | None  # gain, offset; or R1, B, F, O, R2
    pose: tuple[float, float, float, float, float, float] | None
    size: tuple[Side, Side]
    bits: Literal[8, 16]
    origin: str | Annotated[float, Meta(ge=-MOST, le=MOST)] | None = None  # a name or a media time; not in old ones
    pose_more: _PoseMore | None = None  # not in old ones either


class EndMark(Struct):
    """The meta part of an END record. ``frames``: in this segment; ``final``: no other segment follows."""

    frames: Whole
    final: bool


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the meta part of a record: HEADER, FRAME or END."""
    kinds, parts = msgspec.json.schema_components([_Header, _Frame, EndMark], ref_template="#/$defs/{name}")
    parts["_Header"]["properties"].update(format={"const": FORMAT}, codec={"const": codec.NAME})
    parts["_Header"]["required"] += ["format", "codec"]  # read before the rest, as `_Version`
    return {"anyOf": list(kinds), "$defs": parts}


def read_meta(meta: Mapping[str, object], kind: type[T]) -> T:
    """The meta part of a record as its declared type. Raises Damaged where it is another thing."""
    try:
        return declared(meta, kind)
    except ValueError as error:
        raise Damaged(f"a record that this package does not write ({one_line(str(error))})") from None


@dataclass(frozen=True, slots=True)
class Origin:
    """The camera of a recording: its ``description``, whether it was ``live``, its ``fps`` if known, and whether its
    frames were ``independent``; ``crop``, ``whole``, ``mask``, ``intrinsics``: as a `Camera` has them. What is
    recorded is what was looked at, so a replay needs none of them to be given.
    """

    source: str
    live: bool
    fps: float | None
    independent: bool = False
    crop: tuple[int, int, int, int] | None = None
    mask: npt.NDArray[np.bool_] | None = None
    intrinsics: tuple[float, float, float, float] | None = None
    whole: tuple[int, int] | None = None


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

    def pack(self) -> bytes:
        """The record."""
        mask = self.origin.mask
        return pack(HEADER, self.to_json(), b"" if mask is None else codec.Encoder()(mask.astype(np.uint8)))

    def to_json(self) -> dict[str, object]:
        more: dict[str, object] = {}
        if self.origin.independent:
            more["independent"] = True
        for name in ("crop", "whole", "intrinsics"):
            if (value := getattr(self.origin, name)) is not None:
                more[name] = list(value)
        if self.origin.mask is not None:
            more["mask"] = list(self.origin.mask.shape)
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
            **more,
        }

    @classmethod
    def from_json(cls, meta: Mapping[str, object], payload: bytes = b"") -> Header:
        """Raises Newer for a later format, Damaged where something is missing or of another type."""
        version = read_meta(meta, _Version)
        if version.format > FORMAT or version.codec != codec.NAME:
            raise Newer(
                f"format {version.format}, {one_line(version.codec)}; this version reads {FORMAT}, {codec.NAME}"
            )
        said = read_meta(meta, _Header)
        more = said.crop, _mask(said.mask, payload), said.intrinsics, said.whole
        origin = Origin(said.source, said.live, said.fps, said.independent, *more)
        return cls(said.recording, said.segment, origin, said.host, said.boot_id, said.started)


def _mask(size: tuple[int, int] | None, payload: bytes) -> npt.NDArray[np.bool_] | None:
    if size is None:
        return None
    if size[0] * size[1] > MAX_PIXEL_BYTES:
        raise Damaged(f"a mask of {size[1]}x{size[0]}")
    try:
        return np.asarray(codec.decode(payload, *size, 8) != 0)
    except ValueError as error:
        raise Damaged(f"a mask that this package does not write ({one_line(str(error))})") from None


def pack_frame(frame: Frame, encode: codec.Encoder) -> bytes:
    """The record of one frame, without what a simulator knows of it. Raises ValueError for over 64 MiB of pixels."""
    if frame.pixels.nbytes > MAX_PIXEL_BYTES:
        raise ValueError(f"{frame.pixels.nbytes} bytes of pixels; expected up to {MAX_PIXEL_BYTES}")
    pose = frame.pose
    meta: dict[str, object] = {
        "seq": int(frame.seq),
        "t": float(frame.t_capture),  # Python writes the shortest text that reads back as the same float64
        "utc": None if frame.utc is None else frame.utc.isoformat(),
        "flags": sorted(frame.flags),
        "temperature": _numbers(frame.temperature),
        "pose": None if pose is None else [float(value) for value in astuple(pose)[:POSE_NUMBERS]],
        "size": [frame.height, frame.width],
        "bits": 8 * frame.pixels.itemsize,
    }
    if more := _more(pose):
        meta["pose_more"] = more
    if frame.origin is not None:
        meta["origin"] = frame.origin[:MAX_TEXT] if isinstance(frame.origin, str) else float(frame.origin)
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
            temperature=_scale(meta.temperature),
            pose=_pose(meta.pose, meta.pose_more),
            origin=meta.origin,
        )
    except (InputError, ValueError) as error:
        raise Damaged(f"a frame that this package does not write ({one_line(str(error))})") from None


def _more(pose: Pose | None) -> dict[str, object]:
    """What a pose says besides its six numbers, by name; {} where it says no more."""
    if pose is None:
        return {}
    said = {name: getattr(pose, name) for name in _PoseMore.__struct_fields__}
    said["height_source"] = pose.height_source[:MAX_TEXT]
    return {
        name: float(value) if name != "height_source" else value
        for name, value in said.items()
        if value not in (None, "")
    }


def _pose(numbers: tuple[float, float, float, float, float, float] | None, more: _PoseMore | None) -> Pose | None:
    return None if numbers is None else Pose(*numbers, *(() if more is None else msgspec.structs.astuple(more)))


def _numbers(scale: Scale | None) -> list[float] | None:
    if scale is None:
        return None
    if not isinstance(scale, (TemperatureScale, PlanckScale)):
        raise ValueError(f"a temperature scale {type(scale).__name__}; expected TemperatureScale or PlanckScale")
    return [float(value) for value in astuple(scale)]


def _scale(numbers: list[float] | None) -> Scale | None:
    if numbers is None:
        return None
    if len(numbers) == 2:
        return TemperatureScale(*numbers)
    if len(numbers) == 5:
        return PlanckScale(*numbers)
    raise ValueError(f"a temperature scale of {len(numbers)} numbers")


def one_line(text: str, most: int = 200) -> str:
    """Text out of a file as a piece of one line for a terminal: no control characters, not too long."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(clean) <= most else clean[:most] + "..."
