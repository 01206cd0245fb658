"""How many bytes a Matroska or WebM file has, by its own header (RFC 8794, RFC 9559)."""

from __future__ import annotations

from typing import BinaryIO

MAX_EBML = 4096  # bytes of its first header, which has some 40
SEGMENT = b"\x18\x53\x80\x67"


def matroska_size(file: BinaryIO) -> int | None:
    """Bytes that the file announces; None where it was written live and never closed.

    Raises ValueError or IndexError where its header is damaged.
    """
    file.seek(4)
    length, _ = _vint(file)
    if length > MAX_EBML:
        return None
    file.seek(length, 1)
    if file.read(4) != SEGMENT:
        return None
    size, unknown = _vint(file)
    return None if unknown else file.tell() + size


def _vint(file: BinaryIO) -> tuple[int, bool]:
    """An EBML size and whether it stands for "unknown" (all bits 1)."""
    first = file.read(1)[0]
    extra = 8 - first.bit_length()
    if extra > 7:
        raise ValueError("not an EBML size")
    value = int.from_bytes(bytes([first & (0x7F >> extra)]) + file.read(extra), "big")
    return value, value == (1 << (7 * (extra + 1))) - 1
