"""How a herd stands: neighbours a few metres apart, nobody inside another, one heading that most share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.sim.animals.anatomy import Pose, pose_of
from edge.sim.animals.species import Species
from edge.sim.flight import Float64

_TRIES = 12
GIRTH = (0.85, 1.3)
HEADING_SPREAD = 35.0  # degrees around the herd's own, 1 sigma; a third of a herd looks elsewhere


@dataclass(frozen=True)
class Animal:
    """One animal: ``place``: east and north, m; ``heading``: degrees clockwise from north; ``length``: m, nose to rump;
    ``warmth``: factor on what its body is above the air, by its coat. ``girth``: factor on the width of its species, by
    coat, season and what it has eaten.
    """

    species: Species
    pose: Pose
    place: tuple[float, float]
    heading: float
    length: float
    warmth: float
    antlers: bool
    girth: float


def herd(species: Species, count: int, centre: Float64, rng: np.random.Generator) -> list[Animal]:
    """``count`` of a species around ``centre`` (east, north)."""
    heading, warmth, antlered = rng.uniform(0, 360), rng.uniform(0.75, 1.3), rng.random() < 0.3
    tight = species.spacing * rng.uniform(0.5, 1.6)
    places: list[Float64] = []
    found: list[Animal] = []
    for _ in range(count):
        pose = pose_of(species, rng)
        low, high = species.length
        length = rng.uniform(low + 0.35 * (high - low), high) if rng.random() < 0.8 else rng.uniform(low, high)
        for _ in range(_TRIES):
            place = centre + tight * np.sqrt(max(count - 1, 0.2)) * 0.75 * rng.standard_normal(2)
            if all(np.hypot(*(place - other)) > max(0.45 * tight, 0.6 * length) for other in places):
                break
        places.append(place)
        own = heading + rng.normal(0, HEADING_SPREAD) if rng.random() < 0.67 else rng.uniform(0, 360)
        east, north = place.tolist()
        warm = warmth * rng.uniform(0.92, 1.08)
        antlers, girth = antlered and rng.random() < 0.5, rng.uniform(*GIRTH)
        found.append(Animal(species, pose, (east, north), own % 360, length, warm, antlers, girth))
    return found
