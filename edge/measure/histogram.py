"""Percentiles of any number of values in bounded memory, with a stated error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ERROR = 0.001  # of a percentile, relative: what is promised
METHOD = f"log-spaced histogram (DDSketch), relative error at most {ERROR:.1%}"
LEAST, MOST = 1e-4, 1e8  # of a value: in milliseconds 0.1 us, which no clock here tells, to 28 hours

_ACCURACY = 0.9 * ERROR  # the rest is for rounding
_LOG = math.log((1 + _ACCURACY) / (1 - _ACCURACY))  # of the factor between two buckets
_FIRST = math.ceil(math.log(LEAST) / _LOG)  # bucket i holds values over factor ** (i - 1), up to factor ** i
_BUCKETS = math.ceil(math.log(MOST) / _LOG) - _FIRST + 1
_VALUES = 2 / (math.exp(_LOG) + 1) * np.exp(_LOG * (_FIRST + np.arange(_BUCKETS)))  # one for each bucket, off by least


class Histogram:
    """Counts values in buckets that grow by a constant factor.

    DDSketch (Masson, Rim and Lee, Proceedings of the VLDB Endowment 12 (2019) 2195, doi 10.14778/3352063.3352135)
    with all its buckets in one array: 61 kB, and as much again once a value is negative. A percentile is off by at most
    0.1 % of the values that it lies between; those nearer to 0 than ``LEAST`` count as 0, those beyond ``MOST`` as the
    extreme. ``count``, ``minimum``, ``maximum`` and ``mean`` are exact; None where there are no values.
    """

    def __init__(self) -> None:
        self.count = 0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self._sum = 0.0
        self._zero = 0
        self._above = np.zeros(_BUCKETS, np.uint32)  # 4e9 values a bucket: 4 years at 30 Hz
        self._below: npt.NDArray[np.uint32] | None = None

    @property
    def mean(self) -> float | None:
        return self._sum / self.count if self.count else None

    def add(self, value: float) -> None:
        """Count one value; one that is not finite is left out."""
        if not math.isfinite(value):
            return
        self.count += 1
        self._sum += value
        self.minimum = value if self.minimum is None else min(self.minimum, value)
        self.maximum = value if self.maximum is None else max(self.maximum, value)
        size = abs(value)
        if size < LEAST:
            self._zero += 1
            return
        if value < 0 and self._below is None:
            self._below = np.zeros(_BUCKETS, np.uint32)
        buckets = self._below if value < 0 and self._below is not None else self._above
        buckets[min(max(math.ceil(math.log(size) / _LOG) - _FIRST, 0), _BUCKETS - 1)] += 1

    def percentiles(self, which: Sequence[float]) -> list[float]:
        """The percentiles ``which``, 0..100, as `numpy.percentile` defines them (linear interpolation); [] of nothing.

        Each is off by at most 0.1 %, see above.
        """
        least, most = self.minimum, self.maximum
        if least is None or most is None:
            return []
        counts, values = np.append(self._zero, self._above), np.append(0.0, _VALUES)
        if self._below is not None:
            counts, values = np.append(self._below[::-1], counts), np.append(-_VALUES[::-1], values)
        place = np.asarray(which, np.float64) / 100 * (self.count - 1)  # in the sorted values
        lower = np.floor(place).astype(np.int64)
        upper = np.minimum(lower + 1, self.count - 1)
        up_to = np.cumsum(counts)

        def at(rank: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
            found = np.clip(values[np.searchsorted(up_to, rank, side="right")], least, most)
            return np.where(rank == 0, least, np.where(rank == self.count - 1, most, found))

        return [float(v) for v in at(lower) + (place - lower) * (at(upper) - at(lower))]
