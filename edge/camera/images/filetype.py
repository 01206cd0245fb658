"""What a file is, by its first bytes: the name may say anything.

Signatures: ITU-T T.81 (JPEG), PNG 1.2, TIFF 6.0 and BigTIFF (Adobe, AWare Systems), NPY (numpy.lib.format), CPTV (gzip
around sections, python-cptv), FLIR's FFF and AFF (ExifTool, FLIR tags), and the Library of Congress' format pages.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path

from edge.camera.decode.strangers import text_of
from edge.system.files import open_regular

HEAD = 64  # bytes that tell
IMAGES = frozenset({"JPEG", "PNG", "TIFF", "BMP", "NPY"})
"""Kinds that are read."""
OTHER_IMAGES = {
    "GIF": "ffmpeg -i {} frame%04d.png",
    "WebP": "magick {} out.png",
    "HEIC": "heif-convert {} out.png",
    "AVIF": "magick {} out.png",
    "JPEG 2000": "gdal_translate {} out.tif",
    "JPEG XL": "djxl {} out.png",
    "PNM": "magick {} out.png",
    "OpenEXR": "magick {} out.tif",
    "Photoshop": "magick {}[0] out.tif",
    "FITS": "gdal_translate {} out.tif",
    "NPZ": "python3 -c 'import numpy, sys; a = numpy.load(sys.argv[1]); numpy.save(\"out.npy\", a[a.files[0]])' {}",
    "a camera's raw file (DNG, CR2, NEF, ...)": "magick {} out.tif",
}
"""Images that are not read, and the command that makes one of them that is; ``{}`` = the file."""
VIDEO = "video"
_RAW_FILE = "a camera's raw file (DNG, CR2, NEF, ...)"
RAW_SUFFIXES = frozenset(
    [".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw", ".3fr", ".iiq"]
)

_BEGINS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\x93NUMPY", "NPY"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"v/1\x01", "OpenEXR"),
    (b"8BPS", "Photoshop"),
    (b"SIMPLE  =", "FITS"),
    (b"FUJIFILMCCD-RAW", _RAW_FILE),
    (b"IIRO", _RAW_FILE),
    (b"IIU\0", _RAW_FILE),
    (b"FFF\0", "FLIR"),
    (b"AFF\0", "FLIR"),
    (b"\x1a\x45\xdf\xa3", VIDEO),
    (b"FLV\x01", VIDEO),
    (b"OggS", VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", VIDEO),
    (b"\0\0\x01\xba", VIDEO),
    (b"\0\0\x01\xb3", VIDEO),
    (b"YUV4MPEG2 ", VIDEO),
    (b"DKIF", VIDEO),
)
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC", b"hevc": "HEIC", b"avif": "AVIF"}


def kind_of(head: bytes) -> str:
    """The kind of a file that begins so: one of `IMAGES`, a key of `OTHER_IMAGES`, ``CPTV``, ``FLIR`` (FFF, SEQ),
    ``video`` (a container), ``text``, or "" where these bytes do not tell.

    ``head``: its first `HEAD` bytes, or all where there are fewer.
    """
    for begins, kind in _BEGINS:
        if head.startswith(begins):
            return _RAW_FILE if kind == "TIFF" and head[8:10] == b"CR" else kind
    if head[:4] == b"PK\x03\x04" and b".npy" in head:  # the name of the first array
        return "NPZ"
    if head[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": VIDEO}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _RAW_FILE if head[8:12] == b"crx " else _BRANDS.get(head[8:12], VIDEO)
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:
        return "BMP"
    if head[:3] == b"\x1f\x8b\x08" and _unzipped(head).startswith(b"CPTV"):
        return "CPTV"
    if re.match(rb"P[1-7fF]\s", head):
        return "PNM"
    return "" if text_of(head) is None else "text"


_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """`kind_of` its first bytes; "" where it cannot be read, which whoever opens it says."""
    try:
        with open_regular(Path(path)) as file:
            return kind_of(file.read(HEAD))
    except OSError:
        return ""


def not_read(kind: str, path: Path) -> str:
    """Why a file of a kind in `OTHER_IMAGES` is refused, and the command that helps."""
    return f"{kind}, which is not read; convert it first: {OTHER_IMAGES[kind].format(path.name)}"


def _unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 16)
    except zlib.error:
        return b""
