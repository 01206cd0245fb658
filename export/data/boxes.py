"""Boxes as label files give them, made upright xyxy; and boxes that look as if they were meant otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels of the picture
FEW, SURE = 3, 0.25  # boxes from which, and part of them that must lie outside, a doubt is a refusal


def around(points: Sequence[float]) -> Box:
    """The upright box around points x1, y1, x2, y2, ...; at least one."""
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def turned(box: Box, degrees: float) -> Box:
    """The upright box around ``box`` turned about its middle."""
    x1, y1, x2, y2 = box
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    w, h = (x2 - x1) * cos + (y2 - y1) * sin, (x2 - x1) * sin + (y2 - y1) * cos
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def turns(degrees: float) -> bool:
    """Whether a rotation changes an upright box at all."""
    return math.isfinite(degrees) and abs(math.remainder(degrees, 180)) > 1e-3


def look_like_corners(
    values: Sequence[Sequence[float]], boxes: Sequence[Box], sizes: Sequence[tuple[int, int]]
) -> bool:
    """Whether four numbers a box, which were read as a place and a size (``boxes``), are two corners: all of them fit
    their pictures as corners, and many do not as they were read. ``sizes``: width and height of each box's picture,
    in the unit of ``values``; of pictures of unknown size (0) nothing is judged.
    """
    limits = np.array(sizes, np.float64).reshape(-1, 2)
    known = (limits > 0).all(1)
    if known.sum() < FEW:
        return False
    given, read = (np.array(b, np.float64).reshape(-1, 4)[known] for b in (values, boxes))
    limits = limits[known]
    fit = (given[:, 2:] > given[:, :2]).all() and (given[:, 2:] <= limits + 1).all() and (given[:, :2] >= 0).all()
    return bool(fit and _outside(read, limits).mean() >= SURE)


def _outside(boxes: npt.NDArray[np.float64], limits: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    slack = 0.02 * limits  # hand-drawn boxes reach a little over the edge
    return np.asarray((boxes[:, :2] < -slack).any(1) | (boxes[:, 2:] > limits + slack).any(1))


def outside(boxes: Sequence[Box], sizes: Sequence[tuple[int, int]]) -> int:
    """How many boxes reach clearly over the edge of their picture; ``sizes``: its width and height, 0 = unknown."""
    limits = np.array(sizes, np.float64).reshape(-1, 2)
    known = (limits > 0).all(1)
    return int(_outside(np.array(boxes, np.float64).reshape(-1, 4)[known], limits[known]).sum())
