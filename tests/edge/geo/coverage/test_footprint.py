"""The ground in a picture that looks far ahead: what is near enough counts, whichever side is the far one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.data import Pose
from edge.geo import CameraModel, locate
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.footprint import Footprint, footprint
from edge.geo.coverage.grid import FRAMES
from edge.geo.coverage.search import Search
from tests.support.flown import CAMERA, HEIGHT, HOME, WIDTH, result

SIZE = W, H = 640, 512
MODEL = CameraModel(W, H, 750.0, 750.0, 320.0, 256.0)
AHEAD = Pose(47.0, 8.0, 60.0, 30.0, -20.0)


def seen(pose: Pose) -> Footprint | None:
    return footprint(SIZE, MODEL, pose, 0.0)


@pytest.mark.parametrize(("roll", "cut"), [(0, 1), (180, 3), (90, 0), (-90, 2), (3, 1)])
def test_only_the_far_side_is_cut_and_no_more_than_needed(roll: float, cut: int) -> None:
    found = seen(replace(AHEAD, roll=float(roll)))
    assert found is not None
    whole = (0, 0, W, H)
    assert [i for i in range(4) if found.part[i] != whole[i]] == [cut]
    left, top, right, bottom = found.part
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    there = locate(points, MODEL, replace(AHEAD, roll=float(roll)))[:, :2]
    assert np.array_equal(found.corners, there)
    more = list(found.part)
    more[cut] += 2 if cut > 1 else -2  # two pixels more are too far, at one end at least
    left, top, right, bottom = more
    beyond = locate(
        [(left, top), (right, top), (right, bottom), (left, bottom)], MODEL, replace(AHEAD, roll=float(roll))
    )
    assert np.isnan(beyond).any()


def test_a_picture_of_the_ground_is_whole_and_one_of_the_sky_has_none() -> None:
    down = seen(replace(AHEAD, pitch=-90.0))
    assert down is not None
    assert down.part == (0, 0, W, H)
    assert seen(replace(AHEAD, pitch=10.0)) is None
    assert seen(replace(AHEAD, roll=45.0, pitch=0.0)) is None  # far corners on no common side: nothing is guessed


def test_coverage_maps_the_near_part_and_counts_it() -> None:
    pose = Pose(*HOME, 50.0, 0.0, -20.0)
    ground = footprint((WIDTH, HEIGHT), CAMERA, pose, 0.0)
    assert ground is not None
    one = result(0, 0.0, pose)
    assert one.footprint is None
    coverage = Coverage(Search(name="Deer", size_m=0.9, least_px=0.1, least_frames=1), None, (WIDTH, HEIGHT))
    coverage.add(one)
    coverage.add(replace(one, footprint=ground.corners, footprint_part=ground.part))
    coverage.look_through()
    report = coverage.report()
    assert (report["frames"], report["frames_cut"], sum(report["frames_not_counted"].values())) == (1, 1, 1)
    assert coverage.local is not None
    quad = coverage.local.metres(ground.corners)
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad.tolist()
    area = abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2
    assert report["seen_m2"] == pytest.approx(area, rel=0.05)
    norths = [
        (y * 128 + row + 0.5) * coverage.grid.cell_m
        for (_, y), tile in coverage.grid.tiles.items()
        for row in np.flatnonzero(tile[FRAMES].any(axis=1)).tolist()
    ]
    assert max(norths) <= quad[:, 1].max()
    assert min(norths) >= quad[:, 1].min()


def test_a_mask_lies_on_the_part_as_on_the_picture() -> None:
    pose = Pose(*HOME, 50.0, 0.0, -20.0)
    ground = footprint((WIDTH, HEIGHT), CAMERA, pose, 0.0)
    assert ground is not None
    top, mask = ground.part[1], np.zeros((HEIGHT, WIDTH), bool)
    mask[: (top + HEIGHT) // 2] = True  # the farther half of what counts
    areas = []
    for hidden in (None, mask):
        coverage = Coverage(Search(name="Deer", size_m=0.9, least_px=0.1, least_frames=1), None, (WIDTH, HEIGHT))
        coverage.add(replace(result(0, 0.0, pose, mask=hidden), footprint=ground.corners, footprint_part=ground.part))
        areas.append(coverage.look_through().findings.seen_m2)
    near = locate([(0, (top + HEIGHT) // 2), (WIDTH, (top + HEIGHT) // 2), (WIDTH, HEIGHT), (0, HEIGHT)], CAMERA, pose)
    assert coverage.local is not None
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = coverage.local.metres(near[:, :2]).tolist()
    assert areas[1] == pytest.approx(abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2, rel=0.1)
    assert areas[1] < areas[0] / 2
