"""One record on disk. A segment file is a chain of records and nothing else.

    bytes   what, little-endian
    4       kind: HEADER (first in every file), FRAME or END
    4       length of the meta part
    4       length of the payload
    4       CRC-32 (zlib's) of the 12 bytes before, the meta part and the payload
    ...     meta: a JSON object, UTF-8
    ...     payload

A file that was cut off, or holds anything else from some byte on, is a good chain up to there: a reader
needs no index. This layout and the header's ``"format"`` stay as they are in every later version, so that
an older reader can say what it does not know.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from edge.system.declared import whole

HEADER, FRAME, END = b"\x89TEh", b"\x89TEf", b"\x89TEe"
PREAMBLE = struct.Struct("<4sIII")
_CHECKED = struct.Struct("<4sII")
MAX_META = 64 << 10
MAX_PIXEL_BYTES = 64 << 20  # of one frame; 4096 x 4096 counts are 32 MiB
MAX_PAYLOAD = MAX_PIXEL_BYTES + (1 << 20)  # noise does not shrink: it grows a little


class Damaged(ValueError):
    """These bytes are no whole, good record; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was read and whose checksum was right. ``size``: its bytes on disk."""

    kind: bytes
    meta: dict[str, Any]
    payload: bytes
    size: int


def pack(kind: bytes, meta: Mapping[str, object], payload: bytes = b"") -> bytes:
    """The bytes of one record. Raises ValueError where a part is over its limit or meta is no JSON."""
    text = json.dumps(meta, separators=(",", ":")).encode()
    if len(text) > MAX_META or len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a record of {len(text)} + {len(payload)} bytes; expected up to {MAX_META} + {MAX_PAYLOAD}")
    checked = _CHECKED.pack(kind, len(text), len(payload))
    crc = zlib.crc32(payload, zlib.crc32(text, zlib.crc32(checked)))
    return b"".join((checked, crc.to_bytes(4, "little"), text, payload))


def read_preamble(file: BinaryIO, left: int) -> tuple[bytes, int, int, int]:
    """``(kind, meta bytes, payload bytes, CRC-32)`` at the file's position, ``left`` bytes before its end.

    Nothing is believed that does not fit into the limits and the file. Raises Damaged.
    """
    head = file.read(PREAMBLE.size)
    if len(head) < PREAMBLE.size:
        raise Damaged("cut off")
    kind, meta_size, payload_size, crc = PREAMBLE.unpack(head)
    if kind not in (HEADER, FRAME, END):
        raise Damaged("no record begins there")
    if meta_size > MAX_META or payload_size > MAX_PAYLOAD:
        raise Damaged(f"a record of {meta_size} + {payload_size} bytes, over the limits")
    if PREAMBLE.size + meta_size + payload_size > left:
        raise Damaged("cut off")
    return kind, meta_size, payload_size, crc


def read_record(file: BinaryIO, left: int) -> Record:
    """The record at the file's position, ``left`` bytes before its end.

    Raises Damaged where there is no whole, good one; OSError as the disk gives it.
    """
    kind, meta_size, payload_size, crc = read_preamble(file, left)
    text = file.read(meta_size)
    payload = file.read(payload_size)
    checked = _CHECKED.pack(kind, meta_size, payload_size)
    if crc != zlib.crc32(payload, zlib.crc32(text, zlib.crc32(checked))):
        raise Damaged("bad checksum")
    try:
        meta = json.loads(text, parse_int=whole)
    except (ValueError, RecursionError):
        raise Damaged("the checksum is right but there is no JSON") from None
    if not isinstance(meta, dict):
        raise Damaged("the checksum is right but there is no JSON object")
    return Record(kind, meta, payload, PREAMBLE.size + meta_size + payload_size)
