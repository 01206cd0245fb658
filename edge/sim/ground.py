"""The ground: a thermal map of a few hectares, drawn once and seen by every frame.

Open grass has radiated its heat to the sky and is the coolest natural surface; asphalt and paving still give
back some of the day's sun; bare soil lies between; crowns of trees follow the air, and the ground around
their stems, which does not see the sky, stays warmer; metal roofs see the sky and fall below the air. The
offsets are round figures for a clear evening, in kelvin above open grass, not measurements of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import KELVIN_AT_0_C, Float32
from edge.sim import layout
from edge.sim.flight import Float64
from edge.sim.layout import Layout, plan_layout
from edge.sim.settings import SimulatorSettings

Mask = npt.NDArray[np.uint8]

KELVIN_PER_COUNT = 0.01
MAX_PIXELS = 12e6  # of the map: 24 MB; a larger ground gets a coarser map

ASPHALT_K, PAVING_K, CONCRETE_K, SOIL_K, CROP_K = 2.2, 2.9, 2.5, 1.2, 0.6
PAINT_K, KERB_K, ROOF_K, UNDER_TREES_K, LEAVES_K = -0.8, 0.8, -6.0, 1.2, 1.6  # leaves: above the air
GRASS_ROUGH, CROP_ROUGH, HARD_ROUGH = 1.0, 1.3, 0.35  # part of the fine texture

TREES_PER_HECTARE, MAX_TREES = 38, 800
CLUTTER_PER_HECTARE, MAX_CLUTTER = 30, 1500


@dataclass(frozen=True)
class Ground:
    """``counts``: (h, w) uint16, 0.01 K, row 0 is the northern edge, the middle is home. ``canopy``: (h/2,
    w/2) uint8, 255 where a crown hides what stands below it. ``blocked``: the same, 255 where nothing can
    stand. ``resolution``: metres a pixel of ``counts``. ``layout``: what lies where.
    """

    counts: npt.NDArray[np.uint16]
    canopy: Mask
    blocked: Mask
    resolution: float
    layout: Layout

    def to_map(self) -> Float64:
        """Homography (3, 3) from (east, north, 1), metres, to indices (column, row, 1) of ``counts``."""
        h, w = self.counts.shape
        r = self.resolution
        return np.array([[1 / r, 0, (w - 1) / 2], [0, -1 / r, (h - 1) / 2], [0, 0, 1]])


def build_ground(
    settings: SimulatorSettings,
    size: tuple[float, float],
    start: tuple[float, float],
    rng: np.random.Generator,
) -> Ground:
    """A ground of ``size`` metres (east-west, north-south) around home, with the car park at ``start``."""
    plan = plan_layout(size, start, rng)
    drawing = _Drawing(size, max(settings.gsd, math.sqrt(size[0] * size[1] / MAX_PIXELS)), rng)
    drawing.fields()
    drawing.paving(plan)
    drawing.stones()
    drawing.roofs(plan)
    drawing.marks(plan)
    canopy = drawing.trees(plan)
    blocked = canopy.copy()
    for roof in plan.roofs:
        cv2.fillPoly(blocked, [np.round(drawing.pixels(roof) / 2).astype(np.int32)], (255,))
    kelvin = drawing.finish(canopy, settings.air - settings.ground)
    kelvin += np.float32(settings.ground + KELVIN_AT_0_C)
    counts = np.rint(kelvin * np.float32(1 / KELVIN_PER_COUNT)).astype(np.uint16)
    return Ground(counts, canopy, blocked, drawing.resolution, plan)


class _Drawing:
    """The map while it is drawn: ``kelvin`` above grass, and ``rough``, how much fine texture a place has."""

    def __init__(self, size: tuple[float, float], resolution: float, rng: np.random.Generator) -> None:
        # a multiple of 4: coarse layers are drawn at a half and a quarter
        self.w, self.h = (4 * math.ceil(side / resolution / 4) for side in size)
        self.kelvin: Float32 = np.zeros((self.h, self.w), np.float32)
        self.rough: Float32 = np.full((self.h, self.w), GRASS_ROUGH, np.float32)
        self.size, self.resolution, self._rng = np.array(size), resolution, rng

    def pixels(self, points: Float64) -> Float64:
        """Indices (N, 2), column and row, of world points (N, 2)."""
        middle = np.array([self.w - 1, self.h - 1]) / 2
        scaled: Float64 = points * np.array([1, -1]) / self.resolution + middle
        return scaled

    def fields(self) -> None:
        """Rows of crop in the north-west, and patches of bare soil on a twentieth of the land."""
        uniform = self._rng.uniform
        corners = np.array([[-0.6, 0.6], [uniform(-0.1, 0.1), 0.6], [uniform(-0.25, 0), 0.2], [-0.6, 0.22]])
        corners *= self.size
        self._area(corners, CROP_K, CROP_ROUGH)
        for north in np.arange(0.22, 0.55, 1.6 / self.size[1]) * self.size[1]:
            east = np.interp(north, corners[[2, 1], 1], corners[[2, 1], 0])
            row = np.array([[-self.size[0], north + 3], [east - 1, north]])
            self._line(row, 0.35, CROP_K + 0.45, CROP_ROUGH)
        soil = self._cloud(4, 9.0) + 0.25 * self._cloud(4, 1.2)
        self.kelvin += self._full(np.clip(4 * (soil - np.float32(1.75)), 0, 1) * np.float32(SOIL_K))

    def paving(self, plan: Layout) -> None:
        self._line(plan.path, layout.PATH_WIDTH_M, PAVING_K)
        self._line(plan.road, layout.ROAD_WIDTH_M + 2 * layout.WALK_WIDTH_M, PAVING_K)
        self._line(plan.road, layout.ROAD_WIDTH_M + 0.3, KERB_K)
        self._line(plan.road, layout.ROAD_WIDTH_M, ASPHALT_K)
        for k in range(0, len(plan.road) - 4, 7):
            self._line(plan.road[k : k + 4], 0.15, ASPHALT_K + PAINT_K)
        self._line(plan.drive, layout.DRIVE_WIDTH_M, ASPHALT_K)
        middle = plan.lot.mean(axis=0)
        self._area(middle + 1.015 * (plan.lot - middle), KERB_K, HARD_ROUGH)
        self._area(plan.lot, CONCRETE_K, HARD_ROUGH)
        for bay in plan.bays:
            corners = layout.rectangle(bay[:2], layout.BAY_LENGTH_M, layout.BAY_WIDTH_M, bay[2])
            self._line(corners[:2], 0.12, CONCRETE_K + PAINT_K)
            self._line(corners[2:], 0.12, CONCRETE_K + PAINT_K)

    def roofs(self, plan: Layout) -> None:
        for roof in plan.roofs:
            self._area(roof, ROOF_K, 0.5)
            self._line(roof[[0, 1, 2, 3, 0]], 0.3, 1.0)
            self._line((roof[[0, 1]] + roof[[3, 2]]) / 2, 0.25, ROOF_K + 2.5)  # the ridge

    def stones(self) -> None:
        """Stones that keep the day's heat, manholes, bins and posts: what a detector must not report."""
        count = min(MAX_CLUTTER, round(CLUTTER_PER_HECTARE * self.size.prod() / 1e4))
        for x, y in np.rint(self.pixels(self._rng.uniform(-0.5, 0.5, (count, 2)) * self.size)).astype(int):
            radius = max(1, round(self._rng.uniform(0.12, 0.35) / self.resolution))
            kelvin = float(self._rng.choice([2.5, 3.5, 4.5, -2.5, -4.0]))
            cv2.circle(self.kelvin, (int(x), int(y)), radius, (kelvin,), -1)

    def marks(self, plan: Layout) -> None:
        """Soft cool marks where cars stood in the sun and left, and a warm lane through the car park."""
        marks = np.zeros((self.h // 4, self.w // 4), np.float32)
        for bay in plan.bays[self._rng.random(len(plan.bays)) < 0.3]:
            corners = self.pixels(layout.rectangle(bay[:2], 4.0, 1.6, bay[2])) / 4
            cv2.fillConvexPoly(marks, _fixed(corners), (-1.8,), shift=4)
        lane = self.pixels((plan.lot[[0, 1]] + plan.lot[[3, 2]]) / 2) / 4
        cv2.polylines(marks, [_fixed(lane)], False, (0.6,), max(1, round(1.25 / self.resolution)), shift=4)
        self.kelvin += self._full(_blur(marks, max(0.6, 0.11 / self.resolution)))

    def trees(self, plan: Layout) -> Mask:
        """Warm the ground around trees; returns where their crowns are, at half the resolution."""
        rng, half = self._rng, 2 * self.resolution
        crowns = np.zeros((self.h // 2, self.w // 2), np.uint8)
        groves = rng.uniform(-0.5, 0.5, (6, 2)) * self.size
        keep_off = np.concatenate((plan.road, plan.path, plan.drive))
        lot = plan.lot.astype(np.float32)
        expected = min(MAX_TREES, round(TREES_PER_HECTARE * self.size.prod() / 1e4))
        for _ in range(4 * expected):
            # two of three stand in a grove
            alone = rng.random() < 0.34
            scattered = 11 * rng.standard_normal(2) + groves[rng.integers(len(groves))]
            place = rng.uniform(-0.5, 0.5, 2) * self.size if alone else scattered
            radius = rng.uniform(1.4, 4.4)
            on_lot = cv2.pointPolygonTest(lot, place.tolist(), True) > -0.8 * radius
            if on_lot or np.hypot(*(keep_off - place).T).min() < radius + 3.5:
                continue
            east, north = place.tolist()
            for _ in range(14):
                way, off = math.radians(rng.uniform(0, 360)), math.sqrt(rng.uniform(0, 0.55))
                x = ((east + math.sin(way) * radius * off) / self.resolution + (self.w - 1) / 2) / 2
                y = (-(north + math.cos(way) * radius * off) / self.resolution + (self.h - 1) / 2) / 2
                bough = max(1, round(rng.uniform(0.3, 0.5) * radius / half))
                cv2.circle(crowns, (int(x), int(y)), bough, (255,), -1)
            expected -= 1
            if expected == 0:
                break
        # leaves fray the outline
        soft = _blur(crowns.astype(np.float32), max(0.6, 0.3 / half)) + 35 * self._cloud(2, 0.5)
        canopy = np.where((soft > 110) & (crowns > 0), 255, 0).astype(np.uint8)
        quarter = cv2.resize(canopy, (self.w // 4, self.h // 4), interpolation=cv2.INTER_AREA)
        warmth = _blur(np.asarray(quarter, np.float32), max(0.6, 0.3 / self.resolution))
        self.kelvin += self._full(warmth * np.float32(UNDER_TREES_K / 255))
        return canopy

    def finish(self, canopy: Mask, air: float) -> Float32:
        """The map in kelvin above grass, with its texture and crowns; ``air``: kelvin above grass."""
        # lines drawn in whole pixels lose their stairs
        kelvin = np.asarray(cv2.GaussianBlur(self.kelvin, (3, 3), 0.6), np.float32)
        kelvin += self.rough * self._grain()
        kelvin += self._full(0.32 * self._cloud(4, 14.0) + 0.2 * self._cloud(4, 3.5))
        leaves = 0.7 * self._cloud(2, 0.9) + 0.5 * self._cloud(2, 0.3)
        mask = cv2.resize(canopy, (self.w, self.h), interpolation=cv2.INTER_NEAREST)
        cv2.copyTo(self._full(leaves + np.float32(air + LEAVES_K)), mask, kelvin)
        return kelvin

    def _area(self, corners: Float64, kelvin: float, rough: float) -> None:
        for layer, value in ((self.kelvin, kelvin), (self.rough, rough)):
            cv2.fillPoly(layer, [_fixed(self.pixels(corners))], (value,), shift=4)

    def _line(self, points: Float64, width: float, kelvin: float, rough: float = HARD_ROUGH) -> None:
        thickness = max(1, round(width / self.resolution))
        for layer, value in ((self.kelvin, kelvin), (self.rough, rough)):
            cv2.polylines(layer, [_fixed(self.pixels(points))], False, (value,), thickness, shift=4)

    def _cloud(self, part: int, scale: float) -> Float32:
        """Smooth noise, standard deviation about 1, features ``scale`` metres wide, (h / part, w / part)."""
        h, w, step = self.h // part, self.w // part, max(1.5, scale / self.resolution / part)
        lattice = self._rng.standard_normal((math.ceil(h / step) + 3, math.ceil(w / step) + 3), np.float32)
        # interpolation between lattice points loses about a third of the spread
        return 1.5 * np.asarray(cv2.resize(lattice, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)

    def _full(self, layer: Float32) -> Float32:
        """A coarse layer at the resolution of the map."""
        return np.asarray(cv2.resize(layer, (self.w, self.h), interpolation=cv2.INTER_LINEAR), np.float32)

    def _grain(self) -> Float32:
        """Tufts and pebbles, about 0.2 K: one tile, repeated (too fine to be recognised)."""
        side, rim = 1024, 16
        tufts = self._rng.standard_normal((side // 8, side // 8), np.float32)
        # the rim is the opposite edge, so that the tiles join
        wrapped = np.pad(tufts, rim // 8, mode="wrap")
        smooth = cv2.resize(wrapped, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)[rim:-rim, rim:-rim]
        tile = 0.17 * self._rng.standard_normal((side, side), np.float32) + 0.17 * smooth
        tiled = np.tile(np.asarray(tile, np.float32), (self.h // side + 1, self.w // side + 1))
        return tiled[: self.h, : self.w]


def _fixed(pixels: Float64) -> npt.NDArray[np.int32]:
    """For OpenCV's ``shift=4``."""
    return np.rint(pixels * 16).astype(np.int32)


def _blur(layer: Float32, sigma: float) -> Float32:
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), np.float32)
