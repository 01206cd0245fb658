"""Frozen frames: a live sensor is noisy, so bit-identical pictures are one picture sent twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.data import Frame, Pixels

STILL_S = 0.3  # a shutter that is not flagged takes longer; a fast stream of a slow sensor repeats for less
FROZEN_S = 1.0


class Repeats:
    """Sifts the frames of one camera, in their order.

    A repeated picture is left out, as nothing new can be found in it. Only a frame that the camera itself
    flagged ``ffc`` goes through, flagged ``frozen`` too: it tells why nothing new comes. The first new picture
    after others were repeated for 0.3 s is flagged ``resumed``. Files are not looked at: there, every frame counts.
    """

    def __init__(self, live: bool) -> None:
        """``live``: whether the frames come, or once came, from a camera."""
        self._live = live
        self._before: Pixels | None = None
        self._new_at = self._still_s = self._frozen_s = 0.0
        self._resumed = False

    @property
    def frozen_s(self) -> float:
        """Seconds so far in which nothing but repeats came, by each for over a second; flagged shutters are none."""
        return self._frozen_s + (self._still_s if self._still_s > FROZEN_S else 0.0)

    def sift(self, frame: Frame) -> Frame | None:
        """The frame, or None if it is to be left out. What went through once goes through again as it is."""
        if not self._live:
            return frame
        same = self._before is not None and _identical(self._before, frame.pixels)
        self._before = frame.pixels
        if same and "ffc" not in frame.flags:
            self._still_s = frame.t_capture - self._new_at
            self._resumed |= "resumed" in frame.flags or self._still_s >= STILL_S
            return None
        self._frozen_s, self._still_s, self._new_at = self.frozen_s, 0.0, frame.t_capture
        if same:
            return replace(frame, flags=frame.flags | {"frozen"})
        resumed, self._resumed = self._resumed, False
        return as_resumed(frame) if resumed else frame


def as_resumed(frame: Frame) -> Frame:
    """The frame flagged ``resumed``: also where the first new picture was dropped and this is the next."""
    return replace(frame, flags=frame.flags | {"resumed"})


def _identical(a: Pixels, b: Pixels) -> bool:
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and bool((a[::16, ::16] == b[::16, ::16]).all())  # a part first: nearly always enough
        and bool(np.array_equal(a, b))
    )
