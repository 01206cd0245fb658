"""Follows the detections of one run: the step of the main path, with all that it remembers."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt

from edge.data import Detections, Faint, Frame, Int32, Pose
from edge.geo.locate import refused_pose
from edge.geo.placing import Placing
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.model.thresholds import Thresholds
from edge.track.camera_motion import CameraMotion
from edge.track.motion import Picture
from edge.track.one_body import OneBody
from edge.track.pose_motion import Lens, Stance
from edge.track.tracker import Tracker

SQUARE = 0.02  # by so much the focal lengths of a calibration may differ
FAINT = 0.4  # of the lowest score shown: fainter detections may still continue a track, but begin none

Affine: TypeAlias = npt.NDArray[np.float64]  # (2, 3)

log = logging.getLogger(__name__)


def after(second: Affine, first: Affine) -> Affine:
    """(2, 3): the one motion, then the other."""
    turned = second[:, :2] @ first
    turned[:, 2] += second[:, 2]
    return turned


class Follower:
    """Numbers for the detections of one run; see `Tracker`.

    ``lowest``: the lowest score that is shown, of each class or of all. A track begins with such a detection
    only, and goes on with fainter ones, which are not shown: what is found is the same as without it. ``placing``:
    knows the lens, so that poses tell the camera's motion; without it, and without poses, the pictures do. ``faint``:
    a second tracker follows all that is found, however faint, for somebody to look at later; see `faint`. ``bodies``:
    of boxes on one body only one is followed, the others have no number; None: all are.
    """

    def __init__(
        self,
        lowest: float | Thresholds,
        placing: Placing | None = None,
        faint: bool = False,
        bodies: OneBody | None = None,
    ) -> None:
        self._lowest = Thresholds.of(lowest)
        high, low = self._lowest.by_label, self.faintest(self._lowest).by_label
        self._tracker = Tracker(low=low, begin=high, high=high)
        self._second = Tracker(low=low, begin=low, high=low) if faint else None
        self.faint: Faint | None = None
        """What the second tracker knows of the last frame; None: nobody asked for it."""
        self._placing, self._bodies = placing, bodies
        self._motion: CameraMotion | None = None
        self._home: Pose | None = None
        self._so_far: Affine | None = None  # the camera's motion over frames that were not searched
        self._between = False
        self.ended: tuple[int, ...] = ()
        """Numbers of the tracks that ended with the last frame: they are not given again."""

    @overload
    @staticmethod
    def faintest(lowest: float) -> float: ...
    @overload
    @staticmethod
    def faintest(lowest: Thresholds) -> Thresholds: ...
    @staticmethod
    def faintest(lowest: float | Thresholds) -> float | Thresholds:
        """The score from which it wants to know of detections, where ``lowest`` is shown; of each class its own."""
        return lowest.times(FAINT) if isinstance(lowest, Thresholds) else FAINT * lowest

    def __call__(
        self, detections: Detections, frame: Frame, t: float, picture: Picture, lowest: float | Thresholds
    ) -> Detections:
        """Those of ``detections``, down to `faintest`, that are shown, with their numbers.

        ``t``: seconds by the source's own time. ``picture``: (H, W) uint8, the frame as normalised.
        """
        lowest = Thresholds.of(lowest)
        if lowest != self._lowest:
            self._lowest, high = lowest, lowest.by_label
            low = self.faintest(lowest).by_label
            self._tracker.limit(low=low, begin=high, high=high)
            if self._second:
                self._second.limit(low=low, begin=low, high=low)
        motion = self._moved(detections, frame, picture)
        if frame.shutter_closed:  # it shows nothing: tracks go on unseen, and end where it stays closed for too long
            self.ended, self.faint = (), None
            return replace(detections, track_ids=np.full(len(detections), -1, np.int32))
        found = detections
        shown = lowest.shown(found.scores, found.labels)
        ids = self._numbers(found, shown, t, motion)
        self._so_far, self._between = None, False
        self.ended = tuple(track.id for track in self._tracker.ended)
        if self._second:
            others = self._second.update(found.boxes, found.scores, found.labels, t, motion)
            ended = tuple(track.id for track in self._second.ended)
            self.faint = Faint(replace(found, track_ids=others), shown, ended)
        return replace(found, track_ids=ids).where(shown)

    def between(
        self,
        detections: Detections,
        frame: Frame,
        t: float,  # noqa: ARG002 - as in a frame that was searched
        picture: Picture,
        lowest: float | Thresholds,  # noqa: ARG002
    ) -> Detections:
        """The same of a frame that was not searched: nothing is found in it, nothing ends with it; tracks move on as
        the camera does. ``detections``: none.
        """
        self._so_far, self._between, self.ended = self._moved(detections, frame, picture), True, ()
        self.faint = None
        return replace(detections, track_ids=np.zeros(0, np.int32))

    def _numbers(self, found: Detections, shown: npt.NDArray[np.bool_], t: float, motion: Affine | None) -> Int32:
        """(N,) of each detection, -1 for one without. ``shown``: (N,) which of them are."""
        kept = self._bodies.followed(found, self._lowest) if self._bodies else None
        if self._bodies is None or kept is None:
            return self._tracker.update(found.boxes, found.scores, found.labels, t, motion)
        self._bodies.left_out += int(np.count_nonzero(shown & ~kept))
        ids = np.full(len(found), -1, np.int32)
        ids[kept] = self._tracker.update(found.boxes[kept], found.scores[kept], found.labels[kept], t, motion)
        return ids

    def _moved(self, detections: Detections, frame: Frame, picture: Picture) -> Affine | None:
        """The camera's motion since the frame that was searched before this one."""
        if self._motion is None:
            self._motion = CameraMotion(self._lens(frame))
        pose = self._placing.pose(frame) if self._placing else frame.pose
        measured = self._motion.between(frame, picture, detections.boxes, self._stance(pose))
        if not self._between or frame.shutter_closed:
            return measured.affine
        return None if measured.affine is None or self._so_far is None else after(measured.affine, self._so_far)

    def _lens(self, frame: Frame) -> Lens | None:
        model = self._placing.model(frame) if self._placing else None
        if model is None:
            return None
        if abs(model.fy / model.fx - 1) > SQUARE:
            log.warning("tracks: the pixels of this lens are not square: pictures tell the camera's motion, not poses")
            return None
        return Lens(model.fx, model.width, model.height, (model.cx, model.cy))

    def _stance(self, pose: Pose | None) -> Stance | None:
        if pose is None or refused_pose(pose):
            return None
        home = self._home = self._home or pose
        a_latitude, a_longitude = metres_a_degree(home.latitude)
        east = float(wrapped(pose.longitude - home.longitude)) * a_longitude
        north = (pose.latitude - home.latitude) * a_latitude
        return Stance(east, north, pose.height, pose.yaw, pose.pitch, pose.roll)
