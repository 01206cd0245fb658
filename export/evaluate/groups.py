"""The figures by class, by size, and by what the frames were taken in: light, altitude, angle, a column of the user's.

Each with its interval from resampling flights (`export.evaluate.resampling`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from edge.measure.average_precision import ALL, Judged, rank
from edge.model.thresholds import Thresholds
from export.data.dataset import LabelledSet
from export.data.runs import GAP, flights_of
from export.evaluate.evaluate import PAPER_SIZES
from export.evaluate.resampling import FEWEST, FIGURES, LEVEL, RESAMPLES, SEED, Pool, draws, interval, values_of

EVERY = "all"


def flight_of_each(data: LabelledSet, by: str = "name", gap: int = GAP) -> tuple[list[int], str | None]:
    """Of which flight each frame is, as numbers from 0; and why no intervals can be made of them, or None."""
    flights = list(flights_of(data, by, gap).values())
    number = {frame.path: i for i, frames in enumerate(flights) for frame in frames}
    why = None
    if len(flights) == len(data) > 1 and by == "name":
        why = "by its name each frame is a flight of its own; where a flight is a folder: --flights folder"
    return [number[frame.path] for frame in data.frames], why


def group_figures(
    judged: Sequence[Judged],
    classes: Sequence[str],
    conditions: Mapping[str, Sequence[str]],
    flight: Sequence[int],
    score: float | Thresholds,
    without: str | None = None,
) -> list[dict[str, Any]]:
    """Rows, plain values for JSON, each for all classes together and for each class that has boxes there.

    ``by``, ``value``: which frames or boxes, such as "altitude", "60"; ``class``: or "all"; ``frames``, ``flights``,
    ``boxes``; ``ap50`` (of all classes: their mean), ``recall`` and ``precision`` at ``score``, of all classes or of
    each, all with ``value``, ``low`` and ``high``, None where there is none; ``no_interval``: why there is none, or
    none of AP50, or None.

    ``conditions``: for each name a value a frame. ``flight``: of which flight each frame is. ``without``: why there are
    no intervals at all.
    """
    rows = _groups(judged, classes, conditions, flight)
    return [head | _row(pools, Thresholds.of(score), without) for head, pools in rows]


def compared(
    after: Sequence[Judged],
    before: Sequence[Judged],
    classes: Sequence[str],
    conditions: Mapping[str, Sequence[str]],
    flight: Sequence[int],
    scores: tuple[float | Thresholds, float | Thresholds],
    without: str | None = None,
) -> list[dict[str, Any]]:
    """What another model, ``before``, finds in the same frames, and by how much ``after`` is better: rows in the order
    of `group_figures`, and its arguments.

    Each figure has ``before``, ``difference`` (after less before), and ``low`` and ``high`` of the difference, from the
    same draws of flights for both: an interval without 0 says that flights like these tell the two apart. ``scores``:
    of the one after, and of the one before.
    """
    sides = (_groups(judged, classes, conditions, flight) for judged in (after, before))
    rows = []
    for (head, pools), (_, others) in zip(*sides, strict=True):
        pair = [
            (list(of.values()), [Thresholds.of(score)[name] for name in of])
            for of, score in zip((pools, others), scores, strict=True)
        ]
        flights = len(next(iter(pools.values())).totals)
        once = [values_of(of, np.ones((1, flights), np.int64), score) for of, score in pair]
        why, no_ap50 = _too_few(pools, without)
        drawn = [] if why else [values_of(of, draws(flights), score) for of, score in pair]
        row: dict[str, Any] = {key: head[key] for key in ("by", "value", "class")}
        for name in FIGURES:
            new, old = (float(values[name][0]) for values in once)
            given = drawn and not np.isnan(new - old) and not (no_ap50 and name == "ap50")
            low, high = (interval(drawn[0][name] - drawn[1][name]) if given else None) or (None, None)
            row[name] = {"before": _number(old), "difference": _number(new - old), "low": low, "high": high}
        rows.append(row)
    return rows


def _groups(
    judged: Sequence[Judged], classes: Sequence[str], conditions: Mapping[str, Sequence[str]], flight: Sequence[int]
) -> Iterator[tuple[dict[str, Any], dict[str, Pool]]]:
    """The head of each row, and its classes."""
    sizes = {EVERY: ALL, **PAPER_SIZES}
    ranked = {
        (size, label): [rank([frame], label, 0.5, area) for frame in judged]
        for size, area in sizes.items()
        for label in range(len(classes))
    }
    everything = list(range(len(judged)))
    chosen = [(EVERY, EVERY, EVERY, everything), *(("size", size, size, everything) for size in PAPER_SIZES)]
    for by, values in conditions.items():
        for value in sorted(set(values), key=_in_order):
            chosen.append((by, value, EVERY, [i for i, one in enumerate(values) if one == value]))
    for by, value, size, frames in chosen:
        of = np.unique([flight[i] for i in frames], return_inverse=True)[1].tolist()
        pools = {
            name: Pool.of([ranked[size, label][i] for i in frames], of, max(of) + 1)
            for label, name in enumerate(classes)
        }
        head = {"by": by, "value": value, "frames": len(frames), "flights": max(of) + 1}
        # what is false in a class without a box counts for all classes together
        yield head | {"class": EVERY}, pools
        for name, pool in pools.items():
            if pool.totals.any():
                yield head | {"class": name}, {name: pool}


def how(score: float | Thresholds, of: str, flights: str) -> dict[str, Any]:
    """What the rows were made with, for JSON: ``score_of`` says why at that score."""
    scores = Thresholds.of(score)
    return {
        "score": scores.least,
        "scores": scores.to_json(),
        "score_of": of,
        "flights": flights,
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": SEED,
    }


def _row(pools: Mapping[str, Pool], scores: Thresholds, without: str | None) -> dict[str, Any]:
    every, score = list(pools.values()), [scores[name] for name in pools]
    flights = len(every[0].totals)
    values = values_of(every, np.ones((1, flights), np.int64), score)
    why, no_ap50 = _too_few(pools, without)
    drawn = {} if why else values_of(every, draws(flights), score)
    row: dict[str, Any] = {"boxes": int(sum(pool.totals.sum() for pool in every))}
    for name in FIGURES:
        value = _number(float(values[name][0]))
        given = drawn and value is not None and not (no_ap50 and name == "ap50")
        low, high = (interval(drawn[name]) if given else None) or (None, None)
        row[name] = {"value": value, "low": low, "high": high}
    return row | {"no_interval": why or no_ap50}


def _too_few(pools: Mapping[str, Pool], without: str | None) -> tuple[str | None, str | None]:
    """Why there is no interval at all, and why none of the mean AP50: a draw without a rare class would be the mean of
    the others.
    """
    holding = {name: int((pool.totals > 0).sum()) for name, pool in pools.items() if pool.totals.any()}
    together = int((np.sum([pool.totals for pool in pools.values()], axis=0) > 0).sum())
    if without or together < FEWEST:
        return without or f"{together} flights with such boxes: expected {FEWEST} or more", None
    rare = [f"{name} in {n}" for name, n in holding.items() if n < FEWEST]
    return None, f"AP50: {', '.join(rare)} flights: expected {FEWEST} or more" if rare else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _in_order(text: str) -> tuple[int, float, str]:
    """Numbers by size, then words."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
