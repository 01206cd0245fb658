"""The lines of ``detections.jsonl``, declared: their fields, types and limits, and the JSON Schema of a line.

What writes them is `edge.measure.detections_json`. A later version may add fields; none goes, none changes its meaning.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Whole = Annotated[int, Meta(ge=0)]
Side = Annotated[int, Meta(ge=1)]
Score = Annotated[float, Meta(ge=0, le=1)]
Flag = Literal["ffc", "frozen", "repaired", "resumed"]
Four = tuple[float, float, float, float]


class Size(Struct):
    """Of a picture, pixels."""

    width: Side
    height: Side


class FirstLine(Struct):
    """The first line: what all others have in common."""

    format: Literal[1]
    frame: Annotated[Size, Meta(description="the picture that boxes are in")]
    crop: Annotated[
        tuple[Whole, Whole, Side, Side] | None,
        Meta(description="x, y, width, height, pixels: the part of the source's picture that was looked at; null: all"),
    ]
    classes: Annotated[list[str], Meta(description="names; a detection's label is the index")]
    model: Annotated[str | None, Meta(description="name of the bundle")]


class DetectionLine(Struct, kw_only=True):
    """One detection."""

    box: Annotated[Four, Meta(description="x1, y1, x2, y2, pixels of the frame, rounded to 0.01")]
    score: Score
    label: Annotated[int, Meta(ge=0, description="index into classes")]
    name: Annotated[str, Meta(description="name of the class")] = msgspec.field(name="class")
    celsius: (
        Annotated[
            tuple[float, float, float],
            Meta(description="minimum, mean, maximum in the box, degrees C, apparent; where the counts have a scale"),
        ]
        | UnsetType
    ) = UNSET
    track: (
        Annotated[int, Meta(ge=1, description="its number in tracks.jsonl; left out: not (yet) a track")] | UnsetType
    ) = UNSET
    position: (
        Annotated[
            tuple[float, float, float],
            Meta(description="latitude, longitude (degrees), 1-sigma error (m); left out: no pose, or refused"),
        ]
        | UnsetType
    ) = UNSET


class FrameLine(Struct, kw_only=True):
    """One frame that the detector took, also where nothing was found in it."""

    seq: Annotated[int, Meta(description="number of the frame; a gap is a frame that was not looked at")]
    t: Annotated[float, Meta(description="capture, seconds of the machine's monotonic clock")]
    utc: Annotated[str | None, Meta(description="capture, ISO 8601 with milliseconds; null: no clock to be trusted")]
    flags: list[Flag]
    detections: list[DetectionLine]
    origin: (
        Annotated[str | float, Meta(description="name of the still; seconds since the first picture of a video")]
        | UnsetType
    ) = UNSET
    pose: (
        Annotated[
            tuple[float, float, float, float, float, float],
            Meta(description="latitude, longitude, height above ground (m), yaw, pitch, roll (degrees); see edge.Pose"),
        ]
        | UnsetType
    ) = UNSET
    inferred: Annotated[bool, Meta(description="false: the shutter was closed, nothing was looked for")] | UnsetType = (
        UNSET
    )
    overflowed: (
        Annotated[bool, Meta(description="true: numbers overflowed in the network, detections may be missing")]
        | UnsetType
    ) = UNSET
    frame: Annotated[Size, Meta(description="where it is not that of the first line")] | UnsetType = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of ``detections.jsonl``, the first or another."""
    (first, frame), parts = msgspec.json.schema_components([FirstLine, FrameLine], ref_template="#/$defs/{name}")
    return {"anyOf": [first, frame], "$defs": parts}
