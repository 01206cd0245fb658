"""Frozen pictures: a live sensor is noisy, so bit-identical pictures are one picture sent again.

`FrozenPicture` is asked wherever that matters: behind a driver that hands over its last buffer again (V4L2), where a
camera that hangs is opened again (`Reconnecting`), and where frames are taken or replayed (`RepeatedFrames`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.data import Frame, Pixels

# for how long a picture may stay the same, seconds, until ...
RESUMES_S = (
    0.3  # the next new one is flagged "resumed": a fast stream of a slow sensor repeats for less, a shutter more
)
FROZEN_S = 1.0  # the time is counted as frozen: a shutter that is not flagged is over by then
TOLD_S = 3.0  # a person is told: longer than any shutter, and nothing else would tell
HUNG_S = 10.0  # a camera of raw counts hangs and is opened again: a raw sensor's noise never repeats


class FrozenPicture:
    """Is this picture the one before again, bit by bit, and since when? Asked for every picture of one camera.

    ``since``: when the present picture first came, on the clock of whoever asks.
    """

    def __init__(self) -> None:
        self.since = 0.0
        self._before: Pixels | None = None

    def again(self, pixels: Pixels, t: float) -> bool:
        """Whether ``pixels``, (H, W), which came at ``t`` seconds, are those of the picture before."""
        same = self._before is not None and _identical(self._before, pixels)
        self._before = pixels
        if not same:
            self.since = t
        return same


class RepeatedFrames:
    """Leaves out what repeats among the frames of one camera, in their order.

    Nothing new can be found in a repeated picture. Only a frame that the camera itself flagged ``ffc`` goes through,
    flagged ``frozen`` too: it tells why nothing new comes. The first new picture after others were repeated for 0.3 s
    is flagged ``resumed``. Files are not looked at: there, every frame counts.
    """

    def __init__(self, live: bool) -> None:
        """``live``: whether the frames come, or once came, from a camera."""
        self._live = live
        self._picture = FrozenPicture()
        self._still_s = self._frozen_s = 0.0
        self._resumed = False

    @property
    def frozen_s(self) -> float:
        """Seconds so far in which nothing but repeats came, by each for over a second; flagged shutters are none."""
        return self._frozen_s + (self._still_s if self._still_s > FROZEN_S else 0.0)

    def sift(self, frame: Frame) -> Frame | None:
        """The frame, or None if it is to be left out. What went through once goes through again as it is."""
        if not self._live:
            return frame
        same = self._picture.again(frame.pixels, frame.t_capture)
        if same and "ffc" not in frame.flags:
            self._still_s = frame.t_capture - self._picture.since
            self._resumed |= "resumed" in frame.flags or self._still_s >= RESUMES_S
            return None
        self._frozen_s, self._still_s = self.frozen_s, 0.0
        if same:
            self._picture.since = frame.t_capture
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
