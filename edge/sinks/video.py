"""``video.mkv``: the results as a film, boxes drawn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Result
from edge.errors import InputError, SinkError
from edge.seams import Sink
from edge.sinks.draw import draw
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import has_room, open_private, opencv_name, reason_of, takes_more

CODEC = "mp4v"  # MPEG-4, which every OpenCV has
DEFAULT_FPS = 10.0  # of sources that do not tell theirs
LONGEST_GAP_S = 5.0
RESERVE_BYTES = 64 << 20  # left free on the disk: detections of an hour; the recording leaves more
LOOK_EVERY = 32  # pictures


class VideoSink(Sink):
    """Writes the drawn pictures as MPEG-4 in a Matroska file, which plays up to where it was cut.

    ``fps``: of the file. ``live``: results come at their own pace: pictures are repeated so that
    the video keeps the time of the flight (gaps over 5 s are cut short); otherwise one picture a
    result.

    The video ends where less than ``reserve`` bytes are free, so that the detections outlive it. OpenCV does not say
    that a disk is full or broken, or that a file may not become larger (4 GiB on FAT): every 32 pictures, and at the
    end, it is tried whether the file takes another byte.

    Raises SinkError where OpenCV cannot open the file or has no encoder, where the disk is nearly full, where the file
    takes no more, and where a picture has another size than the first.
    """

    def __init__(
        self, path: Path, classes: Sequence[str], fps: float, live: bool, reserve: int = RESERVE_BYTES
    ) -> None:
        self._path, self._classes, self._fps, self._live, self._reserve = path, classes, fps, live, reserve
        self._pictures = 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._start = self._written = 0.0

    def write(self, result: Result) -> None:
        """Draw and encode one result."""
        if self._pictures % LOOK_EVERY == 0:
            self._check_room()
        self._pictures += 1
        image = draw(result, self._classes)
        if self._writer is None:
            self._open(image, result.frame.t_capture)
        assert self._writer is not None
        if image.shape[1::-1] != self._size:
            raise SinkError(
                f"{self._path}: the picture became {image.shape[1]}x{image.shape[0]}, the video is "
                f"{self._size[0]}x{self._size[1]}: the video ends here"
            )
        repeats = 1
        if self._live:
            behind = (result.frame.t_capture - self._start) * self._fps - self._written
            if behind > LONGEST_GAP_S * self._fps:
                self._start += behind / self._fps - LONGEST_GAP_S
                behind = LONGEST_GAP_S * self._fps
            repeats = max(0, round(behind) + 1)
        for _ in range(repeats):
            self._writer.write(image)
        self._written += repeats

    def close(self) -> None:
        """Finish the file. May be called twice."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            if not self._path.is_file() or self._path.stat().st_size == 0:
                raise SinkError(f"{self._path} is empty: the disk may be full")
            try:
                takes_more(self._path)
            except OSError as error:
                raise SinkError(f"{self._path}: {reason_of(error)}: the end of the video may be missing") from None

    def _check_room(self) -> None:
        try:
            room = has_room(self._path.parent, self._reserve)
            if self._writer is not None:
                takes_more(self._path)
        except OSError as error:
            raise SinkError(f"{self._path}: {reason_of(error)}: the video ends here") from None
        if not room:
            raise SinkError(f"{self._path}: less than {self._reserve >> 20} MiB are free: the video ends here")

    def _open(self, image: npt.NDArray[np.uint8], t_capture: float) -> None:
        self._size = (image.shape[1], image.shape[0])
        self._start = t_capture
        try:
            os.close(open_private(self._path, 0))  # OpenCV keeps the rights of a file that is there
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {reason_of(error)}: give another --out") from None
        writer = cv2.VideoWriter(opencv_name(self._path), cv2.VideoWriter.fourcc(*CODEC), self._fps, self._size)
        if not writer.isOpened():
            raise SinkError(
                f"OpenCV {cv2.__version__} cannot write {self._path} (MPEG-4 in Matroska): "
                "check the folder, or run without --video"
            )
        self._writer = writer


def _check(path: Path) -> None:
    try:
        opencv_name(path.parent)
    except ValueError as error:
        raise InputError(f"--out {error}: give another, or leave --video out") from None


def _make(to: SinkContext) -> VideoSink:
    return VideoSink(to.path, to.classes, to.fps or DEFAULT_FPS, to.live)


SPEC = SinkSpec(
    "video",
    "video.mkv",
    _make,
    help="also write a film with the boxes drawn, DIR/video.mkv",
    check=_check,
    heavy=True,
)
