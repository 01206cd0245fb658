"""Which ground was searched, and the gaps: what was not seen, or not well enough, between ground that was searched."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.geo.coverage.grid import BEST, CONTRAST, FRAMES, GOOD, LAST, TILE, Grid, clusters, extent
from edge.geo.coverage.local import Float32, Local
from edge.geo.coverage.outline import Bool, Polygon, polygons_of
from edge.geo.coverage.search import Search

UNSEEN, SEARCHED, SHORT, COARSE, POOR, WAITING = range(6)  # what a cell is; 0: not seen
REASONS = {UNSEEN: "not seen", SHORT: "too short", COARSE: "too coarse", POOR: "poor picture"}
BETWEEN = 1.0  # of a picture's side: so far from searched ground to both sides lies what is between
ENCLOSED = 2 / 3  # of its outline is searched ground: else it lies beside, not between
RIM = 0.25  # of a picture's side, half as wide must ground be that was seen, but not well, and lies beside
NARROW = 3  # cells: what is narrower is no gap
MOST_SHAPES = 200  # of either kind, the largest

States = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shape:
    """Ground that hangs together. ``reasons``: square metres by why it is a gap, most first; {} = it was searched.
    ``centre``: latitude and longitude of a place in its middle, where it is widest. ``probability``: least and median
    of its cells that have one, and which part of them have; None where none has.
    """

    area_m2: float
    centre: tuple[float, float]
    polygons: tuple[Polygon, ...]
    reasons: dict[str, float]
    probability: tuple[float, float, float] | None = None

    @property
    def reason(self) -> str:
        return next(iter(self.reasons), "")


@dataclass(frozen=True, slots=True)
class Findings:
    """``searched_m2``; ``seen_m2``, also not well enough. ``gaps`` and ``covered``: largest first; ``left_out``: shapes
    beyond `MOST_SHAPES`, counted in square metres all the same. ``contrast``: median of the searched ground; None where
    nobody knows it.
    """

    searched_m2: float = 0.0
    seen_m2: float = 0.0
    gap_m2: float = 0.0
    gaps: tuple[Shape, ...] = ()
    covered: tuple[Shape, ...] = ()
    left_out: int = 0
    contrast: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Ground in cells: its first ``column`` and ``row``, what they are (H, W), the probability there, 0..1, and the
    contrast, 0 = not known.
    """

    column: int
    row: int
    states: States
    probability: Float32
    contrast: Float32


def find_gaps(grid: Grid, search: Search, local: Local, side_m: float, since: float = math.inf) -> Findings:
    """``side_m``: mean side of a picture on the ground. ``since``: ground that was in view since then, seconds of its
    looks, is still being looked at: it is no gap yet.
    """
    gaps: list[tuple[Part, Bool, int, int]] = []
    covered: list[tuple[Part, Bool, int, int]] = []
    contrasts: list[Float32] = []
    searched = seen = 0
    margin = math.ceil(BETWEEN * side_m / grid.cell_m) + 2 if grid.tiles else 0
    for part in parts_of(grid, search, margin, since):
        searched += int(np.count_nonzero(part.states == SEARCHED))
        seen += int(np.count_nonzero(part.states))
        contrasts.append(part.contrast[(part.states == SEARCHED) & (part.contrast > 0)])
        gaps += [(part, *one) for one in _gaps(part.states, side_m / grid.cell_m)]
        covered += [(part, *one) for one in _components(part.states == SEARCHED)]
    a_cell = grid.cell_m**2
    known = np.concatenate([*contrasts, np.zeros(0, np.float32)])
    for shapes in (gaps, covered):
        shapes.sort(key=lambda shape: -int(np.count_nonzero(shape[1])))
    return Findings(
        searched * a_cell,
        seen * a_cell,
        sum(int(np.count_nonzero(mask)) for _, mask, _, _ in gaps) * a_cell,
        tuple(_shape(*one, grid, local) for one in gaps[:MOST_SHAPES]),
        tuple(_shape(*one, grid, local) for one in covered[:MOST_SHAPES]),
        max(len(gaps) - MOST_SHAPES, 0) + max(len(covered) - MOST_SHAPES, 0),
        float(np.median(known)) if len(known) else None,
    )


def parts_of(grid: Grid, search: Search, margin: int = 0, since: float = math.inf) -> Iterator[Part]:
    """Ground that hangs together, with so many cells around it. ``since``: see `find_gaps`."""
    for tiles in clusters(set(grid.tiles)):
        x0, x1, y0, y1 = extent(tiles)
        shape = (y1 - y0) * TILE + 2 * margin, (x1 - x0) * TILE + 2 * margin
        states, probability, contrast = np.zeros(shape, np.uint8), *np.zeros((2, *shape), np.float32)
        for x, y in tiles:
            tile = grid.tiles[x, y]
            top, left = (y - y0) * TILE + margin, (x - x0) * TILE + margin
            cells = slice(top, top + TILE), slice(left, left + TILE)
            states[cells] = states_of(tile, search, since)
            probability[cells], contrast[cells] = grid.probability(tile), tile[CONTRAST]
        yield Part(x0 * TILE - margin, y0 * TILE - margin, states, probability, contrast)


def states_of(tile: Float32, search: Search, since: float = math.inf) -> States:
    """What each cell of a tile is, (TILE, TILE). ``since``: see `find_gaps`."""
    states = np.full(tile.shape[1:], SEARCHED, np.uint8)
    states[tile[GOOD] < search.least_frames] = POOR
    states[tile[BEST] * np.float32(search.size_m) < search.least_px] = COARSE
    states[tile[FRAMES] < search.least_frames] = SHORT
    states[(states != SEARCHED) & (tile[LAST] >= since)] = WAITING
    states[tile[FRAMES] == 0] = UNSEEN
    return states


def _gaps(states: States, side: float) -> Iterator[tuple[Bool, int, int]]:
    """Masks with their first column and row. ``side``: of a picture, cells."""
    good = states == SEARCHED
    between = _between(good, BETWEEN * side)
    kernel = np.ones((NARROW, NARROW), np.uint8)
    bad = cv2.morphologyEx((between & ~good & (states != WAITING)).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    left = np.isin(states, (SHORT, COARSE, POOR))
    for mask, column, row in _components(bad):
        outline = cv2.dilate(np.pad(mask, 1).astype(np.uint8), _CROSS) > np.pad(mask, 1)
        around = good[row - 1 : row + mask.shape[0] + 1, column - 1 : column + mask.shape[1] + 1]
        if np.count_nonzero(outline & around) >= ENCLOSED * np.count_nonzero(outline):
            yield mask, column, row
            left[row : row + mask.shape[0], column : column + mask.shape[1]][mask] = False
    deep = max(RIM * side, NARROW / 2)
    core = _to_nearest(~left) > deep
    if core.any():
        yield from _components(left & (_to_nearest(core) <= deep * math.sqrt(2)))  # with its corners


_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def _between(good: Bool, reach: float) -> Bool:
    """Ground with searched ground around it: what a disc of that radius does not reach from outside, and all holes."""
    if not good.any():
        return good
    wide = _to_nearest(good) <= reach
    closed = good | (_to_nearest(~wide) > reach)
    _, outside = cv2.connectedComponents((~closed).astype(np.uint8), connectivity=4)
    return np.asarray(closed | (outside != outside[0, 0]))  # a margin without ground is around it


def _to_nearest(mask: Bool) -> Float32:
    """Cells from each cell to the nearest one of ``mask``."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


def _components(mask: Bool) -> Iterator[tuple[Bool, int, int]]:
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    for label in range(1, count):
        x, y, width, height, _ = boxes[label].tolist()
        yield labels[y : y + height, x : x + width] == label, x, y


def _shape(part: Part, mask: Bool, column: int, row: int, grid: Grid, local: Local) -> Shape:
    cells = slice(row, row + mask.shape[0]), slice(column, column + mask.shape[1])
    states, chances = part.states[cells][mask], part.probability[cells][mask]
    a_cell, reasons, probability = grid.cell_m**2, {}, None
    if (states == SEARCHED).all():
        if len(known := chances[chances > 0]):
            probability = (float(known.min()), float(np.median(known)), len(known) / len(chances))
    else:
        counts = sorted(((int(np.count_nonzero(states == s)), name) for s, name in REASONS.items()), reverse=True)
        reasons = {name: n * a_cell for n, name in counts if n}
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    widest = np.argwhere(inner > inner.max() - 1)
    y, x = widest[np.square(widest - widest.mean(0)).sum(1).argmin()].tolist()
    first = part.column + column, part.row + row
    middle = local.places(np.array([[first[0] + x - 0.5, first[1] + y - 0.5]]) * grid.cell_m)[0]
    polygons = polygons_of(mask, *first, grid.cell_m, local)
    area = int(np.count_nonzero(mask)) * a_cell
    return Shape(area, (float(middle[0]), float(middle[1])), polygons, reasons, probability)
