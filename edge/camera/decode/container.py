"""What a video file promises about itself: so a recording that broke off is told from one that ended.

OpenCV gives one number, CAP_PROP_FRAME_COUNT. It may be counted in the index (AVI, MP4), or be duration x
rate (Matroska, MPEG-TS), or include frames that an edit list hides (an MP4 cut without re-encoding). A
decoder that meets a cut-off file just stops, as at a good end. The containers' own headers tell more: RIFF
sizes (AVI, OpenDML 1.02), ISO/IEC 14496-12 boxes, EBML element sizes (RFC 8794, RFC 9559).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MP4_BOXES = frozenset(b"ftyp moov mdat moof free skip wide uuid sidx styp mfra meta pdin emsg ssix prft udta".split())
MAX_MOOV = 256 << 20  # bytes; hours of video have a few MB of index
MAX_EBML = 4096  # bytes of its first header, which has some 40
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


@dataclass(frozen=True)
class Promise:
    """``size``: bytes the container says the file has, or None. ``counted``: its index counts the frames.
    ``timed``: its header says how long it lasts. ``shown_s``: seconds that an MP4's edit list lets be seen,
    or None where there is no edit list.
    """

    size: int | None = None
    counted: bool = False
    timed: bool = False
    shown_s: float | None = None


def read_promise(path: Path) -> Promise:
    """What the container's headers say; nothing is decoded.

    Raises OSError where the file cannot be read. Damaged headers promise nothing.
    """
    with path.open("rb") as file:
        head = file.read(16)
        try:
            if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
                return Promise(_riff_size(file), counted=True)
            if head[4:8] in MP4_BOXES:
                return _mp4(file)
            if head[:4] == EBML:
                return Promise(_matroska_size(file), timed=True)
        except (struct.error, ValueError, IndexError):
            pass
    return Promise()


def _riff_size(file: BinaryIO) -> int:
    end = 0  # over 1 GB an AVI is several RIFF chunks in a row (OpenDML)
    while True:
        file.seek(end)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return end
        size = struct.unpack("<I", head[4:])[0]
        end += 8 + size + size % 2


def _mp4(file: BinaryIO) -> Promise:
    total = file.seek(0, 2)
    end, shown, fragments = 0, None, False
    while end < total:
        file.seek(end)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        if kind not in MP4_BOXES:
            break  # some cameras append their own data
        if size == 1:
            size = struct.unpack(">Q", head[8:16])[0]
        elif size == 0:
            size = total - end  # "to the end of the file"
        if size < 8:
            break
        fragments |= kind == b"moof"  # written as it was recorded: no index
        if kind == b"moov" and size <= min(MAX_MOOV, total - end):
            file.seek(end + 8)
            shown = _shown_seconds(file.read(size - 8))
        end += size
    return Promise(end, counted=not fragments, shown_s=shown)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _shown_seconds(moov: bytes) -> float | None:
    """Length of the video track's edit list, seconds; None without one."""
    timescale = 0
    for kind, body in _boxes(moov):
        if kind == b"mvhd":
            timescale = struct.unpack_from(">I", body, 20 if body[0] == 1 else 12)[0]
        elif kind == b"trak" and b"vide" in body:
            edits = dict(_boxes(dict(_boxes(body)).get(b"edts", b""))).get(b"elst")
            if edits is None or not timescale:
                return None
            entry, step = (">Qq", 20) if edits[0] == 1 else (">Ii", 12)
            length = 0
            for i in range(struct.unpack_from(">I", edits, 4)[0]):
                duration, start = struct.unpack_from(entry, edits, 8 + i * step)
                length += duration if start >= 0 else 0  # -1: a pause before the first frame
            return float(length / timescale) if length else None
    return None


def _matroska_size(file: BinaryIO) -> int | None:
    file.seek(4)
    length, _ = _vint(file)
    if length > MAX_EBML:
        return None
    file.seek(length, 1)
    if file.read(4) != SEGMENT:
        return None
    size, unknown = _vint(file)
    return None if unknown else file.tell() + size  # unknown: written live, never closed


def _vint(file: BinaryIO) -> tuple[int, bool]:
    """An EBML size and whether it stands for "unknown" (all bits 1)."""
    first = file.read(1)[0]
    extra = 8 - first.bit_length()
    if extra > 7:
        raise ValueError("not an EBML size")
    value = int.from_bytes(bytes([first & (0x7F >> extra)]) + file.read(extra), "big")
    return value, value == (1 << (7 * (extra + 1))) - 1
