"""How many bytes an AVI has, by its own headers, and whether it holds raw 16-bit pixels (RIFF, OpenDML 1.02)."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

MAX_RIFFS = 1 << 16  # of 1 GB each
HEADERS = 1 << 16  # bytes in which the streams' headers stand


def avi_size(file: BinaryIO) -> int:
    """Bytes that its RIFF chunks announce. Raises struct.error where they are damaged."""
    end = 0  # over 1 GB an AVI is several RIFF chunks in a row
    for _ in range(MAX_RIFFS):
        file.seek(end)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            break
        size = struct.unpack("<I", head[4:])[0]
        end += 8 + size + size % 2
    return end


def video_streams(file: BinaryIO) -> int:
    """How many of its streams are videos, at least 1."""
    file.seek(0)
    return max(len(re.findall(b"strh.{4}vids", file.read(HEADERS), re.DOTALL)), 1)


def is_raw_16_bit(file: BinaryIO) -> bool:
    """Whether its first video stream is raw, of 16 bits a pixel, in no format that has a name: counts or RGB555.

    Its BITMAPINFOHEADER has no compression, or FFmpeg's own tag of a 16-bit grey, which players do not know.
    """
    file.seek(0)
    head = file.read(HEADERS)
    at = head.find(b"strf", max(head.find(b"vids"), 0))
    if at < 0 or len(head) < at + 48:
        return False
    bits, compression = struct.unpack_from("<H4s", head, at + 22)
    named = compression in (bytes(4), b"\x03\0\0\0", b"GREY", b"Y800", b"Y8  ")  # no format, or one of 8 bits
    return bits == 16 and (named or compression[:2] in (b"Y1", b"Y3", b"RG"))
