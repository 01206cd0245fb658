"""The lines of ``tracks.jsonl``, declared: one animal, person or vehicle that was followed; the JSON Schema of a line.

What writes them is `edge.sinks.tracks.jsonl`; `read_tracks` reads them again. A later version may add fields; none
goes, none changes its meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge.errors import InputError
from edge.measure.detections_lines import check_box, check_place, check_seconds, check_utc
from edge.system.declared import decoded
from edge.system.files import read_limited, reason_of

Whole = Annotated[int, Meta(ge=0)]
Score = Annotated[float, Meta(ge=0, le=1)]
MAX_BYTES = 256 << 20


class GroundPosition(Struct, frozen=True):
    """On the ground, WGS84."""

    lat: Annotated[float, Meta(ge=-90, le=90, description="degrees")]
    lon: Annotated[float, Meta(ge=-180, le=180, description="degrees")]
    sigma_m: Annotated[float, Meta(ge=0, description="1-sigma error, metres")]


class TrackLine(Struct, frozen=True, kw_only=True):
    """One track, written when it has ended."""

    track: Annotated[int, Meta(ge=1, description="its number, that of detections.jsonl; never given twice in a run")]
    label: Annotated[int, Meta(ge=0, description="index into the model's classes: what most of its score was for")]
    name: Annotated[str, Meta(description="name of the class")] = msgspec.field(name="class")
    first_seq: Annotated[int, Meta(description="the frame in which it was found first")]
    last_seq: Annotated[int, Meta(description="and last")]
    first_t: Annotated[float, Meta(description="capture of that frame, seconds of the machine's monotonic clock")]
    last_t: float
    first_utc: Annotated[str | None, Meta(description="the same by the wall clock, ISO 8601; null: not to be trusted")]
    last_utc: str | None
    frames: Annotated[int, Meta(ge=1, description="frames in which it was found")]
    score: Annotated[Score, Meta(description="the highest of them")]
    best_seq: Annotated[int, Meta(description="the frame with the highest score")]
    box: Annotated[tuple[float, float, float, float], Meta(description="there: x1, y1, x2, y2, pixels of the frame")]
    origin: Annotated[str | float | None, Meta(description="there: name of the still, or seconds of the video")]
    celsius: Annotated[
        tuple[float, float, float] | None,
        Meta(description="there: minimum, mean, maximum in the box, degrees C, apparent; null: counts without a scale"),
    ]
    position: Annotated[GroundPosition | None, Meta(description="null: no pose, or every ray was refused")]
    crops: Annotated[list[str], Meta(description="pictures of it, files within the run's folder, the best first")]


Line = TypeVar("Line", bound=TrackLine)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of ``tracks.jsonl``."""
    return msgspec.json.schema(TrackLine)


def read_tracks(path: Path) -> list[TrackLine]:
    """The tracks of a file, in its order; a last line that a power cut left unfinished is passed over.

    Raises InputError where the file cannot be read, is larger than 256 MiB, or holds anything else.
    """
    return read_lines(path, TrackLine)


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """The same of lines of another ``kind``."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES >> 20} MiB: expected the tracks of one flight")
        lines = read_limited(path, MAX_BYTES).split(b"\n")
    except OSError as error:
        raise InputError(f"cannot read {path}: {reason_of(error)}") from None
    tracks = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            tracks.append(checked(decoded(line, kind)))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}: expected a track as edge run writes it") from None
    return tracks


def checked(track: Line) -> Line:
    """The same. Raises ValueError for what no run writes: numbers that nothing can be made of, files elsewhere."""
    check_box(track.box)
    check_seconds(track.first_t, track.last_t, *([track.origin] if isinstance(track.origin, float) else []))
    for utc in (track.first_utc, track.last_utc):
        check_utc(utc)
    if track.position is not None:
        check_place((track.position.lat, track.position.lon, track.position.sigma_m))
    for name in track.crops:
        # by its text: a path each would take most of the time that a million lines take
        if name.startswith("/") or ".." in name.split("/") or not name.isprintable():
            raise ValueError(f"crops has {name!r}: expected files within the run's folder")
    return track
