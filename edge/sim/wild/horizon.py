"""What a camera sees that looks ahead: far land, hills, the sky, and the air between.

A clear sky emits less than the air near the ground, in the window of thermal cameras much less (Idso 1981, Water
Resour. Res. 17:295): it is colder than all ground, coldest overhead; clouds are warmer. How much is a round figure,
widely varied. The way through the air takes contrast: of a difference at distance d the part ``exp(-d / haze)`` is
left, and the air's own warmth is added.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.data import Float32
from edge.sim.wild.lens import LEAST_DOWN, Lens
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene

_RISE = 0.12  # sine of the angle above the horizon over which the sky becomes colder


def draw_horizon(scene: Scene, lens: Lens, ground: Float32, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """The ground with far land and sky above it, deg C; and the part of a difference that the air leaves, 1 in the
    sky. Both (H, W) float32.
    """
    rise = lens.rise
    profile = np.abs(_waves(rng, 1, 6.0)[0]) * np.float32(rng.uniform(0, 0.05))
    sky = rise > np.maximum(profile, 0.002)
    near = rise < -LEAST_DOWN
    land = scene.air + scene.surface + rng.normal(0, 1.5) + 1.5 * _waves(rng, 12, 14.0) + 0.6 * _waves(rng, 50, 60.0)
    deep = rng.uniform(5, 45)
    above = 1 - np.exp(-np.maximum(rise, 0) / np.float32(_RISE))
    clouds = np.clip(_waves(rng, 9, 4.0) + 0.4 * _waves(rng, 25, 12.0) + np.float32(rng.uniform(-2, 1)), 0, 1.5)
    cold = scene.air - deep * above * (1 - 0.5 * clouds)
    picture = np.where(sky, cold, np.where(near, ground, land)).astype(np.float32)
    away = np.hypot(*np.moveaxis(lens.ground - lens.centre[:2].astype(np.float32), -1, 0))
    kept = np.exp(-np.hypot(away, np.float32(scene.altitude)) / np.float32(scene.haze))
    return picture, np.where(sky, np.float32(1), kept).astype(np.float32)


def through_air(picture: Float32, kept: Float32, air: float) -> Float32:
    """(H, W) deg C of a picture of which the air leaves the part ``kept`` of each difference to its own warmth."""
    seen: Float32 = np.float32(air) + (picture - np.float32(air)) * kept
    return seen


def _waves(rng: np.random.Generator, rows: int, columns: float) -> Float32:
    """Smooth noise over the frame, spread about 1, with so many rows and about so many columns; of one row a line."""
    lattice = rng.standard_normal((rows + 2 if rows > 1 else 1, math.ceil(columns) + 2), np.float32)
    size = (WIDTH, HEIGHT if rows > 1 else 1)
    return 1.5 * np.asarray(cv2.resize(lattice, size, interpolation=cv2.INTER_CUBIC), np.float32)
