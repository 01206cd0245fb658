"""A camera whose every frame is also shown to someone else: where a recorder listens."""

from __future__ import annotations

from collections.abc import Callable

from edge.data import Frame
from edge.seams import Camera, CameraWrapper


class Tee(CameraWrapper):
    """``camera``, and each frame it gives goes to ``tap`` first, in the thread that reads.

    It stands before everything that drops, sifts or corrects, so ``tap`` sees what the camera delivered, also
    frames that the detector never sees.
    """

    def __init__(self, camera: Camera, tap: Callable[[Frame], None]) -> None:
        """Takes over ``camera`` and closes it. ``tap`` must not wait where the camera is live."""
        super().__init__(camera)
        self._tap = tap

    def read(self) -> Frame | None:
        """As the camera's."""
        frame = super().read()
        if frame is not None:
            self._tap(frame)
        return frame
