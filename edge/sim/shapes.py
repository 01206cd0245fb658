"""What a person, a deer and a car are made of: a few solid parts with a surface temperature each.

Body frame: metres forward, left and up of the point on the ground below the body's middle. A part with a
radius is a capsule (a ball swept along its points); a part without one is a flat face, or the hull of a
solid.

Surface temperatures lie between the air and the body's core, ``air + share * (core - air)``: bare skin is
nearer to the core than fur or clothing. The shares are round figures that put an adult in light clothing 8 to
12 K above air of 10 deg C, as seen in evening surveys. Cars: glass and painted roofs reflect the cold sky and
read below the air, the sides reflect the ground, a bonnet stays hot for about an hour after a drive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edge.sim.flight import Float64

CORE_C = {"person": 34.0, "deer": 38.0}  # skin of a clothed person, core of a deer
STRIDE_M = {"person": 1.4, "deer": 1.2}  # at size 1; two steps of a person
STEPS = 32  # drawings a stride

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """``points``: (N, 3) metres in the body frame. ``radius``: metres, 0 for a face or solid. ``solid``: the
    hull of the points is drawn from any side, a face only from the side its normal points to.

    The temperature is that of the air plus ``share`` of core minus air, plus ``kelvin``, plus ``engine`` of
    the body's engine and ``sky`` of its sky (both K above the air).
    """

    points: Float64
    radius: float = 0.0
    solid: bool = False
    share: float = 0.0
    kelvin: float = 0.0
    engine: float = 0.0
    sky: float = 0.0


class Shape:
    """The parts of a body as arrays, in the order to draw them unless ``by_range`` (then far ones first).

    ``points``: (P, 3) of all parts, part i has ``points[starts[i]:ends[i]]``. ``radius``: (N,) m. ``heat``:
    (N, 4) factors of core minus air, 1 K, engine and sky.
    """

    def __init__(self, parts: list[Part], by_range: bool | None = None) -> None:
        """``by_range``: None where it is so if all parts have a radius."""
        self.points = np.concatenate([part.points for part in parts])
        self.counts = np.array([len(part.points) for part in parts])
        self.ends = self.counts.cumsum()
        self.starts = self.ends - self.counts
        self.radius = np.array([part.radius for part in parts])
        self.solid = [part.solid for part in parts]
        self.heat = np.array([(part.share, part.kelvin, part.engine, part.sky) for part in parts])
        self.by_range = bool(self.radius.all()) if by_range is None else by_range


def shape(name: str, posture: str, stride: float) -> Shape:
    """Shape of a body; ``stride``: how many strides it has walked (only the fraction counts)."""
    moving = posture == "walking"
    return _shape(name, posture, int(stride % 1.0 * STEPS) if moving else 0)


@lru_cache(maxsize=4 * STEPS)
def _shape(name: str, posture: str, step: int) -> Shape:
    phase = 2 * math.pi * step / STEPS
    if name == "person":
        return Shape(person(phase, posture))
    return Shape(deer(phase, posture) if name == "deer" else car())


def _limb(share: float, radius: float, *points: Point) -> Part:
    return Part(np.array(points), radius, share=share)


def person(phase: float, posture: str) -> list[Part]:
    """A person 1.75 m tall: ``walking`` (``phase`` of the stride in radians), ``standing`` or ``lying``."""
    walking = posture == "walking"
    swing = 0.36 * math.sin(phase) if walking else 0.0
    spread = 0.0 if walking else 0.05
    parts = []
    for side, s in ((1, swing), (-1, -swing)):
        lift = 0.16 * max(0.0, -math.cos(phase) * side) if walking else 0.0
        knee = (0.55 * s + 0.06 * abs(s), side * (0.09 + spread / 2), 0.47)
        parts.append(_limb(0.36, 0.085, (0, side * 0.09, 0.90), knee))
        parts.append(_limb(0.33, 0.065, knee, (s - lift / 2, side * (0.09 + spread), 0.08 + lift)))
        elbow = (-0.35 * s - 0.02, side * 0.24, 1.14)
        hand = (-0.85 * s + 0.10, side * 0.23, 0.92)
        parts.append(_limb(0.38, 0.055, (0, side * 0.19, 1.40), elbow))
        parts.append(_limb(0.50, 0.045, elbow, hand))
        parts.append(_limb(0.46, 0.125, (0, side * 0.055, 1.00), (0, side * 0.10, 1.36)))
    parts.append(_limb(0.62, 0.105, (0.02, 0, 1.60), (0.03, 0, 1.66)))
    if posture == "lying":  # on the back, feet forward
        fall = np.array([[0, 0, -1.0], [0, 1, 0], [1.0, 0, 0]])
        return [_limb(p.share, p.radius, *(p.points @ fall.T + (0.9, 0, 0.13))) for p in parts]
    return parts


def deer(phase: float, posture: str) -> list[Part]:
    """A fallow deer, 0.9 m at the shoulder, 1.5 m from rump to nose: ``walking``, ``grazing`` or
    ``bedded``.
    """
    drop = 0.48 if posture == "bedded" else 0.0
    parts = []
    if posture != "bedded":
        for x, lag in ((0.42, 0.0), (-0.42, math.pi / 2)):
            for side in (1, -1):
                turn = phase + lag + (0.0 if side > 0 else math.pi)
                s = 0.2 * math.sin(turn) if posture == "walking" else 0.05 * side
                hock = (x + 0.3 * s - 0.03, side * 0.11, 0.40)
                parts.append(_limb(0.34, 0.065, (x, side * 0.12, 0.66), hock))
                parts.append(_limb(0.38, 0.035, hock, (x + s, side * 0.11, 0.04)))
    parts.append(_limb(0.29, 0.165, (-0.40, 0, 0.75 - drop), (0.15, 0, 0.73 - drop)))
    parts.append(_limb(0.31, 0.20, (0.18, 0, 0.72 - drop), (0.40, 0, 0.74 - drop)))
    parts.append(_limb(0.33, 0.18, (-0.50, 0, 0.74 - drop), (-0.38, 0, 0.74 - drop)))
    head = (0.86, 0.0, 0.22) if posture == "grazing" else (0.80, 0.0, 1.22 - drop)
    nose = (0.98, 0.0, 0.10) if posture == "grazing" else (1.02, 0.0, 1.14 - drop)
    parts.append(_limb(0.36, 0.10, (0.45, 0, 0.80 - drop), head))
    parts.append(_limb(0.48, 0.085, head, nose))
    for side in (1, -1):
        parts.append(_limb(0.52, 0.035, head, (head[0] - 0.08, side * 0.14, head[2] + 0.1)))
    return parts


def car() -> list[Part]:
    """A saloon car 4.5 x 1.8 x 1.45 m, in painter's order from above."""

    def ring(*left: Point) -> Float64:
        """Points on the left, rear to front, and their mirror images: clockwise from above."""
        points = np.array(left)
        return np.concatenate((points, points[::-1] * (1, -1, 1)))

    turn = np.linspace(0, 2 * math.pi, 9)[:-1]
    wheel = np.column_stack((0.31 * np.cos(turn), np.zeros(8), 0.31 * np.sin(turn) + 0.31))
    parts = [
        Part(wheel + np.array([x, y, 0.0]), solid=True, kelvin=1.0, engine=0.3)
        for x in (1.4, -1.35)
        for y in (0.84, -0.84)
    ]
    nose, tail = (2.22, 0.55), (-2.22, 0.66)
    waist = ((*nose, 0.66), (2.05, 0.80, 0.72), (-2.0, 0.84, 0.78), (*tail, 0.74))
    sill = ((*nose, 0.25), (2.05, 0.84, 0.25), (-2.05, 0.86, 0.25), (*tail, 0.28))
    shoulder = ((1.1, 0.78, 0.92), (-1.7, 0.78, 0.95))
    cabin = ((1.1, 0.78, 0.9), (0.35, 0.60, 1.42), (-1.0, 0.60, 1.42), (-1.75, 0.76, 0.92))
    parts += [
        Part(ring(*sill, *waist), solid=True, kelvin=1.5, engine=0.15),
        Part(ring(*waist, *shoulder), solid=True, kelvin=2.0, engine=0.15),
        # bonnet, hottest over the engine; boot
        Part(ring((1.08, 0.74, 0.93), (2.0, 0.72, 0.78), (2.16, 0.45, 0.74)), kelvin=1.0, engine=0.6, sky=1.0),
        Part(ring((1.2, 0.52, 0.93), (1.9, 0.48, 0.80)), kelvin=1.0, engine=1.0, sky=1.0),
        Part(ring((-2.14, 0.58, 0.84), (-1.75, 0.70, 0.96)), kelvin=1.0, sky=1.0),
        Part(ring(*cabin), solid=True, kelvin=1.0, engine=0.15),
        Part(ring((0.38, 0.54, 1.38), (1.0, 0.68, 0.95)), kelvin=-1.5, engine=0.2, sky=1.0),  # windscreen
        Part(ring((-1.68, 0.66, 0.97), (-1.02, 0.54, 1.38)), kelvin=-1.0, sky=1.0),  # rear window
        Part(ring((-0.95, 0.56, 1.43), (0.3, 0.56, 1.43)), sky=1.0),  # roof
    ]
    for s in (1, -1):  # side windows; the order of corners turns the normal outwards
        pane = [
            (0.8, s * 0.76, 0.97),
            (0.3, s * 0.62, 1.36),
            (-0.95, s * 0.62, 1.36),
            (-1.45, s * 0.76, 0.97),
        ]
        parts.append(Part(np.array(pane if s > 0 else pane[::-1]), kelvin=1.5, sky=1.0))
    return parts
