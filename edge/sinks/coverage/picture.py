"""``coverage.png``: the searched ground, shaded by the probability of detection, and the gaps with their numbers."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.geo.coverage.coverage import Coverage, hectares
from edge.geo.coverage.gaps import SEARCHED, UNSEEN, Findings, parts_of
from edge.geo.coverage.local import Float64, Local
from edge.sinks.draw import FONT

SIDE_PX, MARGIN_PX, LEGEND_PX = 900, 30, 84
LEAST_PX = 640  # of the width: for the legend
PAPER, INK, SEEN, GAP = (255, 255, 255), (40, 40, 40), (200, 215, 235), (40, 48, 224)
LEAST, MOST = (205, 240, 200), (60, 140, 40)  # of the probability: 0 and 1
UNKNOWN = (120, 225, 245)  # nobody measured one: yellow, which is no probability's colour
SCALES_M = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)

Picture = npt.NDArray[np.uint8]


def draw_coverage(coverage: Coverage, found: Findings) -> Picture | None:
    """(H, W, 3) uint8 BGR, north up, of the largest ground that hangs together; None where nothing was seen."""
    local, cell = coverage.local, coverage.grid.cell_m
    parts = list(parts_of(coverage.grid, coverage.search)) if local else []
    if local is None or not parts:
        return None
    part = max(parts, key=lambda one: int(np.count_nonzero(one.states)))
    rows, columns = (np.flatnonzero((part.states != UNSEEN).any(axis)) for axis in (1, 0))
    cells = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    states, chances = part.states[cells][::-1], part.probability[cells][::-1]  # north is up
    height, width = states.shape
    scale = (SIDE_PX - 2 * MARGIN_PX) / max(height, width)
    ground = np.full((height, width, 3), PAPER, np.uint8)
    ground[states != UNSEEN] = SEEN
    searched = states == SEARCHED
    low, high = np.array(LEAST, np.float32), np.array(MOST, np.float32)
    ground[searched] = (low + (high - low) * chances[searched][:, None]).astype(np.uint8)
    ground[searched & (chances == 0)] = UNKNOWN
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    shown = cv2.resize(ground, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    picture = np.full((size[1] + 2 * MARGIN_PX + LEGEND_PX, max(size[0] + 2 * MARGIN_PX, LEAST_PX), 3), PAPER, np.uint8)
    picture[MARGIN_PX : MARGIN_PX + size[1], MARGIN_PX : MARGIN_PX + size[0]] = shown
    west, north = (part.column + columns[0]) * cell, (part.row + rows[-1] + 1) * cell
    view = _View(local, west, north, scale / cell)
    for number, gap in enumerate(found.gaps, 1):
        rings = [view.pixels(ring) for polygon in gap.polygons for ring in polygon]
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(inside, rings, (1,))
        stripes = (np.add.outer(np.arange(picture.shape[0]), np.arange(picture.shape[1])) % 8 < 2) & (inside > 0)
        picture[stripes] = GAP
        cv2.polylines(picture, rings, True, GAP, 1, cv2.LINE_AA)
        (at,) = view.pixels(np.array([gap.centre])).tolist()
        _text(picture, str(number), (at[0] - 4, at[1] + 4), back=True)
    _legend(picture, coverage, found, scale / cell)
    return picture


class _View:
    """From latitude and longitude to pixels of the picture."""

    def __init__(self, local: Local, west: float, north: float, px_per_m: float) -> None:
        self._local, self._corner, self._scale = local, np.array([west, north]), px_per_m

    def pixels(self, places: Float64) -> npt.NDArray[np.int32]:
        metres = self._local.metres(places) - self._corner
        return np.asarray(np.rint(metres * (self._scale, -self._scale) + MARGIN_PX), np.int32)


def _legend(picture: Picture, coverage: Coverage, found: Findings, px_per_m: float) -> None:
    height, width = picture.shape[:2]
    metres = max((m for m in SCALES_M if m * px_per_m <= width / 4), default=SCALES_M[0])
    y, length = height - 12, round(metres * px_per_m)
    cv2.line(picture, (MARGIN_PX, y), (MARGIN_PX + length, y), INK, 2)
    _text(picture, f"{metres} m", (MARGIN_PX + length + 6, y + 4))
    cv2.arrowedLine(picture, (12, 34), (12, 10), INK, 1, cv2.LINE_AA, 0, 0.35)
    _text(picture, "N", (8, 48))
    _text(picture, f"searched {hectares(found.searched_m2)}, gaps {hectares(found.gap_m2)}", (MARGIN_PX, y - 60))
    _text(picture, coverage.search.in_words, (MARGIN_PX, y - 42))
    x = MARGIN_PX
    shades = [(MOST, "probability of detection 1"), (LEAST, "0"), (UNKNOWN, "not known")]
    shades = shades if coverage.recall else [(UNKNOWN, "searched, probability not known")]
    for colour, words in (*shades, (SEEN, "seen, not well enough"), (GAP, "gap, numbered as in coverage.geojson")):
        cv2.rectangle(picture, (x, y - 30), (x + 10, y - 20), colour, cv2.FILLED)
        _text(picture, words, (x + 14, y - 21))
        x += 30 + cv2.getTextSize(words, FONT, 0.36, 1)[0][0]


def _text(picture: Picture, text: str, at: tuple[int, int], back: bool = False) -> None:
    if back:
        cv2.putText(picture, text, at, FONT, 0.45, PAPER, 4, cv2.LINE_AA)
    cv2.putText(picture, text, at, FONT, 0.45 if back else 0.36, INK, 1, cv2.LINE_AA)
