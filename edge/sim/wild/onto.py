"""Simulated animals set into real 8-bit frames: real ground, real noise and a real camera's grey levels around them.

The scale comes from the altitude and the angle that the frame was taken with, the contrast is drawn in grey levels, the
bodies are blurred and sharpened as such cameras do. What is labelled stays free, and its surroundings.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.sim.animals.anatomy import animal
from edge.sim.animals.herds import Animal, herd
from edge.sim.animals.species import BY_NAME, OFTEN
from edge.sim.wild.layers import Drawn, Layers, Visible, draw_shape
from edge.sim.wild.lens import Lens
from edge.sim.wild.scene import HEIGHT, WIDTH, draw_scene
from edge.sim.wild.seen import Body, body_of

Grey = npt.NDArray[np.uint8]

# HIT-UAV does not tell its lens: heights of persons and lengths of cars give 1100 to 2000 px, differing by flight
FOCAL_RANGE_PX = (1100.0, 2000.0)
LEVELS = (10.0, 100.0)  # of grey, mean of a body above the ground
WIDE = 0.5  # part of the pictures that are first shown in a wider range
WIDER = (1.5, 5.0)  # times
LEVELS_WIDE = (8.0, 40.0)
COLDER = 0.06  # part of the herds that is darker than the ground
_CLEAR_PX = 8  # between a body and what is labelled
_BRIGHT = 205  # ground brighter than that leaves no room above
_TRIES = 40


def wider_range(picture: Grey, rng: np.random.Generator) -> Grey:
    """``picture``, (512, 640) uint8, as a camera of a range ``WIDER`` times as wide shows it: people, too, are only
    some grey levels above calm ground. The noise of 8 bit and its stripes are added, since the real ones shrink.
    """
    factor = float(np.exp(rng.uniform(*np.log(WIDER))))
    level, soft = rng.uniform(50, 130), rng.uniform(0.5, 0.9)
    noise = rng.standard_normal((HEIGHT, WIDTH), np.float32)
    # blurred noise has a spread of 1 / (2 sqrt(pi) sigma)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), soft), np.float32) * np.float32(3.5 * soft * rng.uniform(0.5, 3))
    columns, rows = (rng.standard_normal(n, np.float32) * np.float32(rng.uniform(0, 1)) for n in (WIDTH, HEIGHT))
    real = picture.astype(np.float32)
    narrow = (real - np.float32(np.median(real))) / np.float32(factor) + np.float32(level)
    return np.asarray(np.rint(np.clip(narrow + noise + columns + rows[:, None], 0, 255)), np.uint8)


def set_onto(
    picture: Grey,
    taken: Float32,
    altitude: float,
    angle: float,
    rng: np.random.Generator,
    levels: tuple[float, float] = LEVELS,
) -> tuple[Grey, tuple[Body, ...]]:
    """``picture``, (512, 640) uint8, with animals in it, and these. ``taken``: (N, 4) xyxy px, what is labelled
    already. ``altitude``: m; ``angle``: degrees below the horizon, 90 straight down. ``levels``: lowest and highest
    mean of a body above the ground, of grey.
    """
    focal = float(np.exp(rng.uniform(*np.log(FOCAL_RANGE_PX))))
    scene = replace(draw_scene(rng), altitude=altitude, pitch=-angle, roll=0.0, focal=focal, k1=0.0)
    lens = Lens(scene)
    real = picture.astype(np.float32)
    free = _free(real, taken)
    layers = Layers()
    drawn: list[tuple[float, Drawn, Animal]] = []
    for one, above in _herds(lens, free, levels, rng):
        body = animal(one.species, one.pose, one.length, one.antlers, one.girth)
        shown = draw_shape(body, 1.0, np.array([*one.place, one.heading]), lens, (1.0, 0.0, 0.0, 0.0), 0.0)
        if shown is not None and _fits(shown, free):
            reach = float(np.hypot(*(np.array(one.place) - lens.centre[:2])))
            drawn.append((reach, _in_levels(shown, real, above), one))
    seen: list[tuple[Animal, Visible]] = []
    for _, shown, one in sorted(drawn, key=lambda row: row[0]):
        seen.append((one, layers.add(shown)))
    added = layers.over(real) - real
    blur = rng.uniform(0.6, 1.0)
    added = np.asarray(cv2.GaussianBlur(added, (0, 0), blur), np.float32)
    halo = max(0.0, rng.normal(0.3, 0.4))
    added += np.float32(halo) * (added - np.asarray(cv2.GaussianBlur(added, (0, 0), 1.5), np.float32))
    whole = np.clip(real + added, 0, 255)
    bodies = [body_of("animal", one.species.name, one.pose.name, v, whole, 0.5 * blur) for one, v in seen]
    return np.rint(whole).astype(np.uint8), tuple(b for b in bodies if b is not None)


def _herds(
    lens: Lens, free: npt.NDArray[np.bool_], levels: tuple[float, float], rng: np.random.Generator
) -> list[tuple[Animal, float]]:
    """Animals of one or two herds and how many levels each is above its ground."""
    names = [name for name in OFTEN if OFTEN[name]]
    shares = np.array([OFTEN[name] for name in names], float)
    rows, columns = np.nonzero(free[::8, ::8])
    found: list[tuple[Animal, float]] = []
    for _ in range(int(rng.integers(1, 3)) if len(rows) else 0):
        species = BY_NAME[str(rng.choice(names, p=shares / shares.sum()))]
        low, high = species.herd
        count = low + int((high - low + 0.999) * rng.random() ** 1.5)
        spot = int(rng.integers(len(rows)))
        centre = lens.ground[rows[spot] * 8, columns[spot] * 8].astype(np.float64)
        above = float(np.exp(rng.uniform(*np.log(levels)))) * (-0.6 if rng.random() < COLDER else 1.0)
        found += [(one, above * one.warmth * rng.uniform(0.85, 1.1)) for one in herd(species, count, centre, rng)]
    return found


def _free(real: Float32, taken: Float32) -> npt.NDArray[np.bool_]:
    """(H, W) bool: where a body may be: nothing labelled is near, no sharp edge as of roofs, and not bright."""
    free = real < _BRIGHT
    smooth = np.asarray(cv2.GaussianBlur(real, (0, 0), 2.0), np.float32)
    steep = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    edges = cv2.dilate((steep > 60).astype(np.uint8), np.ones((5, 5), np.uint8))
    free &= edges == 0
    for x1, y1, x2, y2 in taken:
        top, left = max(0, int(y1) - _CLEAR_PX), max(0, int(x1) - _CLEAR_PX)
        free[top : int(y2) + _CLEAR_PX, left : int(x2) + _CLEAR_PX] = False
    return free


def _fits(shown: Drawn, free: npt.NDArray[np.bool_]) -> bool:
    """Whether all of it lies in the frame on free ground."""
    x, y = shown.corner
    h, w = shown.cover.shape
    if x < 0 or y < 0 or x + w > WIDTH or y + h > HEIGHT:
        return False
    return bool(free[y : y + h, x : x + w][shown.cover > 0].all())


def _in_levels(shown: Drawn, real: Float32, levels: float) -> Drawn:
    """Its heat as grey: on the mean ``levels`` above the ground around it."""
    x, y = shown.corner
    h, w = shown.cover.shape
    ground = float(np.median(real[y : y + h, x : x + w]))
    mean = float(shown.heat.sum() / max(float(shown.cover.sum()), 1e-6))
    return replace(shown, heat=shown.cover * np.float32(ground) + shown.heat * np.float32(levels / mean))
