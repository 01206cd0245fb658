"""What hides, and what is left: fractions, boxes of pieces, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from edge.sim.wild.layers import Drawn, Layers, Visible
from edge.sim.wild.scene import HEIGHT, WIDTH
from edge.sim.wild.seen import body_of


def block(x: int, y: int, w: int, h: int, celsius: float, cover: float = 1.0) -> Drawn:
    full = np.full((h, w), cover, np.float32)
    return Drawn((x, y), full, full * np.float32(celsius))


def test_a_near_layer_hides_its_part_of_a_far_one() -> None:
    layers = Layers()
    assert layers.add(block(104, 50, 4, 20, 5.0)).fraction == 1.0  # a branch, upright, over the middle
    body = layers.add(block(100, 50, 12, 10, 30.0))
    assert body.fraction == pytest.approx(8 / 12)
    assert body.box(0.0) == (100, 50, 112, 60)  # two pieces, one box
    assert body.box(1.5) == (98.5, 48.5, 113.5, 61.5)
    picture = layers.over(np.full((HEIGHT, WIDTH), 10, np.float32))
    assert picture[55, 102] == 30
    assert picture[55, 105] == 5
    assert picture[65, 105] == 5
    assert picture[65, 110] == 10


def test_half_covers_mix() -> None:
    layers = Layers()
    layers.add(block(0, 0, 4, 4, 8.0, 0.5))
    body = layers.add(block(0, 0, 4, 4, 20.0))
    assert body.fraction == pytest.approx(0.5)
    assert layers.over(np.zeros((HEIGHT, WIDTH), np.float32))[1, 1] == pytest.approx(14)
    assert layers.add(block(0, 0, 4, 4, 50.0)).fraction == 0.0  # nothing is left to see


def test_what_lies_outside_of_the_frame_is_hidden_too() -> None:
    assert Layers().add(block(-6, 10, 8, 4, 30.0)).fraction == pytest.approx(0.25)
    outside = Layers().add(block(WIDTH, 10, 8, 4, 30.0))
    assert outside.fraction == 0
    corner = Layers().add(block(WIDTH - 3, HEIGHT - 2, 8, 4, 30.0))
    assert corner.box(5.0) == (WIDTH - 8, HEIGHT - 7, WIDTH, HEIGHT)


def test_a_box_ends_within_the_pixel() -> None:
    mask = np.zeros((6, 8), np.float32)
    mask[1:5, 2:7] = 1.0
    mask[:, 6] *= 0.5  # half a pixel
    mask[1] *= 0.25
    seen = Visible((slice(100, 106), slice(40, 48)), mask, 1.0)
    assert seen.box(0.0) == (42, 101.75, 46.5, 105)
    assert Visible(seen.window, mask * 0.1, 1.0).box(0.0) is None


def test_boxes_have_the_room_that_labels_have_and_contrast_is_in_spreads_of_the_ground() -> None:
    rng = np.random.default_rng(0)
    picture = (10 + 0.5 * rng.standard_normal((HEIGHT, WIDTH))).astype(np.float32)
    picture[100:110, 200:240] = 14.0
    part = Layers().add(block(200, 100, 40, 10, 14.0))
    person, animal = (body_of(name, name, "standing", part, picture, 0.5) for name in ("person", "animal"))
    assert person is not None
    assert animal is not None
    assert person.box == (198, 98, 242, 112)
    assert animal.box == pytest.approx((198 - 2.4, 98 - 2.4, 242 + 2.4, 112 + 2.4))
    assert animal.contrast == pytest.approx(4 / 0.5, rel=0.15)
    assert animal.kelvin == pytest.approx(4, abs=0.15)
    assert (animal.pixels, animal.visible) == (400, 1)
