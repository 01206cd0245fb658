"""An engine that detects nothing at once: what is left in a benchmark is everything but the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.errors import EngineError
from edge.model.bundle import Bundle


class NullEngine:
    """Takes every image of the bundle's input size and returns no detections."""

    backend = "null"

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.description = "no engine: nothing is detected"
        self.notes: Sequence[str] = ()
        self.chosen = ""
        self.versions: Mapping[str, str] = {}
        k = bundle.max_detections
        self._shapes = (np.zeros((k, 4), np.float32), np.zeros(k, np.float32), np.zeros(k, np.int32))

    def infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        """See `edge.engine.base.Engine.infer`."""
        expected = (self.bundle.height, self.bundle.width)
        if image.dtype != np.uint8 or image.shape != expected:
            raise EngineError(f"engine was given {image.dtype} {image.shape}: expected uint8 {expected}")
        boxes, scores, labels = self._shapes
        return RawDetections(boxes.copy(), scores.copy(), labels.copy())

    def close(self) -> None:
        """Nothing to release."""

    def __enter__(self) -> NullEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
