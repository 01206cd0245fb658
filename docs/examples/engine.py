"""A kind of engine that thermal-edge does not know yet: no network, whatever is brighter than the ground is found."""

import cv2
import numpy as np
import numpy.typing as npt

import edge
from edge.engine.select import EngineOptions

BRIGHTER = 60  # grey levels above the median
SMALLEST = 4  # pixels


def open_engine(bundle: edge.Bundle, options: EngineOptions) -> edge.Engine:
    return WarmSpots(bundle)


class WarmSpots(edge.Engine):
    backend = "spots"
    description = f"warm spots: {BRIGHTER} grey levels above the ground, no network"

    def _infer(self, image: npt.NDArray[np.uint8]) -> edge.RawDetections:
        warm = (image > np.median(image) + BRIGHTER).astype(np.uint8)
        spots = cv2.connectedComponentsWithStats(warm)[2][1:]  # (spots, 5): x, y, width, height, pixels; 0 = the ground
        spots = spots[spots[:, 4] >= SMALLEST]
        filled = spots[:, 4] / (spots[:, 2] * spots[:, 3])  # how much of its box: the score
        best = np.argsort(-filled, kind="stable")[: self.bundle.max_detections]
        k, n = self.bundle.max_detections, len(best)
        boxes, scores = np.zeros((k, 4), np.float32), np.zeros(k, np.float32)
        boxes[:n] = np.hstack([spots[best, :2], spots[best, :2] + spots[best, 2:4]])
        scores[:n] = filled[best]
        return edge.RawDetections(boxes, scores, np.zeros(k, np.int32))
