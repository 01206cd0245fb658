"""Whether flights can be counted together: the same classes, clocks that can be compared, no flight twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from edge.app.after.flight.flight import Flight, thresholds_of
from edge.errors import InputError

LONG_S = 6 * 3600.0  # between two flights: what walks goes anywhere meanwhile


def check_agree(flights: Sequence[Flight]) -> list[str]:
    """What a reader of the common count must know, a line each.

    Raises InputError where they cannot be counted together: the same flight twice, other classes, a flight of which
    nobody knows when it was.
    """
    said: list[str] = []
    first = flights[0]
    for i, one in enumerate(flights):
        for other in flights[:i]:
            if one.folder.resolve() == other.folder.resolve() or _same_run(one, other):
                raise InputError(f"{other.folder} and {one.folder} are the same flight: give each of them once")
        if one.classes != first.classes:
            raise InputError(
                f"{first.folder} has the classes {_listed(first.classes)}, {one.folder} has {_listed(one.classes)}: "
                "flights of other models cannot be counted together: run one of them again with the other's model"
            )
        if math.isnan(begin_of(one)):
            raise InputError(
                f"{one.folder}: nobody knows when it was flown: its source gave no time of day, and clock.jsonl has no "
                "moment with a synchronised clock. How far animals went between the flights cannot be told: write a "
                "report of each flight alone"
            )
    models = {str(dict(sorted(files.items()))) if (files := _files(one)) else None for one in flights}
    if len(models) > 1 or None in models:
        said.append(
            "the flights were not all flown with the same model, or not all of them say which: the same score may mean "
            "something else in each of them"
        )
    if len({str(sorted(thresholds_of(one).items())) for one in flights}) > 1:
        said.append("the flights had other thresholds: of one with higher ones faint animals are missing")
    begins = sorted(begin_of(one) for one in flights)
    longest = max((b - a for a, b in pairwise(begins)), default=0.0)
    if longest > LONG_S:
        said.append(
            f"up to {longest / 3600:.0f} hours lie between two flights: an animal may be anywhere by then, and is "
            "merged with whatever stands within its way"
        )
    for one in flights:
        if one.times.by.startswith("the source"):
            said.append(f"{one.name}: the time of day is what its source says; nobody checked it")
        if not one.frames.seen.at:
            said.append(
                f"{one.name}: the ground in its pictures is not known ({one.no_lens or 'no poses'}): it is taken for "
                "one pass, and too many of its animals may be merged with those of other flights"
            )
    return said


def begin_of(flight: Flight) -> float:
    """When its first frame was, seconds since 1970; NaN: nobody knows."""
    if not math.isnan(flight.frames.first_epoch):
        return flight.frames.first_epoch
    epochs = flight.tracks.column("first_epoch")
    return float(np.nanmin(epochs)) if len(epochs) and not np.isnan(epochs).all() else math.nan


def _same_run(one: Flight, other: Flight) -> bool:
    a, b = one.facts.start, other.facts.start
    return (
        a.boot_id is not None
        and a.clock is not None
        and b.clock is not None
        and (a.boot_id, a.pid, a.clock.t) == (b.boot_id, b.pid, b.clock.t)
    )


def _files(flight: Flight) -> dict[str, str]:
    found = flight.facts.both("model_files")
    return {name: digest for name, digest in found.items() if name != "model.json"} if isinstance(found, dict) else {}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) or "none"
