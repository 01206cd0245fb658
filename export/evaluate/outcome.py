"""What a user sees of one frame at one score: found, missed, false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.measure.average_precision import Judged, covered
from edge.measure.matching import iou, match


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
    same = labels[:, None] == judged.true_labels[None]
    partner = match(iou(boxes, judged.true_boxes), 0.5, allowed=same)
    found, right = np.isin(np.arange(len(judged.true_boxes)), partner), partner >= 0
    visible = right | (covered(boxes, judged.ignored) < 0.5)
    return Outcome(found, right[visible], boxes[visible], labels[visible])
