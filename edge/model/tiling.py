"""Which parts of a frame the model looks at, where the frame is larger than its input, or bodies are too small in it.

    +-------+--+-------+     Tiles overlap by an eighth of a tile or more. What fits into the overlap is whole in one of
    |       |  |       |     them; what is larger is found in the whole frame, which is looked at as well.
    +-------+--+-------+     `edge.model.tiles_merged` makes one list of the boxes of all looks.

A tile is a part of the frame after normalising, so every tile has the contrast of the whole.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from edge.errors import InputError

OVERLAP = 1 / 8  # of a tile: 80 and 64 px of a model of 640x512, three times a person in HIT-UAV
LEAST_SCALE = 0.9  # ``auto``: more tiles rather than shrink them further
MOST_SCALE = 4.0  # what is enlarged further is a blur
MOST_OF = 0.9  # of the frame's width or height in a tile: more gains nothing
MOST_TILES = 16
EXPECTED = f"expected auto, or columns and rows such as 2x2, 2 to {MOST_TILES} tiles"

Window = tuple[int, int, int, int]  # x, y, width, height in pixels of the frame


@dataclass(frozen=True, slots=True)
class Tiling:
    """One ``--tiles``: ``columns`` and ``rows``, both 0 for ``auto``."""

    columns: int = 0
    rows: int = 0

    @classmethod
    def parse(cls, text: str) -> Tiling:
        """``auto``, or ``2x2``: columns x rows. Raises InputError."""
        if text == "auto":
            return cls()
        found = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text)
        if not found or not 2 <= int(found[1]) * int(found[2]) <= MOST_TILES:
            raise InputError(f"tiles {text!r}: {EXPECTED}")
        return cls(int(found[1]), int(found[2]))

    @property
    def text(self) -> str:
        """As it was given."""
        return f"{self.columns}x{self.rows}" if self.columns else "auto"

    def in_words(self) -> str:
        """What it asks for, and what that costs, before a frame was seen."""
        if not self.columns:
            return "tiles where a frame is larger than the model's input; the first frame tells how many"
        n = self.columns * self.rows
        return (
            f"{self.text} tiles and the whole frame: {n + 1} calls of the engine a frame, where one would do without: "
            f"about {n + 1} times the time"
        )

    def plan(self, width: int, height: int, model_width: int, model_height: int) -> TilePlan:
        """The tiles of frames of this size, pixels.

        ``auto``: as few as can be, each shrunk to 0.9 of its size at most, none enlarged; one where the frame is no
        larger than that.

        Raises InputError where these would be more than 16, be enlarged more than 4 times, or show nearly all of the
        frame's width or height each.
        """
        return _plan(self, width, height, model_width, model_height)


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The looks at frames of one size. ``windows``: the tiles, row by row. ``overlap``: the least that neighbours have
    in common, across and down, pixels of the frame; 0 where there is one column or row. ``scale``: pixels of the model
    for one of the frame, in a tile.
    """

    width: int
    height: int
    model_width: int
    model_height: int
    columns: int
    rows: int
    windows: tuple[Window, ...]
    overlap: tuple[int, int]
    scale: float

    @property
    def looks(self) -> tuple[Window, ...]:
        """What the engine is asked for, in order: the tiles, and the whole frame where there are several."""
        return (*self.windows, (0, 0, self.width, self.height)) if len(self.windows) > 1 else self.windows

    def in_words(self) -> str:
        """What becomes of a frame."""
        frame, model = f"{self.width}x{self.height}", f"{self.model_width}x{self.model_height}"
        if len(self.windows) == 1:
            if self.scale == 1:
                return f"{frame}, as the model's"
            return f"{frame} is {resized(self.scale)} for the model's {model}"
        _, _, width, height = self.windows[0]
        return (
            f"{frame} is cut into {self.columns}x{self.rows} tiles of {width}x{height}, each {resized(self.scale)} for "
            f"the model's {model}; with the whole frame that is {len(self.looks)} calls of the engine"
        )

    def to_json(self) -> dict[str, Any]:
        """As it stands in a report."""
        _, _, width, height = self.windows[0]
        return {
            "width": self.width,
            "height": self.height,
            "columns": self.columns,
            "rows": self.rows,
            "tile": [width, height],
            "overlap": list(self.overlap),
            "scale": round(self.scale, 4),
            "engine_calls": len(self.looks),
        }


def resized(scale: float) -> str:
    """What is done to a picture by this factor, in words."""
    if scale == 1:
        return "at its own size"
    return f"enlarged {scale:.3g} times" if scale > 1 else f"shrunk to {scale:.3g} of its size"


def whole(width: int, height: int, model_width: int, model_height: int) -> TilePlan:
    """A frame of this size without tiles."""
    scale = min(model_width / width, model_height / height)
    window = ((0, 0, width, height),)
    return TilePlan(width, height, model_width, model_height, 1, 1, window, (0, 0), scale)


@lru_cache(maxsize=64)
def _plan(tiling: Tiling, width: int, height: int, model_width: int, model_height: int) -> TilePlan:
    auto = not tiling.columns
    columns, rows = tiling.columns, tiling.rows
    if auto:
        columns, rows = _fewest(width, model_width / LEAST_SCALE), _fewest(height, model_height / LEAST_SCALE)
    if columns * rows > MOST_TILES:
        raise InputError(
            f"tiles auto: {width}x{height} would be {columns}x{rows} tiles for the model's {model_width}x"
            f"{model_height}: expected at most {MOST_TILES}; name fewer, such as 4x4, or cut the picture with crop="
        )
    if columns * rows == 1:
        return whole(width, height, model_width, model_height)
    scale = min(model_width / _least(width, columns), model_height / _least(height, rows))
    if auto:
        scale = min(scale, 1.0)
    if scale > MOST_SCALE:
        raise InputError(
            f"tiles {tiling.text}: those of {width}x{height} would be enlarged {scale:.3g} times for the model's "
            f"{model_width}x{model_height}: expected {MOST_SCALE:g} times at most; take fewer tiles"
        )
    # as large as the model's input has room for: what is over makes the overlap larger
    wide = min(width, math.ceil(model_width / scale - 1e-6)) if columns > 1 else width
    high = min(height, math.ceil(model_height / scale - 1e-6)) if rows > 1 else height
    for what, others, count, tile, length in (
        ("columns", "rows", columns, wide, width),
        ("rows", "columns", rows, high, height),
    ):
        if not auto and count > 1 and tile > MOST_OF * length:
            raise InputError(
                f"tiles {tiling.text}: each of the {count} {what} would show nearly all of {width}x{height}, in the "
                f"shape of the model's {model_width}x{model_height}: take fewer {what} or more {others}"
            )
    lefts, tops = _starts(width, wide, columns), _starts(height, high, rows)
    return TilePlan(
        width,
        height,
        model_width,
        model_height,
        columns,
        rows,
        tuple((x, y, wide, high) for y in tops for x in lefts),
        (_common(lefts, wide), _common(tops, high)),
        min(model_width / wide, model_height / high),
    )


def _least(length: int, count: int) -> float:
    """How long ``count`` tiles must be at least to cover ``length`` with the overlap."""
    return length / (count - (count - 1) * OVERLAP)


def _fewest(length: int, longest: float) -> int:
    """How many tiles of at most ``longest`` cover ``length``."""
    return max(1, math.ceil((length / longest - OVERLAP) / (1 - OVERLAP) - 1e-9))


def _starts(length: int, tile: int, count: int) -> list[int]:
    return [round(i * (length - tile) / max(count - 1, 1)) for i in range(count)]


def _common(starts: list[int], tile: int) -> int:
    return min((a + tile - b for a, b in pairwise(starts)), default=0)
