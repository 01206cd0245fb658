"""Plants stand up, are drawn at their size, hide what their kind hides, and have a temperature of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.sim.wild.lens import Lens
from edge.sim.wild.plants import MAX_TREES, Form, Plant, draw_plant, forms, plant_wood, tuft
from edge.sim.wild.scene import HEIGHT, WIDTH, draw_scene

SCENE = replace(
    draw_scene(np.random.default_rng(0)),
    altitude=60.0,
    pitch=-90.0,
    roll=0.0,
    focal=1000.0,
    k1=0.0,
    wood="leafed",
    trees=300.0,
)
LENS = Lens(SCENE)
CALM, EVEN = np.zeros((HEIGHT, WIDTH), np.float32), np.full((HEIGHT, WIDTH), 0.99, np.float32)
BALL = Form(np.array([[0.0, 0.0, 0.9, 0.1]]), np.zeros((0, 2, 3)), np.zeros(0), 0.5)


def test_a_crown_nearer_to_the_camera_is_larger_and_leans_outwards() -> None:
    found = {}
    for height in (1.0, 20.0):
        ball = replace(BALL, balls=np.array([[0.0, 0.0, 0.9, 1.0 / height]]))  # a radius of 1 m
        drawn = draw_plant(Plant(ball, np.array([8.0, 0.0]), height, 0.0, 2.0), LENS, 10.0, CALM, EVEN)
        assert drawn is not None
        columns = np.flatnonzero(drawn.cover.max(axis=0) > 0.5) + drawn.corner[0]
        found[height] = (np.ptp(columns) + 1, columns.mean() - WIDTH / 2)
        assert drawn.heat[drawn.cover == 1] == pytest.approx(12.0)
    assert found[1.0][0] == pytest.approx(2 * 1000 / 59.1, abs=2)
    assert found[20.0][0] == pytest.approx(2 * 1000 / 42, abs=2)
    assert found[1.0][1] == pytest.approx(8 * 1000 / 59.1, abs=1.5)
    assert found[20.0][1] == pytest.approx(8 * 1000 / 42, abs=1.5)


def test_gaps_in_leaves_are_as_many_as_the_form_says() -> None:
    even = np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32)
    plant = Plant(replace(BALL, gaps=0.4), np.zeros(2), 15.0, 0.0, 0.0)
    closed, open_ = (draw_plant(plant, LENS, 10.0, CALM, fine) for fine in (EVEN, even))
    assert closed is not None
    assert open_ is not None
    assert open_.cover.sum() == pytest.approx(0.6 * closed.cover.sum(), rel=0.1)


@pytest.mark.parametrize("wood", ["bare", "leafed", "conifer", "bushes"])
def test_forms_are_one_metre_high_and_bare_ones_have_no_leaves(wood: str) -> None:
    kinds = forms(wood, np.random.default_rng(2))
    top = [float(max(f.balls[:, 2].max(initial=0), f.branches[..., 2].max(initial=0))) for f in kinds]
    assert 0.7 < np.median(top) < 1.4
    assert all(len(f.thick) == len(f.branches) for f in kinds)
    if wood == "bare":
        assert not any(len(f.balls) for f in kinds)
        assert all(f.thick.max() == f.thick[0] for f in kinds)  # the stem


def test_a_thin_twig_covers_a_part_of_a_pixel() -> None:
    covers = []
    for radius in (0.003, 0.015, 0.2):  # m; a pixel is 6 cm
        twig = Form(np.zeros((0, 4)), np.array([[[-3.0, 0, 0], [3.0, 0, 0]]]), np.array([radius]), 0.0)
        drawn = draw_plant(Plant(twig, np.array([0.0, 1.0]), 1.0, 0.0, 0.0), LENS, 10.0, CALM, EVEN)
        assert drawn is not None
        covers.append(float(drawn.cover.max(axis=0)[20:-20].mean()))
    assert covers[0] < 0.5 * covers[1] < covers[2]
    assert covers[2] > 0.95


def test_a_wood_has_its_trees_a_hectare_and_at_most_so_many() -> None:
    reach = np.array([[-30.0, -30.0], [30.0, 30.0]])
    counts = [len(plant_wood(SCENE, reach, np.random.default_rng(i))) for i in range(6)]
    assert np.mean(counts) == pytest.approx(300 * 0.36, rel=0.15)
    assert len(plant_wood(SCENE, 10 * reach, np.random.default_rng(0))) == MAX_TREES
    assert plant_wood(replace(SCENE, wood="none"), reach, np.random.default_rng(0)) == []


def test_grass_stands_around_its_place() -> None:
    grass = tuft(np.array([2.0, 1.0]), 0.5, 0.6, 80, 0.5, np.random.default_rng(0))
    drawn = draw_plant(grass, LENS, 10.0, CALM, EVEN)
    assert drawn is not None
    middle = np.array(drawn.corner) + np.array(drawn.cover.shape[::-1]) / 2
    assert middle == pytest.approx(LENS.project(np.array([[2.0, 1.0, 0.3]]))[0][0], abs=12)
    assert 0.02 < drawn.cover.mean() < 0.6
