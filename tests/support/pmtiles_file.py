"""Writes a small PMTiles file (version 3): one root directory, picture tiles. See the specification's section 3."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

Tile = tuple[int, int, int]
PNG, VECTOR = 2, 1


def tile_id(z: int, x: int, y: int) -> int:
    """Its number along the Hilbert curves of all zooms."""
    number, n = ((1 << z) * (1 << z) - 1) // 3, 1 << z
    rx = ry = d = 0
    s = n // 2
    while s > 0:
        rx, ry = int((x & s) > 0), int((y & s) > 0)
        d += s * s * ((3 * rx) ^ ry)
        if ry == 0:
            if rx == 1:
                x, y = n - 1 - x, n - 1 - y
            x, y = y, x
        s //= 2
    return number + d


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def write_pmtiles(path: Path, tiles: Mapping[Tile, bytes], kind: int = PNG) -> Path:
    """``tiles``: the files by zoom, column, row."""
    entries = sorted((tile_id(*at), data) for at, data in tiles.items())
    offsets, whole = [], b""
    for _, data in entries:
        offsets.append(len(whole))
        whole += data
    root = _varint(len(entries))
    before = 0
    for number, _ in entries:
        root += _varint(number - before)
        before = number
    root += b"".join(_varint(1) for _ in entries)
    root += b"".join(_varint(len(data)) for _, data in entries)
    root += b"".join(_varint(offset + 1) for offset in offsets)
    root, about = gzip.compress(root), gzip.compress(b"{}")
    at = 127
    parts = [at, len(root), at + len(root), len(about), at + len(root) + len(about), 0]
    parts += [at + len(root) + len(about), len(whole), len(entries), len(entries), len(entries)]
    zooms = [z for z, _, _ in tiles]
    head = b"PMTiles\x03" + b"".join(number.to_bytes(8, "little") for number in parts)
    head += bytes([1, 2, 1, kind, min(zooms), max(zooms)])
    for degrees in (-180.0, -85.0, 180.0, 85.0):
        head += int(degrees * 1e7).to_bytes(4, "little", signed=True)
    head += bytes([min(zooms)]) + bytes(8)
    assert len(head) == at
    path.write_bytes(head + root + about + whole)
    return path
