"""Where tracked objects are, how fast they go and how sure that is: a constant-velocity Kalman filter, in seconds.

All tracks are filtered at once. Noise is the same along both axes, so a track has one 2x2 covariance (of position and
velocity along any axis), and turning the picture changes nothing. Lengths scale with the object: a deer from 30 m and
one from 120 m move alike, measured in their own length.

With twenty objects a call of numpy costs more than what it computes. So what time and the camera do to a state is one
matrix, the same for all tracks, and rows that change together lie together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# rows of the state of N tracks, (ROWS + classes, N) float64: pixels of the newest frame, seconds
X, Y, VX, VY = 0, 1, 2, 3  # centre and velocity over the ground
PP, PV, VV = 4, 5, 6  # variance of the position, covariance with the velocity, variance of the velocity
W, H, AREA = 7, 8, 9  # smoothed sides, and their product
NOISE, SPREAD = 10, 11  # as predicted: variance of a detection's centre by that size; the same and PP
ONE = 12  # always 1: what a matrix adds
MOVED = 13  # rows that time and the camera change
HITS, SCORES = 13, 14  # number of its detections, sum of their scores
FIRST, LAST = 15, 16  # times of the first and the last of them
ID, LABEL = 17, 18  # -1: not yet a track; the class with the most votes
ROWS = 19  # below them, where there is more than one class, a row a class: the sum of scores with which it was that

BOX_NOISE = 0.07  # 1 sigma of a detection's centre, part of its size
PIXEL_NOISE = 0.5  # px, beside
AGILITY = 2.0  # sizes a second, 1 sigma: how much the velocity changes within a second
SMOOTH_SIZE = 0.15  # weight of the newest box
SPEED = 2.0  # sizes a second, 1 sigma: over the ground
SPEED_UNKNOWN = 25.0  # sizes a second, 1 sigma: in the picture of a camera of which nobody says how it moves
UNSTEADY = 6.0  # sizes a second, 1 sigma: how much the camera's own speed changes within a second, where nobody says it
# what is wrong with a motion that was measured, 1 sigma: px, and part of the way
MOTION_NOISE, MOTION_SCALE = 0.3, 0.03

_STAYS = np.eye(MOVED + 2, MOVED)
_STAYS[NOISE, NOISE] = _STAYS[SPREAD, SPREAD] = 0
_STAYS[NOISE, AREA], _STAYS[NOISE, ONE] = BOX_NOISE**2, PIXEL_NOISE**2


def born(found: Float64, t: float, speed: float, drift: Float64, rows: int) -> Float64:
    """States (rows, N) of new tracks, each from its detection, a column of `Found.s`, seen at ``t`` s;
    without NOISE and SPREAD, which `predict` sets.

    ``speed``: 1 sigma of their velocity, sizes a second, about ``drift``, (2,) px / s.
    """
    s = np.zeros((rows, found.shape[1]))
    s[:ROWS] = found
    s[VX : VY + 1] = drift[:, None]
    s[PP] = BOX_NOISE**2 * s[AREA] + PIXEL_NOISE**2
    s[VV] = speed**2 * s[AREA]
    s[FIRST : LAST + 1] = t
    s[ONE], s[ID] = 1, -1
    if rows > ROWS:
        s[ROWS + s[LABEL].astype(np.intp), np.arange(found.shape[1])] = s[SCORES]
    return s


def predict(s: Float64, dt: float, motion: Float64 | None = None) -> None:
    """Move all states ``dt`` seconds on, and then into the next frame's pixels by ``motion``, (2, 3), from those of
    the frame before; in place.
    """
    step = _step(dt, motion)
    if motion is None:
        s[:MOVED] = step[:MOVED] @ s[:MOVED]
        return
    moved = step @ s[:MOVED]
    doubt = moved[MOVED:]
    doubt *= doubt
    moved[PP] += doubt[0]
    moved[PP] += doubt[1]
    np.add(moved[PP], moved[NOISE], out=moved[SPREAD])
    s[:MOVED] = moved[:MOVED]


def _step(dt: float, motion: Float64 | None) -> Float64:
    """(MOVED + 2, MOVED), by which a state is multiplied. The last two rows are what may be wrong with the way on which
    the motion takes it, 1 sigma, px along x and y.
    """
    q, m = AGILITY**2 * dt, np.array(_STAYS)
    m[X, VX] = m[Y, VY] = m[PV, VV] = dt
    m[PP, PV], m[PP, VV], m[PP, AREA] = 2 * dt, dt * dt, dt * dt * q / 3
    m[PV, AREA], m[VV, AREA] = dt * q / 2, q
    if motion is not None:
        (a, b, x), (c, d, y) = motion.tolist()
        area = a * d - b * c
        m[X, X], m[X, Y], m[X, VX], m[X, VY], m[X, ONE] = a, b, a * dt, b * dt, x
        m[Y, X], m[Y, Y], m[Y, VX], m[Y, VY], m[Y, ONE] = c, d, c * dt, d * dt, y
        m[VX, VX], m[VX, VY], m[VY, VX], m[VY, VY] = a, b, c, d
        m[PP : VV + 1] *= area
        m[PP, ONE] = MOTION_NOISE**2
        m[W, W] = m[H, H] = area**0.5
        m[AREA, AREA] = area
        m[NOISE, AREA] *= area
        way = m[MOVED:]  # to where it is in the new frame, from where it would be if the camera stood still
        way[:] = m[X : Y + 1]
        way[0, X], way[0, VX], way[1, Y], way[1, VY] = a - 1, (a - 1) * dt, d - 1, (d - 1) * dt
        way *= MOTION_SCALE
    np.add(m[PP], m[NOISE], out=m[SPREAD])
    return m


def doubt_velocities(s: Float64) -> None:
    """From now on velocities are those in the picture of a camera of which nobody ever said how it moves, in place."""
    s[VV] += SPEED_UNKNOWN**2 * s[AREA]


def add_camera(s: Float64, motion: Float64, seconds: float, dt: float) -> None:
    """Add to all velocities the camera's, in place: it moved by ``motion``, (2, 3), in so many ``seconds``; less than 0
    takes it away. ``dt``: seconds of the next step, in which it may move otherwise.
    """
    way = motion[:, :2] @ s[X : Y + 1] + motion[:, 2:] - s[X : Y + 1]
    s[VX : VY + 1] += way / seconds
    s[VV] += UNSTEADY**2 * dt * s[AREA]


def correct(s: Float64, tracks: Indices, found: Float64, t: float) -> None:
    """Take a detection into each of these tracks, (N,) columns of ``s``, in place: those of ``found``, columns of
    `Found.s`, seen at ``t`` s.
    """
    a = s.take(tracks, 1)  # in rows, and quicker than by an index
    gain = a[PP : PV + 1] / a[SPREAD]
    off = found[X : Y + 1] - a[X : Y + 1]
    both = a[X : VY + 1].reshape(2, 2, -1)  # centre and velocity
    both += gain[:, None] * off
    a[PV : VV + 1] -= gain[1] * a[PP : PV + 1]
    a[PP] -= gain[0] * a[PP]
    a[HITS : SCORES + 1] += found[HITS : SCORES + 1]
    a[W : H + 1] += np.maximum(SMOOTH_SIZE, 1 / a[HITS]) * (found[W : H + 1] - a[W : H + 1])
    np.multiply(a[W], a[H], out=a[AREA])
    a[LAST] = t
    if len(s) > ROWS:
        a[ROWS + found[LABEL].astype(np.intp), np.arange(len(tracks))] += found[SCORES]
        a[LABEL] = a[ROWS:].argmax(0)
    s[:, tracks] = a
