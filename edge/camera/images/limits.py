"""How large an image may be, known from its header, before anything is decoded: 45 bytes can ask for gigabytes; and
which of three axes counts the pictures.
"""

from __future__ import annotations

import struct

from edge.camera.decode.strangers import SENSORS

MOST_PIXELS = 64 << 20  # of one picture: thermal sensors have up to 5 million, survey cameras 45 to 61 million
MOST_BYTES = 128 << 20  # of one decoded picture, and of a file that is read whole
MOST_CHUNKS = 100_000  # of a PNG: encoders write pieces of 8 kB or more
TALL = 4  # times as high as wide: no camera's picture, nor what is cut out of one
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1


def check_size(width: int, height: int, bytes_a_pixel: float = 1) -> None:
    """Raises ValueError for a picture that nobody's camera makes."""
    if width < 1 or height < 1:
        raise ValueError(f"its header says {width}x{height} pixels")
    if width * height > MOST_PIXELS or width * height * bytes_a_pixel > MOST_BYTES:
        raise ValueError(
            f"its header says {width}x{height} pixels of {bytes_a_pixel:g} bytes; expected at most {MOST_PIXELS >> 20} "
            f"million pixels and {MOST_BYTES >> 20} MiB: cut it into tiles (gdal_translate -srcwin, or magick -crop)"
        )


def check_axes(pages: int, height: int, width: int) -> None:
    """Raises ValueError where so many pictures of that size are more likely ``width`` pictures of ``height`` columns
    and ``pages`` rows: (height, width, frames) saved as (frames, height, width).
    """
    sensor = {*SENSORS, *((h, w) for w, h in SENSORS)}
    known = (height, pages) in sensor and (width, height) not in sensor
    if known or (TALL * width <= height and max(pages, height) <= 2 * min(pages, height)):
        raise ValueError(
            f"{pages} pictures of {width}x{height}, or {width} of {height}x{pages}? expected the axes (frames, height, "
            "width): save numpy.moveaxis(array, 2, 0), or, if they are right, single pictures"
        )


def check_png(data: bytes) -> None:
    """The header of a PNG, and that its chunks go on to the end (PNG 1.2, chapter 3). Raises ValueError."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise ValueError("the file is cut off")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    samples = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}.get(colour, 4)  # as decoded
    check_size(width, height, samples * (2 if depth == 16 else 1))
    at = 8
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            break
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"acTL":
            raise ValueError("an animated PNG; expected one picture a file (ffmpeg -i FILE frame%04d.png)")
        at += 12 + size
        if kind == b"IEND" and at <= len(data):  # OpenCV 5 makes room for what a chunk says that it has
            return
    raise ValueError("the file is cut off")


def check_bmp(data: bytes) -> None:
    """The header of a BMP: BITMAPCOREHEADER or BITMAPINFOHEADER and its successors. Raises ValueError."""
    if len(data) < 30:
        raise ValueError("the file is cut off")
    if data[14] == 12:
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
    else:
        width, height, _, bits = struct.unpack("<iiHH", data[18:30])
    check_size(width, abs(height), max(3, bits / 8))
