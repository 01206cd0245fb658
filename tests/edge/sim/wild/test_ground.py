"""The ground: its mean, its kinds, sun and water."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.sim.wild.ground import KINDS, draw_ground
from edge.sim.wild.lens import Lens
from edge.sim.wild.scene import GROUNDS, draw_scene

PLAIN = replace(
    draw_scene(np.random.default_rng(0)),
    altitude=50.0,
    pitch=-90.0,
    roll=0.0,
    focal=800.0,
    k1=0.0,
    ground="meadow",
    air=8.0,
    surface=-2.0,
    sun=0.0,
    texture=0.5,
    stones=0,
    tracks=0,
    fences=0,
)


def ground(seed: int = 1, **changes: object) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    scene = replace(PLAIN, **changes)  # type: ignore[arg-type]
    return draw_ground(scene, Lens(scene), [], np.random.default_rng(seed))


def test_every_kind_of_ground_is_known() -> None:
    assert set(KINDS) == set(GROUNDS)


def test_the_mean_is_what_the_scene_says_and_texture_scales_the_rest() -> None:
    found = {t: ground(texture=t)[0] for t in (0.2, 1.0)}
    assert np.median(found[0.2]) == pytest.approx(8 - 2, abs=0.4)
    assert found[1.0].std() == pytest.approx(5 * found[0.2].std(), rel=0.15)


def test_sun_warms_bare_rock_more_than_snow() -> None:
    warmed = {}
    for kind in ("rock", "snow"):
        night, day = (ground(ground=kind, sun=s, texture=0.05)[0] for s in (0.0, 15.0))
        warmed[kind] = float(day.mean() - night.mean())
    assert warmed["rock"] == pytest.approx(15 * 0.6, rel=0.25)
    assert warmed["snow"] < 0.15 * warmed["rock"]


def test_stones_stand_out_and_water_is_smooth() -> None:
    plain, stony = (ground(stones=n, texture=0.05)[0] for n in (0, 40))
    assert stony.max() > plain.max() + 2
    assert (np.abs(stony - plain) > 0.5).mean() < 0.05
    land, wet = ground(seed=3, ground="shore", texture=1.0)
    assert wet.min() == 0.0
    assert wet.max() == 1.0
    assert land[wet == 1].std() < 0.6 * land[wet == 0].std()
    assert not ground()[1].any()


def test_scrub_is_colder_by_what_the_scene_says_in_patches_the_size_of_animals() -> None:
    plain = ground(texture=0.05)[0]
    parts = []
    for seed in range(8):
        cold = ground(seed=seed, scrub=4.0, texture=0.05)[0]
        assert plain.min() - cold.min() == pytest.approx(4, abs=0.4)
        patches = (cold < np.median(plain) - 2).astype(np.uint8)
        parts.append(float(patches.mean()))
        sizes = cv2.connectedComponentsWithStats(patches)[2][1:, cv2.CC_STAT_AREA]
        metres = np.sqrt(sizes[sizes > 20]) * 50 / 800
        assert 0.4 < np.median(metres) < 4
    assert min(parts) > 0.005
    assert max(parts) < 0.3
    np.testing.assert_array_equal(ground(scrub=0.0)[0], ground()[0])


def test_stubble_has_rows() -> None:
    """Power of a frame without rows falls towards fine structure; rows are a peak."""
    picture = ground(ground="stubble", texture=1.0)[0]
    power = (
        np.abs(np.fft.rfft2((picture - picture.mean())[:448, :448] * np.hanning(448)[:, None] * np.hanning(448))) ** 2
    )
    f = np.hypot(np.fft.fftfreq(448)[:, None], np.fft.rfftfreq(448))
    peaks = [
        power[(f > a) & (f < a + 0.02)].max() / power[(f > a) & (f < a + 0.02)].mean()
        for a in np.arange(0.04, 0.4, 0.02)
    ]
    assert max(peaks) > 12
