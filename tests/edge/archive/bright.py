"""An engine that finds each bright spot of the picture, and recordings that have some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import edge
from edge.data import Frame
from edge.model.bundle import Bundle
from edge.recording.contents import Origin
from edge.recording.writer import RecordingWriter

SHAPE = (64, 80)
Spot = Callable[[int], "tuple[int, int] | None"]  # left and top of a spot of 6 px in a frame; None: it is not there


def open_engine(bundle: Bundle, options: Any) -> edge.Engine:
    return Bright(bundle)


class Bright(edge.Engine):
    """One box a spot, surely."""

    backend = "bright"
    description = "bright spots"

    def _infer(self, image: np.ndarray) -> edge.RawDetections:
        k = self.bundle.max_detections
        boxes, scores = np.zeros((k, 4), np.float32), np.zeros(k, np.float32)
        found = cv2.connectedComponentsWithStats((image > 180).astype(np.uint8))[2][1:]
        for i, (x, y, w, h, _) in enumerate(found[:k]):
            boxes[i], scores[i] = (x, y, x + w, y + h), 0.9
        return edge.RawDetections(boxes, scores, np.zeros(k, np.int32))

    def _release(self) -> None:
        pass


def record_spots(folder: Path, frames: int, segment: int, spots: Sequence[Spot]) -> Path:
    """A recording of so many frames, ``segment`` of them in each file, 10 a second."""
    clock = [0.0]
    origin = Origin("a camera", live=False, fps=10.0)
    writer = RecordingWriter(folder, origin, reserve=0, segment_s=segment / 10 - 0.05, clock=lambda: clock[0])
    rng = np.random.default_rng(5)
    for seq in range(frames):
        counts = rng.integers(29000, 29100, SHAPE, dtype=np.uint16)
        for spot in spots:
            if place := spot(seq):
                counts[place[1] : place[1] + 6, place[0] : place[0] + 6] = 32000
        utc = datetime.fromtimestamp(1_750_000_000 + seq / 10, timezone.utc)
        writer.write(Frame(counts, seq, 100 + seq / 10, utc=utc))
        clock[0] += 0.1
    writer.close()
    return folder
