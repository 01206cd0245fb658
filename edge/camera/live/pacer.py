"""A file played at its own speed, as if it were a camera (``?live=1``)."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from edge.data import Frame
from edge.errors import CameraError
from edge.seams import Camera, CameraWrapper


class Paced(CameraWrapper):
    """Gives frame i of a file i / fps seconds after the first one; ``t_capture`` is that moment.

    Someone who reads too slowly gets old frames late, as from a camera's queue.
    """

    def __init__(self, camera: Camera, fps: float) -> None:
        """Takes over ``camera`` and closes it."""
        super().__init__(camera)
        self.live, self.fps = True, fps
        self._played = f"; played live at {fps:g} fps"
        self.description += self._played
        self._period = 1 / fps
        self._start: float | None = None
        self._closed = threading.Event()

    def read(self) -> Frame | None:
        """The next frame when its time has come; None after the last. Raises CameraError as the file does."""
        frame = super().read()
        self.description += self._played
        if frame is None:
            return None
        if self._start is None:
            self._start = time.monotonic()
        due = self._start + frame.seq * self._period
        if self._closed.wait(max(0.0, due - time.monotonic())):
            raise CameraError("the camera was closed while a frame was waited for")
        return replace(frame, t_capture=due, t_arrival=time.monotonic())

    def close(self) -> None:
        """Release the file and wake a waiting reader. May be called twice."""
        self._closed.set()
        super().close()
