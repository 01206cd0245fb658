"""``counts.json``, declared: how many of each class there are; and the JSON Schema of it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Whole = Annotated[int, Meta(ge=0)]
Level = Annotated[float, Meta(gt=0, lt=1)]


class ClassCount(Struct, frozen=True, kw_only=True):
    """Of one class."""

    tracks: Annotated[Whole, Meta(description="objects that were followed")]
    count: Annotated[Whole | None, Meta(description="animals, people, vehicles; null: cannot be told, see method")]
    low: Annotated[Whole | None, Meta(description="the least that the interval holds")]
    high: Annotated[Whole | None, Meta(description="the most; null: no such number is known")]
    level: Annotated[Level | None, Meta(description="how likely the interval holds the number")]
    method: Annotated[str, Meta(description="how it was counted, or why it was not")]
    animals: Annotated[
        list[list[int]], Meta(description="of each that was counted its tracks, numbers of tracks.jsonl")
    ]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``counts.json``: a `ClassCount` by the name of its class."""
    return msgspec.json.schema(dict[str, ClassCount])
