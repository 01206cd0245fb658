"""Animals in real frames: at the right scale, off what is labelled, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest

from edge.sim.wild.onto import LEVELS_WIDE, WIDER, set_onto, wider_range
from edge.sim.wild.scene import HEIGHT, WIDTH

NONE = np.zeros((0, 4), np.float32)


def picture() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    rng = np.random.default_rng(0)
    return np.clip(100 + 4 * rng.standard_normal((HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def test_only_the_boxes_are_changed_and_the_same_seed_is_the_same_frame() -> None:
    real, changed = picture(), 0
    for seed in range(8):
        seen, bodies = set_onto(real, NONE, 60, 90, np.random.default_rng(seed))
        again, same = set_onto(real, NONE, 60, 90, np.random.default_rng(seed))
        np.testing.assert_array_equal(seen, again)
        assert bodies == same
        outside = np.ones(real.shape, bool)
        for body in bodies:
            x1, y1, x2, y2 = np.array(body.box) + np.array([-4, -4, 4, 4])
            outside[max(0, int(y1)) : int(y2) + 1, max(0, int(x1)) : int(x2) + 1] = False
        assert np.abs(seen.astype(int) - real)[outside].max() <= 1
        changed += sum(body.found_by_eye for body in bodies)
        assert {body.name for body in bodies} <= {"animal"}
    assert changed > 8


def test_what_is_labelled_and_its_surroundings_stay_as_they_are() -> None:
    real = picture()
    taken = np.array([[0, 0, 300, 512], [340, 0, 640, 512]], np.float32)
    for seed in range(6):
        seen, bodies = set_onto(real, taken, 60, 90, np.random.default_rng(seed))
        changed = np.abs(seen.astype(int) - real).max(axis=0) > 2
        assert not changed[:302].any()
        assert not changed[338:].any()
    seen, bodies = set_onto(real, np.array([[0, 0, 640, 512]], np.float32), 60, 90, np.random.default_rng(0))
    assert bodies == ()
    np.testing.assert_array_equal(seen, real)


def test_twice_as_high_is_half_as_large() -> None:
    sides, real = {}, picture()
    for altitude in (60.0, 120.0):
        found = []
        for seed in range(16):
            _, bodies = set_onto(real, NONE, altitude, 90, np.random.default_rng(seed))
            found += [max(b.box[2] - b.box[0], b.box[3] - b.box[1]) - 5 for b in bodies if b.species == "red deer"]
        assert len(found) > 10
        sides[altitude] = float(np.median(found))
    # 1.3 to 2.2 m, of which at least 70 % lies along one side, at 1100 to 2000 px
    assert 0.7 * 1.3 * 1100 / 60 < sides[60.0] < 2.3 * 2000 / 60
    assert sides[120.0] == pytest.approx(sides[60.0] / 2, rel=0.35)


def test_bright_ground_and_sharp_edges_are_kept_free() -> None:
    real = picture()
    real[:, :320] = 230
    real[:, 320:] = np.kron(np.indices((32, 20)).sum(axis=0) % 2, np.ones((16, 16))) * 150  # roofs and walls
    for seed in range(4):
        assert set_onto(real, NONE, 60, 90, np.random.default_rng(seed))[1] == ()


def test_a_wider_range_shrinks_the_contrast_and_keeps_the_noise_of_8_bit() -> None:
    real = np.full((HEIGHT, WIDTH), 100, np.uint8)
    real[:, 400:] = 180
    for seed in range(12):
        wide = wider_range(real, np.random.default_rng(seed)).astype(float)
        steps = wide[:, 400:].mean() - wide[:, :400].mean()
        assert 80 / WIDER[1] - 0.5 < steps < 80 / WIDER[0] + 0.5
        assert 0.4 < wide[:, :400].std() < 5
        assert 50 - 1 < np.median(wide[:, :400]) < 130 + 1


def test_the_levels_asked_for_are_how_far_bodies_stand_out() -> None:
    real, found = np.full((HEIGHT, WIDTH), 100, np.uint8), []
    for seed in range(12):
        seen, bodies = set_onto(real, NONE, 60, 90, np.random.default_rng(seed), LEVELS_WIDE)
        for body in bodies:
            x1, y1, x2, y2 = (int(v) for v in body.box)
            found.append(float(np.abs(seen[y1:y2, x1:x2].astype(float) - 100).max()))
    assert len(found) > 20
    assert max(found) < 3 * LEVELS_WIDE[1]  # the warmest part of a body is up to about three times its mean
