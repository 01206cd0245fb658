"""By how much all detections of a frame lie beside their tracks: what a pose or a measured motion left over.

A pose is a tenth of a degree off, which is two pixels, as much as a small track's gate; and it is off for all objects
alike. So the shift that most pairs of a track and a detection share is taken out before they are matched one by one.
"""

from __future__ import annotations

import numpy as np

from edge.track.association import Found
from edge.track.kalman import HITS, PP, SIZE, Float64, X, Y, measured_variance

LEAST_TRACKS = 4  # that share it
LEAST_PART = 0.5  # of the tracks
SLACK = 2.0  # sizes: how far off a motion may be
ALIKE = 0.35  # sizes: shifts of two pairs that differ by less are one
MOST_PAIRS = 400


def common_shift(s: Float64, found: Found) -> Float64 | None:
    """Pixels (2,) from the tracks ``s`` (ROWS, T) to the detections, or None where too few share one."""
    sure = (s[HITS] >= 2).nonzero()[0]
    if min(len(sure), len(found.scores)) < LEAST_TRACKS:
        return None
    a = s[: HITS + 1, sure]
    reach = 3.0 * np.sqrt(a[PP] + measured_variance(a[SIZE])) + SLACK * a[SIZE]
    dx, dy = found.middle[0] - a[X][:, None], found.middle[1] - a[Y][:, None]
    near = ((abs(dx) < reach[:, None]) & (abs(dy) < reach[:, None])).nonzero()
    if len(near[0]) > MOST_PAIRS:
        step = -(-len(near[0]) // MOST_PAIRS)
        near = near[0][::step], near[1][::step]
    if len(near[0]) < LEAST_TRACKS:
        return None
    x, y = dx[near], dy[near]
    alike = ALIKE * float(a[SIZE].sum()) / len(sure) + 0.5
    same = (abs(x[:, None] - x) < alike) & (abs(y[:, None] - y) < alike)
    support = same.sum(1)
    best = int((support - 1e-6 * (x * x + y * y)).argmax())  # of equal ones the shortest
    if support[best] < max(LEAST_TRACKS, LEAST_PART * np.count_nonzero(np.diff(near[0], prepend=-1))):
        return None
    agree = same[best]
    return np.array([x[agree].mean(), y[agree].mean()])
