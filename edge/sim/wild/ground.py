"""The ground: how warm it is at each place, drawn as a map and seen through the lens.

Offsets are kelvin against the ground's mean. At night what holds the day's heat (stones, bare soil, tracks, wet places)
is warmer and what faces the sky on thin stems is colder; by day the sun warms dry and bare places most, so that ground
becomes warmer than an animal's back. The figures are round ones for each kind, widely varied, not measurements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.data import Float32
from edge.sim.flight import Float64
from edge.sim.wild.lens import Lens, bounds
from edge.sim.wild.plants import Plant
from edge.sim.wild.scene import Scene

_MAX_SIDE = 1400  # px of the map
WATER_K = (-1.0, 6.0)  # above the land's mean, at night


@dataclass(frozen=True)
class Kind:
    """``grain``, ``tufts``, ``patches``: K, 1 sigma, of structure of about 0.1, 0.6 and 6 m. ``clumps``: a hectare,
    plants or hollows of ``clump_m`` radius, ``clump_k`` K. ``rows``: K of parallel rows. ``sun``: part of
    the sun's K that it takes up.
    """

    grain: float
    tufts: float
    patches: float
    clumps: float = 0.0
    clump_m: tuple[float, float] = (0.3, 1.0)
    clump_k: tuple[float, float] = (-2.0, -0.5)
    rows: float = 0.0
    sun: float = 0.6


KINDS = {
    "meadow": Kind(0.15, 0.3, 0.6, clumps=150, clump_k=(-1.5, 0.5), sun=0.5),
    "heath": Kind(0.2, 0.5, 0.8, clumps=1200, clump_m=(0.25, 1.1), clump_k=(-3.5, -0.6), sun=0.7),
    "stubble": Kind(0.3, 0.3, 0.7, rows=0.5, sun=0.9),
    "floor": Kind(0.3, 0.5, 0.7, clumps=400, clump_m=(0.15, 0.8), clump_k=(-1.0, 1.0), sun=0.4),
    "snow": Kind(0.08, 0.2, 0.6, clumps=150, clump_m=(0.15, 0.6), clump_k=(0.3, 2.5), sun=0.1),
    "rock": Kind(0.3, 0.7, 1.2, clumps=900, clump_m=(0.3, 1.8), clump_k=(-1.5, 3.0), sun=1.0),
    "shore": Kind(0.15, 0.3, 0.6, clumps=150, sun=0.5),
}


def draw_ground(scene: Scene, lens: Lens, plants: list[Plant], rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Temperatures (H, W) float32, deg C, of the ground alone; and (H, W) 0..1, how much of a pixel is water."""
    drawing = _Drawing(scene, lens, rng)
    drawing.plain()
    drawing.clumps()
    drawing.lines()
    if scene.scrub:
        drawing.scrub(scene.scrub)
    drawing.trees(plants)
    water = drawing.water() if scene.ground == "shore" else None
    ground = drawing.seen(drawing.kelvin)
    wet = drawing.seen(water) if water is not None else np.zeros_like(ground)
    return ground + np.float32(scene.air + scene.surface), wet


class _Drawing:
    """The map while it is drawn: ``kelvin``; turned against the frame, so that rows and wind come from anywhere."""

    def __init__(self, scene: Scene, lens: Lens, rng: np.random.Generator) -> None:
        self._scene, self._rng, self._kind = scene, rng, KINDS[scene.ground]
        turn = rng.uniform(0, 2 * math.pi)
        self._turn = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        self._ground = lens.ground @ self._turn.T.astype(np.float32)
        far = 3.5 * scene.altitude / math.sin(math.radians(-scene.pitch))  # what lies beyond is repeated
        low, high = bounds(self._ground)
        self._low = low.clip(-far)
        self._span = high.clip(None, far) - self._low
        self.resolution = max(0.8 * scene.gsd, float(self._span.max()) / _MAX_SIDE)
        self._w, self._h = (math.ceil(s / self.resolution) + 1 for s in self._span)
        self.kelvin: Float32 = np.zeros((self._h, self._w), np.float32)

    def plain(self) -> None:
        """Structure of all sizes; grass is combed by wind and slope, rows by the plough."""
        kind, rng, f = self._kind, self._rng, self._scene.texture
        comb = math.exp(abs(rng.normal(0, 0.5)))
        layers = (
            (kind.grain, 0.1),
            (0.7 * kind.grain, 0.25),
            (0.6 * kind.tufts, 0.6),
            (0.6 * kind.tufts, 1.6),
            (0.6 * kind.patches, 5.0),
            (0.8 * kind.patches, 18.0),
        )
        fine, coarse = np.exp(rng.normal((0.4, 0.0), 0.6)).tolist()
        for kelvin, metres in layers:
            part = fine if metres < 1 else coarse
            self.kelvin += np.float32(part * kelvin * f) * self._cloud(metres * comb, metres / comb)
        if kind.rows:
            period, turn = rng.uniform(0.3, 2.5) / self.resolution, rng.uniform(0, math.pi)
            y, x = np.mgrid[: self._h, : self._w].astype(np.float32)
            wave = np.sin(
                (2 * math.pi / max(period, 2.5)) * (x * np.float32(math.cos(turn)) + y * np.float32(math.sin(turn)))
            )
            self.kelvin += np.float32(kind.rows * f) * wave.astype(np.float32)
        if self._scene.sun:
            bare = np.clip(0.6 + 0.35 * self._cloud(5.0, 5.0) + 0.15 * self._cloud(0.8, 0.8), 0, 1.3)
            self.kelvin += np.float32(self._scene.sun * kind.sun) * bare

    def clumps(self) -> None:
        """Clumps, hollows and stones: often as large as an animal, warm or cold, never to be reported."""
        kind, rng, scene = self._kind, self._rng, self._scene
        hectares = float(self._span.prod()) / 1e4
        count = min(700, rng.poisson(kind.clumps * hectares * rng.uniform(0.2, 1.6)))
        marks = np.zeros_like(self.kelvin)
        middles = rng.random((max(1, count // 10), 2)) * (self._w, self._h)
        for _ in range(count):
            x, y = middles[rng.integers(len(middles))] + rng.normal(0, 5 / self.resolution, 2)
            radius, kelvin = rng.uniform(*kind.clump_m), rng.uniform(*kind.clump_k) * scene.texture
            for _ in range(3):
                dx, dy = rng.normal(0, 0.6 * radius / self.resolution, 2)
                self._spot(marks, x + dx, y + dy, radius * rng.uniform(0.4, 0.8), kelvin)
        self.kelvin += np.asarray(cv2.GaussianBlur(marks, (0, 0), max(0.7, 0.08 / self.resolution)), np.float32)
        for _ in range(scene.stones):  # keep the day's heat
            x, y = rng.random(2) * (self._w, self._h)
            size = rng.uniform(0.1, 0.6) / self.resolution
            axes = (max(8, int(16 * size)), max(8, int(16 * size * rng.uniform(0.4, 1))))
            kelvin = rng.uniform(0.5, 7) + 0.4 * scene.sun
            where = (int(x * 16), int(y * 16))
            cv2.ellipse(self.kelvin, where, axes, rng.uniform(0, 180), 0, 360, (float(kelvin),), -1, shift=4)

    def scrub(self, kelvin: float) -> None:
        """Heather and low bushes in patches of 1 to 3 m, that much colder than the grass between them; many together,
        with soft, ragged edges: as large and as plain as animals, but of no animal's form.
        """
        rng = self._rng
        stretch = math.exp(rng.normal(0, 0.4))
        soft = self._cloud(1.5 * stretch, 1.5 / stretch) + 0.5 * self._cloud(0.5, 0.5) + 0.8 * self._cloud(9.0, 9.0)
        bare = np.quantile(soft[::4, ::4], rng.uniform(0.75, 0.98))
        self.kelvin -= np.float32(kelvin) * np.clip(np.float32(rng.uniform(0.8, 3)) * (soft - np.float32(bare)), 0, 1)

    def lines(self) -> None:
        """Tracks of wheels and of game, and fences: wire is too thin to be seen, posts are not."""
        rng, scene = self._rng, self._scene
        for _ in range(scene.tracks):
            points = self._path(25)
            kelvin, wide = rng.normal(0, 1.2) + 0.3 * scene.sun * rng.random(), rng.uniform(0.2, 0.6)
            apart = rng.choice((0.0, 1.6 / self.resolution))
            for side in (-0.5, 0.5) if apart else (0.0,):
                self._line(points + np.array([side * apart, 0]), wide, kelvin)
        for _ in range(scene.fences):
            points, kelvin = self._path(2), rng.normal(0, 1.5)
            self._line(points, 0.03, kelvin)
            for part in np.arange(0, 1, 3.0 * self.resolution / max(1.0, float(np.hypot(*(points[-1] - points[0]))))):
                x, y = points[0] + part * (points[-1] - points[0])
                self._spot(self.kelvin, x, y, 0.1, kelvin + 0.8)

    def trees(self, plants: list[Plant]) -> None:
        """Below trees the ground does not see the sky: warmer at night, in the shade by day."""
        marks = np.zeros((self._h // 4 + 1, self._w // 4 + 1), np.float32)
        kelvin = self._rng.uniform(0, 1.2) - 0.5 * self._scene.sun * self._kind.sun
        for plant in plants:
            x, y = self._pixels(plant.place) / 4
            cv2.circle(marks, (int(x), int(y)), max(1, int(0.2 * plant.height / self.resolution / 4)), (kelvin,), -1)
        soft = cv2.GaussianBlur(marks, (0, 0), max(1.0, 0.5 / self.resolution / 4))
        self.kelvin += np.asarray(cv2.resize(soft, (self._w, self._h)), np.float32)

    def water(self) -> Float32:
        """A lake or river over a part of the frame: smooth, and of one temperature."""
        soft = self._cloud(25.0, 25.0) + 0.25 * self._cloud(3.0, 3.0)
        wet = np.clip((soft - np.float32(np.quantile(soft[::8, ::8], self._rng.uniform(0.3, 0.8)))) * 6, 0, 1)
        level = self._rng.uniform(*WATER_K) - 0.4 * self._scene.sun
        ripple = np.float32(level) + 0.12 * self._cloud(0.4, 2.0)
        self.kelvin += wet * (ripple - self.kelvin)
        return np.asarray(wet, np.float32)

    def seen(self, layer: Float32) -> Float32:
        """The map as it lies in the frame, (H, W)."""
        u = (self._ground[..., 0] - np.float32(self._low[0])) / np.float32(self.resolution)
        v = (self._ground[..., 1] - np.float32(self._low[1])) / np.float32(self.resolution)
        return np.asarray(cv2.remap(layer, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.float32)

    def _pixels(self, place: Float64) -> Float64:
        pixels: Float64 = (self._turn @ place - self._low) / self.resolution
        return pixels

    def _path(self, count: int) -> Float64:
        """A gentle curve across the map, (count, 2) px."""
        rng, t = self._rng, np.linspace(-0.2, 1.2, count)
        ends = rng.random((2, 2)) * (self._w, self._h)
        way = ends[1] - ends[0]
        swing = 0.05 * np.sin(2 * math.pi * t * rng.uniform(0.3, 1.2) + rng.uniform(0, 6)) if count > 2 else 0 * t
        path: Float64 = ends[0] + t[:, None] * way + swing[:, None] * np.array([-way[1], way[0]])
        return path

    def _line(self, points: Float64, metres: float, kelvin: float) -> None:
        mask = np.zeros((self._h, self._w), np.uint8)
        thick = metres / self.resolution
        full = 255 * min(1.0, max(thick, 0.15))
        spots = np.round(np.clip(points, -9000, 9000) * 16).astype(np.int32)
        cv2.polylines(mask, [spots], False, (full,), max(1, round(thick)), cv2.LINE_AA, shift=4)
        self.kelvin += mask * np.float32(kelvin / 255)

    def _spot(self, layer: Float32, x: float, y: float, metres: float, kelvin: float) -> None:
        radius = max(6, int(16 * metres / self.resolution))
        cv2.circle(layer, (int(x * 16), int(y * 16)), radius, (float(kelvin),), -1, shift=4)

    def _cloud(self, wide: float, high: float) -> Float32:
        """Smooth noise, spread about 1, with features of so many metres across and along the map."""
        steps = [max(1.0, metres / self.resolution) for metres in (high, wide)]
        rows, columns = (math.ceil(n / step) + 3 for n, step in zip((self._h, self._w), steps, strict=True))
        lattice = self._rng.standard_normal((rows, columns), np.float32)
        if max(steps) <= 1.0:
            return lattice[: self._h, : self._w]
        return 1.5 * np.asarray(cv2.resize(lattice, (self._w, self._h), interpolation=cv2.INTER_CUBIC), np.float32)
