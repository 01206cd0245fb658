"""Percentiles of measured times, each only where enough results carry it.

One slow result in 50 says nothing about the slowest hundredth. A percentile is given from that number of results on,
at which one that is in truth slower would have shown two results beyond it with a probability of 99 %: the smallest n
with ``p ** n + n * p ** (n - 1) * (1 - p) <= 0.01``. Half of the results need no such rule: it is their middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

LEAST_RESULTS: Mapping[float, int] = {50: 1, 90: 64, 95: 130, 99: 662, 99.9: 6636}
RULE = "a percentile is given where enough results carry it: p90 64, p95 130, p99 662, p99.9 6636"


def carried(which: Iterable[float], count: int) -> list[float]:
    """Those of the percentiles ``which`` that ``count`` results carry; none of no results."""
    return [p for p in which if count >= LEAST_RESULTS[p]]


def name_of(percentile: float) -> str:
    """``p50``, ``p99.9``."""
    return f"p{percentile:g}"


def named(which: Sequence[float], values: Iterable[float]) -> dict[str, float]:
    """``{"p50": value, ...}``, rounded to 0.001."""
    return {name_of(p): round(float(v), 3) for p, v in zip(which, values, strict=True)}


def spread_of(values: npt.ArrayLike) -> dict[str, float]:
    """``{"mean", "p50", "p90", "p95", "p99", "p99.9", "max"}`` of (N,) values, exact (linear interpolation).

    Percentiles that N results do not carry are left out; {} of none.
    """
    data = np.asarray(values, np.float64)
    if not data.size:
        return {}
    which = carried(LEAST_RESULTS, data.size)
    middle = named(which, np.percentile(data, which))
    return {"mean": round(float(data.mean()), 3), **middle, "max": round(float(data.max()), 3)}
