"""The lines of ``detections.jsonl``, declared: their fields, types and limits, and the JSON Schema of a line.

What writes them is `edge.measure.detections_json`. A later version may add fields; none goes, none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Whole = Annotated[int, Meta(ge=0, le=1_000_000)]
Side = Annotated[int, Meta(ge=1, le=1_000_000)]  # as boxes: MOST_PX
Score = Annotated[float, Meta(ge=0, le=1)]
Flag = Literal["ffc", "frozen", "repaired", "resumed"]
Four = tuple[float, float, float, float]

# what is beyond is in no file of a run, and what is made of it would be infinite or no date
MOST_PX, MOST_S, MOST_M = 1e6, 1e11, 1e8
YEARS = (1900, 3000)


def moment(text: str) -> datetime:
    """A time with its zone. Raises ValueError for anything else, and for a year that nobody flies in."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None or not YEARS[0] <= when.year <= YEARS[1]:
        raise ValueError(f"{text!r} is no time of a flight with its zone")
    return when


def check_box(box: Sequence[float]) -> None:
    """Raises ValueError where pixels can be in no picture."""
    _check("box", box, MOST_PX)


def check_seconds(*seconds: float) -> None:
    """Raises ValueError where a clock cannot say so."""
    _check("t", seconds, MOST_S)


def check_utc(text: str | None) -> None:
    """Raises ValueError where it is neither null nor a `moment`."""
    if text is not None:
        moment(text)


def check_place(position: Sequence[float]) -> None:
    """Latitude, longitude, error. Raises ValueError where they are none."""
    latitude, longitude, error = position
    if abs(latitude) > 90 or abs(longitude) > 180 or not 0 <= error <= MOST_M:
        raise ValueError(f"position {tuple(position)}: expected latitude, longitude and an error in metres")


def _check(name: str, values: Sequence[float], most: float) -> None:
    if not all(abs(value) <= most for value in values):
        raise ValueError(f"{name} {', '.join(f'{value:g}' for value in values)}: expected up to {most:g}")


class Size(Struct):
    """Of a picture, pixels."""

    width: Side
    height: Side


class MissionLine(Struct):
    """Which mission it was. ``sha256``: of its file."""

    name: str
    sha256: str


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
    thresholds: (
        Annotated[dict[str, Score], Meta(description="lowest score written, by class; files of before have none")]
        | UnsetType
    ) = UNSET
    mission: Annotated[MissionLine, Meta(description="left out: the run flew none")] | UnsetType = UNSET


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

    def __post_init__(self) -> None:
        check_box(self.box)
        if isinstance(self.position, tuple):
            check_place(self.position)


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
    inferred: (
        Annotated[
            bool,
            Meta(description="false: nothing was looked for; the shutter was closed (flag ffc), else it was spared"),
        ]
        | UnsetType
    ) = UNSET
    overflowed: (
        Annotated[bool, Meta(description="true: numbers overflowed in the network, detections may be missing")]
        | UnsetType
    ) = UNSET
    frame: Annotated[Size, Meta(description="where it is not that of the first line")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        check_seconds(self.t, *([self.origin] if isinstance(self.origin, float) else []))
        check_utc(self.utc)
        if isinstance(self.pose, tuple):
            latitude, longitude, *others = self.pose
            check_place((latitude, longitude, 0.0))
            _check("pose", others, MOST_PX)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of ``detections.jsonl``, the first or another."""
    (first, frame), parts = msgspec.json.schema_components([FirstLine, FrameLine], ref_template="#/$defs/{name}")
    return {"anyOf": [first, frame], "$defs": parts}
