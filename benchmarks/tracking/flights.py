"""Two more sorts of sequences: survey flights of the simulator with their poses, and clips of real targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.tracking.scenes import Detector, Float64, Step
from edge.sim.flight import Flight, View
from edge.sim.settings import SimulatorSettings
from edge.track.pose_motion import Lens, Stance, motion_from_poses

AWAY_S = 1.0
JUMP = 4.0  # sizes from a frame to the next: it is another target
PERSON_M = 0.6, 1.6  # half of what a body measures on the ground, across and along the picture


def survey(
    seed: int,
    fps: float = 4.0,
    seconds: float = 120.0,
    objects: int = 1200,
    angle_error: float = 0.1,
    position_error: float = 0.05,
    pitch: float = -60.0,
) -> list[Step]:
    """The simulator's flight (60 m, 5 m/s, turns, a gimbal that shakes) over people who stand or walk up to 1.5 m/s.

    The motion is that of poses with errors of each frame by itself (degrees of each angle and metres, 1 sigma). Who
    comes into the picture again after more than `AWAY_S` is another object: a tracker is not asked to know him again.
    """
    rng = np.random.default_rng(seed)
    settings = SimulatorSettings(seed=seed, pitch=pitch)
    flight = Flight(settings, rng)
    across, along = flight.world_size
    at = rng.uniform(-0.5, 0.5, (objects, 2)) * (across, along)
    angle = rng.uniform(0, 2 * np.pi, objects)
    speed = np.where(rng.random(objects) < 0.5, rng.uniform(0.2, 1.5, objects), 0.0)
    velocity = speed[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    lens = Lens(settings.focal_px, settings.width, settings.height)
    detect, steps, before = Detector(), list[Step](), None
    last_seen, visit = np.full(objects, -np.inf), np.zeros(objects, np.int64)
    for k in range(round(seconds * fps)):
        view = flight.view(k / fps)
        boxes, ids = in_view(view, at + velocity * (k / fps))
        found, scores = detect(boxes, rng, settings.width, settings.height)
        visit[ids[k / fps - last_seen[ids] > AWAY_S]] += 1
        last_seen[ids] = k / fps
        now = stance(view, rng, angle_error, position_error)
        motion = motion_from_poses(before, now, lens) if before else None
        steps.append(
            Step(k / fps, found, scores, np.zeros(len(found), np.int64), boxes, ids + objects * visit[ids], motion)
        )
        before = now
    return steps


def stance(view: View, rng: np.random.Generator, angle_error: float, position_error: float) -> Stance:
    east, north, height = (view.centre + rng.normal(0, position_error, 3)).tolist()
    pose = view.pose
    return Stance(
        east, north, height, *(np.array([pose.yaw, pose.pitch, pose.roll]) + rng.normal(0, angle_error, 3)).tolist()
    )


def in_view(view: View, at: Float64) -> tuple[Float64, np.ndarray]:
    """Boxes (N, 4) of the bodies that are whole in the picture, and which they are."""
    middle, depth = view.project(np.column_stack([at, np.full(len(at), PERSON_M[1] / 2)]))
    half = np.outer(view.focal_px / np.where(depth > 0, depth, 1), PERSON_M) / 2
    boxes = np.hstack([middle - half, middle + half])
    inside = (depth > 0) & (boxes[:, :2] > 0).all(1) & (boxes[:, 2:] < (view.width, view.height)).all(1)
    return boxes[inside], np.flatnonzero(inside)


def clips(folder: Path, detector: Detector, keep_every: int = 1) -> list[list[Step]]:
    """One labelled target each, 30 Hz, a camera on the ground that may turn; without motion. A target that is away or
    jumps is another one when it is back.
    """
    sequences = []
    for number, (_, clip) in enumerate(sorted(json.loads((folder / "boxes.json").read_text()).items())):
        rng, steps, one, last = np.random.default_rng(number), list[Step](), 0, None
        for k, box in enumerate(clip["boxes_xywh"]):
            boxes = np.zeros((0, 4)) if box is None else np.array([[box[0], box[1], box[0] + box[2], box[1] + box[3]]])
            new = box is not None and (last is None or np.hypot(box[0] - last[0], box[1] - last[1]) > JUMP * box[2])
            one, last = one + new, box
            found, scores = detector(boxes, rng, 320, 256)
            ids = np.full(len(boxes), one)
            if k % keep_every == 0:
                steps.append(Step(k / 30, found, scores, np.zeros(len(found), np.int64), boxes, ids))
        sequences.append(steps)
    return sequences
