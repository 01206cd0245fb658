"""A live camera that is lost is found again, opened again, and checked to be the same as before.

    read() -> frame | lost: closed, looked for with back-off (0.5 s, doubling, at most 10 s) -> back, checked

While it is away nothing is delivered, neither an old frame nor a made-up one; whoever reads waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edge.camera.capture import RefusedError
from edge.camera.live.frozen import HUNG_S, TOLD_S, FrozenPicture, as_resumed
from edge.camera.live.intake import ImpossibleError, check_frame, check_order
from edge.camera.live.loss import in_words
from edge.camera.live.timeout import HungError, TimeLimited
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 10.0
STEADY_S = 10.0  # a camera that is lost again sooner is not hurried
DIFFERENT = 3  # times in a row: a driver that is still starting may refuse once
GAPS_KEPT = 100  # in the report, the newest; all are counted

log = logging.getLogger(__name__)


class AwayError(SourceError):
    """A device or a stream that is not there, or does not answer: it may come."""


def keep_open(opener: Callable[[], Camera], name: str, reconnect_s: float | None) -> Camera:
    """The camera that ``opener`` opens, each call into it limited in time, and opened again when it is lost.

    ``name``: the source, for messages. ``reconnect_s``: longest outage, seconds; None: for ever; 0: not opened again.

    Raises AwayError where it is not there now, and as `TimeLimited` does.
    """
    closed = threading.Event()
    try:
        first: list[Camera] = [TimeLimited(opener, name, stop=closed)]
    except RefusedError:
        raise
    except SourceError as error:
        raise AwayError(str(error)) from error
    if not first[0].live or reconnect_s == 0:
        return first[0]
    return Reconnecting(
        lambda: first.pop() if first else TimeLimited(opener, name, stop=closed), name, reconnect_s, closed=closed
    )


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
    camera, those of the present outage included. ``away``: whether it is lost now. Each loss and return is logged.
    """

    live = True
    waits_for_return = True

    def __init__(
        self,
        opener: Callable[[], Camera],
        name: str,
        limit_s: float | None = None,
        closed: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        """Opens the camera; what ``opener`` raises this first time is the caller's to handle.

        ``opener``: finds the camera wherever it is now and opens it, in bounded time. ``name``: the source, for
        messages. ``limit_s``: longest outage, None = wait for ever. ``closed``: set by `close`, for an opener that can
        be woken. ``clock``: seconds. ``pause``: waits so many seconds, True where it was closed meanwhile.
        """
        self._opener, self._name, self._limit_s = opener, name, limit_s
        self._clock = clock
        self._closed = closed or threading.Event()
        self._pause = pause or self._closed.wait
        self._camera: Camera | None = opener()
        self.fps = self._camera.fps
        self.description = self._camera.description
        self._outages = 0
        self._lost_before_s = 0.0
        self._gaps: deque[Gap] = deque(maxlen=GAPS_KEPT)
        self._lost_why = ""
        self._lost_at: float | None = None
        self._given_at = self._back_at = clock()
        self._picture = FrozenPicture()
        self._told = False  # that it stands still
        self._delay_s = FIRST_DELAY_S
        self._why = ""
        self._kind: tuple[tuple[int, ...], np.dtype[np.uint8] | np.dtype[np.uint16]] | None = None
        self._different = 0
        self._seq = -1  # of the frame given last
        self._own_seq: int | None = None  # the same by the camera's own count, since it was opened
        self._frames = 0  # given so far
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
        depth or format), can no more be opened by this process, or was closed; and ImpossibleError where one of its
        first two frames cannot be.
        """
        while True:
            camera = self._camera or self._find()
            try:
                frame = camera.read()
                if frame is not None:
                    self._check(frame)
            except CameraError as error:
                if isinstance(error, ImpossibleError) and self._frames < 2:
                    raise  # from the start on: opened again it would do the same
                self._lose(camera, error)
                continue
            except Exception as error:
                loss = CameraError(in_words(camera.description or self._name, error))
                loss.__cause__ = error
                self._lose(camera, loss)
                continue
            return frame and self._deliver(frame)

    def close(self) -> None:
        """Release the camera and wake a waiting reader. May be called twice."""
        self._closed.set()
        if (camera := self._camera) is not None:
            self._release(camera)

    def _check(self, frame: Frame) -> None:
        """Raises CameraError where the frame is none, or none of the camera that was opened, its number does not rise
        (a sender that began anew), or the camera hangs.
        """
        check_frame(frame)
        if self._own_seq is not None:
            check_order(frame.seq, self._own_seq)
        kind = (frame.pixels.shape, frame.pixels.dtype)
        if self._kind is not None and kind != self._kind:
            raise _Different(f"{self._name}: it gives {_words(*kind)}, before it was {_words(*self._kind)}")
        self._kind, self._different = kind, 0
        now, since = self._clock(), self._picture.since
        again = self._picture.again(frame.pixels, now)
        self._tell_if_still(again, now - since)
        # 8-bit pictures of a still scene do repeat, after an encoder
        if again and frame.pixels.itemsize > 1 and now - since > HUNG_S:
            raise CameraError(f"{self._name}: bit by bit the same picture for {HUNG_S:g} s")

    def _tell_if_still(self, again: bool, still_s: float) -> None:
        if again and still_s > TOLD_S and not self._told:
            log.warning("camera stands still: the same picture for %g s; nothing new can be found meanwhile", TOLD_S)
            self._told = True
        elif not again and self._told:
            log.warning("camera gives new pictures again, after %.1f s", still_s)
            self._told = False

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
            log.warning("camera back after %.1f s (%s): %s", away_s, total, what)
        self._given_at = now
        self._own_seq, self._frames = frame.seq, self._frames + 1
        self._seq = frame.seq + self._offset
        return replace(frame, seq=self._seq) if self._offset else frame

    def _lose(self, camera: Camera, error: CameraError) -> None:
        self._camera = self._offset = self._own_seq = None
        self._release(camera)
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
            log.warning("camera lost: %s; looking for it", error)

    def _find(self) -> Camera:
        """The camera, open again, as soon as that works."""
        while True:
            lost_at = self._given_at if self._lost_at is None else self._lost_at
            left_s = None if self._limit_s is None else self._limit_s - (self._clock() - lost_at)
            if left_s is not None and left_s <= 0:
                raise CameraError(f"camera not back after {self._limit_s:g} s: {self._why}")
            if self._pause(self._delay_s if left_s is None else min(self._delay_s, left_s)):
                raise self._was_closed()
            self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)
            try:
                camera = self._opener()
            except HungError:
                raise
            except Exception as error:  # of a driver: it may not be ready yet
                if self._closed.is_set():
                    raise self._was_closed() from None
                if isinstance(error, RefusedError):
                    self._count_different(error)
                why = str(error) if isinstance(error, SourceError | CameraError) else in_words(self._name, error)
                if why != self._why:
                    self._why = why
                    log.warning("camera still away: %s", why)
                continue
            self._camera = camera
            if self._closed.is_set():
                self._release(camera)
            self._picture, self._told = FrozenPicture(), False
            return camera

    def _was_closed(self) -> CameraError:
        return CameraError(f"{self._name} was closed: open it again to read it")

    def _release(self, camera: Camera) -> None:
        try:
            camera.close()
        except Exception:  # of a driver: it is lost anyway
            log.debug("%s: its close raised", self._name, exc_info=True)

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
