"""The shutter, by frames of known spread and known noise: every number of the method has a case on either side."""

from __future__ import annotations

import numpy as np
import pytest

from edge.thermal.correct.shutter import Shutter

USUAL = 300  # counts by which half of the rows lie above and half below: spread 1.4826 times that


def rows(apart: int, grain: int = 0, blob: tuple[int, int] = (0, 0), by: int = 0) -> np.ndarray:
    """(64, 80) uint16: bands of 8 rows, ``apart`` above and below 20000; every other pixel of a row ``grain`` above,
    the others below (fine noise 2.4212 times that); ``by`` more on a ``blob`` of so many rows and columns.
    """
    pixels = 20000 + apart * np.where(np.arange(64) // 8 % 2, 1, -1)[:, None]
    pixels = pixels + grain * np.where(np.arange(80) % 2, 1, -1)
    pixels[20 : 20 + blob[0], 40 : 40 + blob[1]] += by
    return pixels.astype(np.uint16)


def seen(*scenes: np.ndarray) -> Shutter:
    shutter = Shutter()
    for i, pixels in enumerate(scenes):
        assert not shutter.closed(pixels, i / 10)
    return shutter


def shut(apart: int, grain: int, *scenes: np.ndarray) -> bool:
    """Whether a frame after these scenes is taken for a flap."""
    return seen(*(scenes or [rows(USUAL)])).closed(rows(apart, grain), 5.0)


def test_a_third_of_the_spread_is_a_collapse() -> None:
    assert shut(99, 40)
    assert not shut(101, 40)
    assert not Shutter().closed(rows(0, 40), 0.0)  # the first frame collapses from nothing


def test_a_flap_is_even_to_three_sigma_of_its_noise() -> None:
    assert shut(99, 21)  # 3 x 2.4212 x 21 = 152.5 of 1.4826 x 99 = 146.8
    assert not shut(99, 20)  # 145.3


@pytest.mark.parametrize(
    ("blob", "by", "flap"),
    [
        ((2, 3), 9000, True),  # of it a median of 3x3 leaves 2 px: dead pixels
        ((2, 4), 9000, False),  # 4 px
        ((2, 4), 370, True),  # 8 sigma are 8 x 2.4212 x 21 = 406.8
        ((2, 4), 440, False),
        ((2, 4), -440, False),
    ],
)
def test_four_pixels_of_eight_sigma_are_something_in_the_scene(blob: tuple[int, int], by: int, flap: bool) -> None:
    assert seen(rows(USUAL)).closed(rows(0, 21, blob, by), 5.0) == flap


def test_after_three_seconds_it_is_what_the_camera_sees() -> None:
    shutter, flap = seen(rows(USUAL)), rows(0, 40)
    assert [shutter.closed(flap, t) for t in (10.0, 11.5, 13.0, 13.01, 13.1)] == [True, True, True, False, False]
    assert not shutter.closed(rows(USUAL), 14.0)
    assert [shutter.closed(flap, t) for t in (15.0, 18.0, 18.01)] == [True, True, False]


def test_each_closing_has_its_own_three_seconds() -> None:
    shutter, flap = seen(rows(USUAL)), rows(0, 40)
    assert shutter.closed(flap, 10.0)
    assert not shutter.closed(rows(USUAL), 11.0)
    assert shutter.closed(flap, 13.5)


@pytest.mark.parametrize(
    ("next_scene", "usual"),
    [
        (rows(400), 300 + 100 / 16),
        (rows(200), 300 - 100 / 16),
        (rows(600), 300 + 300 / 16),  # twice as wide: still step by step
        (rows(601), 601),  # wider: believed at once
        (rows(700, 200), 300 + 300 / 16),  # no wider than its noise: garbage
    ],
)
def test_the_usual_spread_follows_the_scene(next_scene: np.ndarray, usual: float) -> None:
    third = usual / 3
    assert shut(int(third), 200, rows(USUAL), next_scene)
    assert not shut(int(third) + 1, 200, rows(USUAL), next_scene)


def test_it_follows_by_a_sixteenth() -> None:
    scenes = rows(3000), rows(4000)  # 3062.5, of which a third is 1020.8
    assert shut(1020, 300, *scenes)
    assert not shut(1021, 300, *scenes)
