"""Correction of raw frames before normalising: the shutter, bad pixels, column stripes.

    frame -> closed shutter? flagged ffc | the scene moved? learn bad pixels, stripes -> corrected, flagged repaired

It changes only what is known to be the sensor's fault; 8-bit pictures have gone through the camera's own
processing and pass untouched. Everything it knows comes from the frames it was given, in their order: the same
frames give the same pixels again, so a replay agrees with its flight.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.data import Frame
from edge.thermal.correct.bad_pixels import BadPixels
from edge.thermal.correct.destriping import Destriping
from edge.thermal.correct.motion import Counts16, Motion
from edge.thermal.correct.shutter import Shutter


class Correction:
    """Corrects the frames of one flight, one after the other."""

    def __init__(self, fps: float | None = None, live: bool = False, independent: bool = False) -> None:
        """``fps``: nominal rate of the source, None if unknown. ``live``: the frames come, or once came, from a live
        camera. Without both an even one is a scene and no shutter. ``independent``: they do not follow each other: what
        one shows says nothing about the sensor that took the next, and none is corrected.
        """
        self._fps, self._live, self._independent = fps, live, independent
        self._shape: tuple[int, ...] = ()
        self._start()

    @property
    def bad_pixels(self) -> int:
        """How many dead and hot pixels are replaced at present."""
        return self._bad_pixels.count

    def __call__(self, frame: Frame) -> Frame:
        """The frame, corrected where it has to be: then its pixels are a copy, and it is flagged ``repaired``.

        A frame with a closed shutter that the camera does not tell of is flagged ``ffc`` and ``ffc_inferred``, and not
        changed otherwise.
        """
        if frame.pixels.dtype != np.uint16 or self._independent:
            return frame
        pixels = np.asarray(frame.pixels, np.uint16)
        if pixels.shape != self._shape:  # another sensor
            self._shape = pixels.shape
            self._start()
        if "ffc" in frame.flags or self._shut(frame, pixels):
            self._destriping.after_shutter()
            return frame if "ffc" in frame.flags else replace(frame, flags=frame.flags | {"ffc", "ffc_inferred"})
        if "resumed" in frame.flags:  # a shutter that nobody flagged, or the camera was switched on again
            self._destriping.after_shutter()
        noise = self._motion.check(pixels)
        if noise is not None:
            self._bad_pixels.look(pixels, noise)
            self._destriping.look(pixels, noise)
        else:
            self._bad_pixels.go_on()
        if not self._bad_pixels.count and not self._destriping.active:
            return frame
        pixels = np.array(pixels, np.uint16, order="C")
        self._bad_pixels.patch(pixels)
        self._destriping.correct(pixels)
        return replace(frame, pixels=pixels, flags=frame.flags | {"repaired"})

    def _shut(self, frame: Frame, pixels: Counts16) -> bool:
        # a live camera's rate is what its driver says; a file's time of capture is when it was read
        if self._live:
            return self._shutter.closed(pixels, frame.t_capture)
        return self._fps is not None and self._shutter.closed(pixels, frame.seq / self._fps)

    def _start(self) -> None:
        self._shutter = Shutter()
        self._motion = Motion()
        self._bad_pixels = BadPixels()
        self._destriping = Destriping()
