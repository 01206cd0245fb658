"""How fast is this model on this machine: every stage, end to end, the real loop and no other."""

from __future__ import annotations

import logging
import resource
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from edge.app.bench.accuracy import accuracy, labelled_frames
from edge.app.bench.cold_start import cold_start
from edge.app.bench.held import HELD, Held, hash_of, hold
from edge.app.bench.machine_state import machine_state
from edge.app.bench.rates import MOST_LOSS, AtRate, at_rate, find_peak, peak_limits
from edge.app.bench.settings import BenchSettings, Limits
from edge.app.bench.summary import interrupted, middle, summary
from edge.app.bench.timed_run import Run, figures, timed_run
from edge.app.report import announce, origin
from edge.camera import open_camera
from edge.data import Frame, Result
from edge.engine import open_engine
from edge.errors import InputError
from edge.geo.placing import Placing, PlacingSettings
from edge.measure.labelled_frames import Labelled
from edge.model.transform import Preprocessor
from edge.seams import Camera, Engine
from edge.sinks.background import Background
from edge.sinks.trace import TraceSink
from edge.system.host import host_facts, power_facts, versions
from edge.system.sampler import Sample, Sampler
from edge.system.sensors import Reading, Sensors
from edge.system.signals import finishing, stopping
from edge.system.text import without_passwords

FORMAT = 1
IDLE_SAMPLES, IDLE_PERIOD_S = 5, 1.0  # looks at the power before anything is computed
TOLD_S = 30.0  # how often a person is told how far a run is

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """The report as JSON has it, and what stands in files beside it. Only whole runs are in it."""

    report: dict[str, Any]
    runs: list[Run]
    samples: list[Sample]


def bench(settings: BenchSettings) -> Measured:
    """Measure what ``settings`` ask for. What it is at is logged.

    A Ctrl-C ends it with what is whole by then, and the report says so (``interrupted``); before the first run is over
    it is a KeyboardInterrupt.

    Raises InputError for a source that ends before anything could be measured, or a rate asked of a source that has
    its own; and what opening an engine and a source raises.
    """
    sensors = Sensors()
    limits, before = sensors.limits(), sensors.read()
    power_before = power_facts()
    idle = _idle(sensors)
    cold = cold_start(settings) if settings.cold_start else None
    with ExitStack() as stack:
        engine = stack.enter_context(_open_engine(settings))
        camera = stack.enter_context(open_camera(settings.source, reconnect_s=0))  # one that waits measures nothing
        if camera.live and (settings.rates or settings.asks_peak or settings.layers):
            raise InputError(
                f"{settings.source} is live and has its own rate: set it there, and leave --rate, --peak, --layers and "
                "--publish out"
            )
        if settings.layers and engine.backend != "trt":
            raise InputError(f"--layers is TensorRT's, and this is {engine.description}: leave --layers out")
        announce(engine, settings.backend)
        labelled = None
        if settings.frames and settings.annotations:
            labelled = labelled_frames(settings.frames, settings.annotations, engine.bundle.classes)
        held = None if camera.live else hold(camera, settings.source)
        source = camera if held is None else Held(held, camera)
        placing = Placing(source, PlacingSettings())
        stop = threading.Event()
        with stopping(stop):
            runs, samples = _runs(settings, engine, source, placing, sensors, stack, stop)
            if not runs:
                raise KeyboardInterrupt
            fps = middle([run.fps for run in runs])
            rates = _rates(settings, engine, source, placing, stop)
            peak = _peak(settings, engine, source, placing, fps, stop)
        found = layers = None
        try:
            if not stop.is_set():
                found = _accuracy(settings, engine, labelled)
                layers = None if held is None or not settings.layers else _layers(settings, engine, held)
        except KeyboardInterrupt:
            stop.set()
        stack.enter_context(finishing())  # a second Ctrl-C costs no report
        report = {
            "format": FORMAT,
            "published": settings.publish and not stop.is_set(),
            "interrupted": interrupted(settings, len(runs), len(rates), peak) if stop.is_set() else None,
            **summary(runs),
            "runs": [figures(run) for run in runs],
            "rates": rates,
            "peak": peak,
            "cold_start": None if cold is None else cold.to_json(),
            **origin(engine, settings.source, source),
            "held_frames": None if held is None else _frames(held),
            "accuracy": found,
            "layers": layers,
            "machine": machine_state(samples, limits, before, idle, fps),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            "host": host_facts(),
            "power": {"before": power_before, "after": power_facts()},
            "versions": versions(engine.versions),
            "method": _method(settings),
        }
    return Measured(without_passwords(report), runs, samples)


class _Watch:
    """Hands each result to the trace, and says now and then how far a run is."""

    def __init__(self, trace: Background | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._trace, self._clock, self._results = trace, clock, 0
        self._began = self._told = clock()

    def __call__(self, result: Result) -> None:
        self._results += 1
        if self._trace:
            self._trace.write(result)
        if (now := self._clock()) - self._told >= TOLD_S:
            self._told = now
            log.info("%d results after %.0f s, warm-up included", self._results, now - self._began)


def _open_engine(settings: BenchSettings) -> Engine:
    return open_engine(
        settings.model,
        settings.backend,
        settings.threads,
        trust_engine=settings.trust_engine,
        zero_copy=settings.zero_copy,
        spin=settings.spin,
        tiles=settings.tiles,
    )


def _idle(sensors: Sensors) -> list[Reading]:
    """Looks at the power while nothing is computed; none where nothing measures it."""
    if not sensors.has_power:
        return []
    log.info("idle power: %.0f s", IDLE_SAMPLES * IDLE_PERIOD_S)
    looks = []
    for _ in range(IDLE_SAMPLES):
        time.sleep(IDLE_PERIOD_S)
        looks.append(sensors.read())
    return looks


def _runs(
    settings: BenchSettings,
    engine: Engine,
    source: Camera,
    placing: Placing,
    sensors: Sensors,
    stack: ExitStack,
    stop: threading.Event,
) -> tuple[list[Run], list[Sample]]:
    limits, several = settings.limits, settings.run_count
    trace = None
    if settings.trace:
        trace = stack.enter_context(Background(TraceSink(settings.trace), depth=1000, lossless=True))
    runs: list[Run] = []
    samples: list[Sample] = []
    for i in range(several):
        log.info(
            "run %d of %d: warm-up of %.3g s, then %.4g s and %d results, at most %.4g s",
            *(i + 1, several, limits.warm_up_s, limits.seconds, limits.results, limits.most_s),
        )
        sampler = Sampler(sensors)
        try:
            run = timed_run(source, engine, limits, placing, watch=_Watch(trace), begun=sampler.start, stop=stop)
            if not sampler.samples:
                sampler.take()  # one at least, of a run that is shorter than the second between two
        finally:
            taken = sampler.stop()
        if stop.is_set():  # it is not whole
            break
        if run.fps is None:
            raise InputError(
                f"{settings.source} ended after {len(run.records)} results behind the warm-up of {limits.warm_up_s:g} "
                "s: the bench needs 2 or more: give a longer source, or a shorter --warm-up"
            )
        runs.append(run)
        samples += taken
    if trace:
        trace.close()
        if trace.error:
            raise trace.error
    return runs, samples


def _rates(
    settings: BenchSettings, engine: Engine, source: Camera, placing: Placing, stop: threading.Event
) -> list[dict[str, Any]]:
    found = []
    for rate in settings.rates if not stop.is_set() else ():
        assert isinstance(source, Held)
        limits = Limits.of(settings.run_seconds / 3, min(settings.warm_up_s, 1.0), percentile=95)
        log.info("%g frames a second, for %.4g s or some more", rate, limits.seconds)
        measured = at_rate(source, engine, rate, limits, placing, stop)
        if stop.is_set():
            break
        found.append(measured.to_json())
    return found


def _peak(
    settings: BenchSettings, engine: Engine, source: Camera, placing: Placing, fps: float, stop: threading.Event
) -> dict[str, Any] | None:
    if not settings.asks_peak or stop.is_set():
        return None
    assert isinstance(source, Held)
    frames: Held = source

    def attempt(rate: float) -> AtRate:
        if not stop.is_set():
            log.info("peak: %.4g frames a second", rate)
        return at_rate(frames, engine, rate, peak_limits(rate, settings.run_seconds), placing, stop)

    best, tries = find_peak(attempt, fps)
    return (
        None
        if stop.is_set()
        else {
            "rate": None if best is None else round(best.rate, 3),
            "most_loss": MOST_LOSS,
            "tries": [one.to_json() for one in tries],
        }
    )


def _accuracy(
    settings: BenchSettings, engine: Engine, labelled: tuple[list[Frame], list[Labelled], list[str]] | None
) -> dict[str, Any] | None:
    if labelled is None or settings.annotations is None:
        return None
    log.info("accuracy: %d labelled frames", len(labelled[0]))
    return accuracy(engine, *labelled, settings.annotations)


def _layers(settings: BenchSettings, engine: Engine, held: list[Frame]) -> dict[str, Any]:
    from edge.engine.layers import layer_times  # needs TensorRT

    log.info("layers: %d frames without CUDA graph", len(held))
    preprocess = Preprocessor(engine.bundle)
    images = [preprocess.forward(frame)[1] for frame in held]
    rows = layer_times(engine.bundle, images, trust_engine=settings.trust_engine)
    layers = [{"name": name, "mean_ms": round(ms, 4), **asdict(facts)} for name, ms, facts in rows]
    return {"frames": len(images), "layers": layers}


def _frames(held: list[Frame]) -> dict[str, Any]:
    first = held[0]
    return {
        "count": len(held),
        "width": first.width,
        "height": first.height,
        "type": first.pixels.dtype.name,
        "sha256": hash_of(held),
    }


def _method(settings: BenchSettings) -> str:
    limits = settings.limits
    return (
        f"wall clock; {settings.run_count} run(s), each until {limits.seconds:g} s and {limits.results} results, at "
        f"most {limits.most_s:g} s, after a warm-up of {limits.warm_up_s:g} s that is not counted; of a file or "
        f"simulation the first {HELD} frames from memory, again and again; followed and located; one process"
    )
