"""Which byte comes first? A frame with its bytes the wrong way round is a picture of noise, to a person and a model."""

from __future__ import annotations

import numpy as np

from edge.data import Pixels

SMOOTHER = 8.0


def looks_swapped(pixels: Pixels) -> bool:
    """Whether the two bytes of each count of a frame, (H, W), are the wrong way round.

    In a picture neighbours differ little. With the bytes swapped the noisy low byte weighs 256 times too much,
    so a swapped frame gets many times smoother by swapping it. The other way round, a good frame gets smoother
    only if its low byte says nothing, as with 8-bit grey moved up by 8 bits: that is not taken for swapped.
    """
    if pixels.dtype != np.uint16:
        return False
    some = np.asarray(pixels[::8], np.uint16)
    low = some & 255
    if some.shape[1] < 2 or low.min() == low.max():
        return False
    return _roughness(some) > SMOOTHER * max(_roughness(some.byteswap()), 1.0)


def _roughness(counts: Pixels) -> float:
    """Mean difference between neighbours in a row."""
    return float(np.abs(np.diff(counts.astype(np.int32), axis=1)).mean())
