"""Whole frames: the same seed, sizes, contrast that the sun turns, what hides in them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from edge.data import TemperatureScale
from edge.sim.wild.detector import counts, expose
from edge.sim.wild.frame import WildFrame, make_frame, place_bodies, render
from edge.sim.wild.lens import Lens
from edge.sim.wild.scene import HEIGHT, WIDTH, Agc, Scene, draw_landscape, draw_scene, draw_search
from edge.sim.wild.seen import Body

QUIET = replace(
    draw_scene(np.random.default_rng(0)),
    altitude=50.0,
    pitch=-90.0,
    roll=0.0,
    focal=1000.0,
    k1=0.0,
    rectified=False,
    ground="meadow",
    wood="none",
    trees=0.0,
    air=5.0,
    surface=0.0,
    sun=0.0,
    texture=0.1,
    groups=(("red deer", 1),),
    people=0,
    cars=0,
    stones=0,
    tracks=0,
    fences=0,
    under_trees=0.0,
    blur=0.6,
    motion=0.0,
    netd=0.02,
    stripes=0.0,
    vignette=0.0,
    square=False,
    agc=None,
    gain=0.01,
    scaled=True,
)


@cache
def shot(seed: int = 0, **changes: object) -> WildFrame:
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)]
    return render(replace(QUIET, **changes), *streams)  # type: ignore[arg-type]


def test_the_same_seed_is_the_same_frame() -> None:
    for index in (0, 7):
        a, b = (make_frame(4, index) for _ in range(2))
        np.testing.assert_array_equal(a.pixels, b.pixels)
        assert a.bodies == b.bodies
        assert a.scene == b.scene
    assert a.scene != make_frame(5, index).scene


def test_kinds_of_frames() -> None:
    scenes = [draw_scene(np.random.default_rng(i)) for i in range(400)]
    assert 0.5 < np.mean([s.agc is not None for s in scenes]) < 0.7
    assert all(draw_scene(np.random.default_rng(i), 0.0).agc is None for i in range(20))
    assert {"red deer", "fox", "duck", "cattle"} <= {name for s in scenes for name, _ in s.groups}
    assert 0.02 < np.mean([not (s.groups or s.people or s.cars) for s in scenes]) < 0.2
    assert {s.wood for s in scenes} == {"none", "bare", "leafed", "conifer", "bushes"}
    assert all(s.pitch >= -90 and 12 <= s.altitude <= 160 for s in scenes)
    assert all(s.groups and s.groups[-1][0] in ("duck", "swan") for s in scenes if s.ground == "shore" and s.groups)


def test_a_search_looks_straight_down_on_a_wood_with_people_in_it() -> None:
    scenes = [draw_search(np.random.default_rng(i), 0.5) for i in range(400)]
    assert all(-90 <= s.pitch <= -80 and 12 <= s.altitude <= 160 for s in scenes)
    assert {s.wood for s in scenes} == {"bare", "leafed", "conifer"}
    assert all(100 <= s.trees <= 900 and s.under_trees >= 0.5 for s in scenes)
    assert not any(s.cars for s in scenes)
    assert all(s.air <= 3 for s in scenes if s.ground == "snow")
    assert 0.14 < np.mean([s.people == 0 for s in scenes]) < 0.26
    assert 0.12 < np.mean([bool(s.groups) for s in scenes]) < 0.28  # a quarter of those that wild scenes show
    assert 0.4 < np.mean([s.agc is not None for s in scenes]) < 0.6


def test_a_landscape_looks_ahead_and_mostly_shows_nobody() -> None:
    scenes = [draw_landscape(np.random.default_rng(i), 0.5) for i in range(400)]
    assert all(-35 < s.pitch <= -4 and 8 <= s.altitude <= 120 for s in scenes)
    above = [math.degrees(math.atan(HEIGHT / 2 / s.focal)) + s.pitch > 0 for s in scenes]
    assert 0.4 < np.mean(above) < 0.75  # the horizon is in the frame
    assert all(400 <= s.haze <= 8000 for s in scenes)
    assert 0.58 < np.mean([not (s.groups or s.people) for s in scenes]) < 0.8
    assert 0.5 < np.mean([s.houses > 0 for s in scenes]) < 0.7
    assert 0.4 < np.mean([s.masts > 0 for s in scenes]) < 0.6
    assert 0.12 < np.mean([s.bridge for s in scenes]) < 0.28
    assert not any(s.houses or s.masts or s.bridge for s in (draw_scene(np.random.default_rng(i)) for i in range(99)))


def test_bodies_of_a_landscape_stand_on_its_nearer_ground() -> None:
    scene = replace(QUIET, pitch=-8.0, haze=2000.0, groups=(), people=60)
    lens, dry = Lens(scene), np.zeros((HEIGHT, WIDTH), np.float32)
    rows = {}
    for haze in (2000.0, math.inf):
        standing = place_bodies(replace(scene, haze=haze), lens, [], dry, np.random.default_rng(3))
        rows[haze] = lens.project(np.array([[*body.place[:2], 0.0] for body in standing]))[0][:, 1]
    assert np.mean(rows[2000.0] > 0.45 * HEIGHT) > 0.95
    assert np.mean(rows[math.inf] < 0.45 * HEIGHT) > 0.3


def test_far_ground_is_as_warm_as_the_air_where_it_is_hazy() -> None:
    warm = {"pitch": -20.0, "altitude": 60.0, "surface": 8.0, "groups": (), "vignette": 0.0}
    clear, hazy = (shot(1, haze=haze, **warm).pixels.astype(float) * 0.01 - 273.15 for haze in (1e9, 100.0))
    near, far = slice(-40, None), slice(0, 40)
    assert clear[far].mean() == pytest.approx(13, abs=1)
    assert hazy[far].mean() == pytest.approx(5, abs=1.5)
    assert hazy[near].mean() > hazy[far].mean() + 0.3


def test_trees_hide_more_of_the_people_of_a_search_than_of_others() -> None:
    hidden = []
    for kind in ("wild", "search"):
        bodies = [body for i in range(12) for body in make_frame(5, i, 0.5, kind).bodies]
        hidden.append(np.mean([body.visible < 0.9 for body in bodies if body.name == "person"]))
    assert hidden[1] > hidden[0] + 0.2


def test_two_of_five_8_bit_frames_are_surveys_straight_down_in_flat_light() -> None:
    scenes = [draw_scene(np.random.default_rng(seed), 1.0) for seed in range(400)]
    # the angle and the light of a survey; a tenth of all other scenes has both by chance
    surveys = [s for s in scenes if s.pitch <= -80 and not s.sun and s.agc and s.agc.curve == "fixed"]
    assert 0.4 - 0.05 < len(surveys) / 400 < 0.4 + 0.6 * 0.2 + 0.05
    calm = [s for s in surveys if s.agc and s.agc.gamma == 1.0]  # the others draw it
    assert abs(len(calm) / 400 - 0.4) < 3 * (0.4 * 0.6 / 400) ** 0.5
    assert all(30 <= s.agc.span <= 95 and 0.02 < s.gsd < 0.08 for s in calm if s.agc)
    assert 0.35 < np.mean([s.scrub > 0 for s in calm]) < 0.65
    assert 0.04 < np.mean([s.people > 0 for s in calm]) < 0.17  # 0.4 x 0.9 of other scenes
    assert not any(s.scrub for s in scenes if s not in calm)
    counts_only = [draw_scene(np.random.default_rng(seed), 0.0) for seed in range(50)]
    assert all(s.agc is None for s in counts_only)


def test_a_survey_shows_its_deer_few_grey_levels_above_calm_ground() -> None:
    levels: list[float] = []
    for seed in range(300):
        scene = draw_scene(np.random.default_rng(seed), 1.0)
        survey = scene.agc is not None and scene.agc.gamma == 1.0 and "red deer" in dict(scene.groups)
        if survey and scene.agc and len(levels) < 10:
            levels += [255 * b.kelvin / scene.agc.span for b in make_bodies(scene, seed) if b.species == "red deer"]
    assert 8 < np.median(levels) < 50


def make_bodies(scene: Scene, seed: int) -> tuple[Body, ...]:
    """What is found by eye of a scene's frame."""
    frame = render(scene, *(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)))
    return tuple(body for body in frame.bodies if body.found_by_eye)


def test_a_deer_is_as_long_in_the_picture_as_it_is() -> None:
    sizes = {}
    for altitude in (50.0, 100.0):
        boxes = [
            b.box
            for s in range(4)
            for b in shot(s, altitude=altitude, groups=(("red deer", 6),)).bodies
            if b.visible > 0.95
        ]
        assert len(boxes) > 6
        sizes[altitude] = np.median([np.hypot(x2 - x1 - 4, y2 - y1 - 4) / 1.1 for x1, y1, x2, y2 in boxes])
    # a deer of 1.3 to 2.2 m at 5 cm a pixel
    assert 25 < sizes[50.0] < 48
    assert sizes[100.0] == pytest.approx(sizes[50.0] / 2, rel=0.2)


def test_night_shows_animals_warm_and_sun_turns_it() -> None:
    night = [b.kelvin for s in range(4) for b in shot(s).bodies]
    day = [b.kelvin for s in range(4) for b in shot(s, air=25.0, surface=6.0, sun=20.0).bodies]
    assert min(night) > 2
    assert np.median(day) < 0


def test_trees_hide_and_boxes_hold_what_is_left() -> None:
    def fractions(**changes: object) -> list[float]:
        return [b.visible for s in range(2) for b in shot(s, groups=(("red deer", 12),), **changes).bodies]

    bare = fractions(wood="bare", trees=300.0, under_trees=1.0)
    leafed = fractions(wood="leafed", trees=300.0, under_trees=1.0)
    inside = [f for f in fractions() if f > 0.999]
    assert len(inside) > 4
    assert 0.3 < np.median(bare) < 0.97
    assert np.median(leafed) < np.median(bare)
    frame = shot(1, groups=(("red deer", 6),), wood="bare", trees=600.0, under_trees=1.0)
    assert len([b for b in frame.bodies if b.name == "animal"]) <= 6  # in pieces, and still one each


def test_what_hardly_shows_is_not_to_be_found() -> None:
    body = max((b for s in range(2) for b in shot(s).bodies), key=lambda b: b.visible)
    assert body.found_by_eye
    assert not replace(body, visible=0.2).found_by_eye
    assert not replace(body, contrast=1.0).found_by_eye
    assert not replace(body, pixels=5.0).found_by_eye


def test_counts_have_the_scale_that_is_told() -> None:
    frame = shot(0, groups=())
    assert frame.temperature == TemperatureScale(0.01)
    assert np.median(frame.temperature.celsius(frame.pixels)) == pytest.approx(QUIET.air, abs=0.5)
    assert shot(0, groups=(), scaled=False).temperature is None
    other = shot(0, groups=(), gain=0.04, scaled=False).pixels
    assert np.abs(other - frame.pixels / 4.0).max() <= 1


def test_the_detector_adds_its_noise_and_stripes() -> None:
    flat = np.full((HEIGHT, WIDTH), 10, np.float32)

    def seen(**changes: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        scene: Scene = replace(QUIET, **changes)  # type: ignore[arg-type]
        # this seed's core neither smooths nor has dead pixels
        return expose(flat, scene, np.random.default_rng(9))

    assert seen(netd=0.1).std() == pytest.approx(0.1, rel=0.05)
    striped = seen(netd=0.0, stripes=0.5)
    assert striped.std() > 0.2
    assert np.abs(striped - striped.mean(axis=0) - striped.mean(axis=1)[:, None] + striped.mean()).max() < 1e-4
    dark = seen(netd=0.0, vignette=2.0)
    assert dark[0, 0] - dark[HEIGHT // 2, WIDTH // 2] > 1
    assert counts(np.array([[10.0, -300.0]], np.float32), 0.01).tolist() == [[28315, 0]]


def test_an_enlarged_frame_keeps_its_boxes_on_the_bodies() -> None:
    grey = Agc("fixed", span=30.0)
    small, large = shot(2, agc=grey), shot(2, agc=grey, square=True)
    assert small.pixels.shape == (HEIGHT, WIDTH)
    assert large.pixels.shape == (1024, 1024)
    assert not large.pixels[:90].any()
    assert not large.pixels[-90:].any()
    (x1, y1, x2, y2), box = small.bodies[0].box, large.bodies[0].box
    assert box == pytest.approx((x1 * 1.6, y1 * 1.6 + 102, x2 * 1.6, y2 * 1.6 + 102), abs=1)
