"""By how much all detections of a frame lie beside their tracks: what a pose or a measured motion left over.

A pose is a tenth of a degree off, which is two pixels, as much as a small track's gate; and it is off for all objects
alike. So the shift that most pairs of a track and a detection share is taken out before they are matched one by one:
`common_shift` where many tracks find nothing, else `shift_beside`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from edge.track.association import Found, Pairs
from edge.track.kalman import AREA, HITS, SPREAD, Float64, X, Y

LEAST_TRACKS = 4  # that share it
LEAST_PART = 0.5  # of the tracks
SLACK = 2.0  # sizes: how far off a motion may be
ALIKE = 0.35  # sizes: shifts of two pairs that differ by less are one
MOST_PAIRS = 400
CHANCE = 1.5  # 1 sigma of what chance makes of a median: from so many on it is a shift
SURE = 3.0  # what is beyond so many is one of the picture; the rest may be one of the objects, who walk together


def common_shift(s: Float64, found: Found) -> Float64 | None:
    """Pixels (2,) from the tracks ``s`` (ROWS, T) to the detections, or None where too few share one."""
    sure = (s[HITS] >= 2).nonzero()[0]
    if min(len(sure), found.s.shape[1]) < LEAST_TRACKS:
        return None
    a = s[: HITS + 1, sure]
    size = np.sqrt(a[AREA])
    reach = 3.0 * np.sqrt(a[SPREAD]) + SLACK * size
    dx, dy = found.s[X] - a[X][:, None], found.s[Y] - a[Y][:, None]
    near = ((abs(dx) < reach[:, None]) & (abs(dy) < reach[:, None])).nonzero()
    if len(near[0]) > MOST_PAIRS:
        step = -(-len(near[0]) // MOST_PAIRS)
        near = near[0][::step], near[1][::step]
    if len(near[0]) < LEAST_TRACKS:
        return None
    x, y = dx[near], dy[near]
    alike = ALIKE * float(size.mean()) + 0.5
    same = (abs(x[:, None] - x) < alike) & (abs(y[:, None] - y) < alike)
    support = same.sum(1)
    best = int((support - 1e-6 * (x * x + y * y)).argmax())  # of equal ones the shortest
    if support[best] < max(LEAST_TRACKS, LEAST_PART * np.count_nonzero(np.diff(near[0], prepend=-1))):
        return None
    agree = same[best]
    return np.array([x[agree].mean(), y[agree].mean()])


def shift_beside(
    s: Float64, found: Found, pairs: Pairs, single: npt.NDArray[np.bool_]
) -> tuple[Float64, Float64] | None:
    """Pixels (2,) by which detections lie beside tracks, of those that have only one another, their median; and what of
    it no chance makes, (2,). None where chance makes such a shift, or where the pairs are too few.

    ``single``: which of the pairs have no rival, see `alone`.
    """
    tracks, which, _ = pairs
    these = (single & (s[HITS].take(tracks) >= 2)).nonzero()[0]
    n = len(these)
    if n < LEAST_TRACKS:
        return None
    a, b = s.take(tracks.take(these), 1), found.s.take(which.take(these), 1)
    ways = b[X : Y + 1] - a[X : Y + 1]
    ways.sort(axis=1)
    shift = (ways[:, (n - 1) // 2] + ways[:, n // 2]) / 2
    chance = math.sqrt(math.pi / 2 * sum(a[SPREAD].tolist())) / n  # of a median
    far = math.hypot(*shift.tolist())
    return (shift, shift * max(0.0, 1 - SURE * chance / far)) if far > CHANCE * chance else None
