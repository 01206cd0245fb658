"""Percentiles in bounded memory: how far off, and how big."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.measure.histogram import ERROR, LEAST, METHOD, MOST, Histogram

WHICH = (0, 1, 25, 50, 95, 99, 99.9, 100)
times_ms = st.floats(LEAST, MOST)


def counted(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(st.lists(times_ms, min_size=1, max_size=200))
def test_every_percentile_is_right_to_a_thousandth(values: list[float]) -> None:
    found, expected = counted(values).percentiles(WHICH), np.percentile(values, WHICH)
    assert np.all(np.abs(found - expected) <= 0.001 * expected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_also_of_values_on_both_sides_of_zero(values: list[float]) -> None:
    ordered, last = np.sort(values), len(values) - 1
    for which, found in zip(WHICH, counted(values).percentiles(WHICH), strict=True):
        place = which / 100 * last
        nearest = max(abs(ordered[math.floor(place)]), abs(ordered[min(math.floor(place) + 1, last)]))
        assert abs(found - np.percentile(values, which)) <= 0.001 * nearest + LEAST


@given(st.lists(times_ms, min_size=1, max_size=50))
def test_extremes_count_and_mean_are_exact(values: list[float]) -> None:
    histogram = counted(values)
    assert (histogram.count, histogram.minimum, histogram.maximum) == (len(values), min(values), max(values))
    assert histogram.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert histogram.percentiles([0, 100]) == [min(values), max(values)]


@pytest.mark.parametrize(("value", "n"), [(33.333, 7), (0.0, 3), (LEAST / 3, 2), (MOST * 9, 2), (-5.5, 4)])
def test_equal_values_are_exact(value: float, n: int) -> None:
    assert counted([value] * n).percentiles([50, 99]) == [value, value]


def test_nothing_is_not_zero() -> None:
    histogram = counted([math.nan, math.inf])
    assert (histogram.count, histogram.mean, histogram.percentiles([50])) == (0, None, [])


def test_memory_does_not_grow_with_the_number_of_values() -> None:
    rng = np.random.default_rng(0)
    tracemalloc.start()
    histogram = counted(list(np.exp(rng.uniform(np.log(LEAST), np.log(MOST), 10_000))))
    first = tracemalloc.get_traced_memory()[0]
    for value in np.exp(rng.uniform(np.log(LEAST), np.log(MOST), 10_000)):
        histogram.add(value)
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert first < 100_000
    assert second - first < 1_000


def test_the_error_is_stated() -> None:
    assert ERROR == 0.001
    assert "0.1%" in METHOD


def test_the_least_value_has_a_bucket_of_its_own() -> None:
    assert counted([LEAST, LEAST, 1.0]).percentiles([25]) == pytest.approx([LEAST], rel=ERROR)
