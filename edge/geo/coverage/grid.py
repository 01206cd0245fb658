"""The cells of the map: in what each of them was seen. Tiles are made where the camera looks; memory is bounded.

A cell is in view while its middle is in the picture. Where the map would become too large its cells become twice as
wide, and four of them one that has the worst of the four: nothing is said to be seen better than it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from edge.geo.coverage.local import Float32, Float64
from edge.model.recall import RecallCurve

TILE = 128  # cells a side
MOST_TILES = 128  # of 576 KiB each
MOST_SIDE = 2048  # cells of the longer side of ground that hangs together
MOST_IN_VIEW = 128 * 128  # cells around one footprint: what a frame costs
CELLS_A_SIDE = 48  # at least, of the first footprint's mean side
WIDEST = 8  # parts of the footprint's side: cells do not become wider
AWAY_S = 5.0  # out of sight for so long, and seen again: another pass, as `edge.track.passes` has it

FRAMES, SECONDS, GOOD, BEST, NOW, MISSED, LAST, PASSES, CONTRAST = range(9)
FRESH = np.array([0, 0, 0, 0, 0, 1, -np.inf, 0, 0], np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """One frame. ``corners``: (4, 2) metres of the ground at the picture's corners, clockwise from the top left one.
    ``width``, ``height``: of the picture, pixels. ``scale``: model pixels to one of the picture. ``t``: seconds;
    ``seconds``: since the frame before. ``good``: the picture is one that the model can work with.
    ``mask``: (height, width), True where nobody looks. ``contrasts``: (P,) that a body of the searched kind would have
    at places all over it; none = not known.
    """

    corners: Float64
    width: int
    height: int
    scale: float
    t: float
    seconds: float
    good: bool
    mask: npt.NDArray[np.bool_] | None = None
    contrasts: Float64 = field(default_factory=lambda: np.zeros(0))


class Grid:
    """Cells by what was seen of them: (9, TILE, TILE) float32 a tile, rows to the north, columns to the east.

    ``FRAMES`` in which it was in view, ``SECONDS`` of them, ``GOOD`` ones of them; ``BEST``: most model pixels a metre;
    ``NOW``: the highest probability of this pass that a good frame shows an object of ``size_m`` metres; ``MISSED``:
    that the passes before missed it; ``LAST``: when it was in view, ``PASSES``; ``CONTRAST``: the highest of good
    frames, of each the median.
    """

    def __init__(self, size_m: float, recall: RecallCurve | None = None) -> None:
        self._size_m = size_m
        self._recall = recall
        edges = np.zeros(1) if recall is None else recall.edges_px
        self._edges = np.maximum(edges, 1e-9).astype(np.float32)  # no pixels: not looked at, and not found
        self.cell_m = 0.0
        self.tiles: dict[tuple[int, int], Float32] = {}
        self.coarsened = 0

    def add(self, look: Look) -> bool:
        """Note one look; False: there is no room for it, or it looks at no area."""
        side = side_of(look.corners)
        if not 0 < side < math.inf:
            return False
        if not self.tiles:
            self.cell_m = 2.0 ** math.floor(math.log2(side / CELLS_A_SIDE))
        while not self._fits(look.corners):
            if self.cell_m * 2 > side / WIDEST:
                return False
            self._coarsen()
        self._note(look)
        return True

    def probability(self, tile: Float32) -> Float32:
        """(9, H, W) of cells -> (H, W) probability that an object there was found in one of the passes, each of them
        independent; 0 where nobody measured it.
        """
        return np.asarray(1 - tile[MISSED] * (1 - tile[NOW]))

    def _found(self, px_a_metre: Float32, contrasts: Float64) -> Float32:
        """Of cells with so many model pixels a metre the probability that one look finds what is there."""
        if self._recall is None:
            return np.zeros_like(px_a_metre)
        of_size = np.array([0.0, *np.nan_to_num(self._recall.row(contrasts)), 0.0], np.float32)
        px = px_a_metre * np.float32(self._size_m)
        first, last = np.searchsorted(self._edges, [px[px > 0].min(initial=np.inf), px.max()], side="right")
        if first == last:  # seen from straight above all is of one size
            return np.asarray(np.where(px > 0, of_size[first], np.float32(0)))
        return np.asarray(of_size[np.searchsorted(self._edges, px, side="right")])

    def _window(self, corners: Float64) -> tuple[int, int, int, int]:
        """The first column of the cells around a footprint and the one after the last, and the same of rows."""
        low, high = np.floor(corners.min(0) / self.cell_m), np.floor(corners.max(0) / self.cell_m) + 1
        return int(low[0]), int(high[0]), int(low[1]), int(high[1])

    def _fits(self, corners: Float64) -> bool:
        x0, x1, y0, y1 = self._window(corners)
        if (x1 - x0) * (y1 - y0) > MOST_IN_VIEW:
            return False
        asked = {
            (x, y) for x in range(x0 // TILE, (x1 - 1) // TILE + 1) for y in range(y0 // TILE, (y1 - 1) // TILE + 1)
        }
        if asked <= self.tiles.keys():
            return True
        together = self.tiles.keys() | asked
        if len(together) > MOST_TILES:
            return False
        return all(max(b - a, d - c) * TILE <= MOST_SIDE for a, b, c, d in map(extent, clusters(together)))

    def _note(self, look: Look) -> None:
        x0, x1, y0, y1 = self._window(look.corners)
        home = np.array([x0, y0]) * self.cell_m
        inside, px = _in_view(look, home, self.cell_m, x1 - x0, y1 - y0)
        found = self._found(px, look.contrasts) if look.good else np.zeros_like(px)
        contrast = float(np.median(look.contrasts)) if len(look.contrasts) else 0.0
        for tx in range(x0 // TILE, (x1 - 1) // TILE + 1):
            for ty in range(y0 // TILE, (y1 - 1) // TILE + 1):
                left, right = max(x0, tx * TILE), min(x1, (tx + 1) * TILE)
                low, high = max(y0, ty * TILE), min(y1, (ty + 1) * TILE)
                part = slice(low - y0, high - y0), slice(left - x0, right - x0)
                if not inside[part].any():
                    continue
                tile = self.tiles.get((tx, ty))
                if tile is None:
                    tile = self.tiles[tx, ty] = np.empty((len(FRESH), TILE, TILE), np.float32)
                    tile[:] = FRESH[:, None, None]
                cells = tile[:, low - ty * TILE : high - ty * TILE, left - tx * TILE : right - tx * TILE]
                _seen(cells, inside[part], px[part], found[part], contrast, look)

    def _coarsen(self) -> None:
        """Cells twice as wide: of four the least that is said for sure."""
        half, finer = TILE // 2, self.tiles
        self.cell_m *= 2
        self.coarsened += 1
        self.tiles = {}
        for (x, y), tile in finer.items():
            four = tile.reshape(len(FRESH), half, 2, half, 2)
            one = four.min(axis=(2, 4))
            for most in (MISSED, LAST):
                one[most] = four[most].max(axis=(1, 3))
            one[:, one[FRAMES] == 0] = FRESH[:, None]
            whole = self.tiles.get((x // 2, y // 2))
            if whole is None:
                whole = self.tiles[x // 2, y // 2] = np.empty_like(tile)
                whole[:] = FRESH[:, None, None]
            whole[:, (y % 2) * half : (y % 2 + 1) * half, (x % 2) * half : (x % 2 + 1) * half] = one


def _seen(
    cells: Float32, inside: npt.NDArray[np.bool_], px: Float32, found: Float32, contrast: float, look: Look
) -> None:
    """Note in ``cells``, (9, H, W), what one look saw: ``inside``, ``px`` and ``found``: (H, W), what it finds."""
    again = inside & (np.abs(np.float32(look.t) - cells[LAST]) > AWAY_S)
    if again.any():
        cells[PASSES] += again
        cells[MISSED][again] *= 1 - cells[NOW][again]
        cells[NOW][again] = 0
    cells[FRAMES] += inside
    cells[SECONDS] += inside * np.float32(look.seconds)
    np.maximum(cells[BEST], px, out=cells[BEST])
    if look.good:
        cells[GOOD] += inside
        np.maximum(cells[NOW], found, out=cells[NOW])
        np.maximum(cells[CONTRAST], inside * np.float32(contrast), out=cells[CONTRAST])
    cells[LAST][inside] = look.t


def clusters(tiles: set[tuple[int, int]]) -> Iterator[set[tuple[int, int]]]:
    """Tiles that touch, also at a corner, together."""
    left = set(tiles)
    while left:
        edge = [left.pop()]
        found = set(edge)
        while edge:
            x, y = edge.pop()
            near = {(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)} & left
            left -= near
            found |= near
            edge += near
        yield found


def extent(tiles: set[tuple[int, int]]) -> tuple[int, int, int, int]:
    """The first column of tiles and the one after the last, and the same of rows."""
    xs, ys = [x for x, _ in tiles], [y for _, y in tiles]
    return min(xs), max(xs) + 1, min(ys), max(ys) + 1


def side_of(corners: Float64) -> float:
    """Side of the square that is as large as the ground between ``corners`` (4, 2), metres."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.tolist()
    return math.sqrt(abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2)


def _in_view(look: Look, home: Float64, cell: float, width: int, height: int) -> tuple[npt.NDArray[np.bool_], Float32]:
    """(height, width): which cells have their middle in the picture; and model pixels a metre there, else 0."""
    w, h = look.width, look.height
    ground = (look.corners - home).astype(np.float32)
    picture = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    m = cv2.getPerspectiveTransform(ground, picture)
    middle = look.corners.mean(0) - home
    m *= np.sign(m[2, :2] @ middle + m[2, 2])  # in front of the camera the last coordinate is positive
    x = ((np.arange(width) + 0.5) * cell)[None].astype(np.float32)
    y = ((np.arange(height) + 0.5) * cell)[:, None].astype(np.float32)
    a = m.astype(np.float32)
    u, v, depth = (row[0] * x + (row[1] * y + row[2]) for row in a)
    inside = (u >= 0) & (u < w * depth) & (v >= 0) & (v < h * depth)
    if look.mask is not None:
        rows, columns = np.nonzero(inside)
        at = depth[rows, columns]
        x_px, y_px = (u[rows, columns] / at).astype(int), (v[rows, columns] / at).astype(int)
        inside[rows, columns] = ~look.mask[np.minimum(y_px, h - 1), np.minimum(x_px, w - 1)]
    # area of the picture to one of the ground: the transform's determinant by the third power of the depth
    factor = np.float32(look.scale * math.sqrt(abs(float(np.linalg.det(m)))))
    depth = np.maximum(depth, np.float32(1e-12))
    px = inside * (factor / (depth * np.sqrt(depth)))
    return inside, px
