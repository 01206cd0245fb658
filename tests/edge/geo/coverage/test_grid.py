"""The cells: those in view are the ones whose middle lies in the true footprint; memory is bounded; nothing is better
than it was seen.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.geo.coverage import grid as grid_module
from edge.geo.coverage.grid import (
    AWAY_S,
    BEST,
    CONTRAST,
    FRAMES,
    GOOD,
    MISSED,
    PASSES,
    SECONDS,
    TILE,
    Grid,
    Look,
    clusters,
    extent,
    side_of,
)
from edge.model.recall import RecallCurve

RECALL = RecallCurve(np.array([0.0, 10.0, 20.0, 40.0]), np.array([0.25, np.nan, 0.8]), "made up")


def square(west: float, south: float, side: float, **more: object) -> Look:
    """A camera of 60 px that looks straight down with its up to the north."""
    corners = np.array([(west, south + side), (west + side, south + side), (west + side, south), (west, south)], float)
    return replace(Look(corners, 60, 60, 1.0, 0.0, 0.1, True), **more)  # type: ignore[arg-type]


def cells(grid: Grid, channel: int) -> dict[tuple[int, int], float]:
    """What every cell that was in view holds, by column and row."""
    found = {}
    for (tx, ty), tile in grid.tiles.items():
        y, x = np.nonzero(tile[FRAMES] > 0)
        places = zip((tx * TILE + x).tolist(), (ty * TILE + y).tolist(), strict=True)
        found.update(zip(places, tile[channel, y, x].tolist(), strict=True))
    return found


def inside(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Metres from the nearest side of a convex footprint, clockwise: over 0 = inside."""
    along = np.roll(corners, -1, axis=0) - corners
    across = [
        (dy * (x - east) - dx * (y - north)) / math.hypot(dx, dy)
        for (east, north), (dx, dy) in zip(corners, along, strict=True)
    ]
    return np.minimum.reduce(across)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 360),
    st.floats(0.4, 1.0),
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.floats(10, 80),
)
def test_what_is_in_view_is_the_footprint(turn: float, far: float, east: float, north: float, side: float) -> None:
    """A trapezium, its far side longer, turned: in each cell the middle decides."""
    a, b = side / 2, side / 2 / far
    flat = np.array([(-b, side), (b, side), (a, 0), (-a, 0)])
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    corners = flat @ np.array([[c, s], [-s, c]]) + (east, north)
    grid = Grid(1.0)
    assert grid.add(Look(corners, 64, 48, 1.0, 0.0, 0.0, True))
    cell = grid.cell_m
    assert side_of(corners) / 96 < cell <= side_of(corners) / 24
    assert sum(np.count_nonzero(tile[FRAMES]) for tile in grid.tiles.values())
    for (tx, ty), tile in grid.tiles.items():
        x = (tx * TILE + np.arange(TILE) + 0.5)[None] * cell
        y = (ty * TILE + np.arange(TILE) + 0.5)[:, None] * cell
        depth = inside(corners, x, y)
        sure = np.abs(depth) > 1e-3
        assert ((tile[FRAMES] > 0) == (depth > 0))[sure].all()


def test_pixels_a_metre_by_the_camera() -> None:
    """50 m over the ground with 100 px of focal length: 2 px a metre below; 30 degrees off nadir cos(30)^1.5 of it."""
    grid, f, h = Grid(1.0), 100.0, 50.0
    tilt = math.radians(30)
    rays = [(x / f, -y / f) for x, y in ((-32, -24), (32, -24), (32, 24), (-32, 24))]
    corners = []
    for x, y in rays:  # forward is north, tilted up from nadir
        north, down = y * math.cos(tilt) + math.sin(tilt), math.cos(tilt) - y * math.sin(tilt)
        corners.append((x / down * h, north / down * h))
    assert grid.add(Look(np.array(corners), 64, 48, 0.5, 0.0, 0.0, True))
    best = cells(grid, BEST)
    x, y = int(0 // grid.cell_m), int(math.tan(tilt) * h // grid.cell_m)
    assert best[x, y] == pytest.approx(0.5 * f / h * math.cos(tilt) ** 1.5, rel=0.02)


def test_frames_seconds_and_passes_add_up() -> None:
    grid = Grid(1.0, RECALL)
    for t in (0.0, 0.1, 0.2):
        assert grid.add(square(0, 0, 60, t=t, seconds=0.1))
    assert grid.add(square(0, 0, 60, t=0.3, seconds=0.1, good=False))
    assert set(cells(grid, FRAMES).values()) == {4.0}
    assert set(cells(grid, GOOD).values()) == {3.0}
    assert set(cells(grid, PASSES).values()) == {1.0}
    assert next(iter(cells(grid, SECONDS).values())) == pytest.approx(0.4)
    assert grid.add(square(0, 0, 60, t=0.3 + AWAY_S))  # as long as that is the same pass
    assert set(cells(grid, PASSES).values()) == {1.0}
    assert grid.add(square(0, 0, 60, t=0.4 + 2 * AWAY_S))
    assert set(cells(grid, PASSES).values()) == {2.0}


def chance(grid: Grid) -> float:
    ((key, tile),) = grid.tiles.items()
    found = grid.probability(tile)[tile[FRAMES] > 0]
    assert found.min() == found.max()
    assert grid.probability(tile)[tile[FRAMES] == 0].max() == 0, key
    return float(found.max())


def test_one_look_a_pass_counts_and_passes_combine() -> None:
    """30 px of an object: recall 0.8; a second pass at 5 px: 0.25. Of 15 px nobody knows, and nothing is added."""
    grid = Grid(30.0, RECALL)
    for t in (0.0, 0.1, 0.2):
        grid.add(square(0, 0, 60, t=t))
    assert chance(grid) == pytest.approx(0.8)
    grid.add(square(0, 0, 60, t=10.0, scale=5 / 30))
    assert chance(grid) == pytest.approx(1 - 0.2 * 0.75)
    grid.add(square(0, 0, 60, t=20.0, scale=15 / 30))
    assert chance(grid) == pytest.approx(1 - 0.2 * 0.75)
    grid.add(square(0, 0, 60, t=20.1))  # the best look of a pass is the one that counts
    assert chance(grid) == pytest.approx(1 - 0.2 * 0.75 * 0.2)


def by_contrast() -> RecallCurve:
    """Found at a contrast of 3 and more: 0.3 of objects under 20 px, 0.2 of larger ones; at 6 and more 0.9 and 0.7."""
    rows = np.array([[np.nan, np.nan], [0.3, 0.2], [0.9, 0.7]])
    edges, contrasts = np.array([0.0, 20.0, 40.0]), np.array([0.0, 3.0, 6.0])
    return RecallCurve(edges, np.array([0.95, 0.75]), "made up", contrasts, rows, 60.0)


def test_the_probability_is_that_of_the_contrast() -> None:
    for contrasts, expected in (
        ([2.9], 0),
        ([3.0], 0.2),
        ([5.9], 0.2),
        ([6.0], 0.7),
        ([1.0, 3.0, 9.0, 9.0], 0.4),
        ([], 0),
    ):
        grid = Grid(30.0, by_contrast())
        grid.add(square(0, 0, 60, contrasts=np.array(contrasts)))
        assert chance(grid) == pytest.approx(expected)


def test_the_best_look_of_a_pass_is_the_one_of_the_highest_probability() -> None:
    """Not that of the most pixels, nor that of the highest contrast."""
    grid = Grid(30.0, by_contrast())
    for look in (square(0, 0, 60, contrasts=np.array([4.0])), square(0, 0, 60, contrasts=np.array([7.0]), scale=0.5)):
        assert grid.add(look)
    assert chance(grid) == pytest.approx(0.9)  # 15 px at 7; 30 px at 4 are 0.2
    assert grid.add(square(0, 0, 60, contrasts=np.array([9.0])))
    assert chance(grid) == pytest.approx(0.9)  # 30 px at 9 are 0.7
    assert grid.add(square(0, 0, 60, contrasts=np.array([4.0]), t=10.0))
    assert chance(grid) == pytest.approx(1 - 0.1 * 0.8)


def test_a_cell_has_the_highest_contrast_of_its_good_frames() -> None:
    grid = Grid(30.0, by_contrast())
    for contrasts, good in (([1.0, 4.0, 9.0], True), ([], True), ([3.0], True), ([9.0], False)):
        grid.add(square(0, 0, 60, contrasts=np.array(contrasts), good=good))
    assert set(cells(grid, CONTRAST).values()) == {4.0}
    assert sum(np.count_nonzero(tile[CONTRAST]) for tile in grid.tiles.values()) == len(cells(grid, CONTRAST))


def test_without_a_table_or_in_poor_pictures_there_is_no_probability() -> None:
    for grid, good in ((Grid(30.0), True), (Grid(30.0, RECALL), False)):
        grid.add(square(0, 0, 60, good=good))
        assert chance(grid) == 0


def test_what_nobody_wants_to_look_at_is_not_seen() -> None:
    mask = np.zeros((60, 60), bool)
    mask[:15] = True  # the top quarter is the north
    grid = Grid(1.0)
    grid.add(square(0, 0, 60, mask=mask))
    norths = {y * grid.cell_m for _, y in cells(grid, FRAMES)}
    assert (min(norths), max(norths)) == (0, 44)
    assert min(cells(grid, BEST).values()) > 0
    assert all(tile[BEST][tile[FRAMES] == 0].max() == 0 for tile in grid.tiles.values())


def test_a_climb_makes_the_cells_wider_and_says_no_more_than_was_seen() -> None:
    grid = Grid(1.0, RECALL)
    grid.add(square(1, 1, 6, t=0.0))
    fine = grid.cell_m
    assert fine == 0.125
    for t in (10.0, 10.1):
        grid.add(square(-100, -100, 400, t=t))
    assert (grid.cell_m, grid.coarsened) == (4.0, 5)
    found = cells(grid, FRAMES)
    assert len(found) == 100 * 100
    # of 1 to 7 m only the cell from 4 to 8 m would be nearly full, and none is
    assert set(found.values()) == {2.0}
    assert set(cells(grid, PASSES).values()) == {1.0}


def test_four_cells_become_the_worst_of_them() -> None:
    grid = Grid(30.0, RECALL)
    grid.add(square(0, 0, 60, t=0.0))
    grid.add(square(0, 0, 60, t=0.1, good=False))
    before = chance(grid)
    ((key, tile),) = grid.tiles.items()
    tile[SECONDS, 3, 3], tile[FRAMES, 5, 5], tile[MISSED, 7, 7] = 0.05, 0, 0.5
    grid._coarsen()
    (tile,) = grid.tiles.values()
    assert grid.cell_m == 2.0
    assert tile[SECONDS, 1, 1] == pytest.approx(0.05)
    assert tile[FRAMES, 2, 2] == 0
    assert tile[MISSED, 2, 2] == 1
    assert tile[MISSED, 3, 3] == 1
    assert grid.probability(tile)[1, 1] == pytest.approx(before)
    assert np.count_nonzero(tile[FRAMES]) == 30 * 30 - 1
    assert key == (0, 0)


def test_memory_is_bounded_and_the_last_of_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_module, "MOST_TILES", 4)
    grid = Grid(1.0)
    taken = [grid.add(square(i * 10_000, 0, 60)) for i in range(8)]
    assert taken == [True] * 4 + [False] * 4
    assert len(grid.tiles) == 4
    assert grid.cell_m <= 60 / 8


def test_long_ground_gets_wider_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_module, "MOST_SIDE", 4 * TILE)
    grid = Grid(1.0)
    for i in range(40):
        assert grid.add(square(i * 50, 0, 60))
    assert grid.cell_m == 4.0
    assert grid.add(square(1e6, 0, 60))  # far away is another ground
    assert grid.cell_m == 4.0


def test_no_ground_is_refused() -> None:
    grid = Grid(1.0)
    assert not grid.add(square(0, 0, 0))
    assert not grid.add(square(0, 0, math.inf))
    assert grid.tiles == {}


def test_tiles_that_touch_hang_together() -> None:
    found = sorted(clusters({(0, 0), (1, 1), (1, 2), (5, 5)}), key=len)
    assert found == [{(5, 5)}, {(0, 0), (1, 1), (1, 2)}]
    assert extent(found[1]) == (0, 2, 0, 3)
