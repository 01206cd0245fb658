"""What is taken for what: of each class of the labels, how many boxes are found as which class, missed, found twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.measure.average_precision import Judged, covered
from edge.measure.matching import iou, match
from edge.model.thresholds import Thresholds

IOU = 0.5


def confusion(judged: Sequence[Judged], classes: Sequence[str], threshold: float | Thresholds) -> dict[str, Any]:
    """Counts at the score ``threshold``, of all classes or of each, as plain values for JSON; IoU 0.5.

    Boxes are found as their own class first. A labelled box that is left is found as the class of the detection that
    covers it best, else it is missed. Every other detection is false, and where it lies on a labelled box of another
    class that is found already, it is ``double``: one body, called two things.

    ``found_as.{true}.{found}``, ``missed.{true}``, ``false.{found}``, ``double.{true}.{found}``, the last a part of the
    false ones. Detections in ignored regions do not count.
    """
    scores = Thresholds.of(threshold).of_classes(classes)
    size = len(classes)
    found_as, double = np.zeros((size, size), int), np.zeros((size, size), int)
    missed, false = np.zeros(size, int), np.zeros(size, int)
    for frame in judged:
        shown = np.flatnonzero(scores.shown(frame.scores, frame.labels))
        shown = shown[np.argsort(-frame.scores[shown], kind="stable")]
        boxes, labels = frame.boxes[shown], frame.labels[shown]
        overlap = iou(boxes, frame.true_boxes)
        own = match(overlap, IOU, allowed=labels[:, None] == frame.true_labels[None])
        left = np.ones(len(frame.true_boxes), bool)
        left[own[own >= 0]] = False
        other = match(overlap, IOU, allowed=(own < 0)[:, None] & left[None])
        partner = np.where(own >= 0, own, other)
        np.add.at(found_as, (frame.true_labels[partner[partner >= 0]], labels[partner >= 0]), 1)
        np.add.at(missed, frame.true_labels[np.setdiff1d(np.arange(len(left)), partner)], 1)
        rest = (partner < 0) & (covered(boxes, frame.ignored) < IOU)
        np.add.at(false, labels[rest], 1)
        for i in np.flatnonzero(rest & (overlap.max(axis=1, initial=0) >= IOU)):
            true = int(frame.true_labels[int(overlap[i].argmax())])
            double[true, labels[i]] += true != labels[i]
    names = list(classes)
    return {
        "score": scores.least,
        "scores": scores.to_json(),
        "found_as": {
            name: dict(zip(names, row, strict=True)) for name, row in zip(names, found_as.tolist(), strict=True)
        },
        "missed": dict(zip(names, missed.tolist(), strict=True)),
        "false": dict(zip(names, false.tolist(), strict=True)),
        "double": {name: dict(zip(names, row, strict=True)) for name, row in zip(names, double.tolist(), strict=True)},
    }
