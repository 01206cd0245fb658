"""Near things before far ones: every layer takes its part of what is not covered yet, so what is hidden is known.

A layer is a window of the frame with ``cover``, 0..1, and ``heat``, the temperature times the cover. Because layers
come from near to far, a body is seen through whatever is left of the pixels: its visible fraction is exact, and one
body seen in pieces through branches keeps one box around all pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.data import Float32
from edge.sim.flight import Float64
from edge.sim.shapes import Shape
from edge.sim.wild.lens import Lens
from edge.sim.wild.scene import HEIGHT, WIDTH

Window = tuple[slice, slice]
_FINE_BELOW, _FINE = 70, 4  # bodies up to so many px are drawn so much finer than pixels


@dataclass(frozen=True)
class Drawn:
    """A body's own picture, as if nothing were in front: ``cover`` and ``heat`` (h, w) at ``corner`` (x, y), which may
    lie outside of the frame.
    """

    corner: tuple[int, int]
    cover: Float32
    heat: Float32


@dataclass(frozen=True)
class Visible:
    """What is left of a body: ``mask``: (h, w) float32 0..1 in ``window``. ``fraction``: of the whole body."""

    window: Window
    mask: Float32
    fraction: float

    def box(self, grow: float) -> tuple[float, float, float, float] | None:
        """xyxy around all that is seen, grown by ``grow`` px and clipped to the frame; None where nothing is."""
        sides = []
        for axis, part in ((0, self.window[1]), (1, self.window[0])):
            profile = self.mask.max(axis=axis)
            where = np.flatnonzero(profile > 0.2)
            if not len(where):
                return None
            first, last = int(where[0]), int(where[-1])
            # a pixel that is half covered ends half-way
            sides += [part.start + first + 1 - float(profile[first]), part.start + last + float(profile[last])]
        left, right, top, bottom = sides
        return (
            max(left - grow, 0.0),
            max(top - grow, 0.0),
            min(right + grow, float(WIDTH)),
            min(bottom + grow, float(HEIGHT)),
        )


class Layers:
    """The picture so far: `add` from near to far, then `over` the ground."""

    def __init__(self) -> None:
        self._left = np.ones((HEIGHT, WIDTH), np.float32)
        self._heat = np.zeros((HEIGHT, WIDTH), np.float32)

    def add(self, drawn: Drawn) -> Visible:
        """Put a layer behind all before; what of it is seen."""
        x, y = drawn.corner
        h, w = drawn.cover.shape
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, WIDTH), min(y + h, HEIGHT)
        if right <= left or bottom <= top:
            return Visible((slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.float32), 0.0)
        window, part = (
            (slice(top, bottom), slice(left, right)),
            (slice(top - y, bottom - y), slice(left - x, right - x)),
        )
        through = self._left[window]
        mask: Float32 = drawn.cover[part] * through
        self._heat[window] += drawn.heat[part] * through
        self._left[window] = through - mask
        return Visible(window, mask, float(mask.sum() / max(float(drawn.cover.sum()), 1e-6)))

    def over(self, ground: Float32) -> Float32:
        """(H, W) float32 temperatures with the ground behind all layers."""
        whole: Float32 = self._heat + self._left * ground
        return whole


def draw_shape(
    shape: Shape, size: float, place: Float64, lens: Lens, heat: tuple[float, ...], base: float
) -> Drawn | None:
    """A body at ``place`` (east, north, heading in degrees); ``heat``: what `Shape.heat` is multiplied by, K above
    ``base``. None where it is far outside of the frame.
    """
    a = np.radians(place[2])
    turn = np.array([(np.sin(a), np.cos(a), 0), (-np.cos(a), np.sin(a), 0), (0, 0, 1)])
    world = shape.points * size @ turn + (place[0], place[1], 0.0)
    image, depth = lens.project(world)
    ranges = np.add.reduceat(depth, shape.starts) / shape.counts
    radii = shape.radius * size * lens.focal / ranges
    reach = np.repeat(radii, shape.counts)[:, None]
    low, high = np.floor((image - reach).min(axis=0)) - 1, np.ceil((image + reach).max(axis=0)) + 1
    if (high <= 0).any() or low[0] >= WIDTH or low[1] >= HEIGHT or (high - low).max() > 600:
        return None
    x, y, w, h = int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
    fine = _FINE if max(w, h) <= _FINE_BELOW else 2
    patch = np.zeros((h * fine, w * fine, 2), np.float32)
    kelvin = base + shape.heat @ np.array(heat)
    spots = np.round(((image - low) * fine - 0.5) * 16).astype(np.int32)
    order = np.argsort(-ranges, kind="stable").tolist() if shape.by_range else range(len(ranges))
    for i in order:
        spot, colour = spots[shape.starts[i] : shape.ends[i]], (float(kelvin[i]), 1.0)
        if radii[i]:
            cv2.polylines(patch, [spot], False, colour, max(1, round(2 * fine * radii[i])), shift=4)
        elif shape.solid[i]:
            cv2.fillConvexPoly(patch, cv2.convexHull(spot), colour, shift=4)
        elif cv2.contourArea(spot, oriented=True) > 0:  # a face, seen from outside
            cv2.fillConvexPoly(patch, spot, colour, shift=4)
    heat_map, cover = cv2.split(cv2.resize(patch, (w, h), interpolation=cv2.INTER_AREA))
    return Drawn((x, y), np.asarray(cover, np.float32), np.asarray(heat_map, np.float32))
