"""What a run shows of itself: noted by its loop in a moment, read by others whenever they ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from edge.app.observer import Observer, Progress
from edge.app.sinks import Sinks
from edge.data import Result, class_name
from edge.recording.recorder import Recorder
from edge.seams import Engine
from edge.system.activity import Activity
from edge.system.budget import HUNG_S

LATE_S = 10.0  # twice as long as a camera may stand still: after one that was opened anew, results should be back
FIGURES_S = 1.0  # how often rate and latency are worked out

State = Literal["starting", "detecting", "waiting", "late", "hung", "ending"]
STATES: tuple[State, ...] = ("starting", "detecting", "waiting", "late", "hung", "ending")


class Snapshot(NamedTuple):
    """After one result. ``at``: seconds of the board's clock. ``detections``, ``tracks``: so far, by class;
    ``following``: tracks that have not ended. ``conditions``: that hold. ``fps``, ``latency_ms``: of the last results.
    """

    at: float
    frames: int
    dropped: int
    duplicates: int
    lost: int
    detections: dict[str, int]
    tracks: dict[str, int]
    following: int
    conditions: frozenset[str]
    fps: float | None
    latency_ms: dict[str, float]


class Now(NamedTuple):
    """``seconds``: in this state. ``doing``: in words. ``age_s``: of the last result, None = there was none."""

    state: State
    seconds: float
    doing: str
    age_s: float | None


class Parts(NamedTuple):
    """What a run is made of; read only."""

    engine: Engine
    sinks: Sinks
    recorder: Recorder | None
    out: Path


class Board(Observer):
    """Of one run. ``activity``: of its loop. ``parts``: None until all is open. ``last``: None before a result."""

    def __init__(self, activity: Activity, clock: Callable[[], float] = time.monotonic) -> None:
        self._activity, self._clock = activity, clock
        self.began = clock()
        self.parts: Parts | None = None
        self.last: Snapshot | None = None
        self._progress: Progress | None = None
        self._since = 0.0  # of results without a gap
        self._ending: float | None = None
        self._figures_at = float("-inf")
        self._live: set[int] = set()
        self._tracks: dict[str, int] = {}

    def of(self, parts: Parts) -> Board:
        """Itself, once all is open."""
        self.parts = parts
        return self

    def given_up(self) -> Mapping[str, str] | None:
        """What the board is spared now, and because of what; None before results may come."""
        return self._progress.given_up() if self._progress and self._progress.given_up else None

    def uptime_s(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self.began

    def begin(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, result: Result) -> None:
        assert self._progress is not None
        totals, before, t = self._progress.totals, self.last, self._clock()
        if before is None or t - before.at > LATE_S:
            self._since = t
        self._count(result)
        fps, latency_ms = (None, {}) if before is None else (before.fps, before.latency_ms)
        if t - self._figures_at >= FIGURES_S:
            self._figures_at = t
            fps, latency_ms = totals.meter.recent_fps, totals.meter.recent_latency_ms
        self.last = Snapshot(
            at=t,
            frames=totals.meter.results,
            dropped=result.dropped,
            duplicates=result.duplicates,
            lost=result.lost,
            detections=dict(totals.detections),
            tracks=dict(self._tracks),
            following=len(self._live),
            conditions=result.warnings,
            fps=fps,
            latency_ms=latency_ms,
        )

    def close(self) -> None:
        """The results are over."""
        if self._ending is None:
            self._ending = self._clock()

    def now(self) -> Now:
        """How the run is; from any thread."""
        t, last, doing = self._clock(), self.last, self._activity.now
        age_s = None if last is None else t - last.at
        words = "" if doing is None else doing.state.doing
        if self._ending is not None:
            return Now("ending", t - self._ending, words, age_s)
        if age_s is not None and age_s <= LATE_S:
            return Now("detecting", t - self._since, words, age_s)
        if doing is None:
            return Now("starting" if last is None else "late", t - (last.at if last else self.began), words, age_s)
        for_s = t - doing.since
        if doing.waiting:
            return Now("waiting", for_s, words, age_s)
        if for_s >= (HUNG_S if doing.state.limit_s is None else doing.state.limit_s):
            return Now("hung", for_s, words, age_s)
        return Now("starting", t - self.began, words, age_s) if last is None else Now("late", for_s, words, age_s)

    def _count(self, result: Result) -> None:
        """Tracks that are new, and those that have ended."""
        assert self._progress is not None
        found = result.detections
        if found.track_ids is not None and self.parts is not None:
            classes = self.parts.engine.bundle.classes
            for i in np.flatnonzero(found.track_ids > 0):
                if (number := int(found.track_ids[i])) not in self._live:
                    self._live.add(number)
                    name = class_name(classes, int(found.labels[i]))
                    self._tracks[name] = self._tracks.get(name, 0) + 1
        self._live.difference_update(result.ended_tracks)
