"""A simulated ground is drawn once for all tests that fly over it, and its bodies are placed once.

The first takes a quarter of a second to a whole one, the second a sixth of one.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from edge.sim import ground, placement
from edge.sim.bodies import Body
from edge.sim.ground import Ground
from edge.sim.settings import SimulatorSettings

Pair = tuple[float, float]
# as they are; `edge.sim.camera` has `drawn_once` and `placed_once` in their place while tests run
draw, place = ground.build_ground, placement.place_bodies


def drawn_once(settings: SimulatorSettings, size: Pair, start: Pair, rng: np.random.Generator) -> Ground:
    """`build_ground`; what it returned for the same arguments before, read-only. It leaves ``rng`` as it was."""
    state = repr(rng.bit_generator.state)
    return _drawn(settings.gsd, settings.air, settings.ground, size, start, state, _Kept(rng))


def placed_once(settings: SimulatorSettings, ground: Ground, rng: np.random.Generator) -> list[Body]:
    """`place_bodies`; what it returned for the same arguments before. It leaves ``rng`` as it was."""
    state = repr(rng.bit_generator.state)
    return list(_placed(settings.cars, settings.people, settings.deer, _Same(ground), state, _Kept(rng)))


class _Kept:
    """A generator that `lru_cache` does not look at: its state is an argument of its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = copy.deepcopy(rng)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept)

    def __hash__(self) -> int:
        return 0


class _Same:
    """A ground that is equal to none but itself."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.ground is self.ground

    def __hash__(self) -> int:
        return id(self.ground)


@lru_cache(maxsize=8)  # one of a whole sensor is 36 MB
def _drawn(gsd: float, air: float, low: float, size: Pair, start: Pair, state: str, kept: _Kept) -> Ground:
    # only these three settings: a drawing that took another one would fail here
    settings: Any = SimpleNamespace(gsd=gsd, air=air, ground=low)
    made = draw(settings, size, start, kept.rng)
    for array in (made.counts, made.canopy, made.blocked):
        array.setflags(write=False)
    return made


@lru_cache(maxsize=8)  # as many as grounds: each keeps its own
def _placed(cars: int, people: int, deer: int, ground: _Same, state: str, kept: _Kept) -> tuple[Body, ...]:
    settings: Any = SimpleNamespace(cars=cars, people=people, deer=deer)  # only these three, as above
    return tuple(place(settings, ground.ground, kept.rng))
