"""One run: the detectors load, find the same, take turns; then the two loops take theirs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone

from benchmarks.peers.agreement import ROUNDED, SAME, Agreement, agreement
from benchmarks.peers.detectors import DETECTORS, OURS, AbsentError, Detector, Grey
from benchmarks.peers.loops import BUFFERS, PLAIN, RATE, STREAM, in_turns
from benchmarks.peers.result import (
    FORMAT,
    MULTIPLIES,
    DetectorResult,
    Load,
    LoopResult,
    Peers,
    loop_result,
    ratio,
    spread,
)
from benchmarks.peers.turns import LEAST_ROUNDS, PAUSE_S, Turn, Worker, take_turns
from edge.camera import open_camera
from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.errors import EngineError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.transform import Preprocessor
from edge.system.cpu import PAIR_BITS, byte_products
from edge.system.host import host_facts, versions
from edge.system.sampler import Sampler
from edge.system.sensors import Sensors

LOOPS = "loops"  # as --only takes them
NAMES = (*(d.name for d in DETECTORS), LOOPS)
SOURCE = "sim:live=0,fps=0.5,ffc_interval=0,width={},height={},frames={}"  # 2 s apart: no two frames are alike
YOLO = (
    "Left out: YOLO of Ultralytics. It is AGPL-3.0, so it is not in this environment; and it is another network with "
    "other weights, so that its accuracy would have to be compared first."
)
Say = Callable[[str], None]


class LoadWatch:
    """How busy the machine is from now to `end`, and how much of that is not ours."""

    def __init__(self, own_cpu_s: float) -> None:
        """``own_cpu_s``: processor time that all processes of ours have taken so far."""
        self._sampler, self._own, self._begun = Sampler(Sensors()), own_cpu_s, time.monotonic()

    def end(self, own_cpu_s: float) -> Load:
        """``own_cpu_s``: the same, now."""
        passed, busy = time.monotonic() - self._begun, self._sampler.take().machine_percent
        if busy is None:
            return Load(None, None)
        own = 100 * (own_cpu_s - self._own) / (passed * (os.cpu_count() or 1))
        return Load(busy, round(min(max(busy - own, 0.0), 100.0), 1))


def measure(bundle: Bundle, seconds: float, count: int, only: Sequence[str], say: Say) -> Peers:
    """All of it. ``only``: of `NAMES`; ours is always measured. Raises EdgeError where ours cannot be measured."""
    threads = len(os.sched_getaffinity(0))
    source = SOURCE.format(bundle.width, bundle.height, count)
    frames = frames_of(bundle, source)
    chosen = [d for d in DETECTORS if d.name in (*only, OURS)]
    detectors, load, used = compare(bundle, frames, threads, chosen, seconds, say)
    loops, loops_load = (
        measure_loops(bundle, frames, threads, seconds, say) if LOOPS in only else ([], Load(None, None))
    )
    return Peers(
        format=FORMAT,
        command="make bench-peers",
        date=datetime.now(timezone.utc).date().isoformat(),
        host={**host_facts(), MULTIPLIES: list(byte_products(PAIR_BITS))},
        versions=versions(used),
        model=bundle.name,
        model_files=dict(bundle.files),
        frames=source,
        threads=threads,
        method=method(bundle, count, seconds),
        load=load,
        loops_load=loops_load,
        detectors=detectors,
        rate=RATE,
        buffers=BUFFERS,
        loops=loops,
        left_out=YOLO,
    )


def frames_of(bundle: Bundle, source: str) -> list[Grey]:
    """Normalised pictures of the bundle's size: what every detector gets."""
    with open_camera(source) as camera:
        return [Preprocessor(bundle, independent=True).forward(f)[1].copy() for f in iter(camera.read, None)]


def compare(
    bundle: Bundle, frames: Sequence[Grey], threads: int, chosen: Sequence[Detector], seconds: float, say: Say
) -> tuple[list[DetectorResult], Load, dict[str, str]]:
    """The detectors ``chosen``, ours first, in their order; how busy the machine was; versions of what computed."""
    reference: list[RawDetections] = []
    absent: dict[str, str] = {}
    same: dict[str, Agreement] = {}
    workers: list[Worker] = []
    with ExitStack() as stack:
        for d in chosen:
            say(f"loading {d.name}")
            try:
                worker = Worker(d.name, bundle, frames, threads)
                stack.callback(worker.close)
                found = [worker.look(i) for i in range(len(frames))]
            except AbsentError as error:
                if d.name == OURS:
                    raise EngineError(f"ours cannot be measured: {error}") from None
                absent[d.name] = str(error)
                say(f"{d.name} is not measured: {error}")
                continue
            workers.append(worker)
            if d.name == OURS:
                reference = found
                continue
            same[d.name] = agreement(reference, found, bundle.score_threshold, d.tolerance)
            say(f"{d.name} {same[d.name].refused or same[d.name]}")
        watch = LoadWatch(time.process_time() + sum(w.cpu_s() for w in workers))
        try:
            turns = take_turns(workers, len(frames), seconds, progress=lambda n: say(f"round {n}"))
        except AbsentError as error:
            raise EngineError(f"a detector failed while it was timed: {error}: leave it out, see --only") from None
        load = watch.end(time.process_time() + sum(w.cpu_s() for w in workers))
    results = [
        DetectorResult(d.name, d.short, d.what, absent=absent[d.name])
        if d.name in absent
        else timed(d, turns[d.name], turns[OURS], same.get(d.name))
        for d in chosen
    ]
    return results, load, {name: v for w in workers for name, v in w.versions.items()}


def timed(d: Detector, turns: Sequence[Turn], ours: Sequence[Turn], same: Agreement | None) -> DetectorResult:
    """``same``: what it finds beside ours, None for ours. One that finds something else has times, but no ratio."""
    return DetectorResult(
        d.name,
        d.short,
        d.what,
        len(turns),
        spread([t.wall * 1e3 for t in turns]),
        spread([t.cpu * 1e3 for t in turns]),
        None if same and same.refused else ratio(turns, ours),
        same,
    )


def measure_loops(
    bundle: Bundle, frames: Sequence[Grey], threads: int, seconds: float, say: Say
) -> tuple[list[LoopResult], Load]:
    """Both loops around our detector, in this process."""
    with OrtEngine(bundle, threads, ONNX_CPU) as engine:
        engine.infer(frames[0])
        watch = LoadWatch(time.process_time())
        looks = in_turns(frames, engine, seconds, lambda name: say(f"loop {name}"))
        load = watch.end(time.process_time())
    return [
        loop_result(PLAIN, "plain OpenCV loop: read, detect, read, detect", looks[PLAIN]),
        loop_result(STREAM, "`edge.stream`, policy `latest`", looks[STREAM]),
    ], load


def method(bundle: Bundle, count: int, seconds: float) -> list[str]:
    """How it was done, a sentence or some each."""
    return [
        f"Detectors: the weights of the bundle `{bundle.name}`, {count} simulated frames of {bundle.width}x"
        f"{bundle.height}, from 8-bit grey pixels to boxes. Each runs in a process of its own; they take turns, one "
        f"frame each, with {PAUSE_S * 1e3:.0f} ms between two turns, until {seconds:g} s have passed (and "
        f"{LEAST_ROUNDS} rounds). The first round is not counted. A ratio is that of one frame in one round; shown is "
        "the median of all rounds. Processor time is that of all threads, with those that wait and spin.",
        f"Before a detector is timed, its detections with a score of {bundle.score_threshold:g} or more are compared "
        f"with ours: {SAME}; of INT8, {ROUNDED}; and as few others. One that finds other things gets no ratio.",
        f"Loops: a camera that makes {RATE:g} frames a second, `model.onnx` in ONNX Runtime for both. The camera is a "
        f"model of a Video4Linux one in OpenCV: the driver fills {BUFFERS} buffers in order, leaves out frames while "
        "none is free, and `read` gives the oldest. The plain loop runs half before ours and half after it; the first "
        "results, while the queue fills, are left out. The age of a frame counts from the moment when the camera made "
        "it until the loop has its detections. Ours also corrects, normalises and judges the picture, and looks at "
        "the inverted picture (is the camera black-hot?), often in the first frames of a flight and rarely later: all "
        "of that is in its figures.",
    ]
