"""Contrast: differences and clutter of small pictures, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edge.thermal.contrast import COLUMNS, LEAST_SPREAD, ROWS, clutter, differences, spreads

SIDE = 8.0


def ground(width: int = 40, height: int = 40, level: int = 100) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


@pytest.mark.parametrize(("x", "y"), [(15, 15), (0, 0), (30, 30), (0, 30), (15, 0)])
@pytest.mark.parametrize("level", [160, 40])
def test_a_body_differs_from_what_lies_around_it(x: int, y: int, level: int) -> None:
    """Also at the border of the picture, where half of the ring is outside."""
    picture = ground()
    picture[y : y + 10, x : x + 10] = level
    assert differences(picture, [[x, y, x + 10, y + 10]]).tolist() == [level - 100]


def test_the_middle_is_half_of_the_sides_and_the_ring_is_outside() -> None:
    picture = ground()
    picture[16:20, 16:20] = 140  # the middle of the box, to the pixel
    box = [[14, 14, 22, 22]]
    assert differences(picture, box).tolist() == [40]
    picture[16:18, 16:18] = 100
    assert differences(picture, box).tolist() == [30]  # the mean
    picture[14:22, 14:22] = 100
    picture[16:20, 16:20] = 140
    picture[:12] = picture[24:] = picture[:, :12] = picture[:, 24:] = 200  # beyond the ring, which is 12 px wide
    assert differences(picture, box).tolist() == [40]
    picture[12] = picture[23] = picture[:, 12] = picture[:, 23] = 200
    assert differences(picture, box)[0] < 0


def test_a_second_body_beside_it_changes_nothing() -> None:
    picture = ground()
    picture[15:25, 15:25] = 160
    picture[15:25, 25:40] = 220  # a quarter of the ring
    assert differences(picture, [[15, 15, 25, 25]]).tolist() == [60]


def test_boxes_of_less_than_a_pixel_and_none() -> None:
    picture = ground()
    picture[10, 10] = 130
    assert differences(picture, [[10.2, 10.2, 10.8, 10.8]]).shape == (1,)
    assert differences(picture, np.zeros((0, 4))).shape == (0,)


def test_the_spread_is_that_of_the_ring() -> None:
    """A ring of 12 px around 8 px: the left half at 90, the right half at 110."""
    picture = ground()
    picture[:, :18], picture[:, 18:] = 90, 110
    picture[14:22, 14:22] = 255  # what is inside is no spread
    box = [[14, 14, 22, 22]]
    assert spreads(picture, box)[0] == pytest.approx(10, abs=0.05)
    picture[picture == 110] = 100
    assert spreads(picture, box)[0] == pytest.approx(5, abs=0.05)


def test_without_spread_there_is_that_of_rounding() -> None:
    assert spreads(ground(), [[14, 14, 22, 22]]).tolist() == [LEAST_SPREAD]
    assert set(clutter(ground(), SIDE).tolist()) == {LEAST_SPREAD}


def test_clutter_is_taken_all_over_the_picture() -> None:
    """A quarter of the picture is striped, a level of 80 and one of 120: a spread of 20."""
    picture = ground(400, 320)
    picture[160:, 200:] = np.where(np.arange(200) % 2, 120, 80)
    found = clutter(picture, SIDE)
    assert len(found) == COLUMNS * ROWS
    assert np.count_nonzero(found > 15) / len(found) == pytest.approx(0.25, abs=0.02)
    assert np.median(found[found > 15]) == pytest.approx(20, abs=0.7)
    assert np.count_nonzero(found == LEAST_SPREAD) / len(found) == pytest.approx(0.75, abs=0.02)


def test_clutter_grows_with_the_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (200, 300))
    found = [np.median(clutter(np.clip(100 + a * noise, 0, 255).astype(np.uint8), SIDE)) for a in (2, 6, 18)]
    assert found == pytest.approx([2, 6, 18], rel=0.1)


def test_places_where_nobody_looks_are_left_out() -> None:
    picture, mask = ground(400, 320), np.zeros((320, 400), bool)
    picture[:160] = np.random.default_rng(2).integers(0, 255, (160, 400))
    mask[:160] = True
    found = clutter(picture, SIDE, mask)
    assert len(found) == COLUMNS * ROWS / 2
    assert set(found.tolist()) == {LEAST_SPREAD}
    mask[:] = True
    assert len(clutter(picture, SIDE, mask)) == 0


def test_what_does_not_fit_into_the_picture_has_no_place() -> None:
    assert len(clutter(ground(), 26.0)) == COLUMNS * ROWS
    assert len(clutter(ground(), 27.0)) == 0
    assert len(clutter(ground(), 0.0)) == 0
