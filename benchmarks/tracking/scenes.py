"""Sequences with truth: what a detector would have given, frame by frame, and which object each box really is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
WIDTH, HEIGHT = 640, 512


@dataclass(frozen=True)
class Step:
    """A frame. ``motion``: (2, 3) affine from the step before's pixels, or None. ``true_ids``: of ``true_boxes``."""

    t: float
    boxes: Float64
    scores: Float64
    labels: npt.NDArray[np.int64]
    true_boxes: Float64
    true_ids: npt.NDArray[np.int64]
    motion: Float64 | None = None


@dataclass(frozen=True)
class Detector:
    """How detections differ from the truth: part missed, false ones a true one, offset of a box (part of its size)."""

    missed: float = 0.10
    false: float = 0.05
    jitter: float = 0.06

    def __call__(
        self, boxes: Float64, rng: np.random.Generator, width: int = WIDTH, height: int = HEIGHT
    ) -> tuple[Float64, Float64]:
        """Boxes and scores; the order is drawn, too."""
        size = boxes[:, 2:] - boxes[:, :2]
        seen = rng.random(len(boxes)) >= self.missed
        moved = boxes + np.tile(size, 2) * rng.normal(0, self.jitter, (len(boxes), 4))
        found, scores = moved[seen], rng.uniform(0.5, 0.95, int(seen.sum()))
        n = rng.poisson(self.false * len(boxes))
        wh = size[rng.integers(0, len(boxes), n)] if len(boxes) else np.full((n, 2), 12.0)
        corner = rng.uniform(0, 1, (n, 2)) * (np.array([width, height]) - wh)
        found = np.vstack([found, np.hstack([corner, corner + wh])])
        scores = np.append(scores, rng.uniform(0.3, 0.8, n))
        found[:, 0::2], found[:, 1::2] = found[:, 0::2].clip(0, width), found[:, 1::2].clip(0, height)
        order = rng.permutation(len(found))
        found, scores = found[order], scores[order]
        whole = (found[:, 2:] - found[:, :2]).min(1, initial=np.inf) > 1
        return found[whole], scores[whole]


def pan(
    seed: int,
    fps: float = 30.0,
    shift: float = 8.0,
    objects: int = 155,
    size: float = 12.0,
    frames: int = 300,
    detector: Detector = Detector(),
) -> list[Step]:
    """The camera pans to the right, ``shift`` pixels a frame of 30 Hz, over objects that stand or walk (up to 1.5 of
    their size a second); with its true motion.
    """
    rng = np.random.default_rng(seed)
    seconds = frames / 30.0
    length = WIDTH + shift * frames
    at = np.column_stack([rng.uniform(0, length, objects), rng.uniform(0, HEIGHT, objects)])
    angle, speed = rng.uniform(0, 2 * np.pi, objects), rng.uniform(0, 1.5 * size, objects)
    speed[rng.random(objects) < 0.4] = 0.0
    velocity = speed[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    wh = size * rng.uniform(0.85, 1.15, (objects, 2))
    steps: list[Step] = []
    before = np.zeros(2)
    for k in range(round(seconds * fps)):
        t = k / fps
        camera = np.array([shift * 30 * t, 0.0]) + np.array([1.5 * np.sin(2.1 * t), 2.0 * np.sin(1.3 * t)])
        middle = at + velocity * t - camera
        boxes = np.hstack([middle - wh / 2, middle + wh / 2])
        ids = np.flatnonzero(((boxes[:, :2] > 0) & (boxes[:, 2:] < (WIDTH, HEIGHT))).all(1))
        found, scores = detector(boxes[ids], rng)
        motion = np.hstack([np.eye(2), (before - camera)[:, None]]) if k else None
        steps.append(Step(t, found, scores, np.zeros(len(found), np.int64), boxes[ids], ids, motion))
        before = camera
    return steps


def dropped(steps: list[Step], part: float, seed: int) -> list[Step]:
    """Without this part of the frames; the motions of those that are left out are joined to the next one's."""
    rng = np.random.default_rng(seed)
    kept: list[Step] = []
    total = np.eye(3)
    for step in steps:
        if step.motion is not None:
            total = np.vstack([step.motion, [0, 0, 1]]) @ total
        if rng.random() >= part:
            kept.append(replace(step, motion=total[:2] if kept else None))
            total = np.eye(3)
    return kept


def without_motion(steps: list[Step]) -> list[Step]:
    """As a tracker sees them that is told nothing of the camera."""
    return [replace(step, motion=None) for step in steps]
