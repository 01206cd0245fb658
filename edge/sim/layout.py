"""What lies where on the simulated ground, in world metres: a road, a path, a car park with its drive, two
roofs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.sim.flight import Float64

ROAD_WIDTH_M, WALK_WIDTH_M, PATH_WIDTH_M, DRIVE_WIDTH_M = 7.0, 2.2, 2.6, 6.0
BAY_WIDTH_M, BAY_LENGTH_M = 2.6, 5.2
_LOT_M = (39.0, 27.0)


@dataclass(frozen=True)
class Layout:
    """``road``, ``path``, ``drive``: (N, 2) centre lines. ``lot``: (4, 2) corners of the car park. ``bays``:
    (N, 3) east, north and heading (deg) of its bays. ``roofs``: (4, 2) corners each. A pavement runs on both
    sides of the road. All east and north in metres.
    """

    road: Float64
    path: Float64
    drive: Float64
    lot: Float64
    bays: Float64
    roofs: tuple[Float64, ...]


def plan_layout(size: tuple[float, float], start: tuple[float, float], rng: np.random.Generator) -> Layout:
    """A layout for a ground of ``size`` metres (east-west, north-south); the car park is around ``start``."""
    road, path = _wave(size, 0.06, 0.04, rng), _wave(size[::-1], 0.12, 0.03, rng)[:, ::-1]
    lot, bays = _car_park(size, start, rng)
    gate = lot.mean(axis=0)
    end = road[np.abs(road[:, 0] - gate[0] - 8).argmin()]
    drive = gate + np.linspace(0, 1, 12)[:, None] * (end - gate)
    return Layout(road, path, drive, lot, bays, tuple(_roof(size, part, road, rng) for part in (-0.33, 0.3)))


def rectangle(centre: Float64, along: float, across: float, heading: float) -> Float64:
    """Corners (4, 2), clockwise from the front right; ``along`` lies in the direction of ``heading``
    (deg).
    """
    forward, right = directions(heading)
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / 2
    corners: Float64 = centre + signs[:, :1] * along * forward + signs[:, 1:] * across * right
    return corners


def directions(heading: float) -> tuple[Float64, Float64]:
    """Unit vectors (east, north) forward and to the right of a heading in degrees clockwise from north."""
    a = math.radians(heading)
    return np.array([math.sin(a), math.cos(a)]), np.array([math.cos(a), -math.sin(a)])


def _wave(size: tuple[float, float], offset: float, swing: float, rng: np.random.Generator) -> Float64:
    """(N, 2) a point a metre along a gentle wave through the whole ground, and a little beyond."""
    along = np.arange(-size[0] / 2 - 5, size[0] / 2 + 5, 1.0)
    wave = np.sin(2 * math.pi * along / (0.8 * size[0]) + rng.uniform(0, 2 * math.pi))
    return np.column_stack((along, size[1] * (offset + swing * wave)))


def _car_park(
    size: tuple[float, float], start: tuple[float, float], rng: np.random.Generator
) -> tuple[Float64, Float64]:
    """Corners, and bays in two rows on either side of one lane; smaller on a small ground."""
    centre, heading = np.array(start), 90.0 + rng.uniform(-12, 12)
    along, across = min(_LOT_M[0], 0.3 * size[0]), min(_LOT_M[1], 0.22 * size[1])
    forward, right = directions(heading)
    bays = []
    for side in (-1, 1):
        row = centre + side * (across - BAY_LENGTH_M) / 2 * right
        for k in range(int(along / BAY_WIDTH_M)):
            east, north = row + ((k + 0.5) * BAY_WIDTH_M - along / 2) * forward
            bays.append((east, north, (heading + 90 * side) % 360))
    return rectangle(centre, along, across, heading), np.array(bays, np.float64).reshape(-1, 3)


def _roof(size: tuple[float, float], part: float, road: Float64, rng: np.random.Generator) -> Float64:
    east = part * size[0]
    north = float(np.interp(east, road[:, 0], road[:, 1])) + 16
    return rectangle(np.array([east, north]), rng.uniform(10, 15), rng.uniform(7, 9), 90 + rng.uniform(-8, 8))
