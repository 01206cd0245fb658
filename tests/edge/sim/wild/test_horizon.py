"""The horizon where the camera's angles put it, a sky that is coldest overhead, air that takes contrast."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edge.data import Float32
from edge.sim.wild.horizon import draw_horizon, through_air
from edge.sim.wild.lens import LEAST_DOWN, Lens
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene
from tests.edge.sim.wild.test_frame import QUIET

AHEAD = replace(QUIET, pitch=-8.0, altitude=40.0, haze=1000.0)


def seen(scene: Scene = AHEAD, seed: int = 1) -> tuple[Lens, Float32, Float32]:
    lens = Lens(scene)
    ground = np.full((HEIGHT, WIDTH), 9.0, np.float32)
    return lens, *draw_horizon(scene, lens, ground, np.random.default_rng(seed))


def test_the_horizon_is_where_the_pitch_puts_it() -> None:
    rise = Lens(AHEAD).rise[:, WIDTH // 2]
    row = int((rise > 0).sum())
    assert row == round(HEIGHT / 2 - AHEAD.focal * math.tan(math.radians(8)))
    middle = (rise[HEIGHT // 2 - 1] + rise[HEIGHT // 2]) / 2
    assert middle == pytest.approx(-math.sin(math.radians(8)), abs=1e-3)


def test_what_lies_near_is_the_ground_as_it_was() -> None:
    lens, picture, _ = seen()
    near = lens.rise < -LEAST_DOWN
    assert near.any()
    np.testing.assert_array_equal(picture[near], 9.0)
    assert not np.allclose(picture[~near], 9.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_sky_is_colder_than_the_air_and_coldest_above(seed: int) -> None:
    lens, picture, kept = seen(replace(AHEAD, pitch=-5.0, focal=697.0), seed)
    sky = kept == 1
    assert sky.any()
    assert lens.rise[sky].min() > 0
    assert picture[sky].max() <= AHEAD.air
    rows = np.flatnonzero(sky.all(axis=1))
    assert picture[rows[0]].mean() < picture[rows[-1]].mean() - 1


def test_the_air_takes_contrast_with_the_distance() -> None:
    lens, _, kept = seen()
    column = kept[:, WIDTH // 2][lens.rise[:, WIDTH // 2] < -LEAST_DOWN]
    assert (np.diff(column) > 0).all()  # nearer rows, further down, are seen better
    y = HEIGHT - 1
    away = math.hypot(*(lens.ground[y, WIDTH // 2] - lens.centre[:2]), AHEAD.altitude)
    assert kept[y, WIDTH // 2] == pytest.approx(math.exp(-away / 1000), rel=1e-4)


def test_a_difference_to_the_air_is_scaled() -> None:
    picture = np.array([[20.0, 5.0, -10.0]], np.float32)
    np.testing.assert_allclose(through_air(picture, np.float32([[1.0, 0.3, 0.5]]), 5.0), [[20.0, 5.0, -2.5]])
