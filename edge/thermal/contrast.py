"""How far a warm body stands out in a grey picture from what lies around it.

    contrast = |grey of the body's middle - grey around it| / spread of the grey around it

The local signal-to-clutter ratio of small targets (Gao et al., IEEE Trans. Image Process. 22(12) (2013) 4996, doi
10.1109/TIP.2013.2281420). That detection depends on it and on the size in pixels: Schmieder and Weathersby, IEEE Trans.
Aerosp. Electron. Syst. 19(4) (1983) 622.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.thermal.windows import Grey

Float64 = npt.NDArray[np.float64]

INNER = 0.5  # of a box's sides: its middle, which a body fills
AROUND = 1.5  # times a box's sides: the ring, to its outer side
A_SIDE = 8  # places of the ring on each of its sides
COLUMNS, ROWS = 20, 16  # places at which clutter is taken
LEAST_SPREAD = 0.5  # grey levels: rounding to whole ones alone makes 0.3

_ALONG = np.linspace(-1, 1, A_SIDE, endpoint=False)
_SIDE = np.ones(A_SIDE)
_RING_X = np.concatenate([_ALONG, _SIDE, -_ALONG, -_SIDE])  # around a square from -1 to 1
_RING_Y = np.concatenate([-_SIDE, _ALONG, _SIDE, -_ALONG])


def differences(picture: Grey, boxes: npt.ArrayLike) -> Float64:
    """(N,) grey levels by which the middle of each box (its mean) is above what lies around it (the median of a ring).

    ``picture``: (H, W) uint8. ``boxes``: (N, 4) xyxy, its pixels. What of a ring lies outside the picture is taken from
    the other side of the box.
    """
    given = np.asarray(boxes, np.float64).reshape(-1, 4)
    x, y = _ring(picture, given)
    return np.asarray(_middles(picture, given) - np.median(picture[y, x], axis=1))


def spreads(picture: Grey, boxes: npt.ArrayLike) -> Float64:
    """(N,) standard deviation of the grey around each box, `LEAST_SPREAD` at least; arguments as of `differences`."""
    x, y = _ring(picture, np.asarray(boxes, np.float64).reshape(-1, 4))
    return np.asarray(np.maximum(picture[y, x].std(axis=1), LEAST_SPREAD))


def clutter(picture: Grey, side: float, mask: npt.NDArray[np.bool_] | None = None) -> Float64:
    """(P,) the spread of the grey around squares of ``side`` pixels at places all over the picture, see `spreads`.

    ``mask``: (H, W), True where nobody looks: places that touch it are left out. None are left (0,) where the squares
    do not fit into the picture.
    """
    height, width = picture.shape
    margin = side * AROUND / 2
    if not 0 < 2 * margin < min(width, height):
        return np.zeros(0)
    x, y = np.linspace(margin, width - margin, COLUMNS), np.linspace(margin, height - margin, ROWS)
    middles = np.column_stack([np.tile(x, ROWS), np.repeat(y, COLUMNS)])
    places = np.concatenate([middles - side / 2, middles + side / 2], axis=1)
    if mask is not None:
        columns, rows = _ring(picture, places)
        inside = np.minimum(middles.astype(int), (width - 1, height - 1))
        places = places[~(mask[rows, columns].any(axis=1) | mask[inside[:, 1], inside[:, 0]])]
    return spreads(picture, places)


def _middles(picture: Grey, boxes: Float64) -> Float64:
    """Means of the middles of ``boxes`` (N, 4): at least one pixel each."""
    height, width = picture.shape
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * (INNER / 2)
    first = np.clip(np.floor(middle - half + 0.5).astype(int), 0, (width - 1, height - 1))
    last = np.clip(np.floor(middle + half + 0.5).astype(int), first + 1, (width, height))
    sums = cv2.integral(picture)
    (a, b), (c, d) = first.T, last.T
    total = sums[d, c] - sums[b, c] - sums[d, a] + sums[b, a]
    return np.asarray(total / (last - first).prod(axis=1), np.float64)


def _ring(picture: Grey, boxes: Float64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Columns and rows, (N, 4 `A_SIDE`) each, of the pixels around each box."""
    found = []
    for axis, ring, size in ((0, _RING_X, picture.shape[1]), (1, _RING_Y, picture.shape[0])):
        middle = (boxes[:, axis] + boxes[:, axis + 2])[:, None] / 2
        half = (boxes[:, axis + 2] - boxes[:, axis])[:, None] * (AROUND / 2)
        away = np.maximum(half - 0.5, 0) * ring  # to the middle of its pixels
        at = middle + away
        at = np.where((at < 0) | (at >= size), middle - away, at)
        found.append(np.clip(np.floor(at), 0, size - 1).astype(np.int64))
    return found[0], found[1]
