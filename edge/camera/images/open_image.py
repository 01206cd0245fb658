"""One image file, whatever its name says: decided by its first bytes, refused above a size, then decoded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.camera.decode.grey import to_grey
from edge.camera.decode.radiometric import dji_raw_counts
from edge.camera.images.filetype import HEAD, OTHER_IMAGES, RAW_SUFFIXES, kind_of, not_read
from edge.camera.images.flir import NO_SCALE, SAID, flir_raw_counts
from edge.camera.images.jpeg import decode, decode_jpeg, jpeg_size
from edge.camera.images.limits import MOST_BYTES, check_bmp, check_png
from edge.camera.images.npy import STACK, open_npy
from edge.camera.images.values import How, Picture, grey_picture, to_picture
from edge.camera.quiet import overheard, quiet
from edge.data import Pixels
from edge.system.files import open_regular

DJI_SAID = "raw counts of DJI R-JPEG"
READ = "PNG, JPEG, TIFF, BMP or NPY"


@dataclass(frozen=True)
class ImageFile:
    """An image file that was looked at. ``pages``: how many pictures are in it. ``read``: page, how -> picture.
    ``close``: to be called where a stack is not read to its end.
    """

    pages: int
    read: Callable[[int, How], Picture]
    close: Callable[[], None] = lambda: None


def open_image(path: Path) -> ImageFile:
    """Look at a file: PNG, JPEG, BMP with one picture, TIFF and NPY with one or more.

    Raises ValueError saying what is wrong with it, OSError where it cannot be read; so does ``read``.
    """
    with open_regular(path) as file:
        head = file.read(HEAD)
        kind = kind_of(head)
        if not head:
            raise ValueError("the file is empty")
        if kind in ("JPEG", "PNG", "BMP"):
            if (size := os.fstat(file.fileno()).st_size) > MOST_BYTES:
                raise ValueError(f"{size} bytes in one picture's file; expected at most {MOST_BYTES >> 20} MiB")
            data = head + file.read()
            return ImageFile(1, lambda _, how: _read_whole(kind, data, how))
    if kind in OTHER_IMAGES:
        raise ValueError(not_read(kind, path))
    if kind == "TIFF" and path.suffix.lower() in RAW_SUFFIXES:
        raise ValueError(not_read("a camera's raw file (DNG, CR2, NEF, ...)", path))
    if kind == "TIFF":
        from edge.camera.images.tiff import Tiff  # tifffile takes a tenth of a second, which others need not wait

        tiff = Tiff(path)
        return ImageFile(len(tiff.pages), tiff.read, tiff.close)
    if kind == "NPY":
        pages, read = open_npy(path)
        return ImageFile(pages, lambda page, how: to_picture(read(page), how, STACK if pages > 1 else ""))
    what = f" ({kind})" if kind else ""
    raise ValueError(f"it cannot be decoded: it begins as no {READ}{what}")


def _read_whole(kind: str, data: bytes, how: How) -> Picture:
    if kind == "JPEG":
        return _read_jpeg(data, how)
    (check_png if kind == "PNG" else check_bmp)(data)
    with quiet(), overheard():
        grey, colour = to_grey(decode(data, cv2.IMREAD_UNCHANGED))
    return grey_picture(grey, colour)


def _read_jpeg(data: bytes, how: How) -> Picture:
    if how.raw:
        dji = dji_raw_counts(data)
        if dji is not None:
            return Picture(dji, DJI_SAID + _other_size(data, dji))
        flir = flir_raw_counts(data)
        if flir is not None:
            counts, scale = flir
            return Picture(counts, (SAID if scale else NO_SCALE) + _other_size(data, counts), scale)
    return grey_picture(*decode_jpeg(data))


def _other_size(jpeg: bytes, counts: Pixels) -> str:
    """What to know where the picture that people look at has another size than the counts."""
    size = jpeg_size(jpeg)
    if size is None or size == counts.shape[::-1]:
        return ""
    return f" (its picture is {size[0]}x{size[1]}: boxes are in pixels of the counts)"
