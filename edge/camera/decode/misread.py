"""Counts that are none: raw frames say nothing of themselves, and 8-bit pictures or floats fill 16 bits as well."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import Pixels

ALIKE = 16.0  # levels: neighbours in a picture differ by 1 or 2 on average, the bytes of counts by 30 and more
FEWEST, SEEN = 8, 16  # values of the high byte, each of so many pixels: fewer could be alike by chance
MOSTLY = 0.75  # of these values: sharp edges have others
APART = 100.0  # times: in pictures neighbours differ less than what lies further apart

GREY_8 = (
    "the two bytes of each count are as alike as neighbours in an 8-bit picture: this is 8-bit video read as 16 bits; "
    "of raw frames say format=GREY"
)
WIDE = (
    "counts of two kinds take turns in each row: these are numbers of 32 or 64 bits, such as floats, read as counts of "
    "16; save them as NPY or TIFF, which say what they hold, or as uint16 counts"
)


def misread(pixels: Pixels) -> str:
    """What a frame, (H, W) uint16, looks like instead of counts, and what to do, in words; "" where it looks like them,
    or cannot be told.
    """
    if pixels.dtype != np.uint16:
        return ""
    counts = np.asarray(pixels, np.uint16).reshape(-1)
    if _neighbours(counts):
        return GREY_8
    return WIDE if any(_take_turns(counts.astype(np.int32), step) for step in (2, 4)) else ""


def _neighbours(counts: npt.NDArray[np.uint16]) -> bool:
    """Whether the low byte is about what the high one is, whatever that is; (N,). Equal ones everywhere are 8 bits that
    were widened.
    """
    low, high = counts & 255, counts >> 8
    apart = np.abs(low.astype(np.int32) - high)
    seen, sums = np.bincount(high, minlength=256), np.bincount(high, apart, minlength=256)
    enough = seen >= SEEN
    alike = sums[enough] < ALIKE * seen[enough]
    return bool(len(alike) >= FEWEST and alike.mean() >= MOSTLY and apart.any())


def _take_turns(counts: npt.NDArray[np.int32], step: int) -> bool:
    """Whether one of each ``step`` counts, (N,), is like the next one of its place, and quite unlike its neighbour."""
    whole = counts[: len(counts) // step * step].reshape(-1, step)
    if len(whole) < 2:
        return False
    along = np.abs(np.diff(whole, axis=0)).mean(axis=0)
    place = int(along.argmin())
    beside = np.abs(whole[:, place] - whole[:, (place + 1) % step]).mean()
    return bool(beside > APART * max(1.0, float(along[place])))
