"""One frame's detections through the tracker: the step of the main path."""

from __future__ import annotations

from dataclasses import replace

import numpy.typing as npt

from edge.data import Detections, Frame
from edge.track.motion import Measured, MeasuredMotion, Picture
from edge.track.pose_motion import Lens, Stance, motion_from_poses
from edge.track.tracker import Tracker


def follow(detections: Detections, frame: Frame, tracker: Tracker, motion: npt.ArrayLike | None = None) -> Detections:
    """The same detections with ``track_ids``. ``motion``: from the frame that was followed before, see
    `Tracker.update`.

    A frame with a closed shutter shows nothing: it is left out, so that tracks go on unseen, and end where the shutter
    stays closed for longer than they last.
    """
    if frame.shutter_closed:
        return detections
    ids = tracker.update(detections.boxes, detections.scores, detections.labels, frame.t_capture, motion)
    return replace(detections, track_ids=ids)


class CameraMotion:
    """The camera's motion from the followed frame before to this one: from poses where there are two, else from the
    pictures.
    """

    def __init__(self, lens: Lens | None = None) -> None:
        """``lens``: of the camera that the poses are of; without it they are not used."""
        self._lens = lens
        self._pictures = MeasuredMotion()
        self._stance: Stance | None = None

    def between(
        self, frame: Frame, picture: Picture, boxes: npt.ArrayLike = (), stance: Stance | None = None
    ) -> Measured:
        """``picture``: (H, W) uint8, the frame as normalised. ``boxes``: (N, 4) xyxy px, what was found in it.
        ``stance``: where the camera was, None where that is not known well.

        A frame with a closed shutter is left out: the motion of the next one is that since the last open one.
        """
        if frame.shutter_closed:
            return Measured(None, "the shutter is closed")
        before, self._stance = self._stance, stance
        if before is not None and stance is not None and self._lens is not None:
            posed = motion_from_poses(before, stance, self._lens)
            if posed is not None:
                self._pictures.reset()  # it would measure from an older one
                return Measured(posed)
        return self._pictures.measure(picture, boxes)
