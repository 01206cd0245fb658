"""What is proposed for each frame: what the detector is sure of, and what its tracks say beyond that.

A track fills in the frames between its detections, keeps the faint ones among them, and gives all of them one class.
A sure detection that belongs to no track is kept and marked: to delete a wrong box costs less than to miss a body.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from edge.measure.matching import iou
from edge.model.thresholds import Thresholds
from export.data.assist.links import Float64, Step, carried, carried_back, middles

Place = tuple[int, int]  # a step, and the index of one of its detections
AGREE = 0.5  # longer sides of a box, up to which two detections of a track may be apart, the camera's motion taken out
SAME = 0.5  # IoU from which two boxes are of one body
INSIDE = 0.5  # part of a filled-in box that must lie in the picture
DETECTOR, TRACK = "detector", "track"


@dataclass(frozen=True)
class Proposal:
    """A box for somebody to check. ``box``: xyxy px, inside the picture. ``score``: the detector's; of a box that was
    filled in the lower one of the two beside it. ``source``: `DETECTOR`, or `TRACK` where the detector alone would not
    have shown it: a faint detection of a track, or, ``interpolated``, a box between two. ``flicker``: a detection of no
    track, in a source that is followed. ``track``: its number in the source, 0 = none.
    """

    box: tuple[float, float, float, float]
    label: int
    score: float
    source: str = DETECTOR
    interpolated: bool = False
    flicker: bool = False
    track: int = 0


@dataclass(frozen=True)
class Proposed:
    """One frame: its proposals, the best first, and what makes it doubtful. ``scores``, ``labels``: (N,) of all
    detections, faint ones too. ``come_and_go``: boxes that the detector lost in this frame or found in it alone.
    ``classes_differ``: detections of another class than their track, and pairs on one body.
    """

    boxes: tuple[Proposal, ...]
    scores: tuple[float, ...] = ()
    labels: tuple[int, ...] = ()
    come_and_go: int = 0
    classes_differ: int = 0


def proposed(steps: Sequence[Step], lowest: float | Thresholds, followed: bool = True) -> list[Proposed]:
    """Of each step. ``lowest``: the score that a detection needs where no track supports it. ``followed``: whether the
    steps follow each other in time; else each stands alone, and nothing flickers.
    """
    sure = [Thresholds.of(lowest).shown(step.scores, step.labels).tolist() for step in steps]
    tracks = _tracks(steps, sure) if followed else {}
    number_of = {place: number for number, places in tracks.items() for place in places}
    labels = {number: _label(steps, places) for number, places in tracks.items()}
    found = [
        _found(step, sure[index], [number_of.get((index, i), 0) for i in range(len(step.scores))], labels, followed)
        for index, step in enumerate(steps)
    ]
    differ = [_classes_differ(step, boxes, which) for step, boxes, which in zip(steps, found, sure, strict=True)]
    for number, places in tracks.items():
        for index, proposal in _between(steps, places, Proposal((0, 0, 0, 0), labels[number], 0.0, track=number)):
            if not any(_same(proposal, other) for other in found[index].values()):
                found[index][-1 - len(found[index])] = proposal  # of no detection
    return [
        Proposed(
            tuple(sorted(boxes.values(), key=lambda p: (-p.score, p.box))),
            tuple(step.scores.tolist()),
            tuple(step.labels.tolist()),
            sum(p.source == TRACK or p.flicker for p in boxes.values()),
            classes,
        )
        for step, boxes, classes in zip(steps, found, differ, strict=True)
    ]


def _tracks(steps: Sequence[Step], sure: Sequence[Sequence[bool]]) -> dict[int, list[Place]]:
    """The detections of each track in the order of time, by its number; of the faint ones those that agree with the one
    before or after: in frames far apart a track may go over to another body, and what is faint and elsewhere is mostly
    nothing.
    """
    tracks: dict[int, list[Place]] = defaultdict(list)
    for index, step in enumerate(steps):
        for which in np.flatnonzero(step.ids >= 0).tolist():
            tracks[int(step.ids[which])].append((index, which))
    for number, places in tracks.items():
        near = {place for pair in pairwise(places) if _agree(steps, *pair) for place in pair}
        tracks[number] = [(k, i) for k, i in places if sure[k][i] or (k, i) in near]
    return {number: places for number, places in tracks.items() if places}


def _agree(steps: Sequence[Step], before: Place, place: Place) -> bool:
    """Whether two detections are where one body that stands, or walks slowly, would be; a motion that is not known is
    taken for none.
    """
    (first, i), (last, j) = before, place
    here, there = steps[first].boxes[i].astype(np.float64), steps[last].boxes[j].astype(np.float64)
    longer = max(here[2] - here[0], here[3] - here[1], there[2] - there[0], there[3] - there[1])
    for k in range(first + 1, last + 1):
        here = carried(here, steps[k].motion)
    return bool(np.linalg.norm(middles(here) - middles(there)) <= AGREE * longer)


def _label(steps: Sequence[Step], places: Sequence[Place]) -> int:
    """The class for which most score was given; of two alike the first of the model's."""
    votes: dict[int, float] = defaultdict(float)
    for index, which in places:
        votes[int(steps[index].labels[which])] += float(steps[index].scores[which])
    return min(votes, key=lambda label: (-votes[label], label))


def _found(
    step: Step, sure: Sequence[bool], numbers: Sequence[int], labels: Mapping[int, int], followed: bool
) -> dict[int, Proposal]:
    """Detections that are ``sure``, and those of a track, by their index. ``numbers``: of their tracks, 0 = none."""
    kept = {}
    rows = zip(step.boxes.tolist(), step.scores.tolist(), step.labels.tolist(), numbers, strict=True)
    for i, ((x1, y1, x2, y2), score, label, number) in enumerate(rows):
        if sure[i] or number:
            source = DETECTOR if sure[i] else TRACK
            kept[i] = Proposal(
                (x1, y1, x2, y2),
                labels.get(number, label),
                score,
                source,
                flicker=followed and not number,
                track=number,
            )
    return kept


def _between(steps: Sequence[Step], places: Sequence[Place], like: Proposal) -> Iterator[tuple[int, Proposal]]:
    """A box for each step between two detections of a track that agree: from both, moved as the ground moved, by their
    times. Where the camera's motion is not known, none.
    """
    for before, place in pairwise(places):
        (first, i), (last, j) = before, place
        known = all(steps[k].motion is not None for k in range(first + 1, last + 1))
        if last - first < 2 or not known or not _agree(steps, before, place):
            continue
        ends = steps[first].boxes[i].astype(np.float64), steps[last].boxes[j].astype(np.float64)
        score = float(min(steps[first].scores[i], steps[last].scores[j]))
        forward, back = [ends[0]], [ends[1]]
        for k in range(first + 1, last):
            forward.append(carried(forward[-1], steps[k].motion))
        for k in range(last, first + 1, -1):
            back.append(carried_back(back[-1], steps[k].motion))
        span = steps[last].t - steps[first].t
        for k in range(first + 1, last):
            part = (steps[k].t - steps[first].t) / span if span > 0 else (k - first) / (last - first)
            box = (1 - part) * forward[k - first] + part * back[last - k]
            cut = box.clip(0, np.tile((steps[k].width, steps[k].height), 2))
            if _area(cut) >= INSIDE * _area(box):
                x1, y1, x2, y2 = cut.tolist()
                yield k, replace(like, box=(x1, y1, x2, y2), score=score, source=TRACK, interpolated=True)


def _area(box: Float64) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def _same(one: Proposal, other: Proposal) -> bool:
    return bool(iou(np.array([one.box], np.float32), np.array([other.box], np.float32))[0, 0] >= SAME)


def _classes_differ(step: Step, found: Mapping[int, Proposal], shown: Sequence[bool]) -> int:
    """Detections of another class than their track; pairs of sure ones on one body that are of two classes."""
    other = sum(proposal.label != step.labels[i] for i, proposal in found.items())
    sure = np.flatnonzero(shown)
    boxes, kinds = step.boxes[sure], step.labels[sure]
    pairs = (iou(boxes, boxes) >= SAME) & (kinds[:, None] != kinds[None]) if len(sure) else np.zeros((0, 0), bool)
    return int(other + pairs.sum() // 2)
