"""What a user sees of one frame at one score: found, missed, false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.measure.matching import iou
from export.evaluate.average_precision import Judged, covered


@dataclass(frozen=True)
class Outcome:
    """``found``: (M,) which true boxes. ``right``: (N,) which of the shown detections, of ``boxes`` (N, 4) and
    ``labels`` (N,). Detections in ignored regions are not shown.
    """

    found: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]
    boxes: Float32
    labels: npt.NDArray[np.integer]


def outcome(judged: Judged, threshold: float) -> Outcome:
    """What a user sees at this score: a box is found by one of its class with IoU 0.5 or more."""
    shown = judged.scores >= threshold
    boxes, labels = judged.boxes[shown], judged.labels[shown]
    found, right = np.zeros(len(judged.true_boxes), bool), np.zeros(len(boxes), bool)
    if len(boxes) and len(found):
        same = labels[:, None] == judged.true_labels[None]
        overlaps = np.where(same, iou(boxes, judged.true_boxes), 0.0)
        for i in range(len(boxes)):
            j = int(np.argmax(np.where(found, 0.0, overlaps[i])))
            if not found[j] and overlaps[i, j] >= 0.5:
                found[j] = right[i] = True
    visible = right | (covered(boxes, judged.ignored) < 0.5)
    return Outcome(found, right[visible], boxes[visible], labels[visible])
