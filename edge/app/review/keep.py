"""``missed/``: the frames in which a person saw what the model did not, as the camera gave them, to train on.

``missed/000123.png``: the counts, 16 bits, or 8-bit grey; lossless. ``missed/000123.json``: what belongs to them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import msgspec
import numpy as np
from msgspec import Meta, Struct

from edge.data import Frame, Pixels, TemperatureScale
from edge.errors import InputError, SinkError
from edge.system.declared import MOST, declared, json_file
from edge.system.files import has_room, private_folder, reason_of, write_private

MISSED = "missed"
RESERVE_BYTES = 64 << 20  # left free on the disk, as by the crops
MOST_JSON = 1 << 16

Side = Annotated[int, Meta(ge=1, le=1 << 20)]


class LinearScale(Struct):
    """Kelvin a count, and of count 0."""

    gain: Annotated[float, Meta(gt=0, le=MOST)]
    offset: Annotated[float, Meta(ge=-MOST, le=MOST)]


class KeptFrame(Struct):
    """What belongs to a kept frame's pixels."""

    seq: Annotated[int, Meta(ge=0)]
    width: Side
    height: Side
    bits: Literal[8, 16]
    utc: Annotated[str | None, Meta(description="capture, ISO 8601; null: no clock to be trusted")]
    origin: Annotated[str | float | None, Meta(description="name of the still, or seconds of the video")]
    temperature: Annotated[LinearScale | None, Meta(description="scale of the counts; null: not known")]
    converted: Annotated[bool, Meta(description="true: the camera's scale was no line; counts are of 0.01 K")]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``missed/NUMBER.json``."""
    return msgspec.json.schema(KeptFrame)


def name_of(seq: int) -> str:
    """Of the picture, within the flight's folder."""
    return f"{MISSED}/{seq:06d}.png"


def stored(frame: Frame) -> tuple[Pixels, TemperatureScale | None]:
    """The pixels that a label file can describe, and their scale. It holds linear scales only: counts of another one
    (FLIR radiometric files) become counts of 0.01 K.
    """
    scale = frame.temperature
    if scale is None or isinstance(scale, TemperatureScale):
        return frame.pixels, scale
    linear = TemperatureScale(0.01)
    counts = linear.counts(scale.celsius(frame.pixels)).round().clip(0, 65535)
    return counts.astype(np.uint16), linear


def levelled(frame: Frame) -> Pixels:
    """(H, W) of the frame's own type: its pixels; where the user did not want to look, the middle one of all others, so
    that nothing is seen there. A copy where there is a mask.
    """
    if frame.mask is None or not frame.mask.any() or frame.mask.all():
        return frame.pixels
    middle = np.median(frame.pixels[~frame.mask]).astype(frame.pixels.dtype)
    return np.where(frame.mask, middle, frame.pixels)


def keep(folder: Path, frame: Frame, reserve: int = RESERVE_BYTES) -> str:
    """Write the frame's pixels into the flight's folder, unless they are there; returns their name within it.

    Raises SinkError where they cannot be written, or less than ``reserve`` bytes are free.
    """
    name = name_of(frame.seq)
    path = folder / name
    pixels, scale = stored(frame)
    said = {
        "seq": frame.seq,
        "width": frame.width,
        "height": frame.height,
        "bits": 8 * pixels.itemsize,
        "utc": frame.utc and frame.utc.isoformat(timespec="milliseconds"),
        "origin": frame.origin,
        "temperature": scale and {"gain": scale.gain, "offset": scale.offset},
        "converted": pixels is not frame.pixels,
    }
    try:
        private_folder(path.parent, parents=False)
        if not has_room(path.parent, reserve):
            raise SinkError(f"{path}: less than {reserve >> 20} MiB are free: free some space, then mark it again")
        if not path.exists():
            write_private(path.with_suffix(".json"), json.dumps(said).encode() + b"\n")
            write_private(path, cv2.imencode(".png", pixels)[1].tobytes())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}: free some space, then mark it again") from None
    return name


def read_kept(folder: Path, seq: int) -> tuple[Path, KeptFrame] | None:
    """The picture of a frame that was kept, and what belongs to it; None where there is none.

    Raises InputError where what belongs to it cannot be read.
    """
    path = folder / name_of(seq)
    if not path.is_file():
        return None
    about = path.with_suffix(".json")
    try:
        return path, declared(json_file(about, MOST_JSON), KeptFrame)
    except OSError as error:
        raise InputError(f"cannot read {about}: {reason_of(error)}") from None
    except ValueError as error:
        raise InputError(f"{about}: {error}: expected what the review wrote") from None
