"""A file of map tiles (PMTiles, version 3): whether the page's map can use it. The browser reads it, by ranges.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edge.system.files import open_regular, reason_of

HEADER_BYTES = 127
MAGIC, VERSION = b"PMTiles", 3
VERSION_AT, KIND_AT = 7, 99  # of a byte each
PICTURES = {2: "png", 3: "jpeg", 4: "webp", 5: "avif"}
VECTORS = {1, 6}
NONE = "plain grid in metres: no map file (map=FILE)"


class Tiles(NamedTuple):
    """``path``: None where there is only a grid, and ``why``."""

    path: Path | None
    why: str


def look_at(path: Path | None) -> Tiles:
    """Whether this file can be shown. A flight does not wait for its map: nothing is raised."""
    if path is None:
        return Tiles(None, NONE)
    try:
        with open_regular(path) as file:
            head = file.read(HEADER_BYTES)
    except OSError as error:
        return _grid(path, reason_of(error))
    if len(head) < HEADER_BYTES or head[:7] != MAGIC:
        return _grid(path, "it is no PMTiles file")
    version, kind = head[VERSION_AT], head[KIND_AT]
    if version != VERSION:
        return _grid(path, f"it is PMTiles version {version}: expected {VERSION}")
    if kind in VECTORS:
        return _grid(path, "it holds vector tiles: expected pictures (png, jpeg, webp)")
    if kind not in PICTURES:
        return _grid(path, f"its kind of tiles is {kind}: expected {', '.join(PICTURES.values())}")
    return Tiles(path, "")


def _grid(path: Path, why: str) -> Tiles:
    return Tiles(None, f"plain grid in metres: the map file {path.name} cannot be used: {why}")
