"""What the machine did, by hand: means, slopes, and each thing that slows it down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.app.bench.machine_state import machine_state, throttling
from edge.system.sampler import Sample
from edge.system.sensors import Limits, Reading

LIMITS = Limits(1500, 1700, 900, 1000, {"tj": 90.0})
CALM = Reading((700, 1500), 900, {"tj": 50.0}, {"VDD_IN": 8.0, "VDD_SOC": 2.0}, {"oc1": 4}, 1500)


def samples(count: int = 12, **changed: Any) -> list[Sample]:
    """One a second; memory grows by 0.5 MiB a second."""
    return [Sample(float(i), 100.0, None, 300.0 + i / 2, replace(CALM, **changed)) for i in range(count)]


def test_each_figure_under_its_name() -> None:
    idle = [replace(CALM, watts={"VDD_IN": 3.0, "VDD_SOC": 1.0}), replace(CALM, watts={"VDD_IN": 5.0})]
    assert machine_state(samples(), LIMITS, replace(CALM, celsius={"tj": 41.0}), idle, fps=16.0) == {
        "samples": 12,
        "cpu_percent": 100.0,
        "machine_percent": None,
        "rss_mib": {"first": 300.0, "last": 305.5, "max": 305.5},
        "rss_slope_mib_per_min": 30.0,
        "cpu_mhz": {"min": 1500, "mean": 1500.0, "max": 1500, "allowed": 1500, "hardware": 1700},
        "gpu_mhz": {"min": 900, "mean": 900.0, "max": 900, "allowed": 900, "hardware": 1000},
        "celsius": {"tj": {"first": 41.0, "max": 50.0, "trip": 90.0}},
        "fan_rpm": 1500.0,
        "power": {
            "rails_w": {"VDD_IN": 8.0, "VDD_SOC": 2.0},
            "total_w": 8.0,
            "total_of": ["VDD_IN"],
            "idle_w": 4.0,
            "above_idle_w": 4.0,
            "joules_a_frame": 0.5,
        },
        "events": {"oc1": 0},
        "throttling": [],
    }


def test_a_machine_that_tells_nothing_is_null_and_not_zero() -> None:
    told = machine_state([Sample(0.0, 5.0, 9.0, 1.0, Reading())], Limits(), Reading(), [], None)
    assert {name for name, value in told.items() if value is None} == {
        *("rss_slope_mib_per_min", "cpu_mhz", "gpu_mhz", "fan_rpm", "power"),
    }
    assert (told["celsius"], told["events"], told["throttling"]) == ({}, {}, [])
    no_idle = machine_state(samples(2), LIMITS, CALM, [], None)["power"]
    assert (no_idle["idle_w"], no_idle["above_idle_w"], no_idle["joules_a_frame"]) == (None, None, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"events": {"oc1": 6}}, "over-current: oc1 rose by 2"),
        ({"events": {"oc1": 4, "cpu_throttled": 1}}, None),  # it was not looked at before
        ({"celsius": {"tj": 87.1}}, "heat: tj reached 87.1 deg C, clocks are lowered at 90.0"),
        ({"celsius": {"tj": 87.0}}, None),
        ({"gpu_mhz": 881}, "the GPU's clock was below its 900 MHz in 12 of 12 samples, at least 881 MHz"),
        ({"gpu_mhz": 882}, None),
        ({"cpu_mhz": (700, 1349)}, "the fastest core was below 90% of its 1500 MHz in 12 of 12 samples"),
        ({"cpu_mhz": (700, 1350)}, None),
    ],
)
def test_what_slows_it_down_is_named(changed: dict[str, Any], said: str | None) -> None:
    lines = throttling(samples(**changed), LIMITS, CALM)
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]


def test_other_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.bench.machine_state.os.cpu_count", lambda: 4)
    busy = [replace(sample, machine_percent=percent) for sample, percent in zip(samples(2), (44.0, 48.0), strict=True)]
    assert throttling(busy, LIMITS, CALM) == ["other programs took 21 % of the machine: close them and measure again"]
    busy = [replace(sample, machine_percent=45.0) for sample in samples(2)]
    assert throttling(busy, LIMITS, CALM) == []


def test_a_core_that_rests_is_not_slow() -> None:
    resting = [replace(sample, cpu_percent=50.0) for sample in samples(cpu_mhz=(700, 700))]
    assert throttling(resting, LIMITS, CALM) == []
