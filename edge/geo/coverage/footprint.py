"""The ground in a picture; of one that looks far ahead the part that is near enough to be told where it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.geo.camera import CameraModel
from edge.geo.dem import Dem
from edge.geo.locate import Float64, locate

STEPS = 32  # of the search for the edge of what is near enough, twice: to a pixel in a picture of 1024
LEAST = 1 / 8  # of the picture: less is no look at the ground
TOP, RIGHT, BOTTOM, LEFT = range(4)


class Footprint(NamedTuple):
    """``corners``: (4, 2) float64 latitude, longitude (deg) of the ground at the corners of ``part``, clockwise from
    the top left one. ``part``: left, top, right, bottom, pixels: all of the picture, or what is left where a side was
    cut.
    """

    corners: Float64
    part: tuple[int, int, int, int]


def footprint(size: tuple[int, int], camera: CameraModel, pose: Pose, ground: float | Dem) -> Footprint | None:
    """Of a picture of ``size``, width and height. None where no part from side to side looks at ground near enough.

    Rays that are near enough make a cone, which cuts the picture in a convex shape: between two of them all are.
    """
    width, height = size
    whole = 0, 0, width, height
    corners = _ground(_corners(whole), camera, pose, ground)
    far = {i for i in range(4) if not np.isfinite(corners[i]).all()}
    if not far:
        return Footprint(corners, whole)
    best = whole[:2] + whole[:2]
    for side in (TOP, RIGHT, BOTTOM, LEFT):
        if far <= {side, (side + 1) % 4}:
            part = _without(side, size, camera, pose, ground)
            best = max(best, part, key=_area)
    if _area(best) < LEAST * width * height:
        return None
    return Footprint(_ground(_corners(best), camera, pose, ground), best)


def _without(
    side: int, size: tuple[int, int], camera: CameraModel, pose: Pose, ground: float | Dem
) -> tuple[int, int, int, int]:
    """The part that is left where as little as possible is cut off at ``side``."""
    width, height = size
    across = height if side in (TOP, BOTTOM) else width
    near, end = (across, 0) if side in (TOP, LEFT) else (0, across)
    for _ in range(2):
        cuts = np.linspace(near, end, STEPS + 1).round().astype(int)
        ends = (0, width) if side in (TOP, BOTTOM) else (0, height)
        points = [(e, c) if side in (TOP, BOTTOM) else (c, e) for c in cuts.tolist() for e in ends]
        good = np.isfinite(_ground(points, camera, pose, ground)).all(axis=1).reshape(-1, 2).all(axis=1)
        if good.all():
            near = end
            break
        last = int(np.argmin(good))
        near, end = int(cuts[max(last - 1, 0)]), int(cuts[last])
    found = [0, 0, width, height]
    found[{TOP: 1, RIGHT: 2, BOTTOM: 3, LEFT: 0}[side]] = near
    return found[0], found[1], found[2], found[3]


def _ground(points: npt.ArrayLike, camera: CameraModel, pose: Pose, ground: float | Dem) -> Float64:
    return locate(points, camera, pose, ground)[:, :2]


def _corners(part: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    left, top, right, bottom = part
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _area(part: tuple[int, int, int, int]) -> int:
    return (part[2] - part[0]) * (part[3] - part[1])
