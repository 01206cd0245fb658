"""Which 256 numbers an activation becomes."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import InputError
from export.graph.int8.ranges import Grid, Histogram, short


def grid_of(*parts: np.ndarray) -> Grid:
    histogram = Histogram()
    for part in parts:
        histogram.add(np.asarray(part, np.float32))
    return histogram.grid()


def rounded(values: np.ndarray, grid: Grid) -> np.ndarray:
    return (np.clip(np.rint(values / grid.scale) + grid.zero, 0, 255) - grid.zero) * grid.scale


def test_what_a_relu_gives_begins_at_zero() -> None:
    grid = grid_of(np.linspace(0, 2.55, 10_000))
    assert grid.zero == 0
    assert 0.0099 < grid.scale <= 0.0101


def test_both_signs_have_zero_among_their_numbers() -> None:
    values = np.linspace(-1, 3, 10_000)
    grid = grid_of(values)
    assert 62 <= grid.zero <= 65
    assert np.abs(rounded(values, grid) - values).max() < 1.6 * grid.scale


def test_one_hot_pixel_does_not_coarsen_all_others() -> None:
    """Of the 64 million numbers that a large map gives in 32 frames."""
    body = np.abs(np.random.default_rng(0).normal(0, 1, 200_000)).astype(np.float32)
    grid = grid_of(*[body] * 320, np.array([30]))
    assert 6 < 255 * grid.scale < 23
    assert np.abs(rounded(body, grid) - body).max() < 0.05  # and nothing else is clipped


def test_the_order_of_frames_means_nothing_and_ranges_grow() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.normal(0, scale, 5000) for scale in (0.01, 1, 70)]
    assert grid_of(*parts) == grid_of(*parts[::-1])


def test_nothing_but_zeros() -> None:
    assert grid_of(np.zeros(10)) == Grid(1.0, 0)
    assert grid_of(np.zeros(10), np.ones(10)).scale == pytest.approx(1 / 255, rel=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(InputError, match="overflow in a calibration frame"):
        Histogram().add(np.array([1, bad], np.float32))


def test_a_number_just_below_a_power_of_two() -> None:
    assert grid_of(np.full(9, np.nextafter(np.float32(4), np.float32(0)))).scale == pytest.approx(4 / 255, rel=0.01)


def test_scales_are_short_numbers() -> None:
    for value in (1e-6, 0.0123456, 1.0, 7.7):
        assert value <= short(value) <= value * (1 + 1 / 256)
        assert short(short(value)) == short(value)
        assert float(np.float16(short(value) * 2.0 ** -np.floor(np.log2(value)))) * 2.0 ** np.floor(
            np.log2(value)
        ) == short(value)
