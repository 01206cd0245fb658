"""Frames of a stream, whatever brings it: the network (FFmpeg) or a GStreamer pipeline."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy.typing as npt

from edge.camera.capture import Capture, RefusedError
from edge.camera.decode.grey import to_grey
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera

OPEN_TIMEOUT_MS = 10_000  # a GOP may pass before FFmpeg knows the size
READ_TIMEOUT_MS = 4_000
LOOK_AHEAD = 64


class StreamCamera(Camera):
    """Frames of a stream: (H, W) uint8 grey, or uint16 counts (GStreamer GRAY16_LE).

    ``t_capture`` is the time of arrival: what camera, encoder and network took before is not in it. The last picture
    before a stream breaks off may be damaged: a decoder fills in what is missing, and does not say so.
    """

    def __init__(self, capture: Capture, name: str, live: bool) -> None:
        """Takes over an opened ``capture``. Raises SourceError where no first frame comes."""
        self._capture, self._name, self.live = capture, name, live
        self._seq = 0
        self._shape: tuple[int, ...] | None = None
        try:
            self.fps = capture.fps
            self._size = tuple(
                round(capture.get(what)) for what in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
            )
            self._first = self._take()
            if self._first is None:
                raise SourceError(f"{name}: opened, but no frame came; check that the sender is sending")
        except CameraError as error:
            capture.release()
            raise RefusedError(str(error)) from error
        except BaseException:
            capture.release()
            raise
        pixels = self._first.pixels
        self.dtype = pixels.dtype
        rate = f"{self.fps:.4g} fps" if self.fps else "unknown rate"
        self.description = (
            f"{name}: {'stream' if live else 'finite stream'}, {pixels.shape[1]}x{pixels.shape[0]} "
            f"{pixels.itemsize * 8}-bit grey, {rate}, {capture.backend}" + self.description
        )
        if live:
            self._first, self._seq = None, 0  # that one is old by the time it is asked for

    def read(self) -> Frame | None:
        """The next frame; None only at the end of a finite pipeline.

        Raises CameraError where a live stream stops or changes its size.
        """
        if self._capture.closed:
            raise CameraError(f"{self._name} was closed: open it again to read it")
        frame, self._first = (self._first, None) if self._first else (self._take(), None)
        if frame is None and self.live:
            raise CameraError(
                f"{self._name}: the stream stopped after {self._seq} frames (ended, or nothing for "
                f"{READ_TIMEOUT_MS / 1000:g} s); check the sender and the link"
            )
        return frame

    def close(self) -> None:
        """Release the stream. May be called twice."""
        self._capture.release()

    def _take(self) -> Frame | None:
        end = time.monotonic() + READ_TIMEOUT_MS / 1000
        skipped = 0
        while not self._capture.grab():  # also said of a packet that cannot be decoded
            skipped += 1
            if skipped == LOOK_AHEAD or time.monotonic() >= end or self._capture.closed:
                return None
        self._seq += skipped
        t_capture = time.monotonic()
        picture = self._capture.retrieve()
        if picture is None:
            raise CameraError(f"{self._name}: frame {self._seq} came but could not be decoded")
        try:
            grey, colour = to_grey(self._unpack(picture))
        except ValueError as error:
            raise CameraError(f"{self._name}: frame {self._seq} is {error}") from error
        self._check(grey, colour)
        frame = Frame(grey, self._seq, t_capture)
        self._seq += 1
        return frame

    def _unpack(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Some pictures that GStreamer hands over as they are: the brightness plane of NV12 and its like.

        Raises ValueError for what is no picture yet, such as a JPEG.
        """
        height, width = self._size
        if picture.ndim == 2 and height > 0 and picture.shape != (height, width):
            if picture.shape != (height * 3 // 2, width):
                raise ValueError(
                    f"{picture.nbytes} bytes that are no {width}x{height} picture: put a decoder into the "
                    "pipeline, such as ! jpegdec !"
                )
            return picture[:height]
        if picture.ndim == 3 and picture.shape[2] == 2:
            raise ValueError(
                f"packed YUV {picture.shape}: put ! videoconvert ! video/x-raw,format=GRAY8 ! before appsink"
            )
        return picture

    def _check(self, grey: Pixels, colour: float) -> None:
        if self._shape is None:
            self._shape = grey.shape
            if colour:
                self.description = (
                    f"; {colour:.1%} of it in colour, reduced to brightness, which is not heat in a colour palette"
                )
        elif grey.shape != self._shape:
            raise CameraError(
                f"{self._name}: frame {self._seq} is {grey.shape[1]}x{grey.shape[0]}, those before it were "
                f"{self._shape[1]}x{self._shape[0]}: expected one size; fix the sender's size"
            )


def timeouts() -> list[int]:
    """How long OpenCV may wait, as parameters of a capture."""
    return [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS),
    ]
