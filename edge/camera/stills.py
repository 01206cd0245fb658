"""Stills: one image, or a folder of them in natural order."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.decode.grey import to_grey
from edge.camera.decode.radiometric import dji_raw_counts, jpeg_is_whole
from edge.camera.live.pacer import played_live
from edge.camera.options import Source
from edge.camera.quiet import quiet
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import opencv_name, reason_of

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy"})
JPEG, PNG = b"\xff\xd8", b"\x89PNG"
CUT_OFF = "the file is cut off"
COLOUR = "in colour, reduced to brightness, which in a colour palette is not heat"


def open_source(source: Source) -> Camera:
    """``FOLDER?raw=0&fps=5&live=1``, or one image: ``raw=0`` takes the picture of a DJI R-JPEG, ``fps`` names the rate
    at which ``live=1`` plays them.
    """
    path, options = source.split("raw", "fps", "live")
    raw, fps, live = options.flag("raw"), options.rate("fps"), options.flag("live")
    if live and not fps:
        raise SourceError(f"source {path!r}: live=1 needs a rate: expected ?fps=5&live=1")
    camera = Stills(Path(path), raw=raw is not False, fps=fps)
    return played_live(camera, path) if live else camera


def read_still(path: Path, raw: bool = True) -> tuple[Pixels, str]:
    """``(pixels, note)`` of one image file. ``pixels``: (H, W) uint8 grey or uint16 counts, as stored.

    PNG, TIFF, BMP and NPY keep their depth; a JPEG gives its luma plane as the camera wrote it. ``raw``: a
    DJI R-JPEG gives its raw counts instead of its picture. Rotation tags are not followed.

    Raises ValueError saying what is wrong with the file, OSError where it cannot be read.
    """
    if path.suffix.lower() == ".npy":
        return _read_npy(path), ""
    data = path.read_bytes()
    if raw and data[:2] == JPEG and (counts := dji_raw_counts(data)) is not None:
        return counts, "raw counts of DJI R-JPEG"
    whole = jpeg_is_whole(data) if data[:2] == JPEG else data[:4] != PNG or b"IEND" in data
    if not whole:
        raise ValueError(CUT_OFF)
    with quiet():
        if path.suffix.lower() in (".tif", ".tiff") and (pages := cv2.imcount(opencv_name(path))) > 1:
            raise ValueError(f"{pages} images in one file; expected one (tiffsplit makes single files)")
        if data[:2] == JPEG:
            # an eighth of the size is enough to see a palette, and the luma plane is exact
            small = _decode(data, cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION)
            picture = _decode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
            grey, coloured = to_grey(picture)[0], to_grey(small)[1]
        else:
            grey, coloured = to_grey(_decode(data, cv2.IMREAD_UNCHANGED))
    return grey, COLOUR if coloured else ""


def _decode(data: bytes, how: int) -> npt.NDArray[Any]:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), how) if data else None
    except cv2.error as error:
        raise ValueError(f"it cannot be decoded ({error.err})") from error
    if picture is None:
        raise ValueError("it cannot be decoded" if data else "the file is empty")
    return picture


def _read_npy(path: Path) -> Pixels:
    try:
        array = np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise ValueError(f"no whole NPY array ({error})") from error
    if array.ndim != 2 or array.dtype.kind != "u" or array.dtype.itemsize > 2 or 0 in array.shape:
        raise ValueError(f"an array {array.dtype} {array.shape}; expected (height, width) uint8 or uint16 counts")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


class Stills(Camera):
    """Images as frames, in natural order (frame2 before frame10); ``t_capture`` = when delivered.

    ``origin`` is the file's name in the folder that was opened. ``utc`` stays None: a camera's EXIF time has no time
    zone. All images must have one size and depth.
    """

    def __init__(self, path: Path, raw: bool = True, fps: float | None = None) -> None:
        """Raises SourceError where there is no image, or the first cannot be read."""
        self._paths = [path] if path.is_file() else _images_in(path)
        self._path, self._root = path, path if path.is_dir() else path.parent
        self._raw, self._read, self._closed = raw, 0, False
        self._like: Pixels | None = None
        self.fps: float | None = fps
        self.frames: int | None = len(self._paths)
        try:
            first, note = self._load(self._paths[0])
        except CameraError as error:
            raise SourceError(str(error)) from error
        height, width = first.shape
        self._like = first
        self._next: Pixels | None = first
        what = "1 still" if self.frames == 1 else f"{self.frames} stills"
        self.description = f"{path}: {what}, {width}x{height} {first.itemsize * 8}-bit grey" + (
            f", {note}" if note else ""
        )
        self._coloured = note == COLOUR

    def read(self) -> Frame | None:
        """The next image; None after the last.

        Raises CameraError where an image cannot be read, or has another size or depth than the first.
        """
        if self._closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        if self._read == self.frames:
            return None
        path = self._paths[self._read]
        pixels, self._next = self._next, None
        if pixels is None:
            pixels, note = self._load(path)
            if note == COLOUR and not self._coloured:
                self._coloured = True
                self.description += f"; from {path.name} on {COLOUR}"
        frame = Frame(pixels, self._read, time.monotonic(), origin=_origin(path, self._root))
        self._read += 1
        return frame

    def close(self) -> None:
        """Nothing stays open between images. May be called twice."""
        self._closed = True

    def _load(self, path: Path) -> tuple[Pixels, str]:
        try:
            pixels, note = read_still(path, self._raw)
        except (ValueError, OSError) as error:
            why = reason_of(error) if isinstance(error, OSError) else error
            raise CameraError(f"{path}: {why}; expected an 8 or 16 bit grey image: replace or remove it") from error
        like = self._like
        if like is not None and (pixels.shape != like.shape or pixels.dtype != like.dtype):
            raise CameraError(
                f"{path}: {_kind(pixels)}, but {self._paths[0].name} is {_kind(like)}: expected one size and "
                "depth in a folder; put the others in a folder of their own"
            )
        return pixels, note


def _origin(path: Path, root: Path) -> str:
    """The name of an image in the folder that was opened, with "/"; bytes that are no UTF-8 are replaced."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")


def _kind(pixels: Pixels) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]} {pixels.itemsize * 8}-bit"


def _images_in(folder: Path) -> list[Path]:
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read: {reason_of(error)}; check its rights") from error
    if not found:
        raise SourceError(f"{folder}: no image in this folder; expected {', '.join(sorted(SUFFIXES))} files")
    return sorted(found, key=natural)


def natural(path: Path) -> tuple[list[str | int], str]:
    """Sort key that counts: frame2 before frame10."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name
