"""Stills: one image, a folder of them, or several paths, as frames."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.camera.images.files import SUFFIXES, Choice, find_stills, kinds_by_name, pairs_hint
from edge.camera.images.jpeg import CUT_OFF
from edge.camera.images.open_image import ImageFile, open_image
from edge.camera.images.order import EXPECTED, ORDERS, natural
from edge.camera.images.values import COLOUR, UNITS, How, Picture
from edge.camera.live.pacer import played_live
from edge.camera.options import Source
from edge.data import Frame, Pixels
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import reason_of

__all__ = ["COLOUR", "CUT_OFF", "SUFFIXES", "Picture", "Stills", "natural", "open_source", "read_picture", "read_still"]


def open_source(source: Source) -> Camera:
    """``FOLDER?raw=0&fps=5&live=1``, or one image: ``raw=0`` takes the picture of a radiometric JPEG, ``fps`` names the
    rate at which ``live=1`` plays them; without a rate each is looked at as the first.

    ``unit=celsius|kelvin``: of float values. Of a folder: ``match=*_T.JPG``, ``recursive=1``,
    ``order=natural|decimal|name|time``, ``skip_bad=1`` (leave out what cannot be read).
    """
    path, options = source.split("raw", "fps", "live", "unit", "match", "recursive", "order", "skip_bad")
    raw, fps, live = options.flag("raw"), options.rate("fps"), options.flag("live")
    unit = options.take("unit", {unit: unit for unit in UNITS}.__getitem__, " or ".join(UNITS))
    order = options.take("order", {order: order for order in ORDERS}.__getitem__, EXPECTED)
    match = options.take("match", str, "a pattern")
    recursive, skip_bad = bool(options.flag("recursive")), bool(options.flag("skip_bad"))
    if live and not fps:
        raise SourceError(f"source {path!r}: live=1 needs a rate: expected ?fps=5&live=1")
    camera = Stills(
        [Path(name) for name in (path, *source.others)],
        fps=fps,
        how=How(raw is not False, unit),
        choice=Choice(match, recursive, order),
        skip_bad=skip_bad,
    )
    return played_live(camera, path) if live else camera


def read_picture(path: Path, how: How | None = None) -> Picture:
    """The one picture of an image file. ``how``: see `How`.

    PNG, TIFF, BMP and NPY keep their depth; a JPEG gives its luma plane as the camera wrote it; one with raw counts
    inside (DJI, FLIR) gives those. Rotation tags are not followed.

    Raises ValueError saying what is wrong with the file, OSError where it cannot be read.
    """
    image = open_image(path)
    if image.pages > 1:
        raise ValueError(f"{image.pages} images in one file; expected one (tiffsplit makes single files)")
    return image.read(0, how or How())


def read_still(path: Path, raw: bool = True) -> tuple[Pixels, str]:
    """``(pixels, note)`` of `read_picture`: (H, W) uint8 grey or uint16 counts, as stored."""
    picture = read_picture(path, How(raw))
    return picture.pixels, picture.note


class Stills(Camera):
    """Images as frames, in the order of their names; ``t_capture`` = when delivered.

    ``origin`` is the file's name in the folder that was opened, ``name.tif#3`` its third page. ``utc`` stays None: a
    camera's EXIF time has no time zone. All images must have one size and depth.

    Without ``fps`` they are ``independent``: nobody knows whether they follow each other, nor do the pages of a file.
    ``frames`` counts files until one with several pages is met.
    """

    def __init__(
        self,
        path: Path | Sequence[Path],
        raw: bool = True,
        fps: float | None = None,
        *,
        how: How | None = None,
        choice: Choice | None = None,
        skip_bad: bool = False,
    ) -> None:
        """``raw``: short for ``how=How(raw)``. ``skip_bad``: leave out images that cannot be read, and say so; each is
        a gap in ``Frame.seq``.

        Raises SourceError where there is no image, or the first cannot be read.
        """
        paths = [path] if isinstance(path, Path) else list(path)
        found = find_stills(paths, choice or Choice())
        self._files, self._origins = found.files, found.origins
        self._name = str(paths[0]) + (f" and {len(paths) - 1} more" if paths[1:] else "")
        self._how, self._skip_bad = how or How(raw), skip_bad
        self._file = self._page = self._seq = 0  # of the next frame
        self._image: ImageFile | None = None  # the file that is being read
        self._like: Picture | None = None
        self._closed = False
        self._notes: list[str] = [found.note] if found.note else []
        self._first_note, self._told = "", set[str]()
        self._first, self._size = self._files[0], (0, 0)
        self._bad: list[str] = []
        self._empty = self._clipped = 0
        self.fps = fps
        self.independent = fps is None
        self.frames: int | None = len(self._files)
        try:
            self._next = self._take()
            if self._like is None:
                raise CameraError(f"{self._name}: none of {len(self._files)} images can be read: {self._bad[0]}")
            self._check_kinds()
        except CameraError as error:
            self.close()
            raise SourceError(str(error)) from error
        self._describe()

    def read(self) -> Frame | None:
        """The next image; None after the last.

        Raises CameraError where an image cannot be read, or has another size or depth than the first.
        """
        if self._closed:
            raise CameraError(f"{self._name} was closed: open it again to read it")
        taken, self._next = self._next or self._take(), None
        if taken is None:
            self._describe()
            return None
        picture, seq, origin = taken
        self._empty += picture.empty
        self._clipped += picture.clipped
        self._describe()
        return Frame(picture.pixels, seq, time.monotonic(), temperature=picture.temperature, origin=origin)

    def close(self) -> None:
        """Release the stack that is being read, if one is. May be called twice."""
        self._closed = True
        if self._image is not None:
            self._image.close()

    def _take(self) -> tuple[Picture, int, str] | None:
        """The next picture with its ``seq`` and ``origin``; None after the last."""
        while self._file < len(self._files):
            file, page, seq = self._file, self._page, self._seq
            path, origin = self._files[file], self._origins[file]
            self._seq += 1
            try:
                image = self._image or open_image(path)
                if page == 0 and image.pages > 1:
                    self.frames = (self.frames or 0) + image.pages - 1
                last = page + 1 >= image.pages
                self._image = None if last else image
                self._file, self._page = (file + 1, 0) if last else (file, page + 1)
                picture = image.read(page, self._how)
            except (ValueError, OSError) as error:
                if self._file == file and self._page == page:  # it could not even be looked at
                    self._file += 1
                self._refuse(path, error)
                continue
            self._check_like(path, picture)
            if image.pages > 1:
                origin += f"#{page + 1}"
            self._note(picture.note, path)
            return picture, seq, origin
        return None

    def _refuse(self, path: Path, error: ValueError | OSError) -> None:
        why = reason_of(error) if isinstance(error, OSError) else str(error)
        if not self._skip_bad:
            if not re.search(r"expected|convert|\?|pip install", why):  # what to do was not said
                why += "; expected an 8 or 16 bit grey image: replace or remove it"
            way = "; ?skip_bad=1 leaves out what cannot be read" if len(self._files) > 1 else ""
            raise CameraError(f"{path}: {why}{way}") from error
        self._bad.append(f"{path.name}: {why}")

    def _check_like(self, path: Path, picture: Picture) -> None:
        like = self._like
        if self._how.unit and not picture.unit:
            raise CameraError(
                f"{path}: unit={self._how.unit} says what float values are in, and there are none in it; leave it out"
            )
        if like is None:
            self._like, self._first = replace(picture, pixels=picture.pixels[:1]), path
            self._size = picture.pixels.shape[0], picture.pixels.shape[1]
            if picture.unit:
                self._how = replace(self._how, usual=picture.unit)
            return
        if picture.pixels.shape != self._size or picture.pixels.dtype != like.pixels.dtype:
            raise CameraError(self._mixed(path, picture))
        if (picture.temperature is None) != (like.temperature is None):
            said = "no temperatures" if picture.temperature is None else "temperatures"
            raise CameraError(
                f"{path}: {said}, unlike {self._first.name}; {pairs_hint(self._files, self._first, path)}"
            )

    def _mixed(self, path: Path, picture: Picture) -> str:
        height, width = self._size
        usual = f"{width}x{height} {self._like.pixels.itemsize * 8}-bit" if self._like else ""
        return (
            f"{path}: {_kind(picture.pixels)}, but {self._first.name} is {usual}: expected one size and "
            f"depth in a folder; {pairs_hint(self._files, self._first, path)}"
        )

    def _check_kinds(self) -> None:
        """Look at one of each kind of names (``_T``, ``_W``) now, not in the middle of a flight."""
        kinds = kinds_by_name(self._files)
        if "" in kinds or not 1 < len(kinds) <= 6:
            return
        for paths in kinds.values():
            try:
                image = open_image(paths[0])
                picture = image.read(0, self._how)
                image.close()
            except (ValueError, OSError):
                continue  # said when its turn comes
            self._check_like(paths[0], picture)

    def _note(self, note: str, path: Path) -> None:
        if not self._told:
            self._first_note = note
        elif note not in self._told:
            self._notes.append(f"from {path.name} on {note}")
        self._told |= {"", note}

    def _describe(self) -> None:
        height, width = self._size
        files = len(self._files)
        frames = self.frames or files
        what = "1 still" if frames == 1 else f"{frames} stills"
        if frames > files:
            what += f" in {files} file{'s' * (files > 1)}"
        bits = self._like.pixels.itemsize * 8 if self._like else 0
        first = f", {self._first_note}" if self._first_note else ""
        said = [f"{self._name}: {what}, {width}x{height} {bits}-bit grey{first}", *self._notes]
        if self._bad:
            said.append(f"{len(self._bad)} left out that cannot be read, the first is {self._bad[0]}")
        if self._empty:
            said.append(f"{self._empty} pixels without a value (NaN, nodata) so far, shown black")
        if self._clipped:
            said.append(f"{self._clipped} pixels hotter than 382 C so far, cut to it")
        self.description = "; ".join(said)


def _kind(pixels: Pixels) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]} {pixels.itemsize * 8}-bit"
