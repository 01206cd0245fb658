from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.measure.meter import Meter, StageTimer, percentiles
from tests.conftest import made


def result(seq: int, t_capture: float, t_result: float, inferred: bool = True, **stages: float) -> Result:
    pixels = np.zeros((4, 4), np.uint8)
    return made(
        Frame(pixels, seq, t_capture), Detections.none(4, 4), t_result, pixels, stages_ms=stages, inferred=inferred
    )


def test_fps_counts_intervals_not_results() -> None:
    meter = Meter(warmup=0)
    for i in range(31):  # 30 intervals of 1/30 s: a mean of 31 stamps over 1 s would say 31
        meter.add(result(i, i / 30, i / 30 + 0.01))
    assert meter.fps == pytest.approx(30.0)
    assert meter.recent_fps == pytest.approx(30.0)


def test_warm_up_counts_neither_in_fps_nor_in_latency() -> None:
    meter = Meter(warmup=2)
    for t_capture, t_result in ((0, 9), (9, 18), (20, 20.1), (21, 21.1), (22, 22.1)):
        meter.add(result(0, t_capture, t_result, infer=50.0))
    assert meter.fps == pytest.approx(1.0)
    assert meter.latency_ms == {"p50": pytest.approx(100.0)}
    assert meter.stages_ms == {"infer": {"p50": 50.0}}
    assert meter.results == 5


def test_frames_the_engine_did_not_see_do_not_count() -> None:
    meter = Meter(warmup=0)
    for i in range(11):
        meter.add(result(i, i, i + 0.5))
        meter.add(result(i, i, i + 0.6, inferred=False))
    assert meter.fps == pytest.approx(1.0)
    assert meter.latency_ms["p50"] == pytest.approx(500.0)


def test_nothing_measured_is_none_not_zero() -> None:
    meter = Meter()
    assert meter.fps is None
    assert meter.latency_ms == {}
    meter.add(result(0, 0, 1))
    meter.add(result(1, 1, 2))
    assert meter.fps is None  # one is warm-up, one result has no rate


def test_percentiles_golden() -> None:
    # linear interpolation (Hyndman and Fan, definition 7) of 1..662; fewer values do not carry all
    assert percentiles(range(1, 663)) == {"p50": 331.5, "p95": 628.95, "p99": 655.39}
    assert list(percentiles(range(661))) == list(percentiles(range(130))) == ["p50", "p95"]
    assert percentiles(range(1, 130)) == {"p50": 65.0}


def test_laps_with_a_clock_of_our_own() -> None:
    times = iter([10.0, 10.002, 10.005])
    timer = StageTimer(lambda: next(times))
    timer.end("normalise")
    assert timer.end("infer") == 10.005
    assert timer.ms == pytest.approx({"normalise": 2.0, "infer": 3.0})


def test_a_long_flight_takes_no_more_memory() -> None:
    meter = Meter(warmup=0)
    names = ("wait", "correct", "normalise", "infer", "postprocess", "health", "consumer")

    def fly(frames: range) -> int:
        for i in frames:
            stages = {name: 1 + (7 * i + j) % 997 / 10 for j, name in enumerate(names)}
            meter.add(result(i, i / 30, i / 30 + 0.01 + i % 100 / 1e4, **stages))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    first, second = fly(range(1000)), fly(range(1000, 3000))
    tracemalloc.stop()
    assert first < 8 * 100_000  # each stage, and the latency
    assert second - first < 5_000
    assert meter.fps == pytest.approx(30, rel=1e-3)
    latency, infer = [10 + i % 100 / 10 for i in range(3000)], [1 + (7 * i + 3) % 997 / 10 for i in range(3000)]
    assert list(meter.latency_ms.values()) == pytest.approx(np.percentile(latency, (50, 95, 99)), rel=1e-3)
    assert list(meter.stages_ms["infer"].values()) == pytest.approx(np.percentile(infer, (50, 95, 99)), rel=1e-3)
