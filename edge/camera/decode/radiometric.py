"""Raw counts out of radiometric JPEGs (R-JPEG) of DJI; those of FLIR: edge/camera/images/flir.py.

DJI's counts lie in APP3 segments, joined in file order: uint16, little-endian, 640 x 512 (M2EA, M3T, H20N; layout as
read by SanNianYiSi/thermal_parser) or 1280 x 1024 (H30T, the same project's images; OSGeo/gdal#13101). Their way to
degrees C is in DJI's closed library only.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.images.jpeg import APP1, decode, jpeg_is_whole, jpeg_segments, jpeg_size
from edge.camera.images.limits import check_size
from edge.camera.quiet import quiet

APP2, APP3, APP15 = 0xE2, 0xE3, 0xEF
DJI_HEIGHT, DJI_WIDTH = 512, 640
SENSORS = ((DJI_HEIGHT, DJI_WIDTH), (2 * DJI_HEIGHT, 2 * DJI_WIDTH))  # height, width
ALIKE = 0.35  # correlation; real pairs of counts and picture have 0.7 and more, a wrong layout next to none
LEAST = 32768  # bytes: less is no picture of counts
PICTURE = "?raw=0 takes the picture instead"

__all__ = ["DJI_HEIGHT", "DJI_WIDTH", "SENSORS", "dji_raw_counts", "jpeg_is_whole", "jpeg_segments"]


def dji_raw_counts(jpeg: bytes) -> npt.NDArray[np.uint16] | None:
    """(512, 640) or (1024, 1280) uint16 raw counts of a DJI R-JPEG, sensor pixels; None for any other JPEG.

    Counts that lie elsewhere than in APP3 are believed only where they look like the file's own picture.

    Raises ValueError where a DJI file holds so much other data that they may be counts, but not as known.
    """
    segments = list(jpeg_segments(jpeg))
    if not any(kind == APP1 and body[:4] == b"Exif" and b"DJI\x00" in body for kind, body in segments):
        return None
    raw = b"".join(body for kind, body in segments if kind == APP3)
    counts = _counts(raw)
    if counts is not None:
        return counts
    for run in _runs(segments):
        counts = _counts(run)
        if counts is not None and _looks_like_picture(counts, jpeg):
            return counts
    size = jpeg_size(jpeg)
    apps = {kind: sum(len(b) for k, b in segments if k == kind) for kind in range(APP3, APP15 + 1)}
    most = APP3 if raw else max(apps, key=lambda kind: apps[kind])
    # the small ones are parameters; a visual picture may carry a preview or a maker's note
    if raw or (apps[most] >= LEAST and size is not None and size[0] <= 2 * DJI_WIDTH):
        known = " or ".join(f"{h * w * 2} ({w}x{h} at 16 bit)" for h, w in SENSORS)
        raise ValueError(
            f"{apps[most]} bytes of raw data in a DJI R-JPEG, expected {known}"
            + ("" if most == APP3 else f"; they are in APP{most - 0xE0} and do not look like its picture")
            + f"; {PICTURE}"
        )
    return None


def _counts(raw: bytes) -> npt.NDArray[np.uint16] | None:
    for height, width in SENSORS:
        if len(raw) == height * width * 2:
            return np.frombuffer(raw, "<u2").astype(np.uint16).reshape(height, width)
    return None


def _runs(segments: list[tuple[int, bytes]]) -> Iterator[bytes]:
    """Neighbouring segments of one kind, joined, that have the size of a known sensor's counts."""
    sizes = {height * width * 2 for height, width in SENSORS}
    for kind in range(APP3, APP15 + 1):
        joined = b"".join(body for k, body in segments if k == kind)
        begins, end = {0}, 0  # where segments begin in it
        for body in (body for k, body in segments if k == kind):
            end += len(body)
            for size in sizes:
                if end - size in begins:
                    yield joined[end - size : end]
            begins.add(end)


def _looks_like_picture(counts: npt.NDArray[np.uint16], jpeg: bytes) -> bool:
    """Whether the counts, at the picture's size, rise and fall with it, whichever way its palette goes."""
    size = jpeg_size(jpeg)
    if size is None:
        return False
    check_size(*size, 3)
    height, width = counts.shape
    if abs(size[0] * height - size[1] * width) > 0.02 * size[0] * height:  # another shape
        return False
    with quiet():
        picture = decode(jpeg, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    small = (width // 8, height // 8)
    a = cv2.resize(counts, small, interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    b = cv2.resize(picture, small, interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    a, b = a - a.mean(), b - b.mean()
    power = float(a @ a) * float(b @ b)
    return power > 0 and abs(float(a @ b)) / power**0.5 >= ALIKE
