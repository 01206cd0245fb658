"""How the camera moved since the frame before: from poses where there are two, else from the pictures."""

from __future__ import annotations

import numpy.typing as npt

from edge.data import Frame
from edge.track.motion import Measured, MeasuredMotion, Picture
from edge.track.pose_motion import Lens, Stance, motion_from_poses


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
