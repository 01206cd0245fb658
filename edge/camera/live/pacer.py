"""Time between frames: one pacer, for files played as if they were a camera (``?live=1``), replays and simulations."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from edge.data import Frame
from edge.errors import SourceError
from edge.seams import Camera, CameraWrapper


class Pacer:
    """Says when each frame is due, and waits until then.

    Someone who reads too slowly gets old frames late, as from a camera's queue.
    """

    def __init__(
        self,
        longest_s: float = float("inf"),
        starts_again: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        """``longest_s``: no frame is due later than this after the one before. ``starts_again``: a frame that is asked
        for a whole step too late is due at once, and those behind it count from there.

        ``clock``: seconds. ``pause``: waits so many seconds, True where the pacer was closed meanwhile.
        """
        self._longest_s, self._starts_again, self._clock = longest_s, starts_again, clock
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._due: float | None = None  # of the frame before

    def wait(self, step_s: float) -> float | None:
        """Wait for the next frame, which is due ``step_s`` after the one before it; the first one is due at once.

        Returns when it was due, by the clock; None once the pacer is closed.
        """
        now = self._clock()
        if self._due is None:
            self._due = now
        else:
            step_s = min(max(step_s, 0.0), self._longest_s)
            self._due += step_s
            if self._starts_again and now > self._due + step_s:
                self._due = now
        return None if self._pause(max(self._due - now, 0.0)) else self._due

    def close(self) -> None:
        """Wake who waits. May be called twice."""
        self._closed.set()


class Paced(CameraWrapper):
    """``camera`` at its own speed; ``t_capture`` is when a frame was due.

    A frame of a video comes as much after the first as its media time says; where there is none, ``seq / fps`` seconds.
    """

    def __init__(self, camera: Camera, fps: float, pacer: Pacer | None = None, note: str | None = None) -> None:
        """Takes over ``camera`` and closes it. ``note``: behind its description; None: that it is played live."""
        super().__init__(camera)
        self.live, self.fps = True, fps
        self._note = f"; played live at {fps:g} fps" if note is None else note
        self.description += self._note
        self._pacer = pacer or Pacer()
        self._period_s = 1 / fps
        self._before: Frame | None = None

    @property
    def once_live(self) -> bool:
        return True

    def read(self) -> Frame | None:
        """The next frame when its time has come; once it is closed, what a closed camera of this kind says."""
        frame = self._read()
        if frame is None:
            return None
        before, self._before = self._before, frame
        due = self._pacer.wait(0.0 if before is None else self._step_s(before, frame))
        return self._read() if due is None else replace(frame, t_capture=due, t_arrival=time.monotonic())

    def _step_s(self, before: Frame, frame: Frame) -> float:
        if isinstance(before.origin, float) and isinstance(frame.origin, float):
            return frame.origin - before.origin
        return (frame.seq - before.seq) * self._period_s

    def _read(self) -> Frame | None:
        frame = super().read()
        self.description += self._note
        return frame

    def close(self) -> None:
        """Release the camera and wake a waiting reader. May be called twice."""
        super().close()  # first: who is woken asks it
        self._pacer.close()


def played_live(camera: Camera, name: str) -> Paced:
    """A file, played at its own speed; takes it over. Raises SourceError where it does not say its rate."""
    if camera.fps is None:
        camera.close()
        raise SourceError(f"source {name!r}: live=1, but the file does not say its rate; leave live=1 out")
    return Paced(camera, camera.fps)
