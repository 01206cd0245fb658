"""Raw frames without a header, one behind the other, as numpy's ``tofile`` and Lepton or Boson scripts write them.

Nothing in such a file says what it is, so the user does: ``FILE.bin?width=160&height=120&format=Y16``.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np

from edge.camera.decode.kinds import HEAD, container_of
from edge.camera.decode.strangers import named, sizes_of
from edge.camera.live.pacer import played_live
from edge.camera.options import Options, Source
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import reason_of
from edge.thermal.byteorder import looks_swapped

LARGEST = 8192  # pixels a side
MOST_HEADER = 1 << 30  # bytes
KEYS = ("width", "height", "format", "endian", "header", "fps", "live")
NEEDED = "FILE?width=160&height=120&format=Y16 (or format=GREY), in quotes"
FORMATS = {
    **dict.fromkeys(("Y16", "Y16LE", "GRAY16LE", "GRAY16_LE"), 2),
    **dict.fromkeys(("GREY", "GRAY", "GRAY8", "Y8", "Y800"), 1),
}
"""Bytes a pixel by name."""


def open_source(source: Source) -> Camera:
    """``FILE?width=W&height=H&format=Y16&endian=big&header=BYTES&fps=F&live=1``: raw frames of that size.

    ``format``: Y16, raw counts, the low byte first (``endian=big``: the high byte), or GREY, 8 bits. ``header``: bytes
    before the first frame. ``fps`` names their rate, ``live=1`` plays them at it.
    """
    path, options = source.split(*KEYS)
    width, height, bytes_a_pixel = (
        options.take("width", _side, "pixels, 1 to 8192"),
        options.take("height", _side, "pixels, 1 to 8192"),
        options.take("format", lambda text: FORMATS[text.upper()], "Y16 (counts of 16 bits) or GREY (8 bits)"),
    )
    missing = [name for name, value in zip(KEYS, (width, height, bytes_a_pixel), strict=False) if value is None]
    if width is None or height is None or bytes_a_pixel is None:
        raise SourceError(
            f"source {path!r}: {' and '.join(missing)} missing: raw frames without a header say nothing of "
            f"themselves; expected {NEEDED}"
        )
    fps, live = options.rate("fps"), options.flag("live")
    if live and not fps:
        raise SourceError(f"source {path!r}: live=1 needs a rate: expected &fps=9&live=1")
    endian = options.take("endian", {"big": ">", "little": "<"}.__getitem__, "big or little")
    header = _header(options)
    camera = RawCounts(Path(path), width, height, bytes_a_pixel, endian, header, fps)
    return played_live(camera, path) if live else camera


class RawCounts(Camera):
    """Frames of a file without a header: (H, W) uint16 counts or uint8 grey, read one by one.

    ``origin``: seconds since the first frame where the rate was given, or None.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        bytes_a_pixel: int = 2,
        endian: str | None = None,
        header: int | None = None,
        fps: float | None = None,
    ) -> None:
        """``bytes_a_pixel``: 2 or 1. ``endian``: ``<``, ``>``, or None: the low byte first, and checked. ``header``:
        bytes before the first frame; None: none, and the file must begin like no known one.

        Raises SourceError where the file cannot be read, is another kind, or holds no whole number of such frames.
        """
        self._path, self._size = path, (height, width)
        self._dtype = np.dtype("u1" if bytes_a_pixel == 1 else f"{endian or '<'}u2")
        self._bytes = width * height * bytes_a_pixel
        self.fps = fps
        self._seq = 0
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise SourceError(f"{path}: not a regular file; expected raw frames")
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error
        try:
            self.frames: int | None = self._count(header)
            if endian is None and looks_swapped(self._take(0)):
                raise SourceError(
                    f"{path}: the two bytes of each count come the wrong way round (big-endian): add endian=big; if "
                    "the picture is right as it is, endian=little"
                )
            self._file.seek(header or 0)
        except OSError as error:
            self._file.close()
            raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error
        except BaseException:
            self._file.close()
            raise
        kind = "8-bit grey" if bytes_a_pixel == 1 else "16-bit raw counts" + (", big-endian" if endian == ">" else "")
        self.description = (
            f"{path}: raw frames without a header, {width}x{height} {kind}, "
            f"{f'{fps:.4g} fps' if fps else 'unknown rate'}, {self.frames} frames"
            + (f" behind {header} bytes" if header else "")
        )

    def read(self) -> Frame | None:
        """The next frame; None after the last. Raises CameraError where the file cannot be read on."""
        if self._file.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        if self._seq == self.frames:
            return None
        try:
            pixels = self._take(self._seq)
        except OSError as error:
            raise CameraError(f"{self._path}: cannot be read: {reason_of(error)}") from error
        origin = round(self._seq / self.fps, 6) if self.fps else None
        frame = Frame(pixels, self._seq, time.monotonic(), origin=origin)
        self._seq += 1
        return frame

    def close(self) -> None:
        """Release the file. May be called twice."""
        self._file.close()

    def _count(self, header: int | None) -> int:
        """Frames in the file."""
        size = os.fstat(self._file.fileno()).st_size
        if header is None:
            head = self._file.read(HEAD)
            self._file.seek(0)
            container = container_of(head)
            what = f"a video ({container}), which says its own size" if container else named(head)
            if what:
                raise SourceError(
                    f"{self._path}: {what}. Leave width, height and format out; if raw frames begin like that by "
                    "chance, add header=0"
                )
        body = size - (header or 0)
        frames, left = divmod(body, self._bytes)
        if body <= 0 or left or not frames:
            raise SourceError(f"{self._path}: {self._does_not_fit(size, body, frames, left)}")
        return frames

    def _does_not_fit(self, size: int, body: int, frames: int, left: int) -> str:
        height, width = self._size
        if body <= 0:
            return f"{size} bytes, with header={size - body} none are left for frames"
        fits = [f"{w}x{h}" for w, h in sizes_of(body, self._dtype.itemsize)][:4]
        may = f"; it would hold whole frames of {', '.join(fits)}" if fits else ""
        return (
            f"{body} bytes are {frames} x {self._bytes} (a frame of {width}x{height}) and {left} more{may}: "
            "give its width and height, or the bytes before the first frame as header=BYTES"
        )

    def _take(self, i: int) -> Pixels:
        """The next frame of the file, which is number ``i``. Raises CameraError where it is no longer there."""
        data = self._file.read(self._bytes)
        if len(data) < self._bytes:
            raise CameraError(f"{self._path} broke off at frame {i} of {self.frames}: the file became shorter")
        pixels: Pixels = np.frombuffer(data, self._dtype).reshape(self._size).astype(self._dtype.newbyteorder("="))
        return pixels


def _side(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LARGEST:
        raise ValueError(text)
    return value


def _header(options: Options) -> int | None:
    def read(text: str) -> int:
        value = int(text)
        if not 0 <= value <= MOST_HEADER:
            raise ValueError(text)
        return value

    return options.take("header", read, "bytes before the first frame, 0 or more")
