"""Where tracked objects are, how fast they go and how sure that is: a constant-velocity Kalman filter, in seconds.

All tracks are filtered at once. Noise is the same along both axes, so a track has one 2x2 covariance (of position and
velocity along any axis), and turning the picture changes nothing. Lengths scale with the object: a deer from 30 m and
one from 120 m move alike, measured in their own length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# rows of the state of N tracks, (ROWS + classes, N) float64: pixels of the newest frame, seconds
X, Y, VX, VY = 0, 1, 2, 3  # centre and velocity over the ground
PP, PV, VV = 4, 5, 6  # variance of the position, covariance with the velocity, variance of the velocity
W, H, SIZE = 7, 8, 9  # smoothed sides, and the root of their product
FIRST, LAST, HITS, SCORES = 10, 11, 12, 13  # times of the first and the last detection, their number, sum of scores
ID, LABEL = 14, 15  # -1: not yet a track; the class with the most votes
ROWS = 16  # below them a row a class: the sum of scores with which it was seen as that

BOX_NOISE = 0.07  # 1 sigma of a detection's centre, part of its size
PIXEL_NOISE = 0.5  # px, beside
AGILITY = 2.0  # sizes a second, 1 sigma: how much the velocity changes within a second
SMOOTH_SIZE = 0.15  # weight of the newest box
SPEED = 2.0  # sizes a second, 1 sigma: over the ground
SPEED_UNKNOWN = 25.0  # sizes a second, 1 sigma: in the picture of a camera of which nobody says how it moves
UNSTEADY = 6.0  # sizes a second, 1 sigma: how much the camera's own speed changes within a second, where nobody says it
# what is wrong with a motion that was measured, 1 sigma: px, and part of the way
MOTION_NOISE, MOTION_SCALE = 0.3, 0.03


def measured_variance(size: Float64) -> Float64:
    """Variance of a detection's centre, px², by its size in px."""
    return np.asarray((BOX_NOISE * size) ** 2 + PIXEL_NOISE**2)


def born(
    middle: Float64, sides: Float64, scores: Float64, labels: Indices, t: float, speed: float, drift: Float64, rows: int
) -> Float64:
    """States (rows, N) of new tracks: boxes by their ``middle`` and ``sides``, (2, N) px, seen at ``t`` s.

    ``speed``: 1 sigma of their velocity, sizes a second, about ``drift``, (2,) px / s.
    """
    s = np.zeros((rows, len(scores)))
    s[X : Y + 1], s[W : H + 1], s[VX : VY + 1] = middle, sides, drift[:, None]
    s[SIZE] = np.sqrt(s[W] * s[H])
    s[PP], s[VV] = measured_variance(s[SIZE]), (speed * s[SIZE]) ** 2
    s[FIRST : LAST + 1] = t
    s[HITS], s[ID], s[SCORES], s[LABEL] = 1, -1, scores, labels
    s[ROWS + labels, np.arange(len(scores))] = scores
    return s


def predict(s: Float64, dt: float) -> None:
    """Move all states ``dt`` seconds on, in place."""
    q = (AGILITY * s[SIZE]) ** 2 * dt
    s[X : Y + 1] += dt * s[VX : VY + 1]
    s[PP] += dt * (2 * s[PV] + dt * (s[VV] + q / 3))
    s[PV] += dt * (s[VV] + q / 2)
    s[VV] += q


def carry(s: Float64, motion: Float64) -> None:
    """Move all states into the next frame's pixels, in place; ``motion``: (2, 3), from those of the frame before."""
    turn, before = motion[:, :2], s[X : Y + 1].copy()
    area = turn[0, 0] * turn[1, 1] - turn[0, 1] * turn[1, 0]
    s[X : VY + 1] = (turn @ s[X : VY + 1].reshape(2, 2, -1)).reshape(4, -1)
    s[X : Y + 1] += motion[:, 2:]
    s[PP : VV + 1] *= area
    s[W : SIZE + 1] *= area**0.5
    way = s[X : Y + 1] - before
    s[PP] += MOTION_NOISE**2 + MOTION_SCALE**2 * (way * way).sum(0)


def doubt_velocities(s: Float64) -> None:
    """From now on velocities are those in the picture of a camera of which nobody ever said how it moves, in place."""
    s[VV] += (SPEED_UNKNOWN * s[SIZE]) ** 2


def add_camera(s: Float64, motion: Float64, seconds: float, dt: float) -> None:
    """Add to all velocities the camera's, in place: it moved by ``motion``, (2, 3), in so many ``seconds``; less than 0
    takes it away. ``dt``: seconds of the next step, in which it may move otherwise.
    """
    way = motion[:, :2] @ s[X : Y + 1] + motion[:, 2:] - s[X : Y + 1]
    s[VX : VY + 1] += way / seconds
    s[VV] += (UNSTEADY * s[SIZE]) ** 2 * dt


def correct(
    s: Float64, tracks: Indices, middle: Float64, sides: Float64, scores: Float64, labels: Indices, t: float
) -> None:
    """Take a detection into each of these tracks, (N,) columns of ``s``, in place: its box by ``middle`` and ``sides``,
    (2, N) px.
    """
    a = s.take(tracks, 1)  # in rows, and quicker than by an index
    gain = a[PP : PV + 1] / (a[PP] + measured_variance(a[SIZE]))
    off = middle - a[X : Y + 1]
    a[X : Y + 1] += gain[0] * off
    a[VX : VY + 1] += gain[1] * off
    a[VV] -= gain[1] * a[PV]
    a[PP : PV + 1] *= 1 - gain[0]
    a[HITS] += 1
    a[W : H + 1] += np.maximum(SMOOTH_SIZE, 1 / a[HITS]) * (sides - a[W : H + 1])
    a[SIZE] = np.sqrt(a[W] * a[H])
    a[LAST] = t
    a[SCORES] += scores
    if len(s) == ROWS + 1:
        a[ROWS] += scores
    else:
        a[ROWS + labels, np.arange(len(tracks))] += scores
        a[LABEL] = a[ROWS:].argmax(0)
    s[:, tracks] = a
