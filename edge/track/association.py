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

from edge.track.kalman import AREA, ID, LABEL, NOISE, ROWS, SPREAD, Float64, H, Indices, W, X, Y

GATE = 16.0  # squared distance in 1 sigma, of both axes together, from which a pair cannot be
LIMIT = 22.0  # cost from which a pair cannot be
FAINT_LIMIT = 10.0  # the same of a faint detection with a track that was not seen in the frame before
LATER = 6.0  # cost by which what is not yet a track comes after the tracks, and is to be likelier to be one at all
NEAR = 2.0  # squared distance in 1 sigma up to which that second one is not asked for
LEFT_OUT = LIMIT + LATER
SIZE_RATIO = 2.5  # sizes that differ by more are not those of one object
MOST_RATIO = (2 * math.log(SIZE_RATIO)) ** 2  # the same of areas: their log, squared
SIZE_SPREAD = 0.35  # 1 sigma of the log of the sizes' ratio
OTHER_CLASS = 1.0  # cost of a change of class
BUFFER = 0.3  # part of its size by which a box is enlarged on each side, for the overlap
LARGER = 1 + 2 * BUFFER  # so the same as boxes that are not enlarged and so many times nearer
SECOND_BOX = 0.7  # IoU from which two boxes of a frame are of one object
FEW = 8  # rivals: pairs of which all choices are tried, quicker than the solver
MOST_SOLVED = 300  # rivals: from so many on the cheapest pair is taken first, instead of the cheapest of all choices
NEVER = 1e6


@dataclass(frozen=True, slots=True)
class Found:
    """The detections of a frame. ``s``: (ROWS, N), in the rows of a track's state: centre, sides, area, score, label
    and a 1 for their number; what only a track has is not to be read. ``lowest``: the least score, 1 where there is
    none. ``classes``: the highest label and one.
    """

    s: Float64
    lowest: float
    classes: int


Pairs = tuple[Indices, Indices, Float64]
"""Tracks, detections and costs, (P,) each; by the tracks."""


def candidates(s: Float64, found: Found) -> Pairs:
    """All pairs that can be, of the tracks ``s`` (ROWS, T), as predicted, with the detections."""
    reach = np.maximum(16.0 * s[SPREAD], s[AREA])  # squared
    ways = s[X : Y + 1, :, None] - found.s[X : Y + 1, None]
    ways *= ways
    tracks, which = (np.maximum(ways[0], ways[1]) < reach[:, None]).nonzero()
    if not len(tracks):
        return tracks, which, np.zeros(0)
    a, b = s.take(tracks, 1), found.s.take(which, 1)
    way = abs(a[X : Y + 1] - b[X : Y + 1])
    common = _common(way / LARGER, a[W : H + 1], b[W : H + 1])
    squared = way * way
    far = np.minimum((squared[0] + squared[1]) / a[SPREAD], GATE - GATE * (common / (a[AREA] + b[AREA] - common)))
    ratio = np.log(b[AREA] / a[AREA])
    ratio *= ratio
    cost = far + 2 * np.log(a[SPREAD] / a[NOISE]) + ratio * (0.5 / SIZE_SPREAD) ** 2
    if len(s) > ROWS:
        cost += OTHER_CLASS * (a[LABEL] != b[LABEL])
    can = far < GATE
    can &= ratio < MOST_RATIO
    later = LATER * (a[ID] < 0)
    # seen once, it may have gone anywhere: a far detection is more often another object's, or noise
    can &= cost < LIMIT - later * (far > NEAR)
    cost += later
    return tracks[can], which[can], cost[can]


def _common(way: Float64, a: Float64, b: Float64) -> Float64:
    """What boxes with sides ``a`` and ``b`` and middles that are ``way`` apart, (2, ...) px, have in common, px²."""
    sides = np.minimum(np.minimum(a, b), np.maximum((a + b) * 0.5 - way, 0))
    return np.asarray(sides[0] * sides[1])


def second_boxes(found: Found, new: Indices, left: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the detections ``new``, in falling order of their scores, are of an object that has a box already: one
    that continues a track (not ``left``), or a stronger new one.
    """
    a, b = found.s.take(new, 1)[:, :, None], found.s[:, None]
    way = abs(a[X : Y + 1] - b[X : Y + 1])
    near = way < a[W : H + 1]
    place = np.arange(len(new))
    if np.count_nonzero(near[0] & near[1]) == len(new):
        return place < 0  # each has only itself near
    same = _common(way, a[W : H + 1], b[W : H + 1]) >= SECOND_BOX / (1 + SECOND_BOX) * (a[AREA] + b[AREA])
    order = np.where(left, len(new), -1)
    order[new] = place
    return np.asarray((same & (order < place[:, None])).any(1))


def alone(pairs: Pairs) -> npt.NDArray[np.bool_]:
    """(P,) bool: which have no rival, no other pair with their track or their detection."""
    tracks, which, _ = pairs
    return np.asarray(np.bincount(tracks).take(tracks) + np.bincount(which).take(which) == 2)


def choose(pairs: Pairs, single: npt.NDArray[np.bool_] | None = None) -> tuple[Indices, Indices]:
    """Of the pairs, one-to-one, those of the least total cost; leaving a track and a detection out costs `LEFT_OUT`.

    ``single``: what `alone` says of them, where that is known: most have no rival, only the others need a solver.
    """
    tracks, which, cost = pairs
    if single is None:
        single = alone(pairs)
    some = (~single).nonzero()[0]
    if not len(some):
        return tracks, which
    its, ones, costs = tracks.take(some), which.take(some), cost.take(some)
    if len(some) <= FEW:
        gains = (LEFT_OUT - costs).tolist()
        best = _best(sorted(zip(gains, its.tolist(), ones.tolist(), range(len(some)), strict=True), reverse=True))[1]
        best.sort()
    else:
        best = _solved(its, ones, costs)
    chosen = np.concatenate((single.nonzero()[0], some.take(best)))
    return tracks.take(chosen), which.take(chosen)


def _best(pairs: list[tuple[float, int, int, int]]) -> tuple[float, list[int]]:
    """Of pairs (what it gains, track, detection, number), those that gain most first, the numbers of those that gain
    most together: with the first pair or without.
    """
    if not pairs:
        return 0.0, []
    gain, track, one, number = pairs[0]
    free, its, theirs = [], 0.0, 0.0
    for pair in pairs[1:]:
        if pair[1] == track:
            its = max(its, pair[0])
        elif pair[2] == one:
            theirs = max(theirs, pair[0])
        else:
            free.append(pair)
    more, others = _best(free)
    taken = gain + more, [number, *others]
    # instead of the first there is room for one with its track and one with its detection
    return taken if gain >= its + theirs else max(taken, _best(pairs[1:]))


def _solved(tracks: Indices, which: Indices, cost: Float64) -> list[int]:
    """The numbers of the pairs, by a solver."""
    rows, row = _numbered(tracks)
    columns, column = _numbered(which)
    if max(len(rows), len(columns)) > MOST_SOLVED:
        return _greedy(row.tolist(), column.tolist(), cost)
    table = np.full((len(rows), len(columns)), NEVER)
    table[row, column] = cost
    partner = lap.lapjv(table, extend_cost=True, cost_limit=LEFT_OUT, return_cost=False)[0]
    return list((partner[row] == column).nonzero()[0].tolist())


def _numbered(values: Indices) -> tuple[Indices, Indices]:
    """The different values in order, and of each its place there: `numpy.unique` of small whole numbers, but quick."""
    there = np.zeros(int(values.max()) + 1, np.intp)
    there[values] = 1
    return there.nonzero()[0], (there.cumsum() - 1)[values]


def _greedy(rows: list[int], columns: list[int], cost: Float64) -> list[int]:
    """The numbers of the pairs from the cheapest on, each where both are still free."""
    chosen: list[int] = []
    taken, used = set[int](), set[int]()
    for i in np.argsort(cost, kind="stable").tolist():
        if rows[i] not in taken and columns[i] not in used:
            chosen.append(i)
            taken.add(rows[i])
            used.add(columns[i])
    return chosen
