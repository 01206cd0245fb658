"""Which files beside it an ONNX file takes its weights from, told without a library that reads graphs."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

# how `TensorProto.external_data` (field 13) begins where its key is "location": onnx.proto, protobuf's wire format
_KEY = b"\x0a\x08location\x12"
_EXTERNAL_DATA = 13 << 3 | 2
# where tensors stand in a model (onnx.proto): the fields of each message that lead to them, and to what message
_LEADS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
MOST_FIELDS = 5_000_000  # the largest detectors' graphs have some hundred thousand


def weight_files(path: Path) -> set[str]:
    """The locations that the tensors of the ONNX file ``path`` name, as they stand there.

    Raises OSError, and ValueError for a file of more fields than any graph has.

    Looks for the bytes that every writer of protobuf leaves there, and goes through the messages besides: somebody who
    hides a location may write its fields in another order.
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
            found |= {location.decode(errors="replace") for location in _locations(data)}
    return found


def _locations(data: mmap.mmap) -> Iterator[bytes]:
    """Every value of an entry of ``external_data`` with the key ``location``, whatever the order of its fields."""
    waiting, left = [("model", 0, len(data))], MOST_FIELDS
    while waiting:
        kind, at, end = waiting.pop()
        keys, values = set[bytes](), []
        while at < end:
            left -= 1
            if left < 0:
                raise ValueError(f"more than {MOST_FIELDS} fields")
            at, tag = _number(data, at, end)
            wire, number = tag & 7, tag >> 3
            if wire == 0:
                at, _ = _number(data, at, end)
            elif wire == 2:
                at, size = _number(data, at, end)
                begin, at = at, at + size
                if at > end:
                    break
                if inner := _LEADS[kind].get(number):
                    waiting.append((inner, begin, at))
                elif kind == "entry" and number == 1:
                    keys.add(data[begin : min(at, begin + 64)])
                elif kind == "entry" and number == 2:
                    values.append(data[begin:at])
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            elif wire not in (3, 4):  # a group: what is in it is looked at as if it stood here
                break
        if b"location" in keys:
            yield from values


def _number(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """Where what follows the number at ``at`` begins, and the number, of up to ten bytes."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            return end, 0
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return at, value
    return end, 0


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
