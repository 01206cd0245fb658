"""What `disk.c` wrote down: every call of a flight that changed something below its folder, in order."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

HEAD = struct.Struct("=4IqQd")


@dataclass(frozen=True)
class Call:
    """``kind``: ``o`` a new file ``path``, ``n`` one without a name, ``w`` ``data`` written ``at``, ``t`` cut or grown
    to ``at``, ``a`` room taken up to ``at``, ``s`` file synced, ``S`` folder ``path`` synced, ``r`` renamed to
    ``other``, ``l`` linked as ``other``, ``u`` removed, ``m`` folder made, ``d`` folder removed. ``file``: the number
    of the file. ``t``: monotonic seconds, when it was done.
    """

    kind: str
    path: str
    other: str
    file: int
    at: int
    data: bytes
    t: float


def read_calls(log: Path) -> list[Call]:
    """All calls of a log; a last one that was cut off is left out."""
    data, at, calls = log.read_bytes(), 0, []
    while at + HEAD.size <= len(data):
        kind, path, other, size, place, file, t = HEAD.unpack_from(data, at)
        begin = at + HEAD.size
        at = begin + path + other + size
        if at > len(data):
            break
        names = data[begin : begin + path].decode(), data[begin + path : begin + path + other].decode()
        calls.append(Call(chr(kind), *names, file, place, data[at - size : at], t))
    return calls
