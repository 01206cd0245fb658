"""``clock.jsonl`` and the part of report.json on it, declared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct


class ClockMoment(Struct):
    """One moment by both clocks."""

    t: Annotated[float, Meta(description="the monotonic clock, as t of detections.jsonl, seconds")]
    utc: Annotated[str | None, Meta(description="the same moment, ISO 8601 with milliseconds; null: nobody knows it")]
    state: Annotated[
        Literal["synchronised", "unsynchronised", "unset"],
        Meta(description="synchronised: utc is to be trusted; unset: the machine's date cannot be"),
    ]
    by: Annotated[Literal["system", "autopilot"], Meta(description="whose clock says it")]


class ClockLine(ClockMoment):
    """A line of clock.jsonl."""

    jump_s: Annotated[
        float | None, Meta(description="so far the machine's clock was set in the second before; null: it was not")
    ]


class ClockReport(Struct):
    """``first``, ``last``: of the lines of clock.jsonl. ``jumps``: how often the machine's clock was set;
    ``largest_jump_s``: by how much at most.
    """

    first: ClockMoment
    last: ClockMoment
    jumps: Annotated[int, Meta(ge=0)]
    largest_jump_s: float | None
    error: str | None


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line."""
    return msgspec.json.schema(ClockLine)
