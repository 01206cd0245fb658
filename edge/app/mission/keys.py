"""What a key of a mission says of itself, and the values that keys take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct


@dataclass(frozen=True, slots=True)
class Key:
    """Of one key: ``text`` says what it is, ``example`` is a value, ``option`` the one of ``edge run`` that it stands
    for, as the program calls it. ``file``: a path; a relative one starts in the folder of the mission's file.
    """

    text: str
    example: Any
    option: str = ""
    file: bool = False


Text = Annotated[str, Meta(min_length=1, max_length=4096)]
Word = Annotated[str, Meta(min_length=1, max_length=80)]
Whole = Annotated[int, Meta(ge=1, le=10**18)]
Pixels = Annotated[int, Meta(ge=0, le=100_000)]
Positive = Annotated[float, Meta(ge=1e-3, le=1e9)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Metres = Annotated[float, Meta(ge=-10_000, le=10_000)]
Margin = Annotated[float, Meta(ge=0, le=100)]
Degrees = Annotated[float, Meta(ge=-360, le=360)]
Three = tuple[Degrees, Degrees, Degrees]
Score = Annotated[float, Meta(ge=0, le=1)]
Setting = Text | bool | Annotated[int, Meta(ge=-(10**18), le=10**18)] | Annotated[float, Meta(ge=-1e18, le=1e18)]
Utc = Annotated[datetime, Meta(tz=True)]


class Table(Struct, frozen=True, kw_only=True):
    """One table of the file. A key that is not there is None: what `edge run` does without the option holds."""
