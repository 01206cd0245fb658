"""A live camera that is lost is found again, opened again, and checked to be the same as before.

    read() -> frame | lost: closed, looked for with back-off (0.5 s, doubling, at most 10 s) -> back, checked

While it is away nothing is delivered, neither an old frame nor a made-up one; whoever reads waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edge.camera.capture import RefusedError
from edge.camera.live.frozen import Repeats, as_resumed
from edge.camera.live.timeout import HungError
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.log import to_stderr

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 10.0
STEADY_S = 10.0  # a camera that is lost again sooner is not hurried
FROZEN_S = 10.0  # no shutter stays closed that long, and a raw sensor's noise never repeats
STILL_S = 3.0  # longer than any shutter: said, as nothing else would tell
DIFFERENT = 3  # times in a row: a driver that is still starting may refuse once
GAPS_KEPT = 100  # in the report, the newest; all are counted


@dataclass(frozen=True)
class Gap:
    """Time without the camera. ``after_seq``: the last frame before it, -1 = none; ``t``: when that frame was given,
    monotonic seconds; ``seconds``: until the next one, or until now; ``back``: whether there was a next one.
    """

    after_seq: int
    t: float
    seconds: float
    why: str
    back: bool


class Reconnecting(Camera):
    """A live camera that survives being lost.

    ``seq`` goes on over an outage and leaves out exactly one number: frames were lost, nobody knows how many;
    ``t_capture`` tells how long. The first frame after it is flagged ``resumed``. ``lost_s``: seconds without the
    camera, those of the present outage included. ``away``: whether it is lost now.
    """

    live = True
    waits_for_return = True

    def __init__(
        self,
        opener: Callable[[], Camera],
        name: str,
        limit_s: float | None = None,
        tell: Callable[[str], None] = to_stderr,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        """Opens the camera; what ``opener`` raises this first time is the caller's to handle.

        ``opener``: finds the camera wherever it is now and opens it, in bounded time. ``name``: the source, for
        messages. ``limit_s``: longest outage, None = wait for ever. ``tell``: gets a line at each loss and
        return. ``clock``: seconds. ``pause``: waits so many seconds, True where it was closed meanwhile.
        """
        self._opener, self._name, self._limit_s = opener, name, limit_s
        self._tell, self._clock = tell, clock
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._camera: Camera | None = opener()
        self.fps = self._camera.fps
        self.description = self._camera.description
        self._outages = 0
        self._lost_before_s = 0.0
        self._gaps: deque[Gap] = deque(maxlen=GAPS_KEPT)
        self._lost_why = ""
        self._lost_at: float | None = None
        self._given_at = self._back_at = self._changed_at = self._new_at = clock()
        self._still = False  # and it was said
        self._delay_s = FIRST_DELAY_S
        self._why = ""
        self._kind: tuple[tuple[int, ...], np.dtype[np.uint8] | np.dtype[np.uint16]] | None = None
        self._different = 0
        self._repeats = Repeats(live=True)
        self._seq = -1  # of the frame given last
        self._offset: int | None = 0  # from the camera's count of frames to ours; None until it is back

    @property
    def away(self) -> bool:
        """Whether the camera is lost now."""
        return self._lost_at is not None

    @property
    def lost_s(self) -> float:
        """Seconds without the camera so far."""
        lost_at = self._lost_at
        return self._lost_before_s + (0.0 if lost_at is None else self._clock() - lost_at)

    def outages(self) -> dict[str, Any]:
        """For a run's report: how often it was lost, seconds without it, whether it is away, and each `Gap`."""
        gaps = list(self._gaps)
        if (lost_at := self._lost_at) is not None:
            gaps.append(Gap(self._seq, lost_at, self._clock() - lost_at, self._lost_why, back=False))
        return {
            "outages": self._outages,
            "lost_seconds": round(self.lost_s, 3),
            "away": self.away,
            "gaps": [{**asdict(gap), "t": round(gap.t, 6), "seconds": round(gap.seconds, 3)} for gap in gaps],
        }

    def read(self) -> Frame | None:
        """The next frame, however long the camera is away. None only where the camera itself says so.

        Raises CameraError where it is away for longer than ``limit_s``, comes back as another one (other size,
        depth or format), can no more be opened by this process, or was closed.
        """
        while True:
            camera = self._camera or self._find()
            try:
                frame = camera.read()
                if frame is not None:
                    self._check(frame)
            except CameraError as error:
                self._lose(camera, error)
                continue
            return frame and self._deliver(frame)

    def close(self) -> None:
        """Release the camera and wake a waiting reader. May be called twice."""
        self._closed.set()
        if (camera := self._camera) is not None:
            camera.close()

    def _check(self, frame: Frame) -> None:
        """Raises CameraError where the frame is none of the camera that was opened, or the camera hangs."""
        kind = (frame.pixels.shape, frame.pixels.dtype)
        if self._kind is not None and kind != self._kind:
            raise _Different(f"{self._name}: it gives {_words(*kind)}, before it was {_words(*self._kind)}")
        self._kind, self._different = kind, 0
        now, new = self._clock(), self._repeats.sift(frame)
        repeated = new is None or "frozen" in new.flags
        self._say_if_still(repeated, now)
        if frame.pixels.itemsize == 1 or not repeated:
            self._changed_at = now  # 8-bit pictures of a still scene do repeat, after an encoder
        elif now - self._changed_at > FROZEN_S:
            raise CameraError(f"{self._name}: bit by bit the same picture for {FROZEN_S:g} s")

    def _say_if_still(self, repeated: bool, now: float) -> None:
        still_s = now - self._new_at
        if not repeated:
            self._new_at = now
            if self._still:
                self._tell(f"camera gives new pictures again, after {still_s:.1f} s")
        elif still_s > STILL_S and not self._still:
            self._tell(f"camera stands still: the same picture for {STILL_S:g} s, nothing new is seen in it")
        self._still = repeated and (self._still or still_s > STILL_S)

    def _deliver(self, frame: Frame) -> Frame:
        now = self._clock()
        if self._offset is None:
            self._offset = self._seq + 2 - frame.seq
        if self._lost_at is not None:
            away_s = now - self._lost_at
            self._lost_before_s += away_s
            self._gaps.append(Gap(self._seq, self._lost_at, away_s, self._lost_why, back=True))
            self._lost_at, self._back_at = None, now
            frame = as_resumed(frame)
            camera = self._camera
            what = camera.description if camera else ""
            total = f"lost {self._outages}x, {self._lost_before_s:.1f} s in all"
            self.description = f"{what}; {total}"
            self._tell(f"camera back after {away_s:.1f} s ({total}): {what}")
        self._given_at = now
        self._seq = frame.seq + self._offset
        return replace(frame, seq=self._seq) if self._offset else frame

    def _lose(self, camera: Camera, error: CameraError) -> None:
        self._camera = self._offset = None
        camera.close()
        if self._closed.is_set():
            raise error
        if isinstance(error, _Different):
            self._count_different(error)
        self._why = str(error)
        if self._lost_at is None:
            self._outages += 1
            self._lost_at, self._lost_why = self._given_at, str(error)
            if self._clock() - self._back_at >= STEADY_S:
                self._delay_s = FIRST_DELAY_S
            self.description = f"{camera.description}; lost {self._outages}x, away now"
            self._tell(f"camera lost: {error}; looking for it")

    def _find(self) -> Camera:
        """The camera, open again, as soon as that works."""
        while True:
            lost_at = self._given_at if self._lost_at is None else self._lost_at
            left_s = None if self._limit_s is None else self._limit_s - (self._clock() - lost_at)
            if left_s is not None and left_s <= 0:
                raise CameraError(f"camera not back after {self._limit_s:g} s: {self._why}")
            if self._pause(self._delay_s if left_s is None else min(self._delay_s, left_s)):
                raise CameraError(f"{self._name} was closed: open it again to read it")
            self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)
            try:
                camera = self._opener()
            except HungError:
                raise
            except (SourceError, CameraError) as error:
                if isinstance(error, RefusedError):
                    self._count_different(error)
                if str(error) != self._why:
                    self._why = str(error)
                    self._tell(f"camera still away: {error}")
                continue
            self._camera = camera
            if self._closed.is_set():
                camera.close()
            self._repeats, self._still = Repeats(live=True), False
            self._changed_at = self._new_at = self._clock()
            return camera

    def _count_different(self, error: Exception) -> None:
        self._different += 1
        if self._different >= DIFFERENT:
            raise CameraError(
                f"the camera came back different, {DIFFERENT} times in a row: {error}; expected the same as before: "
                "set it up as it was, or start again to go on with what it gives now"
            ) from error


class _Different(CameraError):
    """Frames of another size or depth than those before."""


def _words(shape: tuple[int, ...], dtype: np.dtype[np.uint8] | np.dtype[np.uint16]) -> str:
    return f"{shape[1]}x{shape[0]} {8 * dtype.itemsize}-bit"
