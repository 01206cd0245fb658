"""Pictures that label files name: tools write backslashes, folders of other machines, addresses and upload hashes."""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from edge.camera.images.exif import HEAD, entries
from edge.camera.images.jpeg import APP1, jpeg_segments
from edge.camera.stills import SUFFIXES, read_still
from edge.errors import InputError
from edge.system.files import open_regular, reason_of
from export.data.splits import split_of
from export.data.text_file import clean_name, some

ORIENTATION, TIFF, BY_LINES = 0x112, 42, 1  # the tag of TIFF 6.0 and EXIF, and its value for a picture as stored
_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file


def images_in(folder: Path, deep: bool = True) -> list[Path]:
    """What flight takes for a still, by name, in ``folder`` and, ``deep``, below it; hidden files are left out."""
    found = folder.rglob("*") if deep else folder.glob("*")
    try:
        pictures = [p for p in found if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({reason_of(error)})") from None
    pictures.sort()
    for picture in pictures:
        clean_name(picture.name, f"{str(picture.parent)!a} holds a picture called")
    return pictures


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of an image file, as flight reads it. Raises InputError where it cannot be read."""
    try:
        height, width = read_still(path)[0].shape
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else error
        raise InputError(f"image {path} cannot be read ({why})") from None
    return width, height


def orientation_of(path: Path) -> int:
    """1 to 8, how an image file says that its pixels are to be turned when they are shown: the tag of EXIF in JPEG and
    PNG, and of TIFF. 1 = as stored, and where it does not say so, or cannot be read.
    """
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
            if head[:2] in (b"II", b"MM"):
                return _tag(file)
            if head[:4] == b"\x89PNG":
                return _tag(io.BytesIO(_exif_of_png(file)))
        segments = (body[6:] for kind, body in jpeg_segments(head) if kind == APP1 and body[:6] == b"Exif\0\0")
        return _tag(io.BytesIO(next(segments, b"")))
    except (OSError, ValueError, struct.error):
        return BY_LINES


def _exif_of_png(file: IO[bytes]) -> bytes:
    at, kind = 8, b""
    while kind != b"IEND":
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"eXIf":
            return file.read(length)
        at += 12 + length
    return b""


def _tag(file: IO[bytes]) -> int:
    """The orientation in the first directory of a TIFF, which EXIF is too."""
    file.seek(0)
    head = file.read(8)
    order = ">" if head[:2] == b"MM" else "<"
    magic, at = struct.unpack(order + "HI", head[2:])
    if magic != TIFF:
        return BY_LINES
    file.seek(at)
    count = file.read(2)
    table = count + file.read(12 * int(*struct.unpack(order + "H", count)))
    found = entries(table, order, 0).get(ORIENTATION)
    value = struct.unpack_from(order + "H", table, found[2])[0] if found else BY_LINES
    return int(value) if 1 <= value <= 8 else BY_LINES


class Pictures:
    """The pictures of one label file. ``folders``: where to look, the best first; the first is also searched below.

    ``elsewhere`` and ``missing``: names that were found at another place than they say, and those that were not.
    """

    def __init__(self, folders: Sequence[Path], split: str | None = None) -> None:
        self.folders = [f for i, f in enumerate(folders) if f not in folders[:i]]
        self.split = split
        self.elsewhere: list[str] = []
        self.missing: list[str] = []
        self._below: dict[str, list[Path]] | None = None

    def find(self, name: str, where: str) -> Path:
        """The file called ``name`` in a label file; where there is none, the path that it should have had, and the name
        is ``missing``. Raises as `look`.
        """
        found = self.look(name, where)
        if found is None:
            self.missing.append(name)
        return found or self.folders[0] / name.replace("\\", "/")

    def look(self, name: str, where: str) -> Path | None:
        """The file called ``name`` in a label file, or None.

        Raises InputError, beginning with ``where``, for a name that no file can have, or that several files have.
        """
        clean_name(name, where)
        plain = name.replace("\\", "/")
        for folder in self.folders:
            for path in (folder / name, folder / plain):
                if _is_file(path, where):
                    return path
        found = next((p for wording in _wordings(plain) if (p := self._search(wording, where))), None)
        if found is not None:
            self.elsewhere.append(f"{name} ({found})")
        return found

    def of_stem(self, stem: str, first: Path) -> Path | None:
        """The picture that is called ``stem`` but for its ending: in the folder ``first``, in ours, or the only one
        anywhere below.
        """
        for folder in (first, *self.folders):
            for ending in sorted(SUFFIXES):
                for path in (folder / f"{stem}{ending}", folder / f"{stem}{ending.upper()}"):
                    if path.is_file():
                        return path
        same = [p for p in self._all().get(stem, []) if p.stem == stem]
        return same[0] if len(same) == 1 else None

    def _search(self, name: str, where: str) -> Path | None:
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        for i in range(len(parts)):  # a folder of another machine: the end of the path is what counts
            tail = "/".join(parts[i:])
            for folder in self.folders:
                if _is_file(folder / tail, where):
                    return folder / tail
        if not parts:
            return None
        same = [p for p in self._all().get(parts[-1], []) if p.name == parts[-1]]
        if len(same) > 1:
            raise InputError(
                f"{where}: {name} is not there, and {len(same)} pictures have its name "
                f"({some([str(p) for p in same])}): write the path below the folder into the label file"
            )
        return same[0] if same else None

    def _all(self) -> dict[str, list[Path]]:
        """Pictures anywhere below, by name and by stem; those of other splits are not ours."""
        if self._below is None:
            self._below = {}
            for path in _walk(self.folders[-1], self.split):
                for key in {path.name, path.stem}:
                    self._below.setdefault(key, []).append(path)
        return self._below

    def notes(self) -> Iterator[str]:
        """What is to be told, after all pictures were looked for."""
        if self.elsewhere:
            first = some(self.elsewhere, 1)
            yield f"{len(self.elsewhere)} pictures were found at another place than is written: {first}"
        if self.missing:
            yield f"{len(self.missing)} pictures are not there (no such file): {some(self.missing)}"


def _walk(root: Path, split: str | None) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = [d for d in below if split is None or split_of(d) in (None, split_of(split) or split)]
        yield from (Path(folder, f) for f in files if Path(f).suffix.lower() in SUFFIXES and not f.startswith("."))


def _is_file(path: Path, where: str) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long
        raise InputError(f"{where}: no file can be called {path.name[:60]!r}") from None


def _wordings(name: str) -> Iterator[str]:
    """``name`` as other tools may have meant it: an address, and with the hash of an upload before it."""
    plain = unquote(name.rpartition("?d=")[2])
    yield from dict.fromkeys((name, plain))
    folder, _, file = plain.rpartition("/")
    if _UPLOAD.match(file):
        yield f"{folder}/{_UPLOAD.sub('', file, count=1)}"
