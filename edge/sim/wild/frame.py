"""One frame of wild ground: scene, ground, plants and bodies from near to far, optics, detector, and what is in it.

    frame = make_frame(seed=1, index=0)
    frame.pixels, frame.bodies

Every frame is another scene. The same seed, index, part of 8 bit and kind give the same pixels, byte for byte (with the
same versions of numpy and OpenCV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.data import Float32, Pixels, TemperatureScale
from edge.sim.animals.anatomy import animal
from edge.sim.animals.herds import herd
from edge.sim.animals.species import BY_NAME
from edge.sim.flight import Float64
from edge.sim.shapes import Shape, shape
from edge.sim.wild.agc import to_grey
from edge.sim.wild.built import HEAT, draw_built
from edge.sim.wild.detector import counts, expose
from edge.sim.wild.ground import draw_ground
from edge.sim.wild.horizon import draw_horizon, through_air
from edge.sim.wild.layers import Drawn, Layers, Visible, draw_shape
from edge.sim.wild.lens import LEAST_DOWN, Lens, black_edges, blurred, bounds
from edge.sim.wild.plants import Plant, draw_plant, plant_wood, tuft
from edge.sim.wild.scene import HEIGHT, SCENES, WIDTH, Scene
from edge.sim.wild.seen import Body, body_of

SQUARE = 1024  # px a side of an enlarged frame


@dataclass(frozen=True)
class WildFrame:
    """``pixels``: (H, W) uint8 or uint16. ``bodies``: all that is in the frame, also what hardly shows."""

    pixels: Pixels
    bodies: tuple[Body, ...]
    scene: Scene
    temperature: TemperatureScale | None


@dataclass(frozen=True)
class Standing:
    """A body before it is drawn. ``heat``: what `Shape.heat` is multiplied by."""

    name: str
    species: str
    pose: str
    shape: Shape
    size: float
    place: Float64  # east, north, heading
    heat: tuple[float, ...]


def make_frame(seed: int, index: int, eight_bit: float = 0.6, kind: str = "wild") -> WildFrame:
    """Frame ``index`` of ``seed``; ``eight_bit``: part of all frames that come as a camera's 8 bit. ``kind``: of
    `SCENES`: wild, search (for people in a wood) or landscape (with the horizon, and what people have built).
    """
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence((seed, index)).spawn(4)]
    return render(SCENES[kind](streams[0], eight_bit), *streams[1:])


def render(
    scene: Scene, where: np.random.Generator, land: np.random.Generator, detector: np.random.Generator
) -> WildFrame:
    """The frame of a scene; the generators place bodies, make ground and plants, and make noise."""
    lens = Lens(scene)
    far = 12 if scene.ahead else 4
    reach = bounds(lens.ground).clip(-far * scene.altitude, far * scene.altitude)
    plants = plant_wood(scene, reach, land)
    ground, wet = draw_ground(scene, lens, plants, land)
    kept = None
    if scene.ahead:
        ground, kept = draw_horizon(scene, lens, ground, land)
    standing = place_bodies(scene, lens, plants, wet, where)
    layers = Layers()
    drawn: list[tuple[float, Drawn, Standing | None]] = []
    for body in standing:
        picture = draw_shape(body.shape, body.size, body.place, lens, body.heat, scene.air)
        if picture is not None:
            drawn.append((_distance(lens, body.place, 0.4), picture, body))
            if body.name != "car" and scene.wood != "none" and where.random() < 0.3:
                grass = tuft(body.place[:2], 0.5, where.uniform(0.3, 0.9), 60, scene.surface, where)
                plants.append(grass)
    for built, stands in draw_built(scene, _sites(scene, lens, wet, where), where):
        seen = draw_shape(built, 1.0, stands, lens, HEAT, scene.air)
        if seen is not None:
            drawn.append((_distance(lens, stands, 2.0), seen, None))
    noise, fine = _noises(scene.gsd, land)
    for plant in plants:
        drawn_plant = draw_plant(plant, lens, scene.air, noise, fine)
        if drawn_plant is not None:
            drawn.append((_distance(lens, plant.place, 0.6 * plant.height), drawn_plant, None))
    visible: list[tuple[Standing, Visible]] = []
    for _, picture, whose in sorted(drawn, key=lambda row: row[0]):
        part = layers.add(picture)
        if whose is not None and part.fraction > 0:
            visible.append((whose, part))
    angle = float(land.uniform(0, math.pi))
    scenery = layers.over(ground)
    if kept is not None:
        scenery = through_air(scenery, kept, scene.air)
    optics = blurred(scenery, scene.blur, scene.motion, angle)
    celsius = expose(optics, scene, detector)
    bodies = [
        body_of(b.name, b.species, b.pose, part, celsius, 0.5 * scene.blur + 0.25 * scene.motion) for b, part in visible
    ]
    return _delivered(scene, celsius, tuple(b for b in bodies if b is not None))


def _delivered(scene: Scene, celsius: Float32, bodies: tuple[Body, ...]) -> WildFrame:
    """Counts or grey, black edges of a rectified frame, enlarged where the scene says so."""
    pixels: Pixels
    scale = None
    if scene.agc is None:
        pixels = counts(celsius, scene.gain)
        scale = TemperatureScale(scene.gain) if scene.scaled else None
        return WildFrame(pixels, bodies, scene, scale)
    pixels = to_grey(celsius, scene.agc)
    if scene.rectified:
        pixels[black_edges(scene)] = 0
    if scene.square:
        factor = SQUARE / WIDTH
        size = (SQUARE, round(HEIGHT * factor))
        whole = np.zeros((SQUARE, SQUARE), np.uint8)
        top = (SQUARE - size[1]) // 2
        whole[top : top + size[1]] = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
        shift = np.array([0, top, 0, top], np.float32)
        bodies = tuple(replace(b, box=tuple((np.array(b.box) * factor + shift).tolist())) for b in bodies)
        pixels = whole
    return WildFrame(pixels, bodies, scene, scale)


def place_bodies(
    scene: Scene, lens: Lens, plants: list[Plant], wet: Float32, rng: np.random.Generator
) -> list[Standing]:
    """Herds, people and cars on ground that is in the frame; birds on the water, the rest not in it."""
    found: list[Standing] = []
    for name, count in scene.groups:
        species = BY_NAME[name]
        centre = _place(scene, lens, plants, wet, species.swims, rng)
        for one in herd(species, count, centre, rng):
            k = (38.0 - scene.air) * one.warmth
            sun = scene.sun * rng.uniform(0.0, 0.6)
            body = animal(one.species, one.pose, one.length, one.antlers, one.girth)
            place = np.array([*one.place, one.heading])
            found.append(Standing("animal", name, one.pose.name, body, 1.0, place, (k, 1.0, 0.0, sun)))
    group = None
    for _ in range(scene.people):
        if group is None or rng.random() < 0.4:
            group = _place(scene, lens, plants, wet, False, rng)
        pose = str(rng.choice(("walking", "standing", "lying"), p=(0.4, 0.35, 0.25)))
        k = (34.0 - scene.air) * rng.uniform(0.5, 1.2)
        place = np.array([*(group + rng.normal(0, 2.5, 2)), rng.uniform(0, 360)])
        body = shape("person", pose, float(rng.random()))
        found.append(Standing("person", "person", pose, body, rng.uniform(0.7, 1.1), place, (k, 1.0, 0.0, 0.0)))
    for _ in range(scene.cars):
        centre = _place(scene, lens, [], wet, False, rng)
        heat = (0.0, 1.0, rng.uniform(0, 20), rng.uniform(-5, 3) + 0.6 * scene.sun)
        place = np.array([*centre, rng.uniform(0, 360)])
        body = shape("car", "parked", 0.0)
        found.append(Standing("car", "car", "parked", body, rng.uniform(0.9, 1.15), place, heat))
    return found


def _place(
    scene: Scene, lens: Lens, plants: list[Plant], wet: Float32, swims: bool, rng: np.random.Generator
) -> Float64:
    """East and north of a place in the frame, as often under a tree as the scene says."""
    under = bool(plants) and rng.random() < scene.under_trees
    place, top = np.zeros(2), HEIGHT // 2 if scene.ahead else 0
    for _ in range(30):
        x, y = int(rng.integers(20, WIDTH - 20)), int(rng.integers(max(top, 20), HEIGHT - 20))
        place = lens.ground[y, x].astype(np.float64)
        if under and plants:
            feet = np.array([p.place for p in plants])
            near = feet[np.hypot(*(feet - place).T).argmin()]
            place = near + rng.normal(0, 2.5, 2)
        spot, _ = lens.project(np.array([[*place, 0.0]]))
        if not (0 <= spot[0, 0] < WIDTH and top <= spot[0, 1] < HEIGHT):
            continue
        if (wet[int(spot[0, 1]), int(spot[0, 0])] > 0.9) == swims:
            break
    return place


def _sites(scene: Scene, lens: Lens, wet: Float32, rng: np.random.Generator) -> list[Float64]:
    """Where houses, masts and a bridge stand: dry ground anywhere in the frame, as far as it goes."""
    found = []
    rows = np.flatnonzero((lens.rise < -LEAST_DOWN).any(axis=1))
    for _ in range(scene.houses + scene.masts + scene.bridge if len(rows) else 0):
        y, x = int(rng.integers(rows[0], rows[-1] + 1)), int(rng.integers(0, WIDTH))
        if wet[y, x] < 0.5 and lens.rise[y, x] < -LEAST_DOWN:
            found.append(lens.ground[y, x].astype(np.float64))
    return found


def _distance(lens: Lens, place: Float64, height: float) -> float:
    return float(np.linalg.norm(np.array([place[0], place[1], height]) - lens.centre))


def _noises(gsd: float, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """For plants: noise of spread about 1, and another, about evenly 0..1, that says where leaves have gaps."""
    found = []
    for metres in (0.5, 0.3):
        steps = [float(np.clip(m / gsd, 1.5, 40)) for m in (metres, 3.5 * metres)]
        layer = np.zeros((HEIGHT, WIDTH), np.float32)
        for step in steps:
            lattice = rng.standard_normal((math.ceil(HEIGHT / step) + 2, math.ceil(WIDTH / step) + 2), np.float32)
            layer += np.asarray(cv2.resize(lattice, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
        found.append(layer)
    noise, gaps = found
    # the logistic curve of spread 1 makes normal numbers even
    return noise, np.asarray(1 / (1 + np.exp(-1.5 * gaps)), np.float32)
