"""One run of the main path: warmed up by time, measured until enough results came, every result kept."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge.app.bench.settings import Limits
from edge.data import Result, class_name
from edge.geo.placing import Placing
from edge.measure.percentiles import spread_of
from edge.pipeline import stream
from edge.seams import Camera, Engine
from edge.track.follower import Follower
from edge.track.one_body import OneBody

Float64 = npt.NDArray[np.float64]
Ended = Literal["enough results", "time limit", "end of source"]


class Records:
    """Every result of a run as numbers: some 100 bytes a result.

    ``seq``, ``t``: number and capture of the frame; ``ready``: time of the result, seconds of the monotonic clock both.
    """

    def __init__(self) -> None:
        self.seq, self.t, self.ready, self.latency = array("q"), array("d"), array("d"), array("d")
        self.stages: dict[str, array[float]] = {}

    def __len__(self) -> int:
        return len(self.seq)

    def add(self, result: Result) -> None:
        """Keep one result."""
        before = len(self.seq)
        for name, ms in result.stages_ms.items():
            column = self.stages.get(name)
            if column is None:
                column = self.stages[name] = array("d", [float("nan")]) * before
            column.append(ms)
        self.seq.append(result.frame.seq)
        self.t.append(result.frame.t_capture)
        self.ready.append(result.t_result)
        self.latency.append(result.latency_ms)
        for column in self.stages.values():
            if len(column) == before:
                column.append(float("nan"))


@dataclass(frozen=True)
class Run:
    """What a run gave. ``warm_up``: seconds and results before it; ``counts``: what became of frames while it lasted;
    ``began``, ``over``: seconds of the monotonic clock.
    """

    records: Records
    ended: Ended
    began: float
    over: float
    warm_up: tuple[float, int]
    counts: dict[str, int]
    detections: dict[str, int] = field(default_factory=dict)

    @property
    def fps(self) -> float | None:
        """(N - 1) / (t_last - t_first); None below two results."""
        ready = self.records.ready
        return (len(ready) - 1) / (ready[-1] - ready[0]) if len(ready) > 1 and ready[-1] > ready[0] else None


def timed_run(
    camera: Camera,
    engine: Engine,
    limits: Limits,
    placing: Placing,
    *,
    watch: Callable[[Result], None] | None = None,
    begun: Callable[[], None] | None = None,
    stop: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Run:
    """Detect, follow and locate, as a flight does, until ``limits`` say that it is enough, or the source ends.

    ``watch``: called with each result that counts. ``begun``: called once, when the warm-up is over: after its time and
    one result at least. ``stop``: once it is set the run ends, as if the source had. Frames with a closed shutter count
    nowhere but in ``counts``.
    """
    records, counts, ended = Records(), _Counts(engine.bundle.classes), _ended("end of source")
    warm, start = 0, clock()
    began: float | None = None
    before: Result | None = None
    now = start
    bundle = engine.bundle
    follow = None if camera.independent else Follower(bundle.thresholds, placing, bodies=OneBody.of(bundle))
    with stream(camera, engine, stop=stop, follow=follow, locate=placing) as results:
        for result in results:
            now = clock()
            if began is None:
                warm += 1
                if now - start >= limits.warm_up_s:
                    began, before = now, result
                    if begun:
                        begun()
                continue
            counts.add(result)
            if result.inferred:
                records.add(result)
                if watch:
                    watch(result)
            passed = now - began
            if passed >= limits.seconds and len(records) >= limits.results:
                ended = "enough results"
                break
            if passed >= limits.most_s and (len(records) > 1 or passed > limits.most_s + 60):
                ended = "time limit"
                break
    return Run(
        records,
        ended,
        start if began is None else began,
        now,
        ((now if began is None else began) - start, warm),
        counts.since(before),
        counts.detections,
    )


def _ended(how: Ended) -> Ended:
    return how


class _Counts:
    """What became of the frames, and what was found."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.detections = dict.fromkeys(classes, 0)
        self._classes = classes
        self._last: Result | None = None
        self._shutter = self._unconverged = self._overflowed = 0

    def add(self, result: Result) -> None:
        self._last = result
        self._shutter += not result.inferred
        self._unconverged += not result.converged
        self._overflowed += not result.finite
        for label in result.detections.labels:
            name = class_name(self._classes, label)
            self.detections[name] = self.detections.get(name, 0) + 1

    def since(self, before: Result | None) -> dict[str, int]:
        """All counts, those of the stream without what they were at ``before``."""
        last = self._last
        counted = dict.fromkeys(("dropped", "duplicates", "lost"), 0)
        if last is not None and before is not None:
            counted = {name: getattr(last, name) - getattr(before, name) for name in counted}
        own = {"shutter_frames": self._shutter, "unconverged": self._unconverged, "overflowed": self._overflowed}
        return {**counted, **own}


def figures(run: Run) -> dict[str, Any]:
    """Of one run, as they stand in the report: see docs/output.md."""
    records = run.records
    intervals = np.diff(np.asarray(records.ready)) * 1e3
    jitter = np.abs(intervals - np.median(intervals)) if len(intervals) else intervals
    return {
        "results": len(records),
        "seconds": round(run.over - run.began, 3),
        "ended": run.ended,
        "warm_up": {"seconds": round(run.warm_up[0], 3), "results": run.warm_up[1]},
        "fps": None if run.fps is None else round(run.fps, 3),
        "latency_ms": spread_of(records.latency),
        "interval_ms": spread_of(intervals),
        "jitter_ms": spread_of(jitter),
        "stages_ms": stages_of([records]),
        **run.counts,
    }


def stages_of(several: list[Records]) -> dict[str, dict[str, float]]:
    """`spread_of` each stage, over all these results."""
    names = list(dict.fromkeys(name for records in several for name in records.stages))
    joined = {name: np.concatenate([np.asarray(r.stages[name]) for r in several if name in r.stages]) for name in names}
    return {name: spread_of(values[~np.isnan(values)]) for name, values in joined.items()}
