"""Houses seen from every side, of their size; masts; a bridge in one piece."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge.sim.shapes import Part, Shape
from edge.sim.wild.built import BRIDGE_PARTS, HEAT, bridge_part, draw_built, face, house, mast
from edge.sim.wild.layers import draw_shape
from edge.sim.wild.lens import Lens
from tests.edge.sim.wild.test_frame import QUIET

AHEAD = replace(QUIET, pitch=-20.0, altitude=60.0, focal=1000.0)
FAR = np.array([0.0, 0.0, 0.0])  # in the middle of the frame


@pytest.mark.parametrize("heading", [0.0, 90.0, 180.0, 270.0, 33.0])
def test_a_house_is_closed_from_every_side(heading: float) -> None:
    lens = Lens(AHEAD)
    for seed in range(12):
        whole = house(0.0, np.random.default_rng(seed))
        faces = [i for i, radius in enumerate(whole.radius) if not radius]  # chimneys stand apart
        shape = Shape([Part(whole.points[whole.starts[i] : whole.ends[i]]) for i in faces])
        drawn = draw_shape(shape, 1.0, FAR + np.array([0.0, 0.0, heading]), lens, HEAT, 0.0)
        assert drawn is not None
        solid = drawn.cover > 0.99
        rows = np.flatnonzero(solid.any(axis=1))
        for row in solid[rows[0] + 2 : rows[-1] - 1]:  # no gap between the walls, and between walls and roof
            inside = np.flatnonzero(row)
            assert len(inside) == inside[-1] - inside[0] + 1


def test_a_face_is_seen_from_its_outer_side_alone() -> None:
    square = np.array([(0.0, y, z) for y, z in ((-5, 0), (5, 0), (5, 10), (-5, 10))])
    lens = Lens(AHEAD)
    for outward, visible in ((1.0, False), (-1.0, True)):  # heading 0: forward is north, away from the camera
        for points in (square, square[::-1].copy()):
            shape = Shape([face(points, np.array([outward, 0.0, 0.0]), 3.0)])
            drawn = draw_shape(shape, 1.0, FAR, lens, HEAT, 0.0)
            assert drawn is not None
            assert (float(drawn.cover.sum()) > 0) == visible
            if visible:
                distance = 60 / math.sin(math.radians(20))
                area = 100 * (1000 / distance) ** 2 * math.cos(math.radians(20))
                assert float(drawn.cover.sum()) == pytest.approx(area, rel=0.08)
                assert drawn.heat.max() == pytest.approx(3.0, abs=0.01)


def test_a_mast_is_thin_and_stands() -> None:
    for seed in range(20):
        parts = mast(np.random.default_rng(seed))
        assert 3 <= parts.points[:, 2].max() <= 25
        drawn = draw_shape(parts, 1.0, FAR, Lens(AHEAD), HEAT, 0.0)
        assert drawn is not None
        assert (drawn.cover[2:-2] > 0).any(axis=1).all()


def test_a_bridge_has_no_gaps() -> None:
    scene = replace(AHEAD, bridge=True)
    built = draw_built(scene, [np.array([0.0, 0.0])], np.random.default_rng(3))
    assert len(built) == BRIDGE_PARTS
    ends = []
    for shape, (east, north, heading) in built:
        a = math.radians(heading)
        ahead = np.array([math.sin(a), math.cos(a)])
        middle = np.array([east, north])
        ends.append([middle + side * shape.points[:, 0].max() * ahead for side in (-1, 1)])
    for (_, end), (start, _) in pairwise(ends):
        assert 0 <= (end - start) @ ahead < 1  # each overlaps the next a little
    assert bridge_part(8.0, 10.0, 0.0).points[:, 2].max() == 9.5


def test_as_many_stand_as_the_scene_has_and_places_are_found_for() -> None:
    places = [np.array([float(i), 0.0]) for i in range(9)]
    built = draw_built(replace(AHEAD, houses=3, masts=4), places, np.random.default_rng(0))
    assert [tuple(where[:2]) for _, where in built] == [(float(i), 0.0) for i in range(7)]
    assert draw_built(replace(AHEAD, houses=3, masts=4, bridge=True), [], np.random.default_rng(0)) == []
