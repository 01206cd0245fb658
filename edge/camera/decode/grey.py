"""From what a decoder hands over to pixels: one grey channel or raw counts, without changing a value of either."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Pixels

# channels of a grey picture differ by a few levels after JPEG or H.264; a palette differs by tens
COLOUR_SPREAD = 16 / 255
# a white-hot picture with the hottest pixels, cross-hairs or numbers in colour stays below this part of it
COLOUR_PART = 0.05
# and a grey one has none: 0 in every frame of HIT-UAV and of 42 clips in MPEG-4
SOME_COLOUR = 2e-4
SMALL = 3 << 16  # values: every pixel of a smaller picture is looked at
NOT_HEAT = "reduced to brightness"  # in the description of every source with some colour
ONE_A_PAGE = (
    "expected one band, or equal ones: save pictures one a page (tifffile: photometric='minisblack') or one a file, "
    "a colour picture as PNG of 8 bits"
)


def to_grey(picture: npt.NDArray[Any]) -> tuple[Pixels, float]:
    """``(grey, colour)`` of a decoded picture.

    ``picture``: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16. ``grey``: (H, W) of
    that dtype, contiguous. A picture without colour gives its green channel: exact where B = G = R, and of
    the three the one that chroma noise moves least (BT.601: 0.34 Cb + 0.71 Cr; blue 1.77 Cb, red 1.40 Cr).
    One in a colour palette gives its BT.601 luma, which is not a temperature. ``colour``: the part of it that
    is in colour, 0..1: more than `COLOUR_PART` in a palette, less where that is only an isotherm on the hottest pixels,
    or a mark.

    Bands of 16 bits hold no loss of a codec: such a picture is grey only if they are equal, and in colour only if it
    is an 8-bit one that was widened.

    Raises ValueError for another type or shape, and for bands of 16 bits that are neither.
    """
    if picture.dtype not in (np.uint8, np.uint16) or not (
        picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (1, 3, 4))
    ):
        raise ValueError(f"{picture.dtype} {picture.shape}: expected 8 or 16 bit grey or colour")
    if picture.ndim == 2:
        return np.ascontiguousarray(picture), 0.0
    if picture.shape[2] == 1:
        return np.ascontiguousarray(picture[:, :, 0]), 0.0
    if picture.dtype == np.uint16 and (differ := bands_differ(picture)) and not _widened(picture):
        raise ValueError(
            f"3 bands of 16 bits that differ by up to {differ} counts: several pictures, or one in colour; {ONE_A_PAGE}"
        )
    some = picture[::3, ::3] if picture.size > SMALL else picture
    blue, green, red = (some[:, :, i] for i in range(3))
    spread = np.maximum(np.maximum(blue, green), red) - np.minimum(np.minimum(blue, green), red)
    part = float((spread > COLOUR_SPREAD * np.iinfo(picture.dtype).max).mean())
    colour = part if part > SOME_COLOUR else 0.0
    if part > COLOUR_PART:
        code = cv2.COLOR_BGR2GRAY if picture.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
        return cv2.cvtColor(picture, code), colour  # type: ignore[return-value]
    return cv2.extractChannel(picture, 1), colour  # type: ignore[return-value]


def bands_differ(picture: Pixels) -> int:
    """By how much the first three bands of a picture, (H, W, 3 or 4), differ at most, in its own steps."""
    first, second, third = (picture[:, :, i] for i in range(3))
    if np.array_equal(first, second) and np.array_equal(second, third):
        return 0
    high, low = (f(f(first, second), third) for f in (np.maximum, np.minimum))
    return int((high - low).max())


def _widened(picture: Pixels) -> bool:
    """Whether the first three bands, (H, W, 3 or 4) uint16, hold 8 bits: the high byte twice, or above a byte of 0."""
    bands = [picture[:, :, i] for i in range(3)]
    return all((band & 255 == band >> 8).all() for band in bands) or not any((band & 255).any() for band in bands)


def decode_y16(handed: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.uint16]:
    """(height, width) uint16 raw counts of one V4L2 'Y16 ' buffer (little-endian in memory).

    ``handed``: what VideoCapture returned with CONVERT_RGB 0: (H, W) uint16 up to OpenCV 4.10 and from 4.12
    on, (1, 2HW) uint8 from 4.11.0 (opencv/opencv#27166, fixed in #27193). So its shape and type are not
    looked at, only its bytes. The result may share memory with ``handed``.

    Raises ValueError where the bytes are not exactly height * width * 2.
    """
    expected = height * width * 2
    if handed.nbytes != expected:
        why = "; it is 8 bit: only the high byte of each count came" if handed.nbytes * 2 == expected else ""
        raise ValueError(
            f"{handed.nbytes} bytes ({handed.dtype} {handed.shape}) for {width}x{height} at 16 bit, "
            f"expected {expected}{why}"
        )
    counts = np.ascontiguousarray(handed).reshape(-1).view(np.uint8).view("<u2").reshape(height, width)
    return counts.astype(np.uint16, copy=False)
