"""An engine that detects nothing at once: what is left in a benchmark is everything but the engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.model.bundle import Bundle
from edge.seams import Engine


class NullEngine(Engine):
    """Takes every image of the bundle's input size and returns no detections."""

    backend = "null"

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.description = "no engine: nothing is detected"
        k = bundle.max_detections
        self._shapes = (np.zeros((k, 4), np.float32), np.zeros(k, np.float32), np.zeros(k, np.int32))

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:  # noqa: ARG002
        boxes, scores, labels = self._shapes
        return RawDetections(boxes.copy(), scores.copy(), labels.copy())
