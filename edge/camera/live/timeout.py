"""A camera whose every call is bounded in time, whatever its driver does.

OpenCV 4.6 waits for ever in a GStreamer pipeline that stands still, the FFmpeg reader for half a minute, and a
USB driver that lost its device now and then for good. A call that does not return cannot be stopped from
outside, so it is made in a thread that can be left behind.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera

OPEN_S = 20.0  # the sources' own time-outs are shorter, and say more
STALL_S = 5.0  # IP cameras stand still for 2 s while their shutter is closed
CLOSE_S = 1.0
MAX_HUNG = 8
T = TypeVar("T")


class HungError(CameraError):
    """So many calls never returned that only another process can open the camera again."""


class Watched(Camera):
    """``opener``'s camera, opened, read and closed in a thread of its own, each within a time."""

    def __init__(
        self, opener: Callable[[], Camera], name: str, open_s: float | None = None, stall_s: float | None = None
    ) -> None:
        """``name``: the source, for messages. ``open_s``, ``stall_s``: longest opening and longest read.

        Raises SourceError where the camera is not open in time, HungError where a process should not go on
        trying, and what ``opener`` raises.
        """
        hung = [thread for thread in threading.enumerate() if isinstance(thread, _Worker) and thread.left]
        if len(hung) >= MAX_HUNG:
            raise HungError(
                f"{name}: {len(hung)} calls into its driver never returned; expected a driver that answers: start "
                "the program again (a service does so by itself)"
            )
        self._name = name
        self._stall_s = STALL_S if stall_s is None else stall_s
        open_s = OPEN_S if open_s is None else open_s
        self._worker = _Worker(name)
        self._closed = False
        self._camera: Camera | None = None

        def open_it() -> Camera:
            self._camera = opener()
            return self._camera

        try:
            camera = self._worker.call(open_it, open_s)
        except TimeoutError:
            self.close()
            raise SourceError(
                f"{name}: not open after {open_s:g} s, the driver or the sender does not answer; check that "
                "it sends, and that no other program has the camera"
            ) from None
        except BaseException:
            self._worker.leave(self._close_late)
            raise
        self.live = camera.live
        self.fps = camera.fps
        self.frames = camera.frames
        self.description = camera.description

    def read(self) -> Frame | None:
        """As the camera's; besides, CameraError where it takes longer than ``stall_s``, or after `close`."""
        camera = self._camera
        if self._closed or camera is None:
            raise CameraError(f"{self._name} was closed: open it again to read it")
        try:
            frame = self._worker.call(camera.read, self._stall_s)
        except TimeoutError:
            self.close()
            raise CameraError(
                f"{self._name}: nothing for {self._stall_s:g} s, the call does not return; check the camera and "
                "its cable, or the sender and the link"
            ) from None
        self.description = camera.description
        return frame

    def close(self) -> None:
        """Close the camera; wait for that two seconds at most. May be called twice."""
        if not self._closed:
            self._closed = True
            camera = self._camera
            if camera is not None:  # ends a read that waits, if that can be ended
                closer = threading.Thread(target=camera.close, name=f"close {self._name}", daemon=True)
                closer.start()
                closer.join(CLOSE_S)
            self._worker.leave(self._close_late)
            if camera is not None:  # a thread inside OpenCV aborts a process that ends meanwhile
                self._worker.join(CLOSE_S)

    def _close_late(self) -> None:
        if self._camera is not None:  # it may have opened after we stopped waiting for it
            self._camera.close()


class _Worker(threading.Thread):
    """Runs one call after the other; whoever asked waits only so long. ``left``: nobody waits any more."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"camera {name}", daemon=True)  # a hung driver must not keep the process alive
        self.left = False
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.start()

    def call(self, what: Callable[[], T], seconds: float) -> T:
        """What ``what`` returns or raises; TimeoutError where that takes longer."""
        answer: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put((what(), None))
            except BaseException as error:  # whatever it is, it belongs to who asked
                answer.put((None, error))

        self._calls.put(work)
        try:
            value, error = answer.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def leave(self, last: Callable[[], None]) -> None:
        """No more calls; ``last`` runs when those before it have returned, then the thread ends."""
        self.left = True
        self._calls.put(last)
        self._calls.put(None)

    def run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
