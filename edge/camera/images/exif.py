"""When a JPEG was taken, as its EXIF says (CIPA DC-008): by a clock without a time zone, so it is for order only."""

from __future__ import annotations

import struct
from pathlib import Path

from edge.camera.images.jpeg import APP1, jpeg_segments
from edge.system.files import open_regular

HEAD = 256 << 10  # bytes of a file in which EXIF stands
EXIF_IFD, TAKEN, FRACTION = 0x8769, 0x9003, 0x9291


def taken_at(path: Path) -> str | None:
    """``2024:05:12 10:30:15.250``: DateTimeOriginal with SubSecTimeOriginal, which sort as text; None without.

    Raises nothing for a damaged file: it has no time.
    """
    try:
        with open_regular(path) as file:
            jpeg = file.read(HEAD)
        for kind, body in jpeg_segments(jpeg):
            if kind == APP1 and body[:6] == b"Exif\0\0":
                return _taken(body[6:])
    except (OSError, struct.error, ValueError):
        pass
    return None


def _taken(tiff: bytes) -> str | None:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    first = entries(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
    if EXIF_IFD not in first:
        return None
    exif = entries(tiff, order, first[EXIF_IFD][1])
    taken = _text(tiff, exif.get(TAKEN))
    return f"{taken}.{_text(tiff, exif.get(FRACTION))}" if len(taken) == 19 else None


def entries(tiff: bytes, order: str, at: int) -> dict[int, tuple[int, int, int]]:
    """``{tag: (count, value or offset, where the value stands)}`` of one directory."""
    found = {}
    for i in range(struct.unpack_from(order + "H", tiff, at)[0]):
        tag, _, count, value = struct.unpack_from(order + "HHII", tiff, at + 2 + 12 * i)
        found[tag] = count, value, at + 10 + 12 * i
    return found


def _text(tiff: bytes, entry: tuple[int, int, int] | None) -> str:
    if entry is None:
        return ""
    count, value, here = entry
    at = here if count <= 4 else value
    return tiff[at : at + min(count, 64)].decode("ascii", "replace").strip("\0 ")
