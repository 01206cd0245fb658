r"""Raw counts and temperature scale out of FLIR's radiometric JPEGs.

The APP1 segments that begin with ``FLIR\0`` hold, joined, one FFF file: a header, an index of records, among them the
raw counts (type 1: plain uint16, or a PNG whose bytes are swapped, as ExifTool notes) and the camera's constants (type
0x20). Layout: ExifTool's documentation of FLIR tags (exiftool.org/TagNames/FLIR.html) and the real files of IRimage
(CC0); every offset below is relative to its record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.images.jpeg import APP1, decode, jpeg_segments
from edge.camera.images.limits import MOST_BYTES, check_png, check_size
from edge.camera.quiet import overheard, quiet
from edge.errors import InputError
from edge.thermal.byteorder import looks_swapped
from edge.thermal.temperature import PlanckScale

Counts = npt.NDArray[np.uint16]
RAW_DATA, CAMERA_INFO = 0x01, 0x20
MOST_RECORDS = 1000
SAID = "raw counts of FLIR R-JPEG, apparent temperatures"
NO_SCALE = "raw counts of FLIR R-JPEG without its Planck constants: no temperatures"
PICTURE = "?raw=0 takes the picture instead"


def flir_raw_counts(jpeg: bytes) -> tuple[Counts, PlanckScale | None] | None:
    """``(counts, scale)`` of a FLIR R-JPEG: (H, W) uint16, sensor pixels; None for any other JPEG.

    Raises ValueError where the segments are there, but incomplete, damaged, or without counts of a known form.
    """
    fff = _joined(jpeg)
    if fff is None:
        return None
    try:
        records = dict(_records(fff))
        if RAW_DATA not in records:
            raise ValueError("no raw data among its records")
        return _raw(records[RAW_DATA]), _scale(records.get(CAMERA_INFO, b""))
    except (struct.error, ValueError, IndexError) as error:
        raise ValueError(f"its FLIR data cannot be read ({error}); {PICTURE}") from None


def _joined(jpeg: bytes) -> bytes | None:
    r"""The FFF file in the APP1 segments: ``FLIR\0``, 1, number of the part, number of the last part."""
    parts: dict[int, bytes] = {}
    last = 0
    for kind, body in jpeg_segments(jpeg):
        if kind == APP1 and body[:5] == b"FLIR\x00" and len(body) >= 8:
            parts[body[6]], last = body[8:], body[7]
    if not parts:
        return None
    missing = [i for i in range(last + 1) if i not in parts]
    if missing:
        raise ValueError(f"part {missing[0] + 1} of the {last + 1} parts of its FLIR data is missing; {PICTURE}")
    return b"".join(parts[i] for i in range(last + 1))


def _records(fff: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each record of an FFF file; the last one first, so that in a dict the first one wins."""
    if fff[:4] != b"FFF\0":
        raise ValueError(f"begins with {fff[:4]!r}, not FFF")
    order = next((o for o in "><" if 100 <= struct.unpack_from(o + "I", fff, 0x14)[0] < 200), None)
    if order is None:
        raise ValueError("an FFF of an unknown version")
    index, count = struct.unpack_from(order + "II", fff, 0x18)
    if count > MOST_RECORDS:
        raise ValueError(f"{count} records")
    for i in reversed(range(count)):
        kind, at, size = struct.unpack_from(order + "H10xII", fff, index + 32 * i)
        if kind in (RAW_DATA, CAMERA_INFO):
            if at + size > len(fff):
                raise ValueError("a record that is cut off")
            yield kind, fff[at : at + size]


def _raw(record: bytes) -> Counts:
    # the first word is 2, in the record's own byte order; width and height follow
    order = "<" if record[0] else ">"
    width, height = struct.unpack_from(order + "HH", record, 2)
    check_size(width, height, 2)
    data = record[32:]
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png16(data, width, height)
    if len(data) < width * height * 2:
        kind = "a TIFF" if data[:4] in (b"II*\0", b"MM\0*") else f"{len(data)} bytes"
        raise ValueError(f"{kind} for {width}x{height} counts, expected {width * height * 2} bytes or a PNG")
    plain = np.frombuffer(data, order + "u2", width * height).astype(np.uint16).reshape(height, width)
    return _smooth(plain)


def _png16(data: bytes, width: int, height: int) -> Counts:
    if len(data) > MOST_BYTES:
        raise ValueError(f"{len(data)} bytes of PNG")
    check_png(data)
    with quiet(), overheard():
        picture = decode(data, cv2.IMREAD_UNCHANGED)
    if picture.shape != (height, width) or picture.dtype != np.uint16:
        raise ValueError(f"a PNG of {picture.dtype} {picture.shape} for {width}x{height} counts")
    return _smooth(np.asarray(picture, np.uint16).byteswap())


def _smooth(counts: Counts) -> Counts:
    """The counts in the byte order in which they are a picture: some files have the other one."""
    return counts.byteswap() if looks_swapped(counts) else counts


def _scale(info: bytes) -> PlanckScale | None:
    """The scale from a camera's record; None where it has none, or one that does not rise."""
    if len(info) < 0x310:
        return None
    order = "<" if info[0] else ">"
    r1, b, f = struct.unpack_from(order + "fff", info, 0x58)
    o, r2 = struct.unpack_from(order + "if", info, 0x308)
    try:
        return PlanckScale(r1, b, f, o, r2)
    except InputError:
        return None
