"""A kind of engine that thermal-edge does not know yet: no network, whatever is brighter than the ground is found."""

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.engine.select import EngineOptions
from edge.model.bundle import Bundle
from edge.seams import Engine

BRIGHTER = 60  # grey levels above the median
SMALLEST = 4  # pixels


def open_engine(bundle: Bundle, options: EngineOptions) -> Engine:  # noqa: ARG001 - those of TensorRT
    """For ``--backend spots``."""
    return WarmSpots(bundle)


class WarmSpots(Engine):
    """Whatever stands out against the ground is found, with how much of its box it fills as score."""

    backend = "spots"
    description = f"warm spots: {BRIGHTER} grey levels above the ground, no network"

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        warm = (image > np.median(image) + BRIGHTER).astype(np.uint8)
        spots = cv2.connectedComponentsWithStats(warm)[2][1:]  # (spots, 5): x, y, width, height, pixels; 0 = the ground
        spots = spots[spots[:, 4] >= SMALLEST]
        filled = spots[:, 4] / (spots[:, 2] * spots[:, 3])  # how much of its box: the score
        best = np.argsort(-filled, kind="stable")[: self.bundle.max_detections]
        k, n = self.bundle.max_detections, len(best)
        boxes, scores = np.zeros((k, 4), np.float32), np.zeros(k, np.float32)
        boxes[:n] = np.hstack([spots[best, :2], spots[best, :2] + spots[best, 2:4]])
        scores[:n] = filled[best]
        return RawDetections(boxes, scores, np.zeros(k, np.int32))
