"""An engine that detects nothing at once: what is left in a benchmark is everything but the engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.engine.select import EngineOptions
from edge.model.bundle import Bundle
from edge.seams import Engine


def open_engine(bundle: Bundle, options: EngineOptions) -> Engine:  # noqa: ARG001 - it has none
    """See `NullEngine`."""
    return NullEngine(bundle)


class NullEngine(Engine):
    """Takes every image of the bundle's input size and returns no detections."""

    backend = "null"
    description = "no engine: nothing is detected"

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:  # noqa: ARG002
        k = self.bundle.max_detections
        return RawDetections(np.zeros((k, 4), np.float32), np.zeros(k, np.float32), np.zeros(k, np.int32))
