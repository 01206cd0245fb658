"""The lines of ``review.jsonl``, declared: what a person said of tracks or of a picture, with its limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from edge.measure.detections_lines import check_box, check_utc

MOST_TRACKS = 10_000  # of one line: a flight's longest selection
MOST_LINE = 128 << 10  # bytes: so many tracks of ten digits, and room
MOST_LINES = 200_000  # of one file
MOST_NUMBER = 2**31 - 1  # of a track, a class, a frame
LONGEST_NAME = 80  # characters of the name of who says it

Verdict = Literal["right", "wrong", "unsure", "missed", "undo"]
OfTracks = Literal["right", "wrong", "unsure"]
OF_TRACKS: tuple[str, ...] = get_args(OfTracks)
Number = Annotated[int, Meta(ge=1, le=MOST_NUMBER)]
Whole = Annotated[int, Meta(ge=0, le=MOST_NUMBER)]
Four = tuple[float, float, float, float]


class ReviewLine(Struct, frozen=True, kw_only=True):
    """One thing that a person said. Raises ValueError where the fields do not belong together."""

    n: Annotated[Number, Meta(description="number of the line, larger than that of every line before it")]
    utc: Annotated[str | None, Meta(description="when, ISO 8601; null: the machine's clock was never set")]
    by: Annotated[
        Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)] | None, Meta(description="who; null: gave no name")
    ]
    verdict: Annotated[
        Verdict,
        Meta(description="right, wrong, unsure: of tracks; missed: nothing was found there; undo: takes a line back"),
    ]
    tracks: Annotated[
        list[Number], Meta(max_length=MOST_TRACKS, description="numbers of tracks.jsonl; of missed and undo none")
    ] = msgspec.field(default_factory=list)
    label: Annotated[
        Whole | None,
        Meta(description="right: the class that it is, where the model gave another; missed: its class"),
    ] = None
    frame: Annotated[Whole | None, Meta(description="missed: seq of the frame in which it is seen")] = None
    box: Annotated[
        Four | None, Meta(description="missed: where, x1, y1, x2, y2, pixels of the frame; null: somewhere in it")
    ] = None
    undoes: Annotated[Number | None, Meta(description="undo: n of the line that no longer counts")] = None

    def __post_init__(self) -> None:
        check_utc(self.utc)
        if self.by is not None and not self.by.isprintable():
            raise ValueError(f"by is {self.by!r}: expected a name in printable characters")
        missed, of_tracks = self.verdict == "missed", self.verdict in OF_TRACKS
        self._only("tracks", bool(self.tracks), of_tracks)
        self._only("frame", self.frame is not None, missed)
        self._only("undoes", self.undoes is not None, self.verdict == "undo")
        if self.label is not None and self.verdict not in ("right", "missed"):
            raise ValueError(f"{self.verdict} has a label: expected one with right or missed only")
        if self.box is not None:
            if not missed:
                raise ValueError(f"{self.verdict} has a box: expected one with missed only")
            check_box(self.box)
            x1, y1, x2, y2 = self.box
            if not (0 <= x1 < x2 and 0 <= y1 < y2):
                raise ValueError(f"box {', '.join(f'{v:g}' for v in self.box)}: expected 0 <= x1 < x2, 0 <= y1 < y2")
        if self.undoes is not None and self.undoes >= self.n:
            raise ValueError(f"line {self.n} undoes {self.undoes}: expected a line before it")

    def _only(self, name: str, given: bool, due: bool) -> None:
        if given != due:
            raise ValueError(f"{self.verdict} has {'no ' if due else ''}{name}: expected {'some' if due else 'none'}")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of ``review.jsonl``."""
    return msgspec.json.schema(ReviewLine)
