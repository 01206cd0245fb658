"""What happens to every frame as it comes in, whatever the policy: checked, gaps counted, repeats left out."""

from __future__ import annotations

import math
import time

from edge.camera.live.frozen import RepeatedFrames
from edge.camera.live.loss import in_words
from edge.data import Frame
from edge.errors import CameraError
from edge.seams import Camera

AHEAD_S = 1.0  # clocks of a driver and of the system may differ by a little
BEFORE_S = 60.0  # no queue of a camera is that long


class Intake:
    """The frames of one camera, in their order. ``lost``: how many never came, by the gaps in ``seq``."""

    def __init__(self, camera: Camera) -> None:
        self.lost = 0
        self._camera = camera
        self._repeats = RepeatedFrames(camera.live)
        self._opened = time.monotonic()
        self._seq: int | None = None

    @property
    def frozen_s(self) -> float:
        """See `edge.camera.live.frozen.RepeatedFrames`."""
        return self._repeats.frozen_s

    def take(self) -> tuple[bool, Frame | None]:
        """``(False, None)`` at the end of the source, ``(True, None)`` for a picture that only repeats the one before,
        else ``(True, frame)``.

        Raises CameraError: what the camera raised, whatever its class; and where a frame's ``seq`` or ``t_capture``
        cannot be.
        """
        try:
            frame = self._camera.read()
        except CameraError:
            raise
        except Exception as error:  # a driver raises what it likes: to the flight it is a camera that failed
            who = self._camera.description or type(self._camera).__name__
            raise CameraError(in_words(who, error)) from error
        if frame is None:
            return False, None
        self._check(frame)
        return True, self._repeats.sift(frame)

    def _check(self, frame: Frame) -> None:
        before, self._seq = self._seq, frame.seq
        if before is not None and frame.seq <= before:
            raise CameraError(
                f"the camera gave frame {frame.seq} after frame {before}: expected Frame.seq to count up, by one for "
                "every frame that the sensor made"
            )
        if before is not None and self._camera.seq_tells_losses:
            self.lost += frame.seq - before - 1
        if frame.replayed:
            return
        t = frame.t_capture
        if not (math.isfinite(t) and self._opened - BEFORE_S <= t <= frame.t_arrival + AHEAD_S):
            raise CameraError(
                f"frame {frame.seq} was captured at t_capture={t:.3f} s, it arrived at {frame.t_arrival:.3f} s: "
                "expected seconds of time.monotonic(), not after its arrival; edge.monotonic_of(epoch_seconds) "
                "converts the time of a wall clock"
            )
