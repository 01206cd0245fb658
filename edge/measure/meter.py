"""How fast it was: stage times, frames a second, percentiles. No clock of its own is hidden here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from edge.data import Result
from edge.measure.histogram import Histogram
from edge.measure.percentiles import LEAST_RESULTS, carried, named

PERCENTILES = (50, 95, 99)
RECENT = 100  # results of the live rate
RECENT_LATENCY = LEAST_RESULTS[99]  # of the live latency: as many as its p99 needs


class StageTimer:
    """Times the stages of one frame: ``end(name)`` closes the stage that has just ended. ``ms``: milliseconds by stage.

    ``clock`` returns seconds; pass another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.ms: dict[str, float] = {}

    def end(self, name: str) -> float:
        """Book the time since the stage before ended under ``name``; returns now, seconds."""
        now = self._clock()
        self.ms[name] = (now - self._last) * 1e3
        self._last = now
        return now

    def stages(self, engine: Mapping[str, float], consumer_ms: float) -> dict[str, float]:
        """`Result.stages_ms`: ``ms`` so far; as ``engine.NAME`` where the engine says its time went; the consumer's."""
        return {**self.ms, **{f"engine.{name}": ms for name, ms in engine.items()}, "consumer": consumer_ms}


class Meter:
    """Collects results and says how fast they came; what it keeps does not grow with their number.

    FPS is (N - 1) / (t_last - t_first) over the results after ``warmup`` of them; latency is the
    time of the result less that of the frame's capture. Frames that the engine did not see (closed
    shutter) count in neither. Percentiles over all are of a `Histogram`: off by 0.1 % at most; one that too few
    results carry is left out, see `edge.measure.percentiles`.
    """

    def __init__(self, warmup: int = 1) -> None:
        self._skip = warmup
        self.results = 0
        self._first = self._last = 0.0
        self._latency = Histogram()
        self._stages: dict[str, Histogram] = {}
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._recent_latency: deque[float] = deque(maxlen=RECENT_LATENCY)

    def add(self, result: Result) -> None:
        """Book one result."""
        self.results += 1
        if not result.inferred:
            return
        self._recent.append(result.t_result)
        self._recent_latency.append(result.latency_ms)
        if self._skip > 0:
            self._skip -= 1
            return
        if self._latency.count == 0:
            self._first = result.t_result
        self._last = result.t_result
        self._latency.add(result.latency_ms)
        for name, ms in result.stages_ms.items():
            self._stages.setdefault(name, Histogram()).add(ms)

    @property
    def fps(self) -> float | None:
        """Results a second over all that was measured; None before there are two."""
        return _rate(self._latency.count, self._first, self._last)

    @property
    def recent_fps(self) -> float | None:
        """The same over the last few results, for a live table."""
        return _rate(len(self._recent), self._recent[0], self._recent[-1]) if self._recent else None

    @property
    def recent_latency_ms(self) -> dict[str, float]:
        """Latency percentiles over the last 662 results, those that they carry."""
        return percentiles(self._recent_latency)

    @property
    def latency_ms(self) -> dict[str, float]:
        """``{"p50", "p95", "p99"}`` milliseconds from capture to detections, those that so many results carry."""
        return _carried(self._latency)

    @property
    def stages_ms(self) -> dict[str, dict[str, float]]:
        """The same percentiles by stage."""
        return {name: _carried(times) for name, times in self._stages.items()}


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """``{"p50", "p95", "p99"}`` of the values (linear interpolation), those that so many values carry."""
    data = np.fromiter(values, np.float64)
    which = carried(PERCENTILES, data.size)
    return named(which, np.percentile(data, which)) if which else {}


def _carried(times: Histogram) -> dict[str, float]:
    which = carried(PERCENTILES, times.count)
    return named(which, times.percentiles(which))


def _rate(count: int, first: float, last: float) -> float | None:
    return (count - 1) / (last - first) if count > 1 and last > first else None
