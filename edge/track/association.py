"""Which detection continues which track: what each pair costs that can be one, and the one-to-one choice of least cost.

The cost of a pair is how unlikely it is (minus twice the log of a likelihood): how far the detection lies from where
the track is expected, against the uncertainty of both; how large that uncertainty is, so that a track that was seen a
moment ago goes before one that was lost; how much the sizes differ; and a little for another class. Boxes of a few
pixels move by more than their size, so overlap alone says nothing of them. Where boxes overlap well in spite of a
shifted middle (an object that comes into the picture, a box around half of it), the overlap of the boxes, enlarged by
a buffer, counts instead of the distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import lap
import numpy as np
import numpy.typing as npt

from edge.track.kalman import ID, LABEL, PP, SIZE, Float64, H, Indices, W, X, Y, measured_variance

GATE = 16.0  # squared distance in 1 sigma, of both axes together, from which a pair cannot be
LIMIT = 22.0  # cost from which a pair cannot be
FAINT_LIMIT = 10.0  # the same of a faint detection with a track that was not seen in the frame before
LATER = 6.0  # cost by which what is not yet a track comes after the tracks
LEFT_OUT = LIMIT + LATER
SIZE_RATIO = 2.5  # sizes that differ by more are not those of one object
SIZE_SPREAD = 0.35  # 1 sigma of the log of their ratio
OTHER_CLASS = 1.0  # cost of a change of class
BUFFER = 0.3  # part of its size by which a box is enlarged on each side, for the overlap
SECOND_BOX = 0.7  # IoU from which two boxes of a frame are of one object
MOST_SOLVED = 300  # rivals: from so many on the cheapest pair is taken first, instead of the cheapest of all choices
NEVER = 1e6


@dataclass(frozen=True, slots=True)
class Found:
    """The detections of a frame. ``boxes``: (N, 4) xyxy px. ``middle``, ``sides``: (2, N) px. ``scores``: (N,)
    0..1. ``labels``: (N,).
    """

    boxes: Float64
    middle: Float64
    sides: Float64
    scores: Float64
    labels: Indices


Pairs = tuple[Indices, Indices, Float64]
"""Tracks, detections and costs, (P,) each."""


def candidates(s: Float64, found: Found) -> Pairs:
    """All pairs that can be, of the tracks ``s`` (ROWS, T) with the detections."""
    noise = measured_variance(s[SIZE])
    variance = s[PP] + noise
    reach = np.maximum(4.0 * np.sqrt(variance), s[SIZE])
    ways = abs(s[X : Y + 1, :, None] - found.middle[:, None])
    near = ways < reach[:, None]
    tracks, which = (near[0] & near[1]).nonzero()
    if not len(tracks):
        return tracks, which, np.zeros(0)
    way, own, sides = ways[:, tracks, which], s[W : H + 1].take(tracks, 1), found.sides.take(which, 1)
    spread = variance[tracks]
    ratio = abs(np.log(sides[0] * sides[1] / (own[0] * own[1])))
    far = np.minimum((way[0] * way[0] + way[1] * way[1]) / spread, GATE - GATE * _overlap(way, own, sides))
    cost = far + 2 * np.log(spread / noise[tracks]) + (ratio / (2 * SIZE_SPREAD)) ** 2
    cost += OTHER_CLASS * (s[LABEL, tracks] != found.labels[which])
    can = ((far < GATE) & (ratio < 2 * math.log(SIZE_RATIO)) & (cost < LIMIT)).nonzero()[0]
    cost += LATER * (s[ID, tracks] < 0)
    return tracks[can], which[can], cost[can]


def _overlap(way: Float64, a: Float64, b: Float64) -> Float64:
    """IoU (P,) of boxes with sides ``a`` and ``b``, (2, P) px, and middles that are ``way`` apart, all enlarged."""
    larger = 1 + 2 * BUFFER
    common = np.minimum(np.minimum(a, b) * larger, np.maximum((a + b) * (larger / 2) - way, 0))
    both = common[0] * common[1]
    return np.asarray(both / ((a[0] * a[1] + b[0] * b[1]) * larger**2 - both))


def second_boxes(found: Found, new: Indices, left: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the detections ``new``, in falling order of their scores, are of an object that has a box already: one
    that continues a track (not ``left``), or a stronger new one.
    """
    others = np.concatenate(((~left).nonzero()[0], new))
    a, b = found.boxes[new][:, None], found.boxes[others]
    sides = np.minimum(a[..., 2:], b[:, 2:]) - np.maximum(a[..., :2], b[:, :2])
    x, y = np.maximum(sides[..., 0], 0), np.maximum(sides[..., 1], 0)
    areas = found.sides[0] * found.sides[1]
    common = x * y
    same = common >= SECOND_BOX / (1 + SECOND_BOX) * (areas[new][:, None] + areas[others])
    same &= np.arange(len(others)) < len(others) - len(new) + np.arange(len(new))[:, None]
    return np.asarray(same.any(1))


def choose(pairs: Pairs) -> tuple[Indices, Indices]:
    """Of the pairs, one-to-one, those of the least total cost; leaving a track and a detection out costs `LEFT_OUT`."""
    tracks, which, cost = pairs
    if not len(tracks):
        return tracks, which
    # most have no rival: only the others need a solver
    rivals = (np.bincount(tracks)[tracks] > 1) | (np.bincount(which)[which] > 1)
    if not rivals.any():
        return tracks, which
    rows, row = _numbered(tracks[rivals])
    columns, column = _numbered(which[rivals])
    if max(len(rows), len(columns)) > MOST_SOLVED:
        r, c = _greedy(row, column, cost[rivals])
    else:
        table = np.full((len(rows), len(columns)), NEVER)
        table[row, column] = cost[rivals]
        partner = lap.lapjv(table, extend_cost=True, cost_limit=LEFT_OUT, return_cost=False)[0]
        r = (partner >= 0).nonzero()[0]
        c = partner[r]
    alone = ~rivals
    return np.concatenate((tracks[alone], rows[r])), np.concatenate((which[alone], columns[c]))


def _numbered(values: Indices) -> tuple[Indices, Indices]:
    """The different values in order, and of each its place there: `numpy.unique` of small whole numbers, but quick."""
    there = np.zeros(int(values.max()) + 1, np.intp)
    there[values] = 1
    return there.nonzero()[0], (there.cumsum() - 1)[values]


def _greedy(rows: Indices, columns: Indices, cost: Float64) -> tuple[Indices, Indices]:
    """Pairs from the cheapest on, each where both are still free."""
    taken: dict[int, int] = {}
    used: set[int] = set()
    for i in np.argsort(cost, kind="stable").tolist():
        row, column = int(rows[i]), int(columns[i])
        if row not in taken and column not in used:
            taken[row] = column
            used.add(column)
    return np.array(list(taken), np.intp), np.array(list(taken.values()), np.intp)
