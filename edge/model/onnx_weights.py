"""Which files beside it an ONNX file takes its weights from, told without a library that reads graphs."""

from __future__ import annotations

import mmap
from pathlib import Path

# how `TensorProto.external_data` (field 13) begins where its key is "location": onnx.proto, protobuf's wire format
_KEY = b"\x0a\x08location\x12"
_EXTERNAL_DATA = 13 << 3 | 2


def weight_files(path: Path) -> set[str]:
    """The locations that the tensors of the ONNX file ``path`` name, as they stand there. Raises OSError.

    Looks for the bytes that every writer of protobuf leaves there, in the order of the fields. It finds what was
    forgotten or moved; against somebody who hides it, ONNX Runtime has checks of its own.
    """
    found: set[str] = set()
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:  # nothing can be mapped of an empty file
            return found
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(_KEY)
            while at >= 0:
                begin, size = _varint(data, at + len(_KEY))
                if _is_external_data(data, at, begin + size - at):
                    found.add(data[begin : begin + size].decode(errors="replace"))
                at = data.find(_KEY, at + 1)
    return found


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """Where what follows the number at ``at`` begins, and the number."""
    value = shift = 0
    while at < len(data):
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128 or shift > 28:
            break
    return at, value


def _is_external_data(data: mmap.mmap, at: int, size: int) -> bool:
    """Whether the entry of ``size`` bytes at ``at`` is one of ``external_data``: other fields hold such pairs too."""
    length = bytearray()
    rest = size
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return data[max(at - len(length) - 1, 0) : at] == bytes([_EXTERNAL_DATA]) + length
