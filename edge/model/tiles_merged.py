"""Boxes of overlapping tiles made into those of one frame: one box for what several tiles saw, no half bodies.

Two looks see the same object where their boxes agree in what both looks see. So:

1. A box that ends at a tile's inner border is *cut*: the body may go on behind it. Where another tile sees that place
   away from its own borders, that tile decides, and the cut box goes.
2. Boxes of one class of different looks are paired, those that agree best first. Of one object each look has one box
   at most: two animals that two tiles see both stay two, however near they are.
3. An object takes the best box that is not cut. Where all are, the object is what they cover together.
4. What is still only a cut piece, and lies in a whole box of another look, is a part of that one.

The whole frame, looked at at a coarser scale, gives what is too large for the overlap; its small boxes are not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32, Int32
from edge.model.tiling import TilePlan

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Found = tuple[Float32, Float32, Int32]

CUT_PX = 3.0  # of the model: boxes end so far from where a body is cut
AGREE = 0.5  # overlap (IoU) in what two looks both see; models suppress double boxes from 0.5 or 0.6 on
INSIDE = 0.7  # part of a piece that lies in a whole box
LARGE = 0.75  # of the overlap: longer boxes of the whole frame are taken, shorter ones some tile sees whole


@dataclass(frozen=True)
class _Boxes:
    """All boxes, best first. ``look``: (N,) whose; ``view``: (N, 4) float64 xyxy, what that look sees; ``cut``: (N,)
    bool, whether it ends at a border of that inside the frame; ``whole_frame``: (N,) bool, whether the look was at it.
    """

    boxes: Float64
    scores: Float32
    labels: Int32
    look: npt.NDArray[np.int64]
    view: Float64
    cut: Bool
    whole_frame: Bool


def merge(plan: TilePlan, found: Sequence[Found]) -> Found:
    """The boxes of all looks as those of the frame.

    ``found``: by the looks of ``plan``, in order: boxes (N, 4) float32 xyxy pixels of the frame, scores (N,) float32,
    labels (N,) int32. Returns the same, scores falling. In which order looks and boxes come changes nothing.
    """
    if len(plan.looks) == 1:
        boxes, scores, labels = found[0]
        return boxes, scores, labels
    some = _together(plan, found)
    some = _taken(some, ~(some.cut & _seen_better(some, plan)))
    objects = _objects(some)
    made, scores, labels, pieces = _made(some, objects)
    parts = _parts(made, labels, pieces, [set(some.look[o].tolist()) for o in objects])
    order = np.lexsort((*made.T[::-1], labels, -scores))
    order = order[~parts[order]]
    return made[order].astype(np.float32), scores[order], labels[order]


def _together(plan: TilePlan, found: Sequence[Found]) -> _Boxes:
    frame = np.array([plan.width, plan.height], np.float64)
    windows = np.array(plan.looks, np.float64)
    views = np.concatenate([windows[:, :2], windows[:, :2] + windows[:, 2:]], axis=1)
    look = np.repeat(np.arange(len(found)), [len(scores) for _, scores, _ in found])
    boxes = np.concatenate([b for b, _, _ in found]).astype(np.float64).reshape(-1, 4)
    scores = np.concatenate([s for _, s, _ in found]).astype(np.float32)
    labels = np.concatenate([c for _, _, c in found]).astype(np.int32)
    whole_frame = look == len(plan.windows)
    size = boxes[:, 2:] - boxes[:, :2]
    large = np.zeros(len(boxes), bool)
    for axis in (0, 1):
        if plan.overlap[axis]:
            large |= size[:, axis] > LARGE * plan.overlap[axis]
    view = views[look]
    ends = np.concatenate([view[:, :2] > 0, view[:, 2:] < frame], axis=1)
    cut = np.asarray((ends & (_room(boxes, view) <= _margin(plan))).any(axis=1))
    # in an order of their own, so that that of the looks means nothing
    order = np.lexsort((*view.T[::-1], *boxes.T[::-1], labels, -scores))
    every = _Boxes(boxes, scores, labels, look, view, cut, whole_frame)
    return _taken(every, order[(large | ~whole_frame)[order]])


def _taken(some: _Boxes, which: npt.NDArray[np.generic]) -> _Boxes:
    return _Boxes(**{name: getattr(some, name)[which] for name in _Boxes.__dataclass_fields__})


def _room(boxes: Float64, view: Float64) -> Float64:
    """How far each side of a box is inside that of a view; negative: outside."""
    return np.concatenate([boxes[..., :2] - view[..., :2], view[..., 2:] - boxes[..., 2:]], axis=-1)


def _seen_better(some: _Boxes, plan: TilePlan) -> Bool:
    """(N,) bool: whether a tile other than its own sees the whole of the box, away from its own inner borders."""
    better = np.zeros(len(some.boxes), bool)
    for i, (x, y, width, height) in enumerate(plan.windows):
        view = np.array([x, y, x + width, y + height], np.float64)
        ends = view != np.array([0, 0, plan.width, plan.height])
        least = np.where(ends, _margin(plan), -1e-3)  # a box is float32, and may end at the frame's border
        better |= (some.look != i) & (_room(some.boxes, view) > least).all(axis=1)
    return better


def _margin(plan: TilePlan) -> float:
    """How near to a tile's border a box counts as cut, pixels of the frame."""
    return min(CUT_PX / plan.scale, min(one for one in plan.overlap if one) * (1 - LARGE) / 2)


def _objects(some: _Boxes) -> list[npt.NDArray[np.int64]]:
    """The boxes of each object, by their numbers: pairs take their turn, one box of a look at most."""
    first, second = _pairs(some)
    agreement = _agreement(some, first, second)
    known = agreement >= AGREE
    first, second, agreement = first[known], second[known], agreement[known]
    group = list(range(len(some.boxes)))
    members = {i: [i] for i in group}
    looks = {i: {int(look)} for i, look in enumerate(some.look)}
    for k in np.lexsort((second, first, -agreement)).tolist():
        a, b = sorted((group[first[k]], group[second[k]]))
        if a == b or looks[a] & looks[b]:
            continue
        for i in members[b]:
            group[i] = a
        members[a] += members.pop(b)
        looks[a] |= looks.pop(b)
    return [np.array(sorted(numbers)) for numbers in members.values()]


def _pairs(some: _Boxes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Boxes of one class and different looks that overlap at all."""
    low, high = some.boxes[:, :2], some.boxes[:, 2:]
    over = (low[:, None] < high[None]).all(-1) & (low[None] < high[:, None]).all(-1)
    over &= (some.labels[:, None] == some.labels[None]) & (some.look[:, None] != some.look[None])
    first, second = np.nonzero(np.triu(over))
    return first, second


def _agreement(some: _Boxes, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> Float64:
    """IoU of each pair: of the boxes where both are whole, else of what lies in the view of both."""
    a, b = some.boxes[first], some.boxes[second]
    low = np.maximum(some.view[first, :2], some.view[second, :2])
    high = np.minimum(some.view[first, 2:], some.view[second, 2:])
    piece = (some.cut[first] | some.cut[second])[:, None]
    lows, highs = np.tile(low, 2), np.tile(high, 2)
    a, b = np.where(piece, a.clip(lows, highs), a), np.where(piece, b.clip(lows, highs), b)
    inner = (np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])).clip(0).prod(axis=1)
    both = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - inner
    return np.asarray(inner / np.maximum(both, 1e-9))


def _made(some: _Boxes, objects: list[npt.NDArray[np.int64]]) -> tuple[Float64, Float32, Int32, Bool]:
    """Box, highest score and class of each object, and whether it is known from cut boxes alone."""
    boxes, pieces = np.zeros((len(objects), 4)), np.zeros(len(objects), bool)
    firsts = [0] * len(objects)
    for k, numbers in enumerate(objects):
        firsts[k] = int(numbers[0])  # boxes stand in the order of their scores
        whole = numbers[~some.cut[numbers]]
        pieces[k] = not len(whole)
        if len(whole):  # of equal scores a tile's: it has more pixels
            best = min(whole.tolist(), key=lambda i: (-some.scores[i], bool(some.whole_frame[i]), i))
            boxes[k] = some.boxes[best]
        else:
            boxes[k, :2] = some.boxes[numbers, :2].min(axis=0)
            boxes[k, 2:] = some.boxes[numbers, 2:].max(axis=0)
    return boxes, some.scores[firsts], some.labels[firsts], pieces


def _parts(boxes: Float64, labels: Int32, pieces: Bool, looks: list[set[int]]) -> Bool:
    """(N,) bool: which pieces lie in a whole box of the class, of looks that did not see both side by side."""
    parts = np.zeros(len(boxes), bool)
    for k in np.flatnonzero(pieces).tolist():
        inner = (np.minimum(boxes[:, 2:], boxes[k, 2:]) - np.maximum(boxes[:, :2], boxes[k, :2])).clip(0).prod(axis=1)
        around = ~pieces & (labels == labels[k]) & (inner >= INSIDE * (boxes[k, 2:] - boxes[k, :2]).prod())
        parts[k] = any(not looks[k] & looks[i] for i in np.flatnonzero(around).tolist())
    return parts
