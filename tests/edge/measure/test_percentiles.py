"""A percentile stands where enough results carry it, and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.data import Detections, Frame
from edge.measure.meter import RECENT_LATENCY, Meter
from edge.measure.percentiles import LEAST_RESULTS, RULE, carried, name_of, spread_of
from tests.conftest import made


@pytest.mark.parametrize("percentile", [90, 95, 99, 99.9])
def test_the_least_number_is_the_smallest_with_two_beyond_at_99_per_cent(percentile: float) -> None:
    p = percentile / 100

    def at_most_one_beyond(n: int) -> float:
        return math.exp(n * math.log(p)) * (1 + n * (1 - p) / p)

    least = LEAST_RESULTS[percentile]
    assert at_most_one_beyond(least) <= 0.01 < at_most_one_beyond(least - 1)
    assert f"{name_of(percentile)} {least}" in RULE


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (0, []),
        (1, ["p50"]),
        (63, ["p50"]),
        (64, ["p50", "p90"]),
        (129, ["p50", "p90"]),
        (130, ["p50", "p90", "p95"]),
        (661, ["p50", "p90", "p95"]),
        (662, ["p50", "p90", "p95", "p99"]),
        (6635, ["p50", "p90", "p95", "p99"]),
        (6636, ["p50", "p90", "p95", "p99", "p99.9"]),
    ],
)
def test_each_is_left_out_below_its_number(count: int, names: list[str]) -> None:
    assert [name_of(p) for p in carried(LEAST_RESULTS, count)] == names
    values = np.arange(1.0, count + 1)
    found = spread_of(values)
    assert list(found) == (["mean", *names, "max"] if count else [])
    for name in names:
        assert found[name] == pytest.approx(np.percentile(values, float(name[1:])), abs=1e-3)
    if count:
        assert (found["mean"], found["max"]) == ((count + 1) / 2, count)


def test_the_meter_of_a_flight_keeps_the_rule_and_the_live_one_too() -> None:
    meter = Meter(warmup=0)
    pixels = np.zeros((4, 4), np.uint8)
    for i in range(1, 663):
        stages = {"infer": float(i)}
        meter.add(made(Frame(pixels, i, float(i)), Detections.none(4, 4), i + i / 1000, pixels, stages_ms=stages))
        names = ["p50", *(["p95"] if i >= 130 else []), *(["p99"] if i >= 662 else [])]
        if i in (1, 129, 130, 661, 662):
            assert list(meter.latency_ms) == list(meter.recent_latency_ms) == names
            assert list(meter.stages_ms["infer"]) == names
    assert meter.recent_latency_ms["p99"] == pytest.approx(np.percentile(range(1, 663), 99))
    assert RECENT_LATENCY == 662


def test_a_spread_is_told_to_a_thousandth() -> None:
    assert spread_of([0.12341, 0.12341]) == {"mean": 0.123, "p50": 0.123, "max": 0.123}
