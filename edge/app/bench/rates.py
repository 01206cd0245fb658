"""At the rate of a camera: how old a frame is at its detections, how many are lost; and the highest rate."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.app.bench.held import Held
from edge.app.bench.settings import Limits
from edge.app.bench.timed_run import Run, timed_run
from edge.geo.placing import Placing
from edge.measure.percentiles import spread_of
from edge.seams import Engine

MOST_LOSS = 0.05
STEPS = 7  # of the search
CLOSE = 0.02  # relative: rates are not told apart any finer
LEAST_FRAMES = 60  # of a try: 3 lost of them are 5 %
WARM_UP_S = 0.5


@dataclass(frozen=True)
class AtRate:
    """One run at a rate. ``loss``: the part of the frames that gave no result."""

    rate: float
    run: Run

    @property
    def loss(self) -> float:
        fps = self.run.fps
        return 1.0 if fps is None else max(0.0, 1 - fps / self.rate)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "rate": round(self.rate, 3),
            "results": len(self.run.records),
            "seconds": round(self.run.over - self.run.began, 3),
            "fps": None if self.run.fps is None else round(self.run.fps, 3),
            "loss": round(self.loss, 4),
            "dropped": self.run.counts["dropped"],
            "age_ms": spread_of(self.run.records.latency),
        }


def at_rate(
    frames: Held, engine: Engine, rate: float, limits: Limits, placing: Placing, stop: threading.Event | None = None
) -> AtRate:
    """Frames come at this rate whether they are taken or not, as from a camera; the newest is taken.

    ``stop``: once it is set it ends, with what it has.
    """
    with frames.at(rate) as camera:
        return AtRate(rate, timed_run(camera, engine, limits, placing, stop=stop))


def find_peak(
    attempt: Callable[[float], AtRate], fps: float, most_loss: float = MOST_LOSS
) -> tuple[AtRate | None, list[AtRate]]:
    """The highest rate at which at most ``most_loss`` of the frames are lost, by binary search, and all tries.

    ``fps``: what it did as fast as it could, from which the search begins. None where every rate that was tried lost
    more.
    """
    low, high = 0.5 * fps, 1.5 * fps
    tries: list[AtRate] = []
    best: AtRate | None = None
    rate = fps
    for _ in range(STEPS):
        tries.append(attempt(rate))
        if tries[-1].loss <= most_loss:
            low, best = rate, tries[-1]
        else:
            high = rate
        if high - low < CLOSE * fps:
            break
        rate = (low + high) / 2
    return best, tries


def peak_limits(rate: float, seconds: float) -> Limits:
    """Of one try: a twelfth of the bench's ``seconds``; up to a third, where fewer than 60 frames would come."""
    enough = min(max(seconds / 12, LEAST_FRAMES / rate), seconds / 3)
    return Limits(min(WARM_UP_S, seconds / 12), enough, 2, enough + 1)
