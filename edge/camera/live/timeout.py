"""A camera whose every call is limited in time, whatever its driver does.

OpenCV 4.6 waits for ever in a GStreamer pipeline that stands still, the FFmpeg reader for half a minute, and a
USB driver that lost its device now and then for good. A call that does not return cannot be stopped from
outside, so it is made in a thread that can be left behind.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from edge.camera.live.loss import in_words
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera, CameraWrapper
from edge.system.budget import CAMERA_CLOSE_S, CAMERA_OPEN_S, CAMERA_STALL_S

OPEN_S, STALL_S, CLOSE_S = CAMERA_OPEN_S, CAMERA_STALL_S, CAMERA_CLOSE_S
MAX_HUNG = 8
LOOK_S = 0.1  # how often an opening looks whether it is still waited for
_Answer = tuple[Any, BaseException | None]
T = TypeVar("T")

log = logging.getLogger(__name__)


class HungError(CameraError):
    """So many calls never returned that only another process can open the camera again."""


class TimeLimited(CameraWrapper):
    """``opener``'s camera, opened, read and closed in a thread of its own, each within a time.

    Whatever the driver raises becomes SourceError while it is opened and CameraError while it is read.
    """

    def __init__(
        self,
        opener: Callable[[], Camera],
        name: str,
        open_s: float | None = None,
        stall_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """``name``: the source, for messages. ``open_s``, ``stall_s``: longest opening and longest read.
        ``stop``: once it is set, an opening is not waited for any more.

        Raises SourceError where the camera cannot be opened, or not in time, HungError where a process should not go
        on trying, and CameraError as ``opener`` does.
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
        self._opened: Camera | None = None  # set by the worker, perhaps when nobody waits any more

        def open_it() -> Camera:
            self._opened = opener()
            return self._opened

        opened = False
        try:
            super().__init__(self._worker.call(open_it, open_s, stop))
            opened = True
        except _LateError:
            raise SourceError(
                f"{name}: not open after {open_s:g} s, the driver or the sender does not answer; check that "
                "it sends, and that no other program has the camera"
            ) from None
        except _LeftError:
            raise self._was_closed() from None
        except (SourceError, CameraError):
            raise
        except Exception as error:
            raise SourceError(in_words(name, error)) from error
        finally:
            if not opened:
                self._worker.leave(self._close_late)

    def read(self) -> Frame | None:
        """As the camera's; besides, CameraError where it takes longer than ``stall_s``, or after `close`."""
        if self._closed:
            raise self._was_closed()
        try:
            return self._worker.call(super().read, self._stall_s)
        except _LateError:
            self.close()
            raise CameraError(
                f"{self._name}: nothing for {self._stall_s:g} s, the call does not return; check the camera and "
                "its cable, or the sender and the link"
            ) from None
        except _LeftError:
            raise self._was_closed() from None
        except CameraError:
            raise
        except Exception as error:
            raise CameraError(in_words(self.description or self._name, error)) from error

    def close(self) -> None:
        """Close the camera and wake a waiting reader; wait for that a second at most. May be called twice."""
        if not self._closed:
            self._closed = True
            # ends a read that waits, if that can be ended
            closer = threading.Thread(target=self._close_late, name=f"close {self._name}", daemon=True)
            closer.start()
            closer.join(CLOSE_S)
            self._worker.leave(self._close_late)
            self._worker.join(CLOSE_S)  # a thread inside OpenCV aborts a process that ends meanwhile

    def _was_closed(self) -> CameraError:
        return CameraError(f"{self._name} was closed: open it again to read it")

    def _close_late(self) -> None:
        if self._opened is not None:  # it may have opened after we stopped waiting for it
            try:
                self._opened.close()
            except Exception:  # a driver: nobody is left to be told
                log.debug("%s: its close raised", self._name, exc_info=True)


class _LateError(Exception):
    """A call has not returned in its time."""


class _LeftError(Exception):
    """Nobody waits for the call any more."""


class _Worker(threading.Thread):
    """Runs one call after the other; whoever asked waits only so long. ``left``: nobody waits any more."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"camera {name}", daemon=True)  # a hung driver must not keep the process alive
        self.left = False
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[_Answer] = queue.SimpleQueue()  # where the present call is answered
        self.start()

    def call(self, what: Callable[[], T], seconds: float, stop: threading.Event | None = None) -> T:
        """What ``what`` returns or raises; _LateError where that takes longer, _LeftError once nobody waits any more:
        after `leave`, or as soon as ``stop`` is set.
        """
        answer: queue.SimpleQueue[_Answer] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put((what(), None))
            except BaseException as error:  # whatever it is, it belongs to who asked
                answer.put((None, error))

        self._asked = answer
        if self.left:
            raise _LeftError
        self._calls.put(work)
        value, error = _wait(answer, seconds, stop)
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]

    def leave(self, last: Callable[[], None]) -> None:
        """Wake who waits. No more calls; ``last`` runs when those before it have returned, then the thread ends."""
        self.left = True
        self._asked.put((None, _LeftError()))
        self._calls.put(last)
        self._calls.put(None)

    def run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _wait(answer: queue.SimpleQueue[_Answer], seconds: float, stop: threading.Event | None) -> _Answer:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            return answer.get(timeout=min(left, LOOK_S) if stop else left)
        except queue.Empty:
            if stop and stop.is_set():
                raise _LeftError from None
    raise _LateError
