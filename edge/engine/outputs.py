"""The four tensors of every engine, as detections that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections

OVERFLOW = (
    "half precision cannot hold this model's values: fly it with --backend ort, or train further and export again"
)


def checked(
    boxes: npt.NDArray[Any], scores: npt.NDArray[Any], labels: npt.NDArray[Any], converged: npt.NDArray[Any]
) -> RawDetections:
    """Copies of ``boxes`` (K, 4), ``scores`` (K,), ``labels`` (K,) and what ``converged`` (1,) says.

    Half precision ends at 65504. A value beyond it becomes infinite, then no number, and compares as false with
    every threshold: a detection that is lost without a word. So the graph looks at its scores before it compares
    them and answers -1 in ``converged`` (1: fine, 0: suppression had not settled), and rows that are not finite are
    zeroed here; both give ``finite=False``, which is counted, reported and written beside the frame.
    """
    boxes, scores = boxes.astype(np.float32), scores.astype(np.float32)
    numbers = np.isfinite(boxes).all(-1) & np.isfinite(scores)
    finite = bool(numbers.all())
    if not finite:
        boxes[~numbers] = 0
        scores[~numbers] = 0
    state = int(np.asarray(converged).astype(np.int32).min())
    return RawDetections(boxes, scores, labels.astype(np.int32), state != 0, finite and state >= 0)
