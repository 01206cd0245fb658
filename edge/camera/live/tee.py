"""A camera whose every frame is also shown to someone else: where a recorder listens."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from edge.data import Frame
from edge.seams import Camera, once_live


class Tee:
    """``camera``, and each frame it gives goes to ``tap`` first, in the thread that reads.

    It stands before everything that drops, sifts or repairs, so ``tap`` sees what the camera delivered, also
    frames that the detector never sees.
    """

    def __init__(self, camera: Camera, tap: Callable[[Frame], None]) -> None:
        """Takes over ``camera`` and closes it. ``tap`` must not wait where the camera is live."""
        self._camera, self._tap = camera, tap
        self.description = camera.description
        self.live, self.once_live = camera.live, once_live(camera)
        self.fps = camera.fps
        self.frames = camera.frames

    def read(self) -> Frame | None:
        """As the camera's."""
        try:
            frame = self._camera.read()
        finally:
            self.description = self._camera.description  # some learn more about themselves on the way
        if frame is not None:
            self._tap(frame)
        return frame

    def close(self) -> None:
        """Close the camera. May be called twice."""
        self._camera.close()

    def __enter__(self) -> Tee:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
