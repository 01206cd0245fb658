"""Who follows: our tracker, and trackforge (MIT) as its package brings it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from benchmarks.tracking.scenes import Step
from benchmarks.tracking.score import Given
from edge.track import Tracker


class Follower(Protocol):
    """Whoever is given frame after frame of one sequence."""

    def __call__(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (M, 4) xyxy and ids (M,) of one frame."""


def ours() -> Follower:
    tracker = Tracker()

    def follow(step: Step) -> tuple[np.ndarray, np.ndarray]:
        ids = tracker.update(step.boxes, step.scores, step.labels, step.t, step.motion)
        return step.boxes[ids >= 0], ids[ids >= 0].astype(np.int64)

    return follow


def deep_oc_sort() -> Follower:
    """With the camera's motion, boxes twice as large as they are, since it matches by overlap."""
    import trackforge

    return _trackforge(trackforge.DEEPOCSORT(min_hits=2), enlarge=0.5, motion=True)


def byte_track() -> Follower:
    import trackforge

    return _trackforge(trackforge.BYTETRACK(), enlarge=0.0, motion=False)


def _trackforge(tracker: Any, enlarge: float, motion: bool) -> Follower:
    """It gives its own, filtered boxes; where it says which detection is meant, that one's box is taken."""

    def follow(step: Step) -> tuple[np.ndarray, np.ndarray]:
        sides = step.boxes[:, 2:] - step.boxes[:, :2]
        corner, sides = step.boxes[:, :2] - enlarge * sides, sides * (1 + 2 * enlarge)
        rows = [
            ([*at, *wh], score, 0)
            for at, wh, score in zip(corner.tolist(), sides.tolist(), step.scores.tolist(), strict=True)
        ]
        if motion and step.motion is not None:
            told = tracker.update(rows, camera_motion=step.motion.ravel().tolist())
        else:
            told = tracker.update(rows)
        pairs = [(which, track) for track, _, _, _, which in told if which is not None]
        return step.boxes[[which for which, _ in pairs]].reshape(-1, 4), np.array([t for _, t in pairs], np.int64)

    return follow


FOLLOWERS: dict[str, Callable[[], Follower]] = {
    "ours": ours,
    "trackforge DeepOC-SORT": deep_oc_sort,
    "trackforge ByteTrack": byte_track,
}


def follow(make: Callable[[], Follower], steps: Sequence[Step]) -> tuple[Given, float]:
    """What it gives for a sequence, and milliseconds of one core a frame."""
    follower, given = make(), Given()
    began = time.thread_time()
    for step in steps:
        given.append(follower(step))
    return given, (time.thread_time() - began) / len(steps) * 1e3
