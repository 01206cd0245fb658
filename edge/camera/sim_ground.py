"""The ground: a thermal map of a few hectares on a clear evening, built once, seen by every frame.

Open grass has radiated its heat to the sky and is the coolest natural surface; asphalt and paving still give
back the day's sun; bare soil lies between; crowns of trees follow the air, and the ground under them, which does
not see the sky, stays warmer; metal roofs see the sky and fall below the air. The offsets are typical of
evening scenes, not measurements of one. All are kelvin above open grass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.sim_flight import Float64
from edge.camera.sim_settings import SimulatorSettings
from edge.records import KELVIN_AT_0_C, Float32

KELVIN_PER_COUNT = 0.01
MAX_PIXELS = 12e6  # of the map: 24 MB; a larger ground gets a coarser map

ASPHALT_K, PAVING_K, CONCRETE_K, SOIL_K, CROP_K = 3.2, 4.2, 3.6, 1.5, 0.8
PAINT_K, KERB_K, ROOF_K, UNDER_TREES_K = -0.9, 1.2, -7.0, 1.4
GRASS_ROUGH, CROP_ROUGH, HARD_ROUGH = 1.0, 1.3, 0.35  # part of the fine texture

ROAD_WIDTH_M, WALK_WIDTH_M, PATH_WIDTH_M = 7.0, 2.2, 2.6
BAY_WIDTH_M, BAY_LENGTH_M = 2.6, 5.2
TREES_PER_HECTARE, MAX_TREES = 38, 1500
CLUTTER_PER_HECTARE, MAX_CLUTTER = 30, 1500


@dataclass(frozen=True)
class Ground:
    """``counts``: (h, w) uint16, 0.01 K, row 0 is the northern edge. ``canopy``: (h/2, w/2) uint8, 255 where a crown
    hides what stands below. ``blocked``: as canopy, 255 where nothing can stand. ``resolution``: metres a map pixel.
    ``road``: (N, 2) centre line, ``path``: (N, 2), ``lot``: (4, 2) corners, ``bays``: (N, 3) east, north, heading in degrees;
    all in world metres.
    """

    counts: npt.NDArray[np.uint16]
    canopy: npt.NDArray[np.uint8]
    blocked: npt.NDArray[np.uint8]
    resolution: float
    road: Float64
    path: Float64
    lot: Float64
    bays: Float64

    def to_map(self) -> Float64:
        """Homography (3, 3) from (east, north, 1), metres, to pixel centres of ``counts``."""
        h, w = self.counts.shape
        r = self.resolution
        return np.array([[1 / r, 0, (w - 1) / 2], [0, -1 / r, (h - 1) / 2], [0, 0, 1]])

    def is_free(self, east: float, north: float) -> bool:
        """Whether something can stand there in the open."""
        x, y, _ = self.to_map() @ (east, north, 1.0)
        row, column = int(y / 2), int(x / 2)
        h, w = self.blocked.shape
        return 0 <= row < h and 0 <= column < w and self.blocked[row, column] == 0


def build_ground(settings: SimulatorSettings, size: tuple[float, float], rng: np.random.Generator) -> Ground:
    """A ground of this size (metres east-west, north-south), centred on home."""
    resolution = max(settings.gsd, math.sqrt(size[0] * size[1] / MAX_PIXELS))
    # a multiple of 4: the coarse layers are drawn at a half and a quarter
    w, h = (4 * math.ceil(side / resolution / 4) for side in size)
    draw = _Drawing(w, h, resolution)

    road, path = _road(size, rng), _path(size, rng)
    lot, bays = _parking(size, rng)
    _fields(draw, size, rng)
    _paved(draw, road, path, lot, bays)
    roofs = _roofs(draw, size, road, rng)
    _clutter(draw, size, rng)
    canopy = _trees(draw, size, (road, path), lot, rng)
    blocked = canopy.copy()
    for roof in roofs:
        cv2.fillPoly(blocked, [np.round(draw.pixels(roof) / 2).astype(np.int32)], 255)

    _afterglow(draw, lot, bays, rng)
    # lines drawn in whole pixels lose their stairs
    kelvin = cv2.GaussianBlur(draw.kelvin, (3, 3), 0.6)
    kelvin += draw.rough * _grain(rng, (h, w))
    clouds = 0.32 * _cloud(rng, (h // 4, w // 4), 14 / resolution / 4)
    clouds += 0.2 * _cloud(rng, (h // 4, w // 4), 3.5 / resolution / 4)
    kelvin += cv2.resize(clouds, (w, h), interpolation=cv2.INTER_LINEAR)
    _plant(kelvin, canopy, settings.air - settings.ground, rng, resolution)
    counts = (settings.ground + KELVIN_AT_0_C) / KELVIN_PER_COUNT
    cv2.multiply(kelvin, 1 / KELVIN_PER_COUNT, dst=kelvin)
    return Ground(
        cv2.add(kelvin, counts, dtype=cv2.CV_16U), canopy, blocked, resolution, road, path, lot, bays  # type: ignore[arg-type]
    )


class _Drawing:
    """The map while it is being drawn: kelvin above grass, and how much of the fine texture each place has."""

    def __init__(self, w: int, h: int, resolution: float) -> None:
        self.kelvin: Float32 = np.zeros((h, w), np.float32)
        self.rough: Float32 = np.full((h, w), GRASS_ROUGH, np.float32)
        self.resolution = resolution

    def pixels(self, points: Float64) -> Float64:
        h, w = self.kelvin.shape
        return np.asarray(points) * (1 / self.resolution, -1 / self.resolution) + ((w - 1) / 2, (h - 1) / 2)

    def _fixed(self, points: Float64) -> npt.NDArray[np.int32]:
        return np.round(self.pixels(points) * 16).astype(np.int32)

    def area(self, corners: Float64, kelvin: float, rough: float) -> None:
        for layer, value in ((self.kelvin, kelvin), (self.rough, rough)):
            cv2.fillPoly(layer, [self._fixed(corners)], value, shift=4)

    def line(self, points: Float64, width: float, kelvin: float, rough: float = HARD_ROUGH) -> None:
        thickness = max(1, round(width / self.resolution))
        for layer, value in ((self.kelvin, kelvin), (self.rough, rough)):
            cv2.polylines(layer, [self._fixed(points)], False, value, thickness, shift=4)


def _cloud(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Float32:
    """Smooth noise, standard deviation about 1, features ``scale`` pixels wide."""
    h, w = (max(4, math.ceil(side / scale) + 3) for side in shape)
    small = rng.standard_normal((h, w), np.float32)
    # cubic interpolation between lattice points loses about a third of the spread
    return cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC) * np.float32(1.5)


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> Float32:
    """Tufts and pebbles, 0.3 K: one tile, repeated (too fine to be recognised)."""
    side, rim = 1024, 16
    tufts = rng.standard_normal((side // 8, side // 8), np.float32)
    # the rim is the opposite edge, so that the tiles join
    tufts = cv2.resize(np.pad(tufts, rim // 8, mode="wrap"), None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    tile = 0.17 * rng.standard_normal((side, side), np.float32) + 0.17 * tufts[rim:-rim, rim:-rim]
    return np.tile(tile, (shape[0] // side + 1, shape[1] // side + 1))[: shape[0], : shape[1]]


def _rectangle(centre: tuple[float, float], along: float, across: float, heading: float) -> Float64:
    """Corners (4, 2); ``heading`` in degrees clockwise from north is the direction of ``along``."""
    a = math.radians(heading)
    forward, right = np.array([math.sin(a), math.cos(a)]), np.array([math.cos(a), -math.sin(a)])
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) / 2
    return np.asarray(centre) + signs[:, :1] * along * forward + signs[:, 1:] * across * right


def _road(size: tuple[float, float], rng: np.random.Generator) -> Float64:
    east = np.arange(-size[0] / 2 - 5, size[0] / 2 + 5, 1.0)
    wave = 0.05 * size[1] * np.sin(2 * math.pi * east / (0.8 * size[0]) + rng.uniform(0, 2 * math.pi))
    return np.column_stack((east, 0.02 * size[1] + wave))


def _path(size: tuple[float, float], rng: np.random.Generator) -> Float64:
    north = np.arange(-size[1] / 2 - 5, size[1] / 2 + 5, 1.0)
    wave = 0.03 * size[0] * np.sin(2 * math.pi * north / (0.7 * size[1]) + rng.uniform(0, 2 * math.pi))
    return np.column_stack((0.12 * size[0] + wave, north))


def _parking(size: tuple[float, float], rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Corners of a car park near the start of the first line, and its bays, two rows facing one lane."""
    along, across = min(39.0, 0.3 * size[0]), min(27.0, 0.3 * size[1])
    heading = 90.0 + rng.uniform(-12, 12)
    centre = (-0.11 * size[0], -0.225 * size[1])
    a = math.radians(heading)
    forward, right = np.array([math.sin(a), math.cos(a)]), np.array([math.cos(a), -math.sin(a)])
    bays = []
    for side in (-1, 1):
        row = np.asarray(centre) + side * (across - BAY_LENGTH_M) / 2 * right
        for k in range(int(along / BAY_WIDTH_M)):
            place = row + ((k + 0.5) * BAY_WIDTH_M - along / 2) * forward
            bays.append((place[0], place[1], (heading + 90 * side) % 360))
    return _rectangle(centre, along, across, heading), np.array(bays)


def _fields(draw: _Drawing, size: tuple[float, float], rng: np.random.Generator) -> None:
    """A field with rows of crop in the north-west, and patches of bare soil."""
    corner = np.array([[-0.6, 0.6], [rng.uniform(-0.1, 0.1), 0.6], [rng.uniform(-0.25, 0), 0.2], [-0.6, 0.22]])
    draw.area(corner * size, CROP_K, CROP_ROUGH)
    edges = (corner * size)[[1, 2, 3]]
    for north in np.arange(0.22 * size[1], 0.55 * size[1], 1.6):
        east = np.interp(north, [edges[1, 1], edges[0, 1]], [edges[1, 0], edges[0, 0]])
        draw.line(np.array([[-size[0], north + 3], [east - 1, north]]), 0.35, CROP_K + 0.45, CROP_ROUGH)
    h, w = draw.kelvin.shape
    soil = _cloud(rng, (h // 4, w // 4), 9 / (4 * draw.resolution))
    soil += 0.25 * _cloud(rng, (h // 4, w // 4), 1.2 / (4 * draw.resolution))
    bare = np.clip(4 * (soil - np.float32(1.75)), 0, 1) * np.float32(SOIL_K)  # about a twentieth of the land
    draw.kelvin += cv2.resize(bare, (w, h), interpolation=cv2.INTER_LINEAR)


def _paved(
    draw: _Drawing, road: Float64, path: Float64, lot: Float64, bays: Float64
) -> None:
    draw.line(path, PATH_WIDTH_M, PAVING_K)
    draw.line(road, ROAD_WIDTH_M + 2 * WALK_WIDTH_M, PAVING_K)
    draw.line(road, ROAD_WIDTH_M + 0.3, KERB_K)
    draw.line(road, ROAD_WIDTH_M, ASPHALT_K)
    for k in range(0, len(road) - 4, 7):
        draw.line(road[k : k + 4], 0.15, ASPHALT_K + PAINT_K)
    # the drive from the car park to the road starts in the middle of the lot
    gate = lot.mean(axis=0)
    draw.line(np.array([gate, road[np.abs(road[:, 0] - gate[0] - 8).argmin()]]), 6.0, ASPHALT_K)
    outward = lot.mean(axis=0) + (lot - lot.mean(axis=0)) * 1.015
    draw.area(outward, KERB_K, HARD_ROUGH)
    draw.area(lot, CONCRETE_K, HARD_ROUGH)
    for east, north, heading in bays:
        bay = _rectangle((east, north), BAY_LENGTH_M, BAY_WIDTH_M, heading)
        draw.line(bay[[0, 3]], 0.12, CONCRETE_K + PAINT_K)
        draw.line(bay[[1, 2]], 0.12, CONCRETE_K + PAINT_K)


def _afterglow(draw: _Drawing, lot: Float64, bays: Float64, rng: np.random.Generator) -> None:
    """Soft cool marks where cars stood in the sun and left, and warm worn tracks in the car park's lane."""
    h, w = draw.kelvin.shape
    marks = np.zeros((h // 4, w // 4), np.float32)
    for east, north, heading in bays:
        if rng.random() < 0.3:
            corners = draw.pixels(_rectangle((east, north), 4.0, 1.6, heading)) / 4
            cv2.fillConvexPoly(marks, np.round(corners * 16).astype(np.int32), -1.8, shift=4)
    lane = draw.pixels(np.stack([lot[[0, 1]].mean(axis=0), lot[[2, 3]].mean(axis=0)])) / 4
    cv2.polylines(
        marks, [np.round(lane * 16).astype(np.int32)], False, 0.6, max(1, round(5 / (4 * draw.resolution))), shift=4
    )
    marks = cv2.GaussianBlur(marks, (0, 0), max(0.6, 0.45 / (4 * draw.resolution)))
    draw.kelvin += cv2.resize(marks, (w, h), interpolation=cv2.INTER_LINEAR)


def _roofs(
    draw: _Drawing, size: tuple[float, float], road: Float64, rng: np.random.Generator
) -> list[Float64]:
    roofs = []
    for part in (-0.33, 0.3):
        east = part * size[0]
        north = float(np.interp(east, road[:, 0], road[:, 1])) + 16
        roof = _rectangle((east, north), rng.uniform(10, 15), rng.uniform(7, 9), 90 + rng.uniform(-8, 8))
        draw.area(roof, ROOF_K, 0.5)
        draw.line(roof[[0, 1, 2, 3, 0]], 0.3, 1.0)
        draw.line(np.array([roof[[0, 1]].mean(axis=0), roof[[2, 3]].mean(axis=0)]), 0.25, ROOF_K + 2.5)
        roofs.append(roof)
    return roofs


def _clutter(draw: _Drawing, size: tuple[float, float], rng: np.random.Generator) -> None:
    """Stones that keep the day's heat, manholes, bins and posts: what a detector must not report."""
    for _ in range(min(MAX_CLUTTER, round(CLUTTER_PER_HECTARE * size[0] * size[1] / 1e4))):
        x, y = np.round(draw.pixels(rng.uniform(-0.5, 0.5, 2) * size)).astype(int)
        radius = max(1, round(rng.uniform(0.12, 0.35) / draw.resolution))
        cv2.circle(draw.kelvin, (int(x), int(y)), radius, float(rng.choice([2.5, 3.5, 4.5, -2.5, -4.0])), -1)


def _trees(
    draw: _Drawing,
    size: tuple[float, float],
    lanes: tuple[Float64, ...],
    lot: Float64,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Where crowns are, at half resolution; the ground around them is warmed in ``draw``."""
    h, w = draw.kelvin.shape
    crowns = np.zeros((h // 2, w // 2), np.uint8)
    half = 2 * draw.resolution
    groves = rng.uniform(-0.5, 0.5, (6, 2)) * size
    drive = np.linspace(lot.mean(axis=0), lanes[0][np.abs(lanes[0][:, 0] - lot[:, 0].mean() - 8).argmin()], 12)
    keep_off = np.concatenate([*lanes, drive])
    wanted = min(MAX_TREES, round(TREES_PER_HECTARE * size[0] * size[1] / 1e4))
    for _ in range(4 * wanted):
        if wanted == 0:
            break
        # two of three stand in a grove
        near = groves[rng.integers(len(groves))] + 11 * rng.standard_normal(2)
        place = near if rng.random() < 0.66 else rng.uniform(-0.5, 0.5, 2) * size
        radius = rng.uniform(1.4, 4.4)
        on_lot = cv2.pointPolygonTest(lot.astype(np.float32), place.tolist(), True) > -0.8 * radius
        if on_lot or np.hypot(*(keep_off - place).T).min() < radius + 3.5:
            continue
        wanted -= 1
        for _ in range(14):
            angle, r = rng.uniform(0, 2 * math.pi), radius * math.sqrt(rng.uniform(0, 0.55))
            x, y = draw.pixels(place + (r * math.sin(angle), r * math.cos(angle))) / 2
            cv2.circle(crowns, (int(x), int(y)), max(1, round(rng.uniform(0.3, 0.5) * radius / half)), 255, -1)
    # leaves fray the outline
    soft = cv2.GaussianBlur(crowns, (0, 0), max(0.6, 0.3 / half)).astype(np.float32)
    soft += 35 * _cloud(rng, crowns.shape, max(2.0, 0.5 / half))
    canopy = np.where((soft > 110) & (crowns > 0), 255, 0).astype(np.uint8)
    quarter = cv2.resize(canopy, (w // 4, h // 4), interpolation=cv2.INTER_AREA).astype(np.float32)
    warmth = cv2.GaussianBlur(quarter, (0, 0), max(0.6, 1.2 / (2 * half))) * np.float32(UNDER_TREES_K / 255)
    draw.kelvin += cv2.resize(warmth, (w, h), interpolation=cv2.INTER_LINEAR)
    return canopy


def _plant(
    kelvin: Float32, canopy: npt.NDArray[np.uint8], air_k: float, rng: np.random.Generator, resolution: float
) -> None:
    """Lay the crowns over the ground: about as warm as the air, mottled by gaps and branches."""
    h, w = canopy.shape
    half = 2 * resolution
    leaves = 0.7 * _cloud(rng, (h, w), max(2.0, 0.9 / half)) + 0.5 * _cloud(rng, (h, w), max(1.5, 0.3 / half))
    leaves += np.float32(air_k + 1.6)
    size = (kelvin.shape[1], kelvin.shape[0])
    cv2.copyTo(
        cv2.resize(leaves, size, interpolation=cv2.INTER_LINEAR),
        cv2.resize(canopy, size, interpolation=cv2.INTER_NEAREST),
        kelvin,
    )
