"""What was measured against its limits: one step to each side."""

from __future__ import annotations

import pytest

from edge.errors import InputError
from edge.health.ladder import Rung, Trouble
from edge.health.pace import Pace
from edge.health.strain import Limits, Measured, troubles

MIB = 1024 * 1024


def only(measured: Measured, limits: Limits | None = None) -> Trouble:
    (found,) = troubles(measured, limits or Limits())
    return found


@pytest.mark.parametrize(
    ("measured", "over", "clear"),
    [
        (Measured({"cpu": 94.0}, {"cpu": 99.0}), True, False),
        (Measured({"cpu": 93.9}, {"cpu": 99.0}), False, False),
        (Measured({"cpu": 89.0}, {"cpu": 99.0}), False, False),
        (Measured({"cpu": 88.9}, {"cpu": 99.0}), False, True),
        (Measured(events=1), True, False),
        (Measured(events=0), False, True),
        (Measured(memory=256 * MIB - 1), True, False),
        (Measured(memory=256 * MIB), False, False),
        (Measured(memory=512 * MIB), False, True),
        (Measured(disk=999_999_999), True, False),
        (Measured(disk=1_999_999_999), False, False),
        (Measured(disk=2_000_000_000), False, True),
        (Measured(age_s=1.01, interval_s=0.1), True, False),
        (Measured(age_s=1.0, interval_s=0.1), False, False),
        (Measured(age_s=0.49, interval_s=0.1), False, True),
        (Measured(age_s=1.9, interval_s=0.5), False, False),  # a slow engine: twice its interval is as it must be
        (Measured(age_s=2.1, interval_s=0.5), True, False),
    ],
)
def test_limits(measured: Measured, over: bool, clear: bool) -> None:
    found = only(measured)
    assert (found.over, found.clear) == (over, clear)


def test_the_zone_that_is_nearest_to_its_own_limit_counts_and_is_named() -> None:
    found = only(Measured({"cpu": 80.0, "gpu": 70.0, "free": 200.0}, {"cpu": 99.0, "gpu": 72.0}))
    assert found.seen == "gpu has 70.0 deg C, limit 67.0, it throttles at 72.0"
    assert (found.value, found.limit, found.because) == (70.0, 67.0, "heat")


def test_what_the_machine_does_not_tell_is_no_trouble() -> None:
    assert list(troubles(Measured({"cpu": 200.0}), Limits())) == []  # no trip point: nobody knows what is too hot


def test_what_helps_against_what() -> None:
    assert only(Measured(disk=0)).rungs == only(Measured(memory=0)).rungs == (Rung.PICTURES, Rung.RECORDING)
    assert Rung.SLOWER not in only(Measured(age_s=9.0, interval_s=0.1)).rungs
    assert only(Measured(events=1)).rungs == tuple(Rung)


def test_limits_of_a_mission() -> None:
    limits = Limits(heat_margin=20, memory=10, disk=100)
    assert only(Measured({"cpu": 79.0}, {"cpu": 99.0}), limits).over
    assert not only(Measured(memory=10), limits).over
    assert only(Measured(disk=99), limits).over
    for wrong in ({"heat_margin": -1}, {"memory": -1}, {"disk": -1}, {"heat_margin": float("nan")}):
        with pytest.raises(InputError, match="expected a margin of 0 to 100 K"):
            Limits(**wrong)  # type: ignore[arg-type]


def test_a_rest_makes_intervals_twice_as_long() -> None:
    pace = Pace()
    assert pace.rest_s(0.0, 2.0) == 0.0  # nothing is known yet
    for i in range(5):
        pace.took(0.1 * i, 1.0)
    assert pace.rest_s(0.45, 1.0) == 0.0
    assert pace.rest_s(0.45, 2.0) == pytest.approx(0.15)
    pace.took(0.6, 2.0)  # what is slowed down is not the usual
    assert pace.rest_s(0.65, 2.0) == pytest.approx(0.15)
    assert pace.rest_s(99.0, 2.0) == 0.0


def test_a_board_that_is_hot_from_the_first_frame_on_rests_too() -> None:
    pace = Pace()
    pace.took(0.0, 2.0)
    pace.took(0.1, 2.0)
    assert pace.rest_s(0.1, 2.0) == pytest.approx(0.2)


def test_a_rest_has_an_end() -> None:
    pace = Pace()
    pace.took(0.0, 1.0)
    pace.took(30.0, 1.0)
    assert pace.rest_s(30.0, 2.0) == 2.0
