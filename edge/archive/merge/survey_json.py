"""``survey.json``, declared: what an archive's job found, flight by flight and in all of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.archive.job import Options

FORMAT: Literal[1] = 1
Count = Annotated[int, Meta(ge=0)]


class SurveyCount(Struct, frozen=True, kw_only=True):
    """Of one class; the words are those of ``counts.json``."""

    tracks: Annotated[Count, Meta(description="objects that were followed; one that two flights saw is there twice")]
    count: Annotated[Count | None, Meta(description="null: cannot be told, see method")]
    low: Count | None
    high: Count | None
    level: float | None
    method: str


class Missing(Struct, frozen=True):
    """A unit without a result. ``part``: its place in the flight, from 1."""

    part: Count
    why: str


class FlightRow(Struct, frozen=True, kw_only=True):
    """``flight``: where it lies; ``folder``: of its results, below that of survey.json, null: there are none."""

    name: str
    flight: str
    folder: str | None
    units: Count
    missing: list[Missing]
    error: Annotated[str | None, Meta(description="why its units could not be joined; null: they were")]
    frames: Count
    counts: dict[str, SurveyCount]


class JobFacts(Struct, frozen=True, kw_only=True):
    """What was detected with. ``code_sha256``: of this package's source, where the units were detected in."""

    name: str
    model: str
    model_sha256: str
    code_sha256: str
    options: Options


class SurveyJson(Struct, frozen=True, kw_only=True):
    """The whole file."""

    format: Literal[1]
    job: JobFacts
    archive: str
    whole: Annotated[Count, Meta(description="flights of which every unit has a result")]
    incomplete: Annotated[Count, Meta(description="flights of which some units have none")]
    without: Annotated[Count, Meta(description="flights of which no unit has one, or that could not be joined")]
    copies: Annotated[dict[str, str], Meta(description="flights that hold the same as another: left out, by that one")]
    not_read: Annotated[Count, Meta(description="files that the plan could not read: they stand in manifest.jsonl")]
    frames: Count
    counts: Annotated[
        dict[str, SurveyCount], Meta(description="of all flights, an animal that two of them saw counted once")
    ]
    said: Annotated[list[str], Meta(description="what a reader must know, a line each")]
    flights: list[FlightRow]
    versions: dict[str, str]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``survey.json``."""
    return msgspec.json.schema(SurveyJson)
