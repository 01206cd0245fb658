"""Houses, masts and bridges: warm and cold, when far of the size of a body, never to be reported.

Walls keep the day's warmth and windows show some of the rooms'; roofs, of metal above all, see the cold sky. The
figures are round ones, widely varied, not measurements.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.sim.flight import Float64
from edge.sim.shapes import Part, Shape
from edge.sim.wild.scene import Scene

HEAT = (0.0, 1.0, 0.0, 0.0)  # all of it in K above the air
BRIDGE_PARTS = 12


def draw_built(scene: Scene, places: list[Float64], rng: np.random.Generator) -> list[tuple[Shape, Float64]]:
    """Shapes, to be drawn with `HEAT` above the air, and where they stand (east and north in m, heading in degrees):
    at ``places`` houses, then masts, and a bridge from the last of them on.
    """
    found: list[tuple[Shape, Float64]] = []
    turn = rng.uniform(0, 360)
    for number, place in enumerate(places[: scene.houses + scene.masts]):
        heading = turn + rng.choice((0.0, 90.0)) + rng.normal(0, 4)  # along the same streets
        made = house(scene.sun, rng) if number < scene.houses else mast(rng)
        found.append((made, np.array([*place, heading])))
    if scene.bridge and places:
        heading = rng.uniform(0, 360)
        along = np.array([np.sin(np.radians(heading)), np.cos(np.radians(heading))])
        height, wide, kelvin = rng.uniform(4, 20), rng.uniform(6, 25), rng.normal(1, 2)
        for number in range(BRIDGE_PARTS):
            part = bridge_part(height, wide, kelvin + rng.normal(0, 0.2))
            found.append((part, np.array([*(places[-1] + 24.0 * number * along), heading])))
    return found


def house(sun: float, rng: np.random.Generator) -> Shape:
    """Four walls with windows, and a flat or a pitched roof; three in ten are a tenth to a half of the size: sheds,
    containers, tanks, bales.
    """
    long, wide = rng.uniform(4, 18), rng.uniform(3, 9)  # half of a side
    storeys = int(rng.choice((1, 2, 3, 8), p=(0.4, 0.35, 0.2, 0.05)))
    high, ridge = 3.0 * storeys, float(rng.choice((0.0, rng.uniform(1, 4))))
    warm, panes, roof = rng.uniform(-1, 5), rng.uniform(-4, 8), rng.uniform(-14, 3) + 0.5 * sun * rng.random()
    parts = []
    for side in range(4):
        out: Float64 = np.array([(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)][side], float)
        along = np.array([-out[1], out[0], 0])
        reach, half = (long, wide) if side % 2 == 0 else (wide, long)
        kelvin = warm + rng.normal(0, 1) + sun * rng.uniform(0, 0.8)

        def on_wall(*corners: tuple[float, float], base: Float64 = reach * out, along: Float64 = along) -> Float64:
            points: Float64 = np.array([base + x * along + (0, 0, z) for x, z in corners])
            return points

        gable = [(0.0, high + ridge)] if side % 2 == 0 else []
        parts.append(face(on_wall((-half, 0), (-half, high), *gable, (half, high), (half, 0)), out, kelvin))
        count = min(8, int(half / 1.6))
        for storey in range(min(storeys, 4)):
            for x in np.linspace(-half, half, count + 2)[1:-1]:
                if rng.random() < 0.7:
                    low, upper = 3.0 * storey + 0.9, 3.0 * storey + 2.2
                    pane = on_wall((x - 0.6, low), (x - 0.6, upper), (x + 0.6, upper), (x + 0.6, low))
                    parts.append(face(pane, out, kelvin + panes + rng.normal(0, 1.5)))
    for slope in (1.0, -1.0):
        eaves = [(x, slope * y, z) for x, y, z in ((long, wide, high), (-long, wide, high))]
        eaves += [(x, 0, high + ridge) for x in (-long, long)]
        parts.append(face(np.array(eaves), np.array([0, slope * 0.3, 1]), roof + rng.normal(0, 1)))
    for _ in range(int(rng.integers(0, 4))):  # chimneys, vents, air conditioning
        foot = np.array([rng.uniform(-0.8, 0.8) * long, 0.0, high + ridge])
        top = foot + np.array([0.0, 0.0, rng.uniform(0.4, 1.5)])
        parts.append(Part(np.array([foot, top]), rng.uniform(0.2, 0.6), kelvin=rng.normal(2, 6)))
    size = 1.0 if rng.random() < 0.7 else rng.uniform(0.1, 0.5)
    return Shape([replace(p, points=p.points * size, radius=p.radius * size) for p in parts], by_range=False)


def mast(rng: np.random.Generator) -> Shape:
    """A pole, with a lamp, cross-arms or nothing at its top."""
    high, thick, kelvin = rng.uniform(3, 25), rng.uniform(0.06, 0.3), rng.normal(0, 2)
    parts = [Part(np.array([(0, 0, 0), (0, 0, high)], float), thick, kelvin=kelvin)]
    kind = rng.random()
    if kind < 0.35:
        parts.append(Part(np.array([(0, 0, high), (1.2, 0, high)]), rng.uniform(0.15, 0.3), kelvin=rng.uniform(0, 25)))
    elif kind < 0.75:
        for z in rng.uniform(0.6, 1.0, int(rng.integers(1, 4))) * high:
            parts.append(Part(np.array([(0, -0.1 * high, z), (0, 0.1 * high, z)]), 0.5 * thick, kelvin=kelvin))
            for y in (-0.1, 0.1):
                parts.append(Part(np.array([(0, y * high, z), (0, y * high, z - 0.8)]), 0.12, kelvin=rng.normal(2, 2)))
    return Shape(parts, by_range=True)


def bridge_part(height: float, wide: float, kelvin: float) -> Shape:
    """24 m of a deck on a pair of piers."""
    deck = [(x, y, z) for x in (-12.1, 12.1) for y in (-wide / 2, wide / 2) for z in (height, height + 1.5)]
    piers = [Part(np.array([(0, y, 0), (0, y, height)]), 0.8, kelvin=0.5) for y in (-wide / 4, wide / 4)]
    return Shape([*piers, Part(np.array(deck, float), solid=True, kelvin=kelvin)], by_range=False)


def face(points: Float64, outward: Float64, kelvin: float) -> Part:
    """A flat face that is seen from the side that ``outward`` points to."""
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    return Part(points if normal @ outward < 0 else points[::-1].copy(), kelvin=kelvin)
