"""How the camera moved between two frames, from where it was and where it looked: over flat ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.track.kalman import Float64

STEEPEST_DEG = 80.0  # off nadir: further out a pixel of ground is too long to say where it went
GRID = (0.1, 0.5, 0.9)  # of the picture's width and height: where the affine is fitted


@dataclass(frozen=True, slots=True)
class Stance:
    """A camera over flat ground. ``east``, ``north``: metres from any fixed point. ``height``: metres above the
    ground. ``yaw``, ``pitch``, ``roll``: degrees, as in `edge.data.Pose`.
    """

    east: float
    north: float
    height: float
    yaw: float
    pitch: float
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Lens:
    """A camera without distortion: focal length in px, size of the picture in px. ``axis``: where its optical axis
    meets the picture, px; None = in the middle.
    """

    focal: float
    width: int
    height: int
    axis: tuple[float, float] | None = None


def motion_from_poses(before: Stance, now: Stance, lens: Lens) -> Float64 | None:
    """The (2, 3) affine that takes a point of the ground from its pixel in the frame before to its pixel in this one.

    Exact for a camera that looks straight down from the same height; else the affine that is nearest to the
    homography over the picture. None where less than half of the picture looks at the ground, up to 80 degrees off
    nadir, or where a number is none.
    """
    at = np.array([(x * lens.width, y * lens.height) for y in GRID for x in GRID])
    axis = lens.axis or (lens.width / 2, lens.height / 2)
    rays = np.column_stack((at - axis, np.full(len(at), lens.focal)))
    ways = rays @ _axes(before)  # east, north, up
    down = -ways[:, 2] / np.linalg.norm(ways, axis=1)
    seen = down > math.cos(math.radians(STEEPEST_DEG))  # not where a number is NaN
    if seen.sum() * 2 <= len(at) or before.height <= 0:
        return None
    at, ways = at[seen], ways[seen]
    ground = ways * (before.height / -ways[:, 2:])  # from the camera before
    step = np.array([now.east - before.east, now.north - before.north, now.height - before.height])
    looked = (ground - step) @ _axes(now).T
    if not (looked[:, 2] > 0).all():
        return None
    there = lens.focal * looked[:, :2] / looked[:, 2:] + axis
    fitted, *_ = np.linalg.lstsq(np.column_stack((at, np.ones(len(at)))), there, rcond=None)
    return np.asarray(fitted.T)


def _axes(stance: Stance) -> Float64:
    """(3, 3), rows: the picture's right and down, and the optical axis, as east, north, up."""
    y, p, r = np.radians([stance.yaw, stance.pitch, stance.roll])
    forward = np.array([np.sin(y) * np.cos(p), np.cos(y) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(y), -np.sin(y), 0.0])
    down = np.cross(forward, right)
    return np.stack((np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, forward))
