"""Samples in time: mixed between two, refused where they cannot be, and nothing beyond the newest but a little."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pose.rotation import of_angles, wrap_180
from edge.pose.series import (
    AHEAD_S,
    BACKWARDS,
    GAP_S,
    JUMPED,
    NO_FIX,
    NOT_A_NUMBER,
    TWICE,
    Place,
    heights,
    place_error,
    places,
    rotations,
)  # fmt: skip

UNKNOWN_MOTION = "the motion of the height is not known yet"


def test_between_two_it_is_linear() -> None:
    series = heights("height")
    for t, value in ((10.0, 50.0), (11.0, 52.0), (11.5, 50.0)):
        assert series.add(t, value) == ""
    assert [series.at(t)[0] for t in (10.0, 10.25, 11.0, 11.25, 11.5)] == [50, 50.5, 52, 51, 50]
    assert len(series) == 3
    assert (series.first_t, series.last_t) == (10.0, 11.5)


def test_before_the_first_and_after_the_newest_there_is_nothing() -> None:
    series = heights("height")
    assert series.at(0) == (None, "no height came")
    assert (series.first_t, series.last_t) == (math.inf, -math.inf)
    series.add(1.0, 10.0)
    series.add(2.0, 12.0)
    assert series.at(0.999) == (None, "before the first height")
    assert series.at(2.0 + AHEAD_S)[0] == pytest.approx(12.5)  # as it moved before
    assert series.at(2.001 + AHEAD_S) == (None, f"the newest height is more than {AHEAD_S:g} s old")


def test_ahead_it_goes_on_as_samples_tell_that_are_not_too_near_to_each_other() -> None:
    series = heights("height")
    for t, value in ((1.0, 10.0), (1.2, 12.0), (1.2001, 20.0)):
        series.add(t, value)
    assert series.at(1.3001)[0] == pytest.approx(20 + 0.1 * 10 / 0.2001, rel=1e-3)  # not 8000 m/s


def test_ahead_of_a_single_sample_nobody_knows() -> None:
    series = heights("height")
    series.add(1.0, 10.0)
    assert series.at(1.0) == (10.0, "")
    assert series.at(1.0001) == (None, UNKNOWN_MOTION)


def test_nothing_is_mixed_over_a_gap() -> None:
    series = heights("height")
    series.add(0.0, 10.0)
    series.add(GAP_S, 11.0)
    series.add(2 * GAP_S + 0.01, 12.0)
    assert series.at(GAP_S / 2)[0] == pytest.approx(10.5)
    assert series.at(GAP_S + 0.1) == (None, f"no height for more than {GAP_S:g} s")
    assert series.at(2 * GAP_S + 0.01) == (12.0, "")
    assert series.at(2 * GAP_S + 0.02) == (None, UNKNOWN_MOTION)  # what was before is too long ago


def test_time_goes_on() -> None:
    series = heights("height")
    assert series.add(1.0, 1.0) == ""
    assert series.add(1.0, 2.0) == TWICE
    assert series.add(0.5, 2.0) == BACKWARDS
    assert series.add(math.nan, 2.0) == NOT_A_NUMBER
    assert series.add(math.inf, 2.0) == NOT_A_NUMBER
    assert len(series) == 1


def test_one_that_jumps_is_refused_and_two_that_agree_begin_anew() -> None:
    series = places()
    at = [Place(47.0, 8.0), Place(47.00005, 8.0), Place(47.5, 8.0), Place(47.0001, 8.0)]
    assert [series.add(t, place) for t, place in enumerate(at)] == ["", "", JUMPED, ""]
    assert series.add(4.0, Place(47.5, 8.0)) == JUMPED
    assert series.add(5.0, Place(47.50005, 8.0)) == ""
    assert len(series) == 5  # the one that jumped belongs to it now
    assert series.at(3.5) == (None, "the position jumped")
    assert series.at(4.5)[0] == Place(pytest.approx(47.500025), 8.0, pytest.approx(math.nan, nan_ok=True), math.nan)
    assert series.at(5.1)[0].latitude == pytest.approx(47.500055)


def test_jumps_that_do_not_agree_are_all_refused() -> None:
    series = places()
    series.add(0, Place(47.0, 8.0))
    assert {series.add(t, Place(47.0 + t / 10, 8.0)) for t in range(1, 9)} == {JUMPED}
    assert len(series) == 1


def test_after_an_interruption_nothing_goes_on() -> None:
    series = heights("height")
    series.add(0.0, 10.0)
    series.interrupt()
    series.add(1.0, 11.0)
    assert series.at(0.5) == (None, "the height jumped")
    assert series.at(1.1) == (None, UNKNOWN_MOTION)
    series.add(1.2, 11.2)
    assert series.at(1.3)[0] == pytest.approx(11.3)
    series.clear()
    assert series.at(1.1) == (None, "no height came")


def test_old_samples_are_forgotten() -> None:
    series = heights("height", keep_s=10)
    for t in range(1000):
        series.add(t / 2, 50.0)
    assert 20 <= len(series) <= 41
    assert series.at(499.5 - 10)[0] == 50.0
    assert series.at(100) == (None, "before the first height")


@given(st.floats(-180, 180), st.floats(-0.001, 0.001), st.floats(0, 1))
def test_longitudes_are_mixed_over_the_antimeridian(longitude: float, step: float, f: float) -> None:
    series = places()
    assert series.add(0.0, Place(47.0, longitude)) == ""
    assert series.add(1.0, Place(47.0, wrap_180(longitude + step))) == ""
    found = series.at(f)[0]
    assert found is not None
    assert -180 <= found.longitude <= 180
    assert wrap_180(found.longitude - longitude - f * step) == pytest.approx(0, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-180, 180)), max_size=30))
def test_what_is_taken_is_in_order_and_every_answer_has_a_value_or_a_reason(samples: list[tuple[float, float]]) -> None:
    series = rotations("attitude")
    for t, yaw in samples:
        series.add(t, of_angles(yaw, 0, 0))
    assert series._t == sorted(set(series._t))
    for t in (0.0, 50.0, 99.9, *(t for t, _ in samples)):
        value, why = series.at(t)
        assert (value is None) == bool(why)


def test_speed_and_accuracy_come_with_the_place() -> None:
    series = places()
    series.add(0, Place(47.0, 8.0, 10.0, 0.5))
    series.add(1, Place(47.0, 8.0001, 12.0, 2.0))
    assert series.at(0.5)[0] == Place(47.0, pytest.approx(8.00005), 11.0, 2.0)  # the worse of both
    series.add(2, Place(47.0, 8.0002, 12.0))
    assert math.isnan(series.at(1.5)[0].sigma)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place(0.0, 0.0), NO_FIX),
        (Place(math.nan, 8.0), NOT_A_NUMBER),
        (Place(47.0, math.inf), NOT_A_NUMBER),
        (Place(90.1, 8.0), "no latitude and longitude"),
        (Place(47.0, -180.1), "no latitude and longitude"),
        (Place(470_000_000.0, 8.0), "no latitude and longitude"),
        (Place(0.0, 8.0), ""),
        (Place(90.0, 180.0), ""),
    ],
)
def test_what_can_be_no_position(place: Place, why: str) -> None:
    assert place_error(place) == why


@pytest.mark.parametrize(("degrees", "why"), [(70, ""), (150, JUMPED)])
def test_an_attitude_may_turn_fast_but_not_at_any_rate(degrees: float, why: str) -> None:
    series = rotations("attitude")
    series.add(0.0, of_angles(0, 0, 0))
    assert series.add(0.1, of_angles(degrees, 0, 0)) == why


@pytest.mark.parametrize(("metres", "why"), [(49, ""), (-49, ""), (51, JUMPED), (137, JUMPED)])
def test_a_height_that_changes_its_unit_jumps(metres: float, why: str) -> None:
    """60 m and then 197 ft: nobody climbs at 137 m/s."""
    series = heights("height")
    series.add(0.0, 60.0)
    assert series.add(1.0, 60.0 + metres) == why
