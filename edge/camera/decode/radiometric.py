"""Raw counts out of DJI's radiometric JPEGs (R-JPEG).

The counts lie in the APP3 segments, joined in file order: 512 x 640 uint16, little-endian (M2EA, M3T, H20N;
layout as read by SanNianYiSi/thermal_parser). Their way to degrees C is in DJI's closed library only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

APP1, APP3, START_OF_SCAN = 0xE1, 0xE3, 0xDA
DJI_HEIGHT, DJI_WIDTH = 512, 640


def dji_raw_counts(jpeg: bytes) -> npt.NDArray[np.uint16] | None:
    """(512, 640) uint16 raw counts of a DJI R-JPEG, sensor pixels; None for any other JPEG.

    Raises ValueError where a DJI file's raw data are not of the one known size.
    """
    segments = list(jpeg_segments(jpeg))
    made_by_dji = any(kind == APP1 and body[:4] == b"Exif" and b"DJI\x00" in body for kind, body in segments)
    raw = b"".join(body for kind, body in segments if kind == APP3)
    if not made_by_dji or not raw:
        return None
    expected = DJI_HEIGHT * DJI_WIDTH * 2
    if len(raw) != expected:
        raise ValueError(
            f"{len(raw)} bytes of raw data in a DJI R-JPEG, expected {expected} ({DJI_WIDTH}x{DJI_HEIGHT} at 16 bit)"
        )
    return np.frombuffer(raw, "<u2").astype(np.uint16).reshape(DJI_HEIGHT, DJI_WIDTH)


def jpeg_segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment, up to and with the first start of scan (ITU-T T.81, annex B).

    A file that is no JPEG, or is cut off, gives the segments that are whole.
    """
    at = 2 if jpeg[:2] == b"\xff\xd8" else len(jpeg)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        kind = jpeg[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if end > len(jpeg):
            return
        yield kind, jpeg[at + 4 : end]
        if kind == START_OF_SCAN:
            return
        at = end


def jpeg_is_whole(jpeg: bytes) -> bool:
    """Whether the picture has its end marker: OpenCV before 5 decodes half a file and fills it with grey."""
    head = sum(len(body) + 4 for _, body in jpeg_segments(jpeg))
    # inside the scan every 0xFF is followed by 0x00 or a restart marker, so this can only be the end
    return jpeg.find(b"\xff\xd9", head) >= 0
