"""A V4L2 camera (/dev/video*): raw 16-bit counts where asked for, and never an old frame as a new one.

What OpenCV does here was read in its cap_v4l.cpp: a format the driver refuses is replaced by another and
the call may still say True; the size, too, is what the driver likes; after unplugging, or on a timeout,
a read can hand over the buffer of before. So everything is read back, and a frame is new only if its
buffer's time is.
"""

from __future__ import annotations

import errno
import glob
import os
import stat
import time
from types import TracebackType
from typing import Any

import cv2
import numpy.typing as npt

from edge.camera.capture import Capture
from edge.camera.grey import to_grey
from edge.camera.y16 import decode_y16
from edge.records import CameraError, Frame, Pixels, SourceError

SELECT_TIMEOUT_S = "2"  # OpenCV waits 10 s; whole seconds, read once in a process
FIRST_FRAME_S = 5.0  # a Boson needs 3 s after power-up
STALL_S = 2.0
RETRY_S = 0.01
OLDEST_S = 5.0  # a buffer's time further back than this is of another clock
NO_DEVICE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


class V4l2Camera:
    """Frames of a V4L2 device: (H, W) uint16 raw counts for the format Y16, else (H, W) uint8 grey.

    ``t_capture`` is the driver's own time of the buffer where that is CLOCK_MONOTONIC, else when it arrived.
    """

    live: bool = True
    frames: int | None = None

    def __init__(
        self,
        path: str,
        pixel_format: str | None = None,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
    ) -> None:
        """Raises SourceError where the device cannot be used, or not as asked."""
        _check_device(path)
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", SELECT_TIMEOUT_S)
        self._path = path
        self._capture = Capture(path, cv2.CAP_V4L2)
        try:
            if not self._capture.opened:
                raise SourceError(
                    f"{path}: OpenCV cannot capture from it; wanted a free V4L2 capture device. See who has "
                    f"it (fuser -v {path}) and which node gives video (v4l2-ctl --list-devices)"
                )
            # a camera with no other format is in Y16 already; 8 bits of it would be the high byte
            self._raw = pixel_format == "Y16" or (pixel_format is None and self._capture.fourcc == "Y16")
            self._configure(pixel_format, width, height)
            self.fps, note = self._set_fps(fps)
            self._seq = 0
            self._last_ms = 0.0
            try:
                pixels, _ = self._next(FIRST_FRAME_S)
            except CameraError as error:
                raise SourceError(f"{error}; check cable and power, then open it again") from error
            self._seq = 0
            if pixel_format is None and not self._raw:
                note += "; for raw counts ask for ?format=Y16"
            rate = f"{self.fps:.4g} fps" if self.fps else "unknown rate"
            self.description = (
                f"{path}: V4L2 camera, {self._width}x{self._height} {pixels.itemsize * 8}-bit "
                f"{self._format}, {rate}, {self._capture.backend}{note}"
            )
        except BaseException:
            self._capture.release()
            raise

    def read(self) -> Frame | None:
        """The next new frame. Never None: a camera does not end.

        Raises CameraError after 2 s without a new frame: unplugged, hung, or only cut-off buffers.
        """
        if self._capture.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        pixels, t_capture = self._next(STALL_S)
        frame = Frame(pixels, self._seq, t_capture)
        self._seq += 1
        return frame

    def close(self) -> None:
        """Release the device. May be called twice."""
        self._capture.release()

    def __enter__(self) -> V4l2Camera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, patience_s: float) -> tuple[Pixels, float]:
        end = time.monotonic() + patience_s
        while True:
            why = "nothing came"
            if self._capture.grab():
                t_capture, new = self._stamp()
                picture = self._capture.retrieve()
                if not new:
                    why = "the same buffer came again"
                elif picture is not None:
                    try:
                        return self._decode(picture), t_capture
                    except ValueError as error:
                        why = str(error)
                        self._seq += 1  # a frame, but not a whole one: a gap tells
            if time.monotonic() >= end or self._capture.closed:
                raise CameraError(f"{self._path}: no new frame for {patience_s:g} s: {why}")
            time.sleep(RETRY_S)

    def _decode(self, picture: npt.NDArray[Any]) -> Pixels:
        if self._raw:
            return decode_y16(picture, self._height, self._width)
        grey, _ = to_grey(picture)
        if grey.shape != (self._height, self._width):
            raise ValueError(f"{grey.shape[1]}x{grey.shape[0]} came, wanted {self._width}x{self._height}")
        return grey

    def _stamp(self) -> tuple[float, bool]:
        """Time of the buffer just grabbed, and whether it is another one than before."""
        now, ms = time.monotonic(), self._capture.get(cv2.CAP_PROP_POS_MSEC)
        new = ms <= 0 or ms != self._last_ms
        self._last_ms = ms
        taken = ms / 1000
        return (taken if ms > 0 and 0 <= now - taken <= OLDEST_S else now), new

    def _configure(self, pixel_format: str | None, width: int | None, height: int | None) -> None:
        put, get = self._capture.set, self._capture.get
        # OpenCV sets the size when it has both
        width = width or (height and round(get(cv2.CAP_PROP_FRAME_WIDTH)))
        height = height or (width and round(get(cv2.CAP_PROP_FRAME_HEIGHT)))
        said = {}
        if width and height:
            said["width"] = put(cv2.CAP_PROP_FRAME_WIDTH, width)
            said["height"] = put(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if pixel_format:
            code = cv2.VideoWriter.fourcc(*pixel_format.ljust(4))
            said["format"] = put(cv2.CAP_PROP_FOURCC, code)
        if self._raw:  # with conversion on, OpenCV keeps only the high byte of each count
            said["raw counts"] = put(cv2.CAP_PROP_CONVERT_RGB, 0) and get(cv2.CAP_PROP_CONVERT_RGB) == 0

        self._width, self._height = (
            round(get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        self._format = self._capture.fourcc
        wanted = {"width": width, "height": height, "format": pixel_format}
        came = {"width": self._width, "height": self._height, "format": self._format}
        refused = [key for key, ok in said.items() if not ok or (key in wanted and wanted[key] != came[key])]
        if refused:
            asked = " ".join(f"{key} {wanted[key]}" for key in wanted if wanted[key])
            raise SourceError(
                f"{self._path}: the driver refused {', '.join(refused)}: asked for {asked}, it gives "
                f"{self._format} {self._width}x{self._height}; see what it has with "
                f"v4l2-ctl -d {self._path} --list-formats-ext"
            )

    def _set_fps(self, wanted: float | None) -> tuple[float | None, str]:
        """The rate the driver reports, and a note where it is not the one asked for."""
        took = wanted is None or self._capture.set(cv2.CAP_PROP_FPS, wanted)
        fps = self._capture.fps
        if wanted is None or (took and fps is not None and abs(fps - wanted) < 0.5):
            return fps, ""
        return fps, f"; asked for {wanted:g} fps, the driver refused"


def _check_device(path: str) -> None:
    """Say why the device cannot be used, before OpenCV says only that it could not."""
    try:
        if not stat.S_ISCHR(os.stat(path).st_mode):
            raise SourceError(f"{path}: not a device; wanted a V4L2 camera such as /dev/video0")
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError as error:
        raise SourceError(
            f"{path}: no permission; add your user to its group (sudo usermod -aG video $USER), log in again"
        ) from error
    except OSError as error:
        if error.errno in NO_DEVICE:
            here = ", ".join(sorted(glob.glob("/dev/video*"))) or "none"
            raise SourceError(
                f"{path}: no such camera; V4L2 devices here: {here}. Plug it in, or name one of them "
                "(/dev/v4l/by-id/... stays the same after replugging)"
            ) from error
        raise SourceError(f"{path}: {error.strerror}; close the program that has it (fuser -v {path})") from error
