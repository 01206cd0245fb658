"""An engine as a user would write it: one file, and one row in the table of backends."""

from __future__ import annotations

from typing import Any

import numpy as np

import edge
from edge.model.bundle import Bundle


def open_engine(bundle: Bundle, options: Any) -> edge.Engine:
    return ToyEngine(bundle)


class ToyEngine(edge.Engine):
    """Finds one thing: the hottest pixel."""

    backend = "toy"
    description = "a toy"

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.released = 0

    def _infer(self, image: np.ndarray) -> edge.RawDetections:
        k = self.bundle.max_detections
        boxes, scores = np.zeros((k, 4), np.float32), np.zeros(k, np.float32)
        y, x = np.unravel_index(int(image.argmax()), image.shape)
        boxes[0], scores[0] = (x, y, x + 1, y + 1), image[y, x] / 255
        self.last_ms = {"look": 1.5}
        return edge.RawDetections(boxes, scores, np.zeros(k, np.int32))

    def _release(self) -> None:
        self.released += 1
