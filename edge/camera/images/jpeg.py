"""JPEG (ITU-T T.81): its segments, whether it is whole, and its picture as the camera wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.decode.grey import to_grey
from edge.camera.images.limits import MOST_PIXELS, START_OF_FRAME, check_size
from edge.camera.quiet import overheard, quiet
from edge.data import Pixels
from edge.system.files import open_regular

APP1, APP2, START_OF_SCAN = 0xE1, 0xE2, 0xDA
MOST_SCANS, MOST_SCANNED = 100, 16 * MOST_PIXELS  # progressive ones have about ten; each goes over the whole picture
LARGE = 1 << 20  # bytes: the first picture of a video ends before
CUT_OFF = "the file is cut off"


def decode_jpeg(jpeg: bytes) -> tuple[Pixels, float]:
    """``(grey, colour)`` as of `to_grey`: the luma plane, (H, W) uint8, as the camera wrote it; rotation tags are not
    followed.

    Raises ValueError where the file is cut off or damaged, or its picture too large. libjpeg makes a picture of damaged
    data, too, and says so on stderr only: what it says there is listened to.
    """
    check_jpeg(jpeg)
    with quiet(), overheard() as said:
        # an eighth of the size is enough to see a palette, and the luma plane is exact
        small = decode(jpeg, cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION)
        picture = decode(jpeg, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if damage := [line for line in said if line.startswith("Corrupt JPEG data")]:
        raise ValueError(f"the picture's data are damaged ({damage[0].partition(': ')[2].strip()})")
    return to_grey(picture)[0], to_grey(small)[1]


def decode(data: bytes, how: int) -> npt.NDArray[Any]:
    """What OpenCV makes of an image file. Raises ValueError where that is nothing."""
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data else None
    except cv2.error as error:
        raise ValueError(f"it cannot be decoded ({error.err})") from error
    if picture is None:
        raise ValueError("it cannot be decoded" if data else "the file is empty")
    return picture


def check_jpeg(jpeg: bytes) -> None:
    """Raises ValueError where the picture is cut off, or larger than any camera's."""
    if not jpeg_is_whole(jpeg):
        raise ValueError(CUT_OFF)
    size = jpeg_size(jpeg)
    if size is None:
        raise ValueError("it cannot be decoded: it has no picture")
    form, bits, components = next(
        (kind, b[0], b[5]) for kind, b in jpeg_segments(jpeg) if kind in START_OF_FRAME and len(b) >= 6
    )
    # of one that is not read line by line libjpeg keeps two bytes for each value
    check_size(*size, 1 if form in (0xC0, 0xC1) else 2 * components)
    scans = jpeg.count(bytes((0xFF, START_OF_SCAN)))
    if scans > MOST_SCANS or scans * size[0] * size[1] > MOST_SCANNED:
        raise ValueError(
            f"{scans} scans of {size[0]}x{size[1]} pixels; expected some ten: convert it: magick FILE out.png"
        )
    if bits != 8 or components not in (1, 3):
        raise ValueError(
            f"{components} colour components of {bits} bits; expected 1 or 3 of 8: convert it: magick FILE out.png"
        )


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """``(width, height)`` as its header says; None without one."""
    for kind, body in jpeg_segments(jpeg):
        if kind in START_OF_FRAME and len(body) >= 6:
            return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
    return None


def jpeg_segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment, up to and with the first start of scan (annex B).

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


def more_jpegs_follow(path: str) -> bool:
    """Whether a file is JPEGs one behind the other: a video (MJPEG). The second picture that some cameras put behind
    the first (CIPA DC-007, MPF) makes none. False where it cannot be read.
    """
    try:
        with open_regular(Path(path)) as file:
            data = file.read(LARGE)
    except OSError:
        return False
    segments = list(jpeg_segments(data))
    end = data.find(b"\xff\xd9", sum(len(body) + 4 for _, body in segments))
    multi = any(kind == APP2 and body[:4] == b"MPF\0" for kind, body in segments)
    return end >= 0 and not multi and data[end + 2 : end + 5] == b"\xff\xd8\xff"


def jpeg_is_whole(jpeg: bytes) -> bool:
    """Whether the picture has its end marker: OpenCV before 5 decodes half a file and fills it with grey."""
    head = sum(len(body) + 4 for _, body in jpeg_segments(jpeg))
    # inside the scan every 0xFF is followed by 0x00 or a restart marker, so this can only be the end
    return jpeg.find(b"\xff\xd9", head) >= 0
