"""The project's only cv2.VideoCapture."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy.typing as npt

from edge.camera.quiet import quiet
from edge.errors import SourceError
from edge.system.files import opencv_name

MAX_FPS, MAX_COUNT = 1000.0, 1e9  # an endless stream has a count of some trillions, below zero


class RefusedError(SourceError):
    """What was opened is there and works, and is not as asked: waiting will not help."""


class Capture:
    """A cv2.VideoCapture that may be released while another thread waits inside it.

    OpenCV would free what that thread is using; here the thread that comes out releases.
    """

    def __init__(self, source: str, api: int, parameters: Sequence[int] = ()) -> None:
        """Raises SourceError for a name that OpenCV cannot take."""
        try:
            opencv_name(source)
        except ValueError as error:
            raise SourceError(f"source {error}: rename it") from None
        self._lock = threading.Lock()
        self.closed = self._released = False
        with quiet():
            self._capture = cv2.VideoCapture(source, api, list(parameters))
        self.opened = self._capture.isOpened()
        self.backend = f"{self._capture.getBackendName()} of OpenCV {cv2.__version__}" if self.opened else ""

    def get(self, what: int) -> float:
        """A property; 0 or -1 where the backend does not have it."""
        with self._lock:
            return self._capture.get(what)

    @property
    def fps(self) -> float | None:
        """Frames a second that the source names; None where it names nothing sensible."""
        fps = self.get(cv2.CAP_PROP_FPS)
        return fps if math.isfinite(fps) and 0 < fps <= MAX_FPS else None

    @property
    def count(self) -> int | None:
        """Frames that the source says it holds, counted or estimated; None where it says nothing sensible."""
        count = self.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(count) if math.isfinite(count) and 0 < count < MAX_COUNT else None

    @property
    def fourcc(self) -> str:
        """The codec's or pixel format's four letters, without padding."""
        return self._letters(cv2.CAP_PROP_FOURCC).decode("ascii", "replace").strip("\x00 ")

    @property
    def pixel_format(self) -> bytes:
        """FFmpeg's tag of the pixels that its decoder gives, 4 bytes; zeros or ones where it has none."""
        return self._letters(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)

    def _letters(self, what: int) -> bytes:
        return (int(self.get(what)) & 0xFFFFFFFF).to_bytes(4, "little")

    def set(self, what: int, value: float) -> bool:
        """True where the backend says that it took the value (read it back: it may have lied)."""
        with self._lock, quiet():
            return self._capture.set(what, value)

    def grab(self) -> bool:
        """Wait for the next frame. False at the end, on a failure, or after `release`."""
        try:
            with self._lock:
                return not self.closed and self._capture.grab()
        except cv2.error:
            return False
        finally:
            self._release_if_closed()

    def retrieve(self) -> npt.NDArray[Any] | None:
        """The frame grabbed last, decoded into an array of its own; None where that failed."""
        try:
            with self._lock:
                ok, picture = (False, None) if self.closed else self._capture.retrieve()
        except cv2.error:  # a damaged JPEG inside the stream, say
            return None
        finally:
            self._release_if_closed()
        return picture if ok else None

    def release(self) -> None:
        """Close, now or as soon as the thread inside comes out. May be called twice."""
        self.closed = True
        self._release_if_closed()

    def _release_if_closed(self) -> None:
        if self.closed and self._lock.acquire(blocking=False):
            try:
                if not self._released:
                    self._released = True
                    self._capture.release()
            finally:
                self._lock.release()
