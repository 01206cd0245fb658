"""The outline of ground in cells: rings along the cells' sides, so that their area is that of the cells."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.geo.coverage.local import Float64, Local

Bool = npt.NDArray[np.bool_]
Corner = tuple[int, int]
Polygon = tuple[Float64, ...]
"""Rings, the outer one first: (N, 2) latitude and longitude each, the first corner not repeated."""


def polygons_of(mask: Bool, column: int, row: int, cell_m: float, local: Local) -> tuple[Polygon, ...]:
    """The ground of ``mask`` (H, W), whose first cell is that of ``column`` and ``row``; cut at the 180th meridian."""
    cut = round(local.date_line / cell_m) - column
    pieces = [(mask, column)]
    if 0 < cut < mask.shape[1]:
        pieces = [(mask[:, :cut], column), (mask[:, cut:], column + cut)]
    found = []
    for piece, first in pieces:
        count, parts = cv2.connectedComponents(piece.astype(np.uint8), connectivity=4)
        for part in range(1, count):
            rings = sorted(rings_of(parts == part), key=ring_area, reverse=True)
            found.append(tuple(_placed(ring, first, row, cell_m, local) for ring in rings))
    return tuple(found)


def _placed(ring: list[Corner], column: int, row: int, cell_m: float, local: Local) -> Float64:
    places = local.unwrapped(np.add(ring, (column, row)) * cell_m)
    # one side of the meridian: rounding must not put a corner on the other
    places[:, 1] = np.clip(places[:, 1] - 360 * np.round(places[:, 1].mean() / 360), -180, 180)
    return places


def rings_of(mask: Bool) -> list[list[Corner]]:
    """Rings of ``mask`` (H, W): corners (column, row) of cells where the ring turns, the first one not repeated.

    Ground lies to the left: around it against the clock, around a hole with it, seen with columns to the right and
    rows upwards. Cells that touch only at a corner do not hang together. No ring comes to a corner twice: where a hole
    touches the outside, or another hole, at a corner, it has a ring of its own.
    """
    left_of = _sides(mask)
    found = []
    while left_of:
        at = next(iter(left_of))
        way, place, came = [at], {at: 0}, (0, 0)
        while at in left_of:
            ends = left_of[at]
            end = ends[0] if len(ends) == 1 else _to_the_left(at, came, ends)
            ends.remove(end)
            if not ends:
                del left_of[at]
            came, at = (end[0] - at[0], end[1] - at[1]), end
            if at in place:  # a ring is closed
                ring = way[place[at] :]
                del way[place[at] + 1 :]
                for corner in ring[1:]:
                    del place[corner]
                found.append(_turns(ring))
            else:
                place[at] = len(way)
                way.append(at)
    return found


def ring_area(ring: list[Corner]) -> float:
    """Cells inside, negative where it runs with the clock."""
    points = np.array(ring, np.float64)
    following = np.roll(points, -1, axis=0)
    return float((points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum() / 2)


def _sides(mask: Bool) -> dict[Corner, list[Corner]]:
    """By its beginning the ends of each side between ground and none, the ground to its left."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    sides: dict[Corner, list[Corner]] = {}
    for beside, begin, end in (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),  # below: to the right
        (padded[1:-1, 2:], (1, 0), (1, 1)),  # to the right: upwards
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    ):
        for row, column in np.argwhere(inner & ~beside).tolist():
            a, b = (column + begin[0], row + begin[1]), (column + end[0], row + end[1])
            sides.setdefault(a, []).append(b)
    return sides


def _to_the_left(at: Corner, came: Corner, ends: list[Corner]) -> Corner:
    """Of the ends the one of the sharpest turn to the left: it stays with the same cell."""
    return max(ends, key=lambda end: came[0] * (end[1] - at[1]) - came[1] * (end[0] - at[0]))


def _turns(ring: list[Corner]) -> list[Corner]:
    before, after = [ring[-1], *ring[:-1]], [*ring[1:], ring[0]]
    return [
        b
        for a, b, c in zip(before, ring, after, strict=True)
        if (b[0] - a[0], b[1] - a[1]) != (c[0] - b[0], c[1] - b[1])
    ]
