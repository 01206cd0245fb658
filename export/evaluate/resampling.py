"""How far figures would differ with other flights: the flights are drawn again, with replacement, and the figures made
anew (the bootstrap of Efron 1979, percentile intervals, whole flights as units).

Frames of one flight show the same objects on the same ground: intervals from single frames would be far too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from edge.measure.average_precision import RECALLS, Float64, Ranking

LEVEL = 0.95
RESAMPLES = 1000
SEED = 1
FEWEST = 5  # flights: of fewer, too few different draws
_AT_ONCE = 1 << 22  # numbers in memory

Int64 = npt.NDArray[np.int64]
FIGURES = ("ap50", "recall", "precision")


@lru_cache(maxsize=4)
def draws(flights: int) -> Int64:
    """(RESAMPLES, flights): how often each flight is drawn; the same for the same number, so that differences between
    two models are those of the same flights.
    """
    return np.random.default_rng(SEED).multinomial(flights, [1 / flights] * flights, size=RESAMPLES).astype(np.int64)


@dataclass(frozen=True)
class Pool:
    """Detections of one class that count, best first, with the flights they are of. ``scores`` (N,) float64, ``hits``
    (N,) bool, ``flight`` (N,) int64; ``totals`` (F,) int64: true boxes of each flight.
    """

    scores: Float64
    hits: npt.NDArray[np.bool_]
    flight: Int64
    totals: Int64

    @classmethod
    def of(cls, rankings: Sequence[Ranking], flight: Sequence[int], flights: int) -> Pool:
        """Of each frame's own ranking; ``flight``: of which of the ``flights`` each frame is."""
        counts = [len(r.scores) for r in rankings]
        scores = np.concatenate([np.zeros(0), *(r.scores for r in rankings)])
        hits = np.concatenate([np.zeros(0, bool), *(r.hits for r in rankings)])
        of = np.repeat(np.array(flight, np.int64), counts)
        order = np.argsort(-scores, kind="stable")
        totals = np.bincount(np.array(flight, np.int64), [r.total for r in rankings], flights)
        return cls(scores[order], hits[order], of[order], totals.astype(np.int64))

    def average_precision(self, times: Int64) -> Float64:
        """(R,) of each row of ``times`` (R, F), how often each flight counts; NaN where there is nothing to find."""
        last, found = np.flatnonzero(self.hits), np.full(len(times), np.nan)
        # detections by flight, from one hit to the next: behind the last hit none changes the average
        upto = np.searchsorted(last, np.arange(len(self.hits)))
        between = np.zeros((len(self.totals), len(last)))
        np.add.at(between, (self.flight[upto < len(last)], upto[upto < len(last)]), 1)
        rows = max(1, _AT_ONCE // max(len(last), 1))
        for begin in range(0, len(times), rows):
            part = times[begin : begin + rows]
            total = part @ self.totals
            right = np.cumsum(part[:, self.flight[last]], axis=1)
            precision = right / np.maximum(np.cumsum(part.astype(np.float64) @ between, axis=1), 1)
            envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            for i in np.flatnonzero(total):
                at = np.searchsorted(right[i] / total[i], RECALLS, side="left")
                padded = np.append(envelope[i], 0.0)
                found[begin + i] = padded[np.minimum(at, len(last))].mean()
        return found

    @cached_property
    def drawn(self) -> Float64:
        """(RESAMPLES,) `average_precision` of the `draws` of its flights: asked for by its class and by all of them."""
        return self.average_precision(draws(len(self.totals)))

    def shown(self, times: Int64, score: float) -> tuple[Float64, Float64, Float64]:
        """(R,) each, of each row of ``times`` (R, F): right detections, all detections, true boxes, from ``score``."""
        above = self.scores >= np.float64(np.float32(score))
        flights = len(self.totals)
        right = np.bincount(self.flight[above & self.hits], minlength=flights)
        every = np.bincount(self.flight[above], minlength=flights)
        return tuple((times @ n).astype(np.float64) for n in (right, every, self.totals))  # type: ignore[return-value]


def values_of(pools: Sequence[Pool], times: Int64, score: float | Sequence[float]) -> dict[str, Float64]:
    """(R,) each by name of `FIGURES`, of each row of ``times`` (R, F), NaN where there is none. ``ap50``: the mean over
    those of ``pools``, one a class, that have boxes, NaN in a draw that lacks one of them; ``recall``, ``precision``:
    of all together, at ``score``, one for all or one each.
    """
    drawn = times is draws(times.shape[1])
    averages = [pool.drawn if drawn else pool.average_precision(times) for pool in pools if pool.totals.any()]
    scores = score if isinstance(score, Sequence) else [score] * len(pools)
    counts = [pool.shown(times, one) for pool, one in zip(pools, scores, strict=True)]
    right, every, total = (np.sum([count[i] for count in counts], axis=0) for i in range(3))
    mean = np.mean(averages, axis=0) if averages else np.full(len(times), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"ap50": mean, "recall": right / total, "precision": right / every}


def interval(values: Float64) -> tuple[float, float] | None:
    """The percentile interval of `LEVEL`; None where more than a tenth of the draws have no value."""
    known = values[~np.isnan(values)]
    if len(known) < 0.9 * len(values):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
