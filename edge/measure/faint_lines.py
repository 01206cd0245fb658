"""The lines of ``faint.jsonl``, declared: what was followed and never reached the score from which it would be shown.

What writes them is `edge.sinks.faint`. They are those of ``tracks.jsonl`` with two fields more, and a number that no
track of that file has. They count for nothing: no map, no count, no mark on a link has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from edge.measure.track_lines import TrackLine, read_lines

FAINT_FROM = 1_000_000_000  # numbers of faint tracks lie above it, those of tracks.jsonl below
MOST_PLACES = 64  # boxes of one track; of more every second one goes


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where it was in one frame: the frame's ``seq``, and x1, y1, x2, y2 in its pixels."""

    seq: Annotated[int, Meta(ge=0)]
    x1: float
    y1: float
    x2: float
    y2: float


class FaintLine(TrackLine, frozen=True, kw_only=True):
    """One faint track."""

    places: Annotated[
        list[Place],
        Meta(min_length=1, max_length=MOST_PLACES, description="where it was: [seq, x1, y1, x2, y2], frame by frame"),
    ]
    left_out: Annotated[
        int, Meta(ge=0, description="others of the same minute that are not in the file: they were fainter still")
    ]

    def __post_init__(self) -> None:
        if self.track <= FAINT_FROM:
            raise ValueError(f"track {self.track}: expected the number of a faint track, above {FAINT_FROM}")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of ``faint.jsonl``."""
    return msgspec.json.schema(FaintLine)


def read_faint(path: Path) -> tuple[list[FaintLine], int]:
    """The faint tracks of a file, in its order, and how many were left out. As `read_tracks`, with its errors."""
    lines = read_lines(path, FaintLine)
    return lines, sum(line.left_out for line in lines)
