"""``degraded`` and ``spare`` of report.json, declared."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, description="seconds")]


class DegradeStep(Struct):
    """One step of the ladder. ``t``: seconds of the monotonic clock; ``utc``: by the machine's clock, right or wrong.
    ``begins``: it was given up; false: it was taken up again. ``value``, ``limit``: deg C, events in 60 s, bytes or
    seconds, by ``because``.
    """

    t: float
    utc: str
    step: str
    begins: bool
    because: str
    value: float
    limit: float


class Degraded(Struct):
    """What was given up so that detections went on. ``steps``: the first 200, in their order; ``more``: those that
    followed. ``seconds``: by step. ``frames_between``: results for which the engine was not asked, as every third frame
    was searched.
    """

    steps: list[DegradeStep]
    more: Count
    seconds: dict[str, Seconds]
    frames_between: Count


class SpareReport(Struct):
    """Where detections went on. ``from_seq``: the first frame that stands there; null: it was between two."""

    file: str
    from_seq: int | None
    because: str
