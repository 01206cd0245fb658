"""What the tests of `benchmarks.peers` share: two grey frames, a clock of their own, and squares that were found."""

from __future__ import annotations

import numpy as np

from edge.data import RawDetections

FRAMES = [np.full((64, 80), grey, np.uint8) for grey in (90, 120)]


class Clock:
    """A clock that stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def found(*boxes: tuple[float, float], score: float = 0.9) -> RawDetections:
    """Squares of 20 px at these corners."""
    corners = np.array(boxes, np.float32).reshape(-1, 2)
    scores = np.full(len(corners), score, np.float32)
    return RawDetections(np.hstack([corners, corners + 20]), scores, np.zeros(len(corners), np.int32))
