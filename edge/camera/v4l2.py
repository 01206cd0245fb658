"""A V4L2 camera (/dev/video*): raw 16-bit counts where asked for, and never an old frame as a new one.

What OpenCV does here was read in its cap_v4l.cpp: a format the driver refuses is replaced by another and
the call may still say True; the size, too, is what the driver likes; after unplugging, or on a timeout,
a read can hand over the buffer of before. So everything is read back, and a frame is new only if its
buffer's time or its content is.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
import time
from typing import Any

import cv2
import numpy.typing as npt

from edge.camera.capture import Capture, RefusedError
from edge.camera.decode.grey import decode_y16, to_grey
from edge.camera.devices.held import Held
from edge.camera.devices.profiles import GENERIC, Profile, profile_of
from edge.camera.devices.usb import Place
from edge.camera.live.frozen import FrozenPicture
from edge.camera.live.reconnect import keep_open
from edge.camera.options import Source
from edge.camera.view.options import take_profile
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import reason_of

SELECT_TIMEOUT_S = "2"  # OpenCV waits 10 s; whole seconds, read once in a process
FIRST_FRAME_S = 5.0  # a Boson needs 3 s after power-up
STALL_S = 2.5  # cores freeze for up to 2 s while their shutter is closed
RETRY_S = 0.01
OLDEST_S = 5.0  # a buffer's time further back than this is of another clock
NO_DEVICE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


def open_source(source: Source) -> Camera:
    """``/dev/video0?format=Y16&width=640&height=512&fps=30&camera=boson&endian=big&kelvin=0.01``, each key optional."""
    path, options = source.split("format", "width", "height", "fps", "camera", "endian", "kelvin")
    pixel_format = options.take("format", _fourcc, "1 to 4 letters or digits such as Y16, GREY, YUYV, MJPG")
    width = options.take("width", _size, "pixels, 1 to 65535")
    height = options.take("height", _size, "pixels, 1 to 65535")
    fps = options.rate("fps")
    profile = profile_of(*take_profile(options))
    place = Place(path)
    return keep_open(
        lambda: V4l2Camera(place.find(), pixel_format, width, height, fps, profile), path, source.reconnect_s
    )


class _MisfitError(CameraError):
    """Frames come, but none that fits."""


class V4l2Camera(Camera):
    """Frames of a V4L2 device: (H, W) uint16 raw counts for the format Y16, else (H, W) uint8 grey.

    A `Profile` says which rows are the picture, and what a count is worth.

    ``t_capture`` is the driver's own time of the buffer where that is CLOCK_MONOTONIC, else when it arrived.
    """

    live = True

    def __init__(
        self,
        path: str,
        pixel_format: str | None = None,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        profile: Profile = GENERIC,
    ) -> None:
        """Raises SourceError where the device cannot be used, or not as asked."""
        _check_device(path)
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", SELECT_TIMEOUT_S)
        self._path = path
        self._held = Held(path)
        try:
            self._capture = Capture(path, cv2.CAP_V4L2)
        except BaseException:
            self._held.close()
            raise
        try:
            if not self._capture.opened:
                raise SourceError(
                    f"{path}: OpenCV cannot capture from it; expected a free V4L2 capture device. See who has "
                    f"it (fuser -v {path}) and which node gives video (v4l2-ctl --list-devices)"
                )
            pixel_format = pixel_format or profile.pixel_format or None
            # a camera with no other format is in Y16 already; 8 bits of it would be the high byte
            self._raw = pixel_format in ("Y16", profile.pixel_format) or (
                pixel_format is None and self._capture.fourcc == "Y16"
            )
            self._configure(pixel_format, width, height)
            self.fps, note = self._set_fps(fps)
            self._seq = 0
            self._picture = FrozenPicture()
            self._ms = self._stamped = 0.0
            self._arrivals = False
            self.description = ""
            try:
                pixels, _ = self._next(FIRST_FRAME_S)
            except _MisfitError as error:
                raise RefusedError(f"{error}; expected what it announced: check its format and mode") from error
            except CameraError as error:
                raise SourceError(f"{error}; check cable and power, then open it again") from error
            self._seq = 0
            self._view = profile.fit(path, pixels)
            if self._view.words:
                note += f"; {self._view.words}"
            if pixel_format is None and not self._raw:
                note += "; for raw counts ask for ?format=Y16"
            rate = f"{self.fps:.4g} fps" if self.fps else "unknown rate"
            self.description = (
                f"{path}: V4L2 camera, {self._width}x{self._height} {pixels.itemsize * 8}-bit "
                f"{self._format}, {rate}, {self._capture.backend}{note}{self.description}"
            )
        except BaseException:
            self.close()
            raise

    def read(self) -> Frame | None:
        """The next new frame. Never None: a camera does not end.

        Raises CameraError at once where it was unplugged, and after 2.5 s without a new frame: hung, or only
        cut-off buffers.
        """
        if self._capture.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        pixels, t_capture = self._next(STALL_S)
        frame = self._view.frame(pixels, self._seq, t_capture)
        self._seq += 1
        return frame

    def close(self) -> None:
        """Release the device. May be called twice."""
        self._capture.release()
        self._held.close()

    def _next(self, patience_s: float) -> tuple[Pixels, float]:
        end = time.monotonic() + patience_s
        misfit = False
        while True:
            why = "nothing came"
            if self._capture.grab():
                arrived, ms = time.monotonic(), self._capture.get(cv2.CAP_PROP_POS_MSEC)
                another, self._ms = ms not in (0, self._ms), ms
                picture = self._capture.retrieve()
                try:
                    pixels = self._decode(picture)
                except ValueError as error:
                    why, misfit = str(error), True
                    self._seq += another or ms == 0  # a frame, but not a whole one: a gap tells
                else:
                    # a driver's clock may stand still; a sensor's noise does not
                    if not self._picture.again(pixels, arrived) or another:
                        return pixels, self._stamp(arrived, ms)
                    why = "the same buffer came again"
            if not os.path.exists(self._path):
                raise CameraError(f"{self._path}: unplugged")
            if time.monotonic() >= end or self._capture.closed:
                kind = _MisfitError if misfit else CameraError
                raise kind(f"{self._path}: no new frame for {patience_s:g} s: {why}")
            time.sleep(RETRY_S)

    def _decode(self, picture: npt.NDArray[Any] | None) -> Pixels:
        """Raises ValueError for a buffer that is no whole frame."""
        if picture is None:
            raise ValueError("a frame came that cannot be decoded")
        if self._raw:
            return decode_y16(picture, self._height, self._width)
        grey, _ = to_grey(picture)
        if grey.shape != (self._height, self._width):
            raise ValueError(f"{grey.shape[1]}x{grey.shape[0]} came, expected {self._width}x{self._height}")
        return grey

    def _stamp(self, arrived: float, ms: float) -> float:
        """When the frame was taken: the driver's time, unless that stands still, jumps or is of another clock."""
        taken = ms / 1000
        if not (self._stamped < taken <= arrived <= taken + OLDEST_S):
            taken = arrived
            if not self._arrivals:
                self._arrivals = True
                self.description += f"; from frame {self._seq} on times are of arrival, the driver's do not fit"
        self._stamped = taken
        return taken

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
        expected = {"width": width, "height": height, "format": pixel_format}
        came = {"width": self._width, "height": self._height, "format": self._format}
        refused = [key for key, ok in said.items() if not ok or (key in expected and expected[key] != came[key])]
        if refused:
            asked = " ".join(f"{key} {expected[key]}" for key in expected if expected[key])
            raise RefusedError(
                f"{self._path}: the driver refused {', '.join(refused)}: asked for {asked}, it gives "
                f"{self._format} {self._width}x{self._height}; see what it has with "
                f"v4l2-ctl -d {self._path} --list-formats-ext"
            )

    def _set_fps(self, expected: float | None) -> tuple[float | None, str]:
        """The rate the driver reports, and a note where it is not the one asked for."""
        took = expected is None or self._capture.set(cv2.CAP_PROP_FPS, expected)
        fps = self._capture.fps
        if expected is None or (took and fps is not None and abs(fps - expected) < 0.5):
            return fps, ""
        return fps, f"; asked for {expected:g} fps, the driver refused"


def _fourcc(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,4} {0,3}", text) or len(text) > 4:
        raise ValueError(text)
    name = text.strip()
    return "Y16" if name.upper() == "Y16" else name


def _size(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise ValueError(text)
    return value


def _check_device(path: str) -> None:
    """Say why the device cannot be used, before OpenCV says only that it could not."""
    try:
        if not stat.S_ISCHR(os.stat(path).st_mode):
            raise SourceError(f"{path}: not a device; expected a V4L2 camera such as /dev/video0")
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
        raise SourceError(f"{path}: {reason_of(error)}; close the program that has it (fuser -v {path})") from error
