"""Which detections of a source are one object: the tracks of flight, and what they only know a few frames later.

A track gets its number with its second or third detection. Somebody who labels wants the first ones too, so they are
looked for backwards once the number is given; and the fainter detections, which flight does not show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32, Int32, Result
from edge.model.thresholds import Thresholds
from edge.track.camera_motion import CameraMotion
from edge.track.follower import Follower
from edge.track.tracker import Track, Tracker

REACH = 2.0  # sides of a box, up to which the detection before may be away, the camera's motion taken out
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """One frame of a source. ``t``: seconds by the source's own time. ``width``, ``height``: pixels. ``boxes``: (N, 4)
    float32 xyxy px, ``scores``: (N,) float32, ``labels``: (N,) int32, of all detections, faint ones too. ``ids``: (N,)
    int32, the numbers of their tracks, -1 = none; `Links` alone writes to it. ``motion``: (2, 3) float64, takes a point
    of the ground from its pixel in the step before to its pixel here; None: not known.
    """

    t: float
    width: int
    height: int
    boxes: Float32
    scores: Float32
    labels: Int32
    ids: Int32
    motion: Float64 | None = None


class Links:
    """Follows the detections of one source. ``lowest``: the score from which a track may begin."""

    def __init__(self, lowest: float | Thresholds) -> None:
        self._lowest = Thresholds.of(lowest)
        high = self._lowest.by_label
        self._tracker = Tracker(low=Follower.faintest(self._lowest).by_label, begin=high, high=high)
        self._camera = CameraMotion()
        self._numbers: set[int] = set()
        self.steps: list[Step] = []

    def add(self, result: Result) -> None:
        """The next frame of the source, with detections down to `Follower.faintest`."""
        found, frame = result.detections, result.frame
        sure = found.boxes[self._lowest.shown(found.scores, found.labels)]
        motion = self._camera.between(frame, result.picture, sure).affine
        ids = self._tracker.update(found.boxes, found.scores, found.labels, result.t_source, motion)
        self.steps.append(
            Step(
                result.t_source, frame.width, frame.height, found.boxes, found.scores, found.labels, ids.copy(), motion
            )
        )
        if new := set(ids[ids >= 0].tolist()) - self._numbers:
            self._numbers |= new
            for track in self._tracker.tracks:
                if track.id in new:
                    self._look_back(track)

    def _look_back(self, track: Track) -> None:
        """Give the detections that the track began with its number."""
        here = self.steps[-1]
        box = here.boxes[int(np.flatnonzero(here.ids == track.id)[0])].astype(np.float64)
        missing = track.frames - 1
        for index in range(len(self.steps) - 2, -1, -1):
            step = self.steps[index]
            if not missing or step.t < track.first_t:
                break
            box = carried_back(box, self.steps[index + 1].motion)
            free = np.flatnonzero(step.ids < 0)
            if not len(free):
                continue
            away = np.linalg.norm(middles(step.boxes[free]) - middles(box), axis=1)
            nearest = int(away.argmin())
            if away[nearest] <= REACH * max(box[2] - box[0], box[3] - box[1]):
                step.ids[free[nearest]] = track.id
                box = step.boxes[free[nearest]].astype(np.float64)
                missing -= 1


def middles(boxes: npt.ArrayLike) -> Float64:
    """(..., 2) of (..., 4) xyxy."""
    b = np.asarray(boxes, np.float64)
    return np.asarray((b[..., :2] + b[..., 2:]) / 2)


def carried(box: Float64, motion: Float64 | None) -> Float64:
    """(4,) xyxy moved as the ground below its middle moved; its sides stay. ``motion``: of a `Step`, None = none."""
    if motion is None:
        return box
    middle = middles(box)
    shift = motion[:, :2] @ middle + motion[:, 2] - middle
    return box + np.tile(shift, 2)


def carried_back(box: Float64, motion: Float64 | None) -> Float64:
    """`carried` the other way: from the step that ``motion`` is of to the one before."""
    if motion is None or abs(np.linalg.det(motion[:, :2])) < 1e-6:
        return box
    middle = middles(box)
    shift = np.linalg.solve(motion[:, :2], middle - motion[:, 2]) - middle
    return box + np.tile(shift, 2)
