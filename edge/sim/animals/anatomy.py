"""What an animal's body is made of: solids with a surface temperature each, in the poses seen from the air.

Body frame as in `edge.sim.shapes`: metres forward, left and up of the point on the ground below the middle. Trunk, neck
and head are ellipsoids along a spine that may be bent; the upper part of the trunk, the insulated back, is a solid of
its own, so that from above the back is seen and from the side the warmer belly. In the sun ``Part.sky``, the sun's K
above the air, warms the back more than the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edge.sim.animals.species import Species
from edge.sim.flight import Float64
from edge.sim.shapes import Part, Shape

POSES = ("standing", "walking", "grazing", "alert", "lying", "curled", "swimming")
_TURN = np.linspace(0, 2 * math.pi, 9)[:-1]
_RISE = np.radians([-90, -50, -15, 20, 55, 90])
BALL = np.array([(math.cos(r) * math.cos(t), math.cos(r) * math.sin(t), math.sin(r)) for r in _RISE for t in _TURN])
_UPPER = BALL[BALL[:, 2] > 0.3]  # what is called the back


@dataclass(frozen=True)
class Pose:
    """``name``: of `POSES`. ``bend``: degrees that the spine turns from rump to chest, positive to the left.
    ``turn``: degrees that the neck turns to the left. ``phase``: of the stride, radians.
    """

    name: str
    bend: float = 0.0
    turn: float = 0.0
    phase: float = 0.0


def pose_of(species: Species, rng: np.random.Generator) -> Pose:
    """A pose as often as it is seen."""
    if species.swims:
        return Pose("swimming", 0.0, rng.normal(0, 30))
    if rng.random() < species.lies:
        if species.curled and rng.random() < 0.6:
            return Pose("curled", rng.choice((-1, 1)) * rng.uniform(110, 190), rng.choice((-1, 1)) * 30.0)
        return Pose("lying", rng.normal(0, 25), rng.normal(0, 45))
    name = str(rng.choice(("standing", "walking", "grazing", "alert"), p=(0.2, 0.3, 0.35, 0.15)))
    return Pose(name, rng.normal(0, 10), rng.normal(0, 25), rng.uniform(0, 2 * math.pi))


def animal(species: Species, pose: Pose, length: float, antlers: bool = False, girth: float = 1.0) -> Shape:
    """The shape of one of ``length`` m, nose to rump, ``girth`` times as wide as its species is; `Shape.heat` is as
    everywhere, with the sun's K in ``sky``.
    """
    down = pose.name in ("lying", "curled")
    half = girth * species.width * length / 2
    deep = half * species.depth
    shoulder = species.shoulder * length / species.length[1]
    high = deep * 0.95 if down else max(shoulder - deep, deep * 0.9)
    if pose.name == "swimming":
        high = 0.25 * deep
    parts, chest, along = _trunk(species, length, half, deep, high, pose.bend)
    if not down and pose.name != "swimming":
        parts += _legs(species, length, half, high, pose)
    parts += _neck_and_head(species, length, half, pose, chest, along, antlers)
    if species.tail:
        parts.append(_tail(species, length, half, deep, high, pose))
    if pose.name == "swimming":  # what is under water is not seen
        parts = [replace(part, points=part.points.clip((-np.inf, -np.inf, 0.0))) for part in parts]
    return Shape(parts, by_range=True)


def _trunk(
    species: Species, length: float, half: float, deep: float, high: float, bend: float
) -> tuple[list[Part], Float64, float]:
    """Rump, middle and shoulder, each with its back; the chest's place; the heading there, radians."""
    reach = species.trunk * length
    steps = np.radians(bend) * np.array([-0.5, 0.0, 0.5])
    third = reach / 3
    middle = np.array([0.0, 0.0, high])
    places = [
        middle - third * 0.7 * np.array([math.cos(steps[0]), math.sin(steps[0]), 0]),
        middle,
        middle + third * 0.7 * np.array([math.cos(steps[2]), math.sin(steps[2]), 0]),
    ]
    parts = []
    for place, yaw, wide in zip(places, steps, (0.95, 1.0, 1.02), strict=True):
        c, s = math.cos(yaw), math.sin(yaw)
        turned = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        size = np.array([0.95 * third + 0.3 * half, half * wide, deep * wide])
        belly = species.coat + 0.5 * (species.bare - species.coat)
        parts.append(Part(place + (BALL * size) @ turned, solid=True, share=belly, sky=0.45))
        parts.append(Part(place + (_UPPER * size) @ turned, solid=True, share=species.coat, sky=1.0))
    chest = places[2] + 0.7 * third * np.array([math.cos(steps[2]), math.sin(steps[2]), 0])
    return parts, chest, float(steps[2])


def _legs(species: Species, length: float, half: float, high: float, pose: Pose) -> list[Part]:
    thick, swing = 0.016 * length + 0.008, 0.10 * length
    parts = []
    for front in (True, False):
        x = (0.36 if front else -0.40) * species.trunk * length
        for side in (1, -1):
            lag = (0.0 if front else math.pi / 2) + (0.0 if side > 0 else math.pi)
            s = swing * math.sin(pose.phase + lag) if pose.name == "walking" else 0.12 * swing * side
            hip = np.array([x, side * half * 0.6, high])
            knee = np.array([x + 0.4 * s, side * half * 0.6, high * 0.5])
            foot = np.array([x + s, side * half * 0.6, 0.02])
            parts.append(_ball(hip, knee, 1.7 * thick, species.bare - 0.03, 0.4))
            parts.append(_ball(knee, foot, thick, species.bare, 0.3))
    return parts


def _tail(species: Species, length: float, half: float, deep: float, high: float, pose: Pose) -> Part:
    """Hangs down; the brush of a fox and the tail of a bird point back."""
    yaw = math.radians(-pose.bend / 2)
    back = -np.array([math.cos(yaw), math.sin(yaw), 0.0])
    root = np.array([0.0, 0.0, high + 0.4 * deep]) + 0.48 * species.trunk * length * back
    out = 0.9 if species.tail > 0.4 or species.swims else 0.25
    tip = root + species.tail * length * (out * back - (0, 0, math.sqrt(1 - out**2)))
    tip[2] = max(tip[2], 0.05)
    thick = 0.3 * half if species.tail > 0.4 else 0.12 * half + 0.01
    return _ball(root, tip, thick, species.coat, 0.5)


def _neck_and_head(
    species: Species, length: float, half: float, pose: Pose, chest: Float64, along: float, antlers: bool
) -> list[Part]:
    rise = {"standing": 35, "walking": 25, "grazing": -45, "alert": 60, "lying": 45, "curled": -10, "swimming": 75}
    yaw = along + math.radians(pose.turn + (math.copysign(70, pose.bend) if pose.name == "curled" else 0))
    up = math.radians(rise[pose.name])
    ahead = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    neck_end = chest + species.neck * length * (math.cos(up) * ahead + (0, 0, math.sin(up)))
    neck_end[2] = max(neck_end[2], 0.25 * half)
    nod = -0.35 if pose.name != "grazing" else -0.9
    nose = neck_end + species.head * length * (math.cos(nod) * ahead + (0, 0, math.sin(nod)))
    nose[2] = max(nose[2], 0.04)
    neck = 0.38 * half if species.neck > 0.1 else 0.75 * half
    parts = [
        _ball(chest, neck_end, neck, 0.7 * species.coat, 0.8),
        _ball(neck_end, nose, 0.28 * half + 0.01, 0.5 * (species.coat + species.bare), 0.6, 0.5),
    ]
    left = np.array([-ahead[1], ahead[0], 0.0])
    for side in (1, -1) if species.ear else ():
        tip = neck_end + species.ear * length * (side * 0.7 * left - 0.2 * ahead + (0, 0, 0.6))
        parts.append(_ball(neck_end, tip, 0.012 * length + 0.004, species.bare + 0.12, 0.5))
    for side in (1, -1) if antlers and species.antlers else ():
        tip = neck_end + species.antlers * length * (side * 0.55 * left - 0.35 * ahead + (0, 0, 0.7))
        parts.append(_ball(neck_end, tip, 0.012, 0.04, 0.8))  # bone: as cold as the air
    return parts


def _ball(start: Float64, end: Float64, radius: float, share: float, sun: float, taper: float = 0.8) -> Part:
    """A limb: the hull of a ball at each end, the second ``taper`` as large."""
    points = np.concatenate((start + BALL[::2] * radius, end + BALL[::2] * radius * taper))
    points[:, 2] = np.maximum(points[:, 2], 0.0)
    return Part(points, solid=True, share=share, sky=sun)
