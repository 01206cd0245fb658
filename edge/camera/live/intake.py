"""What happens to every frame as it comes in, whatever the policy: checked, gaps counted, repeats left out."""

from __future__ import annotations

import logging
import math
import numbers
import time

from edge.camera.live.frozen import RepeatedFrames
from edge.camera.live.loss import in_words
from edge.data import Frame
from edge.errors import CameraError
from edge.seams import Camera

AHEAD_S = 1.0  # clocks of a driver and of the system may differ by a little
BEFORE_S = 60.0  # no queue of a camera is that long

log = logging.getLogger(__name__)


class ImpossibleError(CameraError):
    """What a camera gave cannot be a frame, or not the next one."""


class Intake:
    """The frames of one camera, in their order. ``lost``: how many never came, by the gaps in ``seq``."""

    def __init__(self, camera: Camera) -> None:
        self.lost = 0
        self._camera = camera
        self._repeats = RepeatedFrames(camera.live)
        self._opened = time.monotonic()
        self._seq: int | None = None
        self._t = -math.inf
        self._told = False  # that times go back

    @property
    def frozen_s(self) -> float:
        """See `edge.camera.live.frozen.RepeatedFrames`."""
        return self._repeats.frozen_s

    def take(self) -> tuple[bool, Frame | None]:
        """``(False, None)`` at the end of the source, ``(True, None)`` for a picture that only repeats the one before,
        else ``(True, frame)``.

        Raises CameraError: what the camera raised, whatever its class; where it gave something else than a frame; where
        a frame's ``seq``, ``t_capture`` or ``utc`` cannot be.
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
        check_frame(frame)
        before, self._seq = self._seq, frame.seq
        if before is not None:
            check_order(frame.seq, before)
            if self._camera.seq_tells_losses:
                self.lost += frame.seq - before - 1
        if frame.replayed:
            return
        t = frame.t_capture
        if not (math.isfinite(t) and self._opened - BEFORE_S <= t <= frame.t_arrival + AHEAD_S):
            raise CameraError(
                f"frame {frame.seq} was captured at t_capture={t:.3f} s, it arrived at {frame.t_arrival:.3f} s: "
                f"expected seconds of time.monotonic(), not after its arrival, nor more than {BEFORE_S:g} s before the "
                f"first read, at {self._opened:.3f} s; edge.monotonic_of(epoch_seconds) converts a wall clock's time"
            )
        if t < self._t and not self._told:
            self._told = True
            log.warning(
                "frame %d was captured %.3f s before frame %s, which came before it: expected t_capture to rise; "
                "tracks break where it does not, and one object counts as several",
                *(frame.seq, self._t - t, before),
            )
        self._t = t


def check_frame(frame: object) -> None:
    """Raises ImpossibleError where ``frame``, which a camera gave, is no `Frame`, or its numbers are none."""
    if not isinstance(frame, Frame):
        raise ImpossibleError(
            f"the camera gave a {type(frame).__name__}: expected an edge.Frame, or None at the end of the source; "
            "write edge.Frame(pixels, seq, time.monotonic())"
        )
    if not (isinstance(frame.seq, numbers.Integral) and isinstance(frame.t_capture, numbers.Real)):
        raise ImpossibleError(
            f"the camera gave a frame with seq={frame.seq!r}, t_capture={frame.t_capture!r}: expected a whole number "
            "that counts up, and seconds of time.monotonic()"
        )
    if frame.utc is not None and frame.utc.tzinfo is None:
        raise ImpossibleError(
            f"frame {frame.seq} has utc={frame.utc.isoformat()} without a time zone: expected an aware datetime, such "
            "as datetime.now(timezone.utc), or None where the clock is not to be trusted"
        )


def check_order(seq: int, before: int) -> None:
    """Raises ImpossibleError where the number of a frame is not above that of the frame ``before``."""
    if seq <= before:
        raise ImpossibleError(
            f"the camera gave frame {seq} after frame {before}: expected Frame.seq to count up, by one for every frame "
            "that the sensor made"
        )
