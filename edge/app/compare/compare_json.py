"""``compare.json``, declared: two runs over the same frames side by side; and the JSON Schema of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.measure.counts_json import ClassCount

FORMAT: Literal[1] = 1
Count = Annotated[int, Meta(ge=0)]
By = Literal["all", "class", "size", "score"]
Part = Annotated[float, Meta(ge=0, le=1)]


class RunFacts(Struct, kw_only=True):
    """One of the two runs; null: it does not say it."""

    folder: str
    model: str | None
    backend: str | None
    engine: str | None
    source: str | None
    thresholds: Annotated[dict[str, Part], Meta(description="lowest score that was written, by class")]
    fps: float | None
    latency_ms: Annotated[dict[str, float], Meta(description="percentiles, from capture to detections")]
    infer_ms: Annotated[float | None, Meta(description="median of the engine alone")]


class FramesCompared(Struct, kw_only=True):
    """How many frames were compared, and how many were not."""

    compared: Annotated[Count, Meta(description="searched by both")]
    only_a: Annotated[Count, Meta(description="A looked at it and B did not: dropped, or behind B's end")]
    only_b: Count
    not_searched: Annotated[Count, Meta(description="both have it, and one or both did not search it")]
    overflowed: Annotated[Count, Meta(description="of those compared: numbers overflowed in one of the networks")]


class Matching(Struct, kw_only=True):
    """From where on two things are the same one."""

    least_iou: Annotated[Part, Meta(description="of two boxes of one object in one frame")]
    moved_iou: Annotated[Part, Meta(description="below it such a box is told as moved")]
    least_part: Annotated[Part, Meta(description="of the frames of the shorter track in which both have matched boxes")]


class ClassesCompared(Struct, kw_only=True):
    """Names of classes, compared whatever their case."""

    both: list[str]
    only_a: Annotated[list[str], Meta(description="classes that B does not know")]
    only_b: list[str]


class BoxCount(Struct, kw_only=True):
    """Boxes of one run. ``boxes`` = ``both`` + ``other_class`` + ``only``."""

    boxes: Count
    both: Annotated[Count, Meta(description="the other run has a box of this class there")]
    other_class: Annotated[Count, Meta(description="the other run has a box of another class there")]
    only: Annotated[Count, Meta(description="the other run has none there")]
    only_in_followed: Annotated[Count, Meta(description="of only: in a track that the other run followed, too")]
    only_below: Annotated[Count, Meta(description="of only: the score is below the other run's threshold of its class")]


class BoxGroup(Struct, kw_only=True):
    """The boxes of a class, of a size, of a score; classes that only one run knows are left out."""

    by: By
    value: str
    a: BoxCount
    b: BoxCount


class ClassChange(Struct, kw_only=True):
    """What one run takes for one class, and the other for another."""

    a: str
    b: str
    boxes: Count
    tracks: Count


class BoxPairs(Struct, kw_only=True):
    """Boxes that both found."""

    pairs: Count
    moved: Annotated[Count, Meta(description="whose overlap is below moved_iou")]
    placed: Annotated[Count, Meta(description="with a position in both")]
    apart: Annotated[Count, Meta(description="of placed: further apart than both errors together say")]


class TrackCount(Struct, kw_only=True):
    """Tracks of one run in the frames that were compared."""

    tracks: Count
    both: Annotated[Count, Meta(description="the other run followed it, as this class")]
    other_class: Annotated[Count, Meta(description="the other run followed it, as another class")]
    in_parts: Annotated[Count, Meta(description="the other run's track of it is that of another track of this run")]
    not_followed: Annotated[Count, Meta(description="the other run has boxes there, and no such track")]
    only: Annotated[Count, Meta(description="the other run has nothing there")]


class TrackGroup(Struct, kw_only=True):
    """The tracks of a class, or all; classes that only one run knows are left out."""

    by: By
    value: str
    a: TrackCount
    b: TrackCount


class TracksCompared(Struct, kw_only=True):
    """Objects that were followed."""

    groups: list[TrackGroup]
    not_compared_a: Annotated[Count, Meta(description="tracks of A in no frame that was compared")]
    not_compared_b: Count
    placed: Annotated[Count, Meta(description="tracks of both with a position in both")]
    apart: Annotated[Count, Meta(description="of placed: further apart than both errors together say")]
    apart_m: Annotated[float | None, Meta(description="median distance of placed, metres; null: there are none")]


class CountPair(Struct, kw_only=True):
    """``counts.json`` of both for one class; null: that run has none of it. Of the whole flight, not of the frames that
    were compared.
    """

    a: ClassCount | None
    b: ClassCount | None


class Compared(Struct, kw_only=True):
    """The whole file."""

    format: Literal[1]
    a: RunFacts
    b: RunFacts
    same_frames: Annotated[str, Meta(description="how it is known that frames are the same")]
    assumed: Annotated[list[str], Meta(description="what was taken for granted, a line each")]
    missing: Annotated[list[str], Meta(description="what a folder lacks, a line each")]
    differs: Annotated[list[str], Meta(description="what else is not the same in the two runs, a line each")]
    frames: FramesCompared
    matching: Matching
    classes: ClassesCompared
    boxes: list[BoxGroup]
    pairs: BoxPairs
    unknown_a: Annotated[dict[str, Count], Meta(description="boxes of A by classes that B does not know: in no group")]
    unknown_b: dict[str, Count]
    class_changes: Annotated[list[ClassChange], Meta(description="the most frequent first")]
    tracks: Annotated[TracksCompared | None, Meta(description="null: neither run has a track in these frames")]
    counts: dict[str, CountPair]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``compare.json``."""
    return msgspec.json.schema(Compared)
