"""A camera that is faster than the detector: the plain loop of OpenCV's tutorials, and `edge.stream`.

    while True:
        ok, frame = capture.read()
        detect(frame)

Both see the same camera with the same queue, through the same engine.

The queue is that of a Video4Linux camera in OpenCV: the driver fills `BUFFERS` buffers in order and leaves frames out
while none is free; the `read` of `cv2.VideoCapture` copies the oldest one and gives its buffer back (OpenCV's
cap_v4l.cpp: DEFAULT_V4L_BUFFERS is 4). It is modelled, since no camera is attached: which frames
lie in the queue follows from the times of the reads alone, so that no thread of the model takes processor time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.detectors import Detect, Grey
from edge.data import Frame
from edge.pipeline import stream
from edge.seams import Camera, Engine

RATE, BUFFERS = 30.0, 4
SETTLED = BUFFERS + 1  # results of a part that are left out: the queue fills
LEAST = SETTLED + 3  # results of a part, however long that takes
PLAIN, STREAM = "plain", "stream"


@dataclass(frozen=True)
class Taken:
    """A frame as it leaves the queue. ``seq``: of all that the camera made. ``t``: when, seconds of the clock."""

    pixels: Grey
    seq: int
    t: float


@dataclass(frozen=True)
class Look:
    """One frame whose detections are there, seconds of the clock: when the camera made it, when the loop had it, when
    whoever uses the detections had them. ``seq``: of all frames that the camera made.
    """

    seq: int
    captured: float
    taken: float
    done: float


class QueuedCamera:
    """A camera with a driver's queue, read by one thread. It makes ``frames`` again and again, at ``rate`` Hz."""

    def __init__(
        self,
        frames: Sequence[Grey],
        rate: float = RATE,
        buffers: int = BUFFERS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._frames, self._rate, self._buffers = frames, rate, buffers
        self._closed = threading.Event()
        self._clock, self._pause = clock, pause or self._closed.wait
        self._begun = clock()
        self._made, self._filled = 0, deque[int]()  # frames so far; those that lie in buffers

    def read(self) -> Taken | None:
        """The oldest frame in the queue, or the next one that the camera makes; None once it is closed."""
        self._fill()
        while not self._filled:
            if self._closed.is_set():
                return None
            self._pause(max(self._time_of(self._made) - self._clock(), 0.0))
            self._fill()
        seq = self._filled.popleft()
        return Taken(self._frames[seq % len(self._frames)], seq, self._time_of(seq))

    def close(self) -> None:
        """Wake who reads. May be called twice."""
        self._closed.set()

    def _time_of(self, seq: int) -> float:
        return self._begun + seq / self._rate

    def _fill(self) -> None:
        """What the driver has done since the last look."""
        now = self._clock()
        while self._time_of(self._made) <= now:
            if len(self._filled) < self._buffers:
                self._filled.append(self._made)
            self._made += 1


class ForStream(Camera):
    """The same camera for `edge.stream`."""

    live, fps, description = True, RATE, "a camera with a driver's queue"

    def __init__(self, camera: QueuedCamera) -> None:
        self._camera = camera

    def read(self) -> Frame | None:
        taken = self._camera.read()
        return None if taken is None else Frame(taken.pixels, taken.seq, taken.t)

    def close(self) -> None:
        self._camera.close()


def plain_loop(
    camera: QueuedCamera, detect: Detect, threshold: float, seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[Look]:
    """Read, detect, read, detect, for so many seconds and `LEAST` results."""
    looks: list[Look] = []
    end = clock() + seconds
    while (len(looks) < LEAST or clock() < end) and (taken := camera.read()) is not None:
        begun = clock()
        found = detect(taken.pixels)
        np.flatnonzero(found.scores >= threshold)
        looks.append(Look(taken.seq, taken.t, begun, clock()))
    return looks


def stream_loop(
    camera: QueuedCamera, engine: Engine, seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[Look]:
    """`edge.stream` with the policy ``latest``, and all that it does beside: correct, normalise, judge the picture."""
    looks: list[Look] = []
    end = clock() + seconds
    with ForStream(camera) as ours, stream(ours, engine, policy="latest") as results:
        while len(looks) < LEAST or clock() < end:
            result = next(results)
            done = clock()  # the stream judges the picture (health) before it gives the result away: that is in it
            work_ms = sum(result.stages_ms[stage] for stage in ("correct", "normalise", "infer", "postprocess"))
            looks.append(Look(result.frame.seq, result.frame.t_capture, result.t_result - work_ms / 1e3, done))
    return looks


def in_turns(
    frames: Sequence[Grey], engine: Engine, seconds: float, progress: Callable[[str], None]
) -> dict[str, list[list[Look]]]:
    """The looks of both loops, part by part: each runs for ``seconds``, the plain one half before ours, half after.

    Ours in one part, since a flight begins with more looks at the inverted picture than it goes on with.
    """
    threshold = engine.bundle.score_threshold

    def plain() -> list[Look]:
        progress(PLAIN)
        return plain_loop(QueuedCamera(frames), engine.infer, threshold, seconds / 2)

    def ours() -> list[Look]:
        progress(STREAM)
        return stream_loop(QueuedCamera(frames), engine, seconds)

    before, own, after = plain(), ours(), plain()
    return {PLAIN: [before, after], STREAM: [own]}
