"""TIFF and BigTIFF, read as their own header says (TIFF 6.0; GDAL's tag 42113 for nodata) by tifffile.

OpenCV reads many forms of it as something else: a 16-bit band with alpha as 8 bit, rotated, white as black. Here the
first band comes in the stored orientation with its full depth, or the file is refused by the property that is in the
way. OpenCV decodes what it reads right (one band, LZW, deflate, packbits); the rest of compressed files needs
imagecodecs (pip install 'thermal-edge[tiff]').
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tifffile import TiffFile, TiffFileError, TiffPage

from edge.camera.decode.grey import ONE_A_PAGE, bands_differ, to_grey
from edge.camera.images.limits import MOST_BYTES, check_axes, check_size
from edge.camera.images.values import How, Picture, grey_picture, to_picture
from edge.camera.quiet import quiet
from edge.system.files import opencv_name
from edge.system.host import install_line

Array = npt.NDArray[Any]

WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
PHOTOMETRIC = {
    4: "a mask", 5: "CMYK", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32803: "a colour filter array",
    32844: "CIE LogL", 32845: "CIE LogLuv", 34892: "linear raw of a photo camera", 51177: "depth",
}  # fmt: skip
REDUCED, MASK = 1, 4  # bits of NewSubfileType
OPENCV_READS = (5, 8, 32773, 32946)  # LZW, deflate, packbits
NEEDS = "reading this compression needs imagecodecs"
MOST_PAGES = 100_000
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # damaged tags are told of here, in one line


class Tiff:
    """A TIFF file. ``pages``: numbers of the pages that are pictures; reduced ones and masks are none.

    A stack stays open from its first page to its last, or until `close`: finding a page anew takes a walk over all
    before it.
    """

    def __init__(self, path: Path) -> None:
        """Raises ValueError where it is none that can be read right, OSError where it cannot be read."""
        self._path = path
        self._open: TiffFile | None = None
        with _opened(path) as file:
            self.pages = _pages(file)
            first = _kind(file.pages[self.pages[0]])
            if other := next((n for n in self.pages if _kind(file.pages[n]) != first), None):
                raise ValueError(
                    f"{len(self.pages)} pictures in one file, and number {other + 1} is another kind than the first; "
                    "expected a stack of equal ones (tiffsplit makes single files)"
                )
            check_axes(len(self.pages), first[1], first[0])

    def read(self, page: int, how: How) -> Picture:
        """The picture of ``pages[page]``. Raises ValueError, OSError."""
        if len(self.pages) == 1:
            with _opened(self._path) as file:
                return _read(self._path, file, self.pages[0], how)
        try:
            with _told():
                self._open = file = self._open or TiffFile(self._path)
                return _read(None, file, self.pages[page], how)
        finally:
            if page + 1 == len(self.pages):
                self.close()

    def close(self) -> None:
        """Release the file. May be called twice."""
        if self._open is not None:
            self._open.close()
            self._open = None


@contextmanager
def _told() -> Iterator[None]:
    """Whatever tifffile raises of a damaged file becomes ValueError, one line."""
    try:
        yield
    except TiffFileError as error:
        raise _damaged(error) from None
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise _damaged(error) from None


@contextmanager
def _opened(path: Path) -> Iterator[TiffFile]:
    with _told(), TiffFile(path) as file:
        yield file


def _damaged(error: Exception) -> ValueError:
    said = " ".join(str(error).split())[:120] or type(error).__name__
    return ValueError(f"a damaged or cut off TIFF ({said})")


def _pages(file: TiffFile) -> list[int]:
    """Numbers of the pages that are pictures of their own."""
    if len(file.pages) > MOST_PAGES:
        raise ValueError(f"{len(file.pages)} pages in one file")
    found = [n for n, page in enumerate(file.pages) if not int(_full(page).subfiletype) & (REDUCED | MASK)]
    if len(file.pages) == 0:
        raise ValueError("a damaged or cut off TIFF (no page in it)")
    if 50706 in _full(file.pages[0]).tags or not found:
        raise ValueError("a camera's raw file (DNG), which is not read; convert it first: magick FILE out.tif")
    told = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    if isinstance(told, int) and told > len(found):
        raise ValueError(f"an ImageJ stack of {told} pictures that lists {len(found)} pages; save it as single files")
    return found


def _full(page: Any) -> TiffPage:
    return page if isinstance(page, TiffPage) else page.aspage()


def _kind(page: Any) -> tuple[Any, ...]:
    page = _full(page)
    return page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample, page.sampleformat


def _read(path: Path | None, file: TiffFile, number: int, how: How) -> Picture:
    page = _full(file.pages[number])
    _check(page, file.filehandle.size)
    values = _decoded(path, page, number)
    samples = page.samplesperpixel
    if samples > 1 and page.planarconfig == 2 and values.ndim == 3 and values.shape[0] == samples:
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    expected = (page.imagelength, page.imagewidth)
    if values.shape[:2] != expected or values.ndim > 3:
        raise ValueError(f"a picture of {values.shape}, its header says {expected}")
    if page.photometric in (RGB, YCBCR, PALETTE):
        return _of_colours(page, values)
    values, note = _first_band(page, values)
    if page.photometric == WHITE_IS_0 and values.dtype.kind == "u":
        values = values.dtype.type((1 << _bits(page)) - 1) - values
        note = "; ".join(filter(None, (note, "0 is white in it (MinIsWhite): inverted, so that white is high")))
    return to_picture(values, how, note, _nodata(page))


def _bits(page: TiffPage) -> int:
    bits = page.bitspersample
    return int(bits) if isinstance(bits, int) else int(max(bits))


def _check(page: TiffPage, file_bytes: int) -> None:
    """Raises ValueError where the header says something that cannot be right, or cannot be read right."""
    bits, samples = _bits(page), page.samplesperpixel
    photometric = int(page.photometric)
    check_size(page.imagewidth, page.imagelength, max(1, bits / 8) * samples)
    if page.imagedepth != 1 or page.tiledepth not in (0, 1):
        raise ValueError(f"a volume of {page.imagedepth} layers; expected a picture")
    if page.is_tiled:
        check_size(page.tilewidth, page.tilelength, max(1, bits / 8) * samples)
    if bits < 8 and photometric != PALETTE:
        raise ValueError(f"{bits} bit{'s' * (bits > 1)} a sample; expected 8 or more")
    if photometric in PHOTOMETRIC or photometric not in (WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, YCBCR):
        raise ValueError(f"its colours are {PHOTOMETRIC.get(photometric, photometric)}; expected grey or RGB")
    if page.dtype is None:
        raise ValueError(f"{bits} bits a sample of format {page.sampleformat}; expected whole numbers or floats")
    for at, size in zip(page.dataoffsets, page.databytecounts, strict=False):
        if size == 0:
            raise ValueError("parts of the picture are left out (a sparse file): gdal_translate FILE out.tif")
        if at + size > file_bytes:
            raise ValueError("the file is cut off")
    if sum(page.databytecounts) > MOST_BYTES:
        raise ValueError(f"{sum(page.databytecounts)} bytes of one picture")
    if len(page.dataoffsets) != len(page.databytecounts) or not page.dataoffsets:
        raise ValueError("a damaged or cut off TIFF (its parts are not listed)")
    if len(page.dataoffsets) < (parts := _parts(page)):  # each that is missing is looked for: millions take seconds
        raise ValueError(f"a damaged TIFF ({len(page.dataoffsets)} of its {parts} strips or tiles are listed)")


def _parts(page: TiffPage) -> int:
    """Strips or tiles that a page of this size has."""
    if page.is_tiled:
        number = -(-page.imagewidth // page.tilewidth) * -(-page.imagelength // page.tilelength)
    else:
        number = -(-page.imagelength // max(1, min(page.rowsperstrip, page.imagelength)))
    return int(number * (page.samplesperpixel if page.planarconfig == 2 and page.samplesperpixel > 1 else 1))


def _decoded(path: Path | None, page: TiffPage, number: int) -> Array:
    """What is stored in a page, as its header says. ``path``: of a single one, None for a page of a stack."""
    plain = page.samplesperpixel == 1 and page.dtype in (np.uint8, np.uint16) and _bits(page) in (8, 16)
    # OpenCV inverts 8 bit where 0 is white, and 16 bit not; it follows the orientation tag
    upright = page.photometric == BLACK_IS_0 and (274 not in page.tags or page.tags[274].value == 1)
    if path and plain and upright and page.compression in OPENCV_READS:  # in half the time, and without imagecodecs
        with quiet():
            _, found = cv2.imreadmulti(opencv_name(path), number, 1, flags=cv2.IMREAD_UNCHANGED)
        if found and found[0].dtype == page.dtype and found[0].shape == (page.imagelength, page.imagewidth):
            return np.asarray(found[0])
    try:
        return np.asarray(page.asarray())
    except Exception as error:
        if "imagecodecs" in str(error):
            raise ValueError(f"{NEEDS}: {install_line('tiff')}") from None
        raise _damaged(error) from None


def _of_colours(page: TiffPage, values: Array) -> Picture:
    if page.photometric == PALETTE:
        table = page.colormap
        if table is None or values.ndim != 2:
            raise ValueError("a palette without its colours")
        values = np.moveaxis((table >> 8 if table.max() > 255 else table).astype(np.uint8)[:, values], 0, -1)
    if values.ndim != 3 or values.shape[2] < 3 or values.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{page.samplesperpixel} samples a pixel of {values.dtype}; {ONE_A_PAGE}")
    alpha = [int(kind) for kind in page.extrasamples]
    others = values[:, :, 3:]
    if others.shape[2] > 1 or (others.size and alpha not in ([1], [2]) and others.min() < np.iinfo(others.dtype).max):
        raise ValueError(
            f"{values.shape[2]} samples a pixel: RGB and something else; which is heat? gdal_translate -b N FILE o.tif"
        )
    grey, colour = to_grey(np.ascontiguousarray(values[:, :, 2::-1].astype(values.dtype.newbyteorder("="))))
    if page.samplesperpixel > 1 and page.planarconfig == 2 and not colour and (differ := bands_differ(values)):
        raise ValueError(f"3 planes that differ by up to {differ} and show no colour: several pictures? {ONE_A_PAGE}")
    return grey_picture(grey, colour)


def _first_band(page: TiffPage, values: Array) -> tuple[Array, str]:
    if values.ndim == 2:
        return values, ""
    bands = values.shape[2]
    others = values[:, :, 1:]
    if (others == values[:, :, :1]).all():
        return values[:, :, 0], ""
    alpha = [int(kind) for kind in page.extrasamples]
    if bands == 2 and (alpha in ([1], [2]) or len(np.unique(others)) <= 2):
        return values[:, :, 0], "the first of 2 samples a pixel, the other is alpha or a mask"
    raise ValueError(
        f"{bands} samples a pixel; expected one band: which is heat? gdal_translate -b N FILE out.tif takes band N"
    )


def _nodata(page: TiffPage) -> float | None:
    tag = page.tags.get(42113)
    try:
        return None if tag is None else float(str(tag.value).strip("\0 "))
    except ValueError:
        return None
