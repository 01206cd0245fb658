"""How fast is this model on this machine: every stage, end to end, the real loop and no other."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import Any

from edge.app.report import Totals, announce, origin
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.engine import open_engine
from edge.errors import InputError
from edge.measure.histogram import METHOD
from edge.pipeline import stream
from edge.system.host import host_facts, power_facts, versions

DEFAULT_SOURCE = "sim:live=0"
WARM_UP = 5


@dataclass(frozen=True)
class BenchSettings:
    """What to measure. ``rate``: take frames at this many a second instead of as fast as it goes.

    ``threads`` .. ``spin``: see `edge.engine.open_engine`.
    """

    model: str = str(MODEL)
    source: str = DEFAULT_SOURCE
    seconds: float = 20.0
    rate: float | None = None
    backend: str = "auto"
    threads: int = 0
    trust_engine: bool = False
    zero_copy: bool = False
    spin: bool = False


def bench(settings: BenchSettings) -> dict[str, Any]:
    """Run the main path for so many seconds and return the figures.

    The first results are warm-up and not counted. Stages are wall clock, milliseconds; ``latency_ms``
    is capture to detections; power facts are taken before and after, since heat changes clocks.

    Raises InputError for a source that ends before anything could be measured, or a rate asked of a
    source that has its own.
    """
    before = power_facts()
    with (
        open_engine(
            settings.model,
            settings.backend,
            settings.threads,
            trust_engine=settings.trust_engine,
            zero_copy=settings.zero_copy,
            spin=settings.spin,
        ) as engine,
        open_camera(settings.source, reconnect_s=0) as camera,  # a bench that waits for a camera measures nothing
    ):
        if settings.rate and camera.live:
            raise InputError(f"--rate {settings.rate}: {settings.source} is live and has its own rate: set it there")
        announce(engine, settings.backend)
        totals, end = Totals(engine.bundle.classes, WARM_UP), None
        meter = totals.meter
        with stream(camera, engine) as results:
            due = time.monotonic()
            for result in results:
                totals.add(result)
                if meter.results == WARM_UP:
                    end = time.monotonic() + settings.seconds
                if end is not None and meter.fps is not None and time.monotonic() >= end:  # never fewer than two
                    break
                if settings.rate:
                    due = max(due + 1 / settings.rate, time.monotonic())  # late is late: never faster than asked
                    time.sleep(max(0.0, due - time.monotonic()))
        if meter.fps is None:
            raise InputError(
                f"{settings.source} ended after {meter.results} frames: the bench needs {WARM_UP + 2} or more"
            )
        return {
            **totals.to_json(),
            "rate": settings.rate,
            **origin(engine, settings.source, camera),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            "host": host_facts(),
            "power": {"before": before, "after": power_facts()},
            "versions": versions(engine.versions),
            "method": f"wall clock, percentiles over results ({METHOD}), first {WARM_UP} not counted, one process",
        }
