"""The pictures of a video file, one after the other, each with the file's own time; opened by content, not by name."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy.typing as npt

from edge.camera.capture import Capture
from edge.camera.decode.codecs import NO_FORMAT, PACKED_YUV, bits_of, counts_as_yuv
from edge.camera.decode.container import Promise, read_promise
from edge.camera.decode.kinds import HEAD, NOT_TIMED
from edge.camera.decode.strangers import headerless, named
from edge.camera.quiet import quiet
from edge.errors import SourceError
from edge.system.files import reason_of

# OpenCV's FFmpeg reader says "no frame" at the end, and also at each packet it cannot decode
LOOK_AHEAD = 64
BEFORE_A_KEY_FRAME = 1024  # such packets at the beginning of a stream that was cut from a longer one
PATIENCE, PATIENT = "OPENCV_FFMPEG_CAPTURE_OPTIONS", "analyzeduration;60000000|probesize;100000000"  # 60 s, bytes
BYTES_SLACK = 8  # writers differ in whether the header counts itself
NOT_CLOSED = (
    "its index (moov) is missing, as a camera leaves it that lost power: untrunc can make one, with a whole file of "
    "the same camera"
)
FIX = "Copy the file again, or fix what is there with: ffmpeg -i IN -c copy OUT"


class Decoded(NamedTuple):
    """``picture``: as OpenCV gave it. ``t``: seconds since the file's first picture, or None. ``skipped``: packets
    before it that gave none.
    """

    picture: npt.NDArray[Any]
    t: float | None
    skipped: int


class Pictures:
    """An opened video.

    ``promise``: what its container says. ``cut``: how much of it is missing, in words, or "". ``bits``: 8, or 16 where
    raw counts come. ``fps``: frames a second as the file names or averages them, or None. ``count``: frames as it
    counts or estimates them, or None. ``last_s``: time of the last picture. ``note``: what else a user should know.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the file is missing, unreadable, or no video that is read."""
        self.promise = look_at(path)
        self.cut = _cut_off(self.promise, path.stat().st_size)
        self.capture = capture = _open(path)
        self.timed = self.promise.container not in NOT_TIMED
        self.last_s, self._delay_s = 0.0, 0.0
        self._begun = False
        if not capture.opened:
            raise SourceError(f"{path}: {self.cut or 'OpenCV finds no video in it'}; expected a video. {FIX}")
        try:
            self.fps, self.count = capture.fps, capture.count
            if not self.timed:
                self.fps = None  # FFmpeg says 25
            self.bits, self.note = bits_of(capture.fourcc, capture.pixel_format)
            if self.bits == 16 and not capture.set(cv2.CAP_PROP_CONVERT_RGB, 0):
                raise ValueError("16-bit grey video, of which this OpenCV keeps 8 bits; expected OpenCV 4.8 or later")
            turned = capture.get(cv2.CAP_PROP_ORIENTATION_META)
            if turned and capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0):
                self.note += f"; rotation tag {turned:g} deg not followed"
        except ValueError as error:
            capture.release()
            raise SourceError(f"{path}: {error}") from None

    def next(self) -> Decoded | None:
        """The next picture; None where no more can be decoded.

        Raises ValueError where the first one turns out to be counts that are labelled as a picture.
        """
        if self._begun:
            return self._next()
        with quiet():  # what cannot be decoded at the beginning of a stream
            return self._next()

    def _next(self) -> Decoded | None:
        skipped = 0
        most = LOOK_AHEAD if self._begun or self.promise.counted else BEFORE_A_KEY_FRAME
        while not self.capture.grab() or (picture := self.capture.retrieve()) is None:
            skipped += 1
            if skipped >= most:
                return None
        if not self._begun and self.capture.pixel_format in PACKED_YUV and counts_as_yuv(picture):
            raise ValueError(NO_FORMAT)
        t = self._time(skipped)
        self._begun = True
        self.last_s = max(self.last_s, t or 0.0)
        return Decoded(picture, t, skipped)

    def _time(self, skipped: int) -> float | None:
        """When the picture that was grabbed last is shown, seconds; None where the file does not say."""
        t = self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not self.timed or not math.isfinite(t):
            return None
        avi = self.promise.container == "AVI" and self.fps
        if avi and not self._begun:  # its frames have numbers: what comes before the first is a decoder's delay
            self._delay_s = max(t - skipped / avi, 0.0)
        if t == 0 and self.last_s > 0:  # OpenCV's word for a picture without a time
            return self.last_s + (1 + skipped) / avi if avi else None
        return t - self._delay_s

    def close(self) -> None:
        """Release the file. May be called twice."""
        self.capture.release()


def look_at(path: Path) -> Promise:
    """Look at the file before OpenCV does: its answer to everything is "not opened", or another picture.

    Raises SourceError where it is no container that is read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise SourceError(f"{path}: not a regular file; expected a video, an image or a folder of images")
        with path.open("rb") as file:
            head = file.read(HEAD)
        promise = read_promise(path)
        size = path.stat().st_size
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error
    if not head:
        raise SourceError(f"{path}: the file is empty; expected a video or an image")
    if promise.container is None:
        what = named(head)
        raise SourceError(
            f"{path}: {what}. Expected a video or an image" if what else f"{path}: {headerless(path, size)}"
        )
    if promise.raw_16_bit:
        raise SourceError(f"{path}: {NO_FORMAT}")
    if promise.second:
        raise SourceError(
            f"{path}: another MP4 begins at byte {promise.second} of it, which would not be read; expected one a file: "
            f"part them with head -c {promise.second} and tail -c +{promise.second + 1}"
        )
    return promise


def _open(path: Path) -> Capture:
    """Under a name without a suffix, which FFmpeg would let choose the format."""
    api = cv2.CAP_FFMPEG if cv2.CAP_FFMPEG in cv2.videoio_registry.getBackends() else cv2.CAP_ANY
    try:
        with path.open("rb") as file:
            name = Path(f"/dev/fd/{file.fileno()}")
            source = str(name if api == cv2.CAP_FFMPEG and name.exists() else path)
            capture = Capture(source, api)
            if capture.opened and not capture.get(cv2.CAP_PROP_FRAME_WIDTH) and PATIENCE not in os.environ:
                # a stream cut from a longer one: its first key frame comes late, and only that says its size
                capture.release()
                os.environ[PATIENCE] = PATIENT
                try:
                    capture = Capture(source, api)
                finally:
                    del os.environ[PATIENCE]
            return capture
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error


def _cut_off(promise: Promise, size: int) -> str:
    if promise.size is None or promise.size - size <= BYTES_SLACK:
        return "" if promise.closed else NOT_CLOSED
    return f"the file is cut off: {size} bytes of the {promise.size} that its header announces"
