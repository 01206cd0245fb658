"""Trees, bushes and tall grass: they stand up, so a crown near the camera hides the ground behind it.

A plant is balls (leaves, needles) and branches (segments with a radius) around its foot. A leafless tree is branches
alone, which hide a part of what is below and leave it in pieces; leaves have gaps. All have a temperature of their own,
near that of the air.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.data import Float32
from edge.sim.flight import Float64
from edge.sim.wild.layers import Drawn
from edge.sim.wild.lens import Lens
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene

MAX_TREES = 140
_TEMPLATES = 4  # forms of a kind in one scene; each tree is one of them, turned and stretched


@dataclass(frozen=True)
class Form:
    """A plant 1 m high. ``balls``: (N, 4) x, y, z and radius. ``branches``: (M, 2, 3) ends, ``thick``: (M,) radius.
    ``gaps``: part of the leaves' picture that is seen through.
    """

    balls: Float64
    branches: Float64
    thick: Float64
    gaps: float


@dataclass(frozen=True)
class Plant:
    """``place``: east, north of the foot. ``height``: m. ``turn``: radians. ``kelvin``: above the air."""

    form: Form
    place: Float64
    height: float
    turn: float
    kelvin: float


def forms(wood: str, rng: np.random.Generator) -> list[Form]:
    """A few forms of a kind of wood."""
    make = {"bare": _bare, "leafed": _leafed, "conifer": _conifer, "bushes": _bush}
    return [make[wood](rng) for _ in range(_TEMPLATES)]


def plant_wood(scene: Scene, reach: Float64, rng: np.random.Generator) -> list[Plant]:
    """Trees over the ground in view; ``reach``: (2, 2) lowest and highest east and north."""
    if scene.wood == "none":
        return []
    span = reach[1] - reach[0]
    count = min(MAX_TREES, rng.poisson(scene.trees * span.prod() / 1e4))
    kinds = forms(scene.wood, rng)
    low, high = {"bare": (6, 18), "leafed": (5, 16), "conifer": (5, 20), "bushes": (0.5, 2.6)}[scene.wood]
    high = max(low, min(high, 0.45 * scene.altitude))
    middles = reach[0] + rng.random((max(1, count // 12), 2)) * span
    found = []
    for _ in range(count):
        alone = rng.random() < 0.6
        place = reach[0] + rng.random(2) * span if alone else middles[rng.integers(len(middles))] + rng.normal(0, 4, 2)
        kelvin = float(rng.normal(0.0, 0.5)) + 0.25 * scene.sun
        form = kinds[int(rng.integers(len(kinds)))]
        found.append(Plant(form, place, float(rng.uniform(low, high)), float(rng.uniform(0, 6.28)), kelvin))
    return found


def draw_plant(plant: Plant, lens: Lens, air: float, noise: Float32, fine: Float32) -> Drawn | None:
    """Its picture; ``noise``, (H, W), spread 1, is how uneven its temperature is, ``fine``, (H, W) 0..1, where leaves
    have gaps. None where it is outside of the frame.
    """
    form, size = plant.form, plant.height
    c, s = np.cos(plant.turn), np.sin(plant.turn)
    turn = np.array([(c, s, 0), (-s, c, 0), (0, 0, 1.0)])
    foot = np.array([*plant.place, 0.0])
    nodes = np.concatenate((form.balls[:, :3], form.branches.reshape(-1, 3)))
    image, depth = lens.project(nodes * size @ turn + foot)
    balls = len(form.balls)
    radii = form.balls[:, 3] * size * lens.focal / depth[:balls]
    margin = float(radii.max(initial=2.0)) + 1
    low = np.floor(np.maximum(image.min(axis=0) - margin, 0)).astype(int)
    high = np.ceil(np.minimum(image.max(axis=0) + margin, (WIDTH, HEIGHT))).astype(int)
    if (high - low).min() < 1 or depth.min() < 1.0:
        return None
    w, h = (high - low).tolist()
    alpha = np.zeros((h, w), np.uint8)
    for (x, y), radius in zip((image[:balls] - low) * 16, radii * 16, strict=True):
        cv2.circle(alpha, (int(x), int(y)), max(4, int(radius)), (255,), -1, cv2.LINE_AA, shift=4)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    if balls:
        alpha[fine[window] < form.gaps] = 0
    ends = np.round((image[balls:].reshape(-1, 2, 2) - low) * 16).astype(np.int32)
    wide = 2 * form.thick * size * lens.focal / depth[balls:].reshape(-1, 2).mean(axis=1)
    # a branch thinner than a pixel covers a part of it
    step = np.select([wide < 0.35, wide < 0.8, wide < 1.6, wide < 2.6], [0, 1, 2, 3], 4)
    for kind, (opacity, thickness) in enumerate(((70, 1), (150, 1), (255, 1), (255, 2), (255, 4))):
        lines = ends[step == kind]
        if len(lines):
            cv2.polylines(alpha, list(lines), False, (opacity,), thickness, cv2.LINE_AA, shift=4)
    cover: Float32 = np.asarray(alpha, np.float32) / np.float32(255)
    heat: Float32 = cover * (np.float32(air + plant.kelvin) + np.float32(0.7) * noise[window])
    return Drawn((int(low[0]), int(low[1])), cover, heat)


def tuft(place: Float64, spread: float, height: float, count: int, kelvin: float, rng: np.random.Generator) -> Plant:
    """Tall grass around a body: blades of ``height`` m over ``spread`` m."""
    feet = np.column_stack((rng.normal(0, spread, (count, 2)) / height, np.zeros(count)))
    tips = feet + np.column_stack((rng.normal(0, 0.3, (count, 2)), rng.uniform(0.6, 1.0, count)))
    blades = np.stack((feet, tips), axis=1)
    thick = rng.uniform(0.008, 0.025, count) / height
    return Plant(Form(np.zeros((0, 4)), blades, thick, 0.0), place, height, 0.0, kelvin)


def _bare(rng: np.random.Generator) -> Form:
    """A stem, boughs, branches and twigs."""
    ends, thick = [((0, 0, 0), (0.0, 0.0, 0.9))], [0.009]
    for _ in range(int(rng.integers(9, 16))):
        z, turn, long = rng.uniform(0.3, 0.85), rng.uniform(0, 6.28), rng.uniform(0.1, 0.3)
        tip = np.array([long * np.cos(turn), long * np.sin(turn), z + rng.uniform(0.1, 0.3)])
        start = np.array([0, 0, z])
        ends.append((tuple(start), tuple(tip)))
        thick.append(0.0035)
        for _ in range(int(rng.integers(4, 8))):
            at = start + rng.uniform(0.25, 1.0) * (tip - start)
            twig = at + rng.normal(0, 0.075, 3) + (0.3 * (tip - start))
            ends.append((tuple(at), tuple(twig)))
            thick.append(0.0016)
            for _ in range(3):
                ends.append((tuple(at + rng.uniform(0.3, 1) * (twig - at)), tuple(twig + rng.normal(0, 0.05, 3))))
                thick.append(0.0008)
    return Form(np.zeros((0, 4)), np.array(ends, np.float64), np.array(thick), 0.0)


def _leafed(rng: np.random.Generator) -> Form:
    """A round crown of many boughs' leaves on a stem."""
    count, wide = int(rng.integers(14, 34)), rng.uniform(0.18, 0.34)
    turn, out = rng.uniform(0, 6.28, count), wide * np.sqrt(rng.random(count))
    z = rng.uniform(0.42, 0.95, count)
    out *= np.sqrt(np.clip(1 - ((z - 0.68) / 0.32) ** 2, 0.1, 1))
    balls = np.column_stack((out * np.cos(turn), out * np.sin(turn), z, rng.uniform(0.045, 0.11, count)))
    return Form(balls, np.array([[(0, 0, 0), (0, 0, 0.7)]], np.float64), np.array([0.015]), rng.uniform(0.1, 0.55))


def _conifer(rng: np.random.Generator) -> Form:
    """Whorls of branches that become shorter upwards."""
    rows, ends, thick = [], [((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))], [0.012]
    for z in np.linspace(0.15, 0.97, 12):
        long = 0.22 * (1.02 - z)
        for turn in rng.uniform(0, 6.28) + np.arange(7) * 0.9:
            tip = (long * np.cos(turn), long * np.sin(turn), z - 0.25 * long)
            rows.append((0.6 * tip[0], 0.6 * tip[1], z, 0.28 * long + 0.006))
            ends.append(((0.0, 0.0, float(z)), tip))
            thick.append(0.006)
    return Form(np.array(rows), np.array(ends, np.float64), np.array(thick), rng.uniform(0.15, 0.4))


def _bush(rng: np.random.Generator) -> Form:
    """A clump of leaves, or of bare twigs."""
    count = int(rng.integers(8, 20))
    if rng.random() < 0.5:
        feet = np.column_stack((rng.normal(0, 0.1, (3 * count, 2)), np.zeros(3 * count)))
        tips = np.column_stack((rng.normal(0, 0.4, (3 * count, 2)), rng.uniform(0.5, 1, 3 * count)))
        return Form(np.zeros((0, 4)), np.stack((feet, tips), axis=1), np.full(3 * count, 0.008), 0.0)
    balls = np.column_stack(
        (rng.normal(0, 0.3, (count, 2)), rng.uniform(0.2, 0.8, count), rng.uniform(0.12, 0.3, count))
    )
    return Form(balls, np.zeros((0, 2, 3)), np.zeros(0), rng.uniform(0.1, 0.5))
