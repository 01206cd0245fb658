"""What a person looks at: boxes drawn on the normalised picture, and the video made of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32, Result, class_name
from edge.errors import SinkError
from edge.seams import Sink
from edge.sim.truth import SimulatedFrame
from edge.system.files import opencv_name

# distinguishable on grey and for colour-blind eyes (Okabe and Ito), BGR
COLOURS = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
FONT = cv2.FONT_HERSHEY_SIMPLEX
LONGEST_GAP_S = 5.0
RESERVE_BYTES = 64 << 20  # left free on the disk: detections of an hour; the recording leaves more
LOOK_EVERY = 32  # pictures


def draw(result: Result, classes: Sequence[str], truth: bool = False, scale: int = 1) -> npt.NDArray[np.uint8]:
    """``(H * scale, W * scale, 3)`` uint8 BGR: the picture, a box, name and score for each detection.

    ``truth``: also mark, with corners, what a simulated frame really holds.
    """
    size = (result.frame.width * scale, result.frame.height * scale)
    grey = result.picture if scale == 1 else cv2.resize(result.picture, size, interpolation=cv2.INTER_LINEAR)
    image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if truth and isinstance(result.frame, SimulatedFrame):
        for box in result.frame.truth.boxes * scale:
            _corners(image, box)
    found = result.detections
    for box, score, label in zip(found.boxes * scale, found.scores, found.labels, strict=True):
        name = class_name(classes, label)
        colour = COLOURS[label % len(COLOURS)]
        # a line outside the box, so that a body of 15 px is not painted over
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        cv2.rectangle(image, (x1 - 2, y1 - 2), (x2 + 1, y2 + 1), colour, 1, cv2.LINE_8)
        _text(image, f"{name} {score:.2f}", (x1 - 2, y1 - 6 if y1 > 16 else y2 + 12), colour)
    flags = " ".join(sorted(result.frame.flags)).upper()
    _text(
        image,
        f"{result.frame.seq:06d}  {len(found)} found  {flags}".rstrip(),
        (6, image.shape[0] - 8),
        (255, 255, 255),
    )
    return image


class VideoSink(Sink):
    """Writes the drawn pictures as MPEG-4 in a Matroska file, which plays up to where it was cut.

    ``fps``: of the file. ``live``: results come at their own pace: pictures are repeated so that
    the video keeps the time of the flight (gaps over 5 s are cut short); otherwise one picture a
    result.

    The video ends where less than ``reserve`` bytes are free, so that the detections outlive it: OpenCV does not
    say that a disk is full.

    Raises SinkError where OpenCV cannot open the file or has no encoder, where the disk is nearly full, and where
    a picture has another size than the first.
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
        if self._pictures % LOOK_EVERY == 0 and shutil.disk_usage(self._path.parent).free < self._reserve:
            raise SinkError(f"{self._path}: less than {self._reserve >> 20} MiB are free: the video ends here")
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
            if self._path.stat().st_size == 0:
                raise SinkError(f"{self._path} is empty: the disk may be full")

    def _open(self, image: npt.NDArray[np.uint8], t_capture: float) -> None:
        self._size = (image.shape[1], image.shape[0])
        self._start = t_capture
        writer = cv2.VideoWriter(opencv_name(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, self._size)
        if not writer.isOpened():
            raise SinkError(
                f"OpenCV {cv2.__version__} cannot write {self._path} (MPEG-4 in Matroska): "
                "check the folder, or run without --video"
            )
        self._writer = writer


def _text(image: npt.NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    (width, height), below = cv2.getTextSize(text, FONT, 0.36, 1)
    x, y = at
    cv2.rectangle(image, (x, y - height), (x + width, y + below - 1), (0, 0, 0), cv2.FILLED)
    cv2.putText(image, text, at, FONT, 0.36, colour, 1, cv2.LINE_AA)


def _corners(image: npt.NDArray[np.uint8], box: Float32) -> None:
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    for x, dx in ((x1 - 4, 4), (x2 + 3, -4)):
        for y, dy in ((y1 - 4, 4), (y2 + 3, -4)):
            cv2.line(image, (x, y), (x + dx, y), (255, 255, 255), 1)
            cv2.line(image, (x, y), (x, y + dy), (255, 255, 255), 1)
