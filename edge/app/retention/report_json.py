"""``keep_free`` of report.json, declared."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]


class Removed(Struct):
    """Files of an earlier run that were removed. ``run``: its folder, from that of this run. ``what``: video, pictures,
    recording or crops. ``because``: how much was free when the first of them went, and how much is to stay free.
    """

    run: str
    what: str
    files: Count
    bytes: Count
    because: str


class KeepFreeReport(Struct):
    """``asked``: ``--keep-free``; ``least``: the same in bytes of this disk. ``removed``: the first 200, in their
    order; ``more``: those that followed. ``files``, ``bytes``: of all. ``exhausted``: too little was free, and nothing
    was left that may be removed.
    """

    asked: str
    least: Count
    removed: list[Removed]
    more: Count
    files: Count
    bytes: Count
    exhausted: bool
