"""A simulated ground is drawn once for all tests that fly over it, its bodies are placed once, and the noise of its
sensor is drawn once.

The first takes a seventh of a second to a whole one, the others up to a twentieth.
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
from edge.sim.sensor import Sensor
from edge.sim.settings import SimulatorSettings

Pair = tuple[float, float]
# as they are; `edge.sim.camera` has `drawn_once`, `placed_once` and `sensor_once` in their place while tests run
draw, place = ground.build_ground, placement.place_bodies
OF_SENSOR = ("width", "height", "blur", "column_noise", "drift", "netd", "dead", "ground")  # all that it is told


def drawn_once(settings: SimulatorSettings, size: Pair, start: Pair, rng: np.random.Generator) -> Ground:
    """`build_ground`; what it returned for the same arguments before, read-only. It leaves ``rng`` as it was."""
    state = repr(rng.bit_generator.state)
    return _drawn(settings.gsd, settings.air, settings.ground, size, start, state, _Kept(rng))


def placed_once(settings: SimulatorSettings, ground: Ground, rng: np.random.Generator) -> list[Body]:
    """`place_bodies`; what it returned for the same arguments before. It leaves ``rng`` as it was."""
    state = repr(rng.bit_generator.state)
    return list(_placed(settings.cars, settings.people, settings.deer, _Same(ground), state, _Kept(rng)))


def sensor_once(settings: SimulatorSettings, rng: np.random.Generator) -> Sensor:
    """`Sensor`; its arrays are those of the one made for the same arguments before, read-only. Leaves ``rng``."""
    state = repr(rng.bit_generator.state)
    own = copy.copy(_sensor(tuple(getattr(settings, name) for name in OF_SENSOR), state, _Kept(rng)))
    own._rng = copy.deepcopy(own._rng)  # what it draws from here on
    return own


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


@lru_cache(maxsize=8)  # the noise of one of a whole sensor is 5 MB
def _sensor(values: tuple[float, ...], state: str, kept: _Kept) -> Sensor:
    settings: Any = SimpleNamespace(**dict(zip(OF_SENSOR, values, strict=True)))  # only these, as above
    made = Sensor(settings, copy.deepcopy(kept.rng))
    for array in (made._columns, made._glow, made._sheet, made._stuck, *made._dead):
        array.setflags(write=False)
    return made
