"""Automatic gain control: what cameras make of their counts before they give 8 bit away.

Four curves (percentiles, a fixed span, plateau histogram equalisation, equalisation by tiles), a gamma, detail raised
against its surroundings (as DDE does) and an unsharp mask, whose halos stand around everything warm.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.sim.wild.scene import Agc

Grey = npt.NDArray[np.uint8]
_BINS = 2048
_FLATTEST_K = 5.0  # a curve never stretches less than so much over all greys


def to_grey(celsius: Float32, agc: Agc) -> Grey:
    """(H, W) uint8 of (H, W) float32 temperatures, deg C or K; rising but for what detail and sharpening add."""
    base: Float32 = celsius
    if agc.detail > 0.02:
        smooth = np.asarray(cv2.GaussianBlur(base, (0, 0), agc.detail_px), np.float32)
        base = base + np.float32(agc.detail) * (base - smooth)
    unit = _curve(base, agc)
    if agc.sharpen > 0.02:
        unit = unit + np.float32(agc.sharpen) * (unit - np.asarray(cv2.GaussianBlur(unit, (0, 0), 1.2), np.float32))
    unit = np.clip(unit, 0, 1) ** np.float32(agc.gamma)
    return np.asarray(np.rint(agc.low + (agc.high - agc.low) * unit), np.uint8)


def _curve(picture: Float32, agc: Agc) -> Float32:
    """0..1."""
    if agc.curve == "fixed":
        level = float(np.median(picture[::4, ::4]))
        return np.asarray((picture - np.float32(level)) / np.float32(agc.span) + np.float32(agc.level), np.float32)
    low, high = (float(v) for v in np.quantile(picture[::2, ::2], (agc.tail, 1 - agc.tail)))
    middle, half = (low + high) / 2, max((high - low) * agc.reserve, _FLATTEST_K) / 2
    low, high = middle - half, middle + half
    unit = np.asarray((picture - np.float32(low)) / np.float32(high - low), np.float32)
    if agc.curve == "plateau":
        return plateau(unit, agc.plateau)
    if agc.curve == "clahe":
        grey = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
        tiles = cv2.createCLAHE(1 + 300 * agc.plateau, (6, 6)).apply(grey)
        return np.asarray(tiles / np.float32(255), np.float32)
    return unit


def plateau(unit: Float32, top: float) -> Float32:
    """Histogram equalisation in which no grey counts for more than ``top`` of the pixels, so that a flat ground does
    not take all greys.
    """
    index = np.clip(unit * (_BINS - 1), 0, _BINS - 1)
    histogram = np.bincount(index[::2, ::2].astype(np.int32).ravel(), minlength=_BINS).astype(np.float64)
    curve = np.minimum(histogram / histogram.sum(), top).cumsum()
    curve = (curve - curve[0]) / max(curve[-1] - curve[0], 1e-9)
    table = np.concatenate((curve, curve[-1:])).astype(np.float32)
    whole = index.astype(np.int32)
    rest = index - whole
    return np.asarray(table[whole] * (1 - rest) + table[whole + 1] * rest, np.float32)
