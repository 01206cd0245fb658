"""What report.json says of a recording and of a replay, declared; see `edge.app.report_json`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]


class RecordingReport(Struct):
    """What became of the raw frames. ``dropped``: came, but were never written; ``removed``: for the budget."""

    folder: str
    frames: Count
    dropped: Count
    bytes: Count
    segments: Count
    segments_removed: Count
    frames_removed: Count
    error: str | None


class VerifyReport(Struct):
    """A replay against the flight's own lines."""

    file: str
    compared: Count
    different: Count
    first_difference: str | None
    unsettled: Count
    missing: Count
    verdict: str
