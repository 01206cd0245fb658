"""Painting bodies into the picture, and the truth about them: what is in the frame and how much of it
shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.data import KELVIN_AT_0_C, Float32
from edge.sim.bodies import Bodies, Body
from edge.sim.flight import Float64, View
from edge.sim.ground import KELVIN_PER_COUNT, Ground
from edge.sim.truth import Truth

MIN_VISIBLE = 0.1  # of a body; less is no truth to hold against a detector
_REACH_M = 3.0  # no part of a body is farther from its middle
_TO_CENTRES = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # image coordinates to indices of pixel centres


def paint_bodies(scene: Float32, view: View, bodies: Bodies, ground: Ground, t: float, grow: float) -> Truth:
    """Paint all bodies in view at ``t`` seconds into ``scene``, (H, W) float32 counts, far ones first.

    The boxes of the truth hold every part of a body, grown by ``grow`` pixels on each side (the optics' blur
    widens a body by as much), clipped to the frame. ``visible`` is the part of the whole box that lies inside
    the frame, times the part of the body's pixels there that no crown and no nearer body hides.
    """
    h, w = scene.shape
    places = bodies.places(t)
    image, depth = view.project(np.column_stack((places[:, :2], np.full(len(places), 0.5))))
    margin = (_REACH_M * view.focal_px / np.maximum(depth, 0.1))[:, None]
    seen = (depth > 0) & ((image > -margin) & (image < np.array([w, h]) + margin)).all(axis=1)
    canvas = _Canvas(scene, view, ground, grow)
    for i in sorted(np.flatnonzero(seen), key=lambda i: -depth[i]):
        canvas.paint(int(i), bodies.all[i], places[i], bodies.air)
    return canvas.truth()


@dataclass
class _Painted:
    body: int  # which of all
    name: str
    box: tuple[float, float, float, float]  # in the frame
    inside: float  # part of the whole box
    window: tuple[slice, slice]  # where it was painted
    pixels: int  # covered by the body there, were nothing in front of it


class _Canvas:
    """One picture being painted; remembers which body owns which pixel, to tell what is hidden."""

    def __init__(self, scene: Float32, view: View, ground: Ground, grow: float) -> None:
        self._scene, self._view, self._canopy, self._grow = scene, view, ground.canopy, grow
        self._owner = np.zeros(scene.shape, np.uint16)
        self._painted: list[_Painted] = []
        # pixel centres of the frame -> pixel centres of the canopy, which has half the map's resolution
        halved = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
        self._to_canopy = halved @ ground.to_map() @ np.linalg.inv(_TO_CENTRES @ view.ground_to_image())

    def paint(self, number: int, body: Body, place: Float64, air: float) -> None:
        shape = body.shape(place[3])
        image, depth = self._view.project(_to_world(shape.points * body.size, place))
        if depth.min() <= 0.1:
            return
        ranges = np.add.reduceat(depth, shape.starts) / shape.counts
        radii = shape.radius * (body.size * self._view.focal_px) / ranges
        reach = np.repeat(radii, shape.counts)[:, None]
        low, high = (image - reach).min(axis=0), (image + reach).max(axis=0)

        h, w = self._scene.shape
        grown = np.concatenate((low - self._grow, high + self._grow))
        box = np.clip(grown, 0, (w, h, w, h))
        left, top = np.maximum(np.floor(low) - 1, 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(high) + 1, (w, h)).astype(int).tolist()
        if right <= left or bottom <= top or box[2] <= box[0] or box[3] <= box[1]:
            return
        window = (slice(top, bottom), slice(left, right))

        # parts are drawn finer than the pixels and averaged down: soft edges, and thin limbs keep their
        # weight
        fine = 4 if max(right - left, bottom - top) <= 64 else 2
        patch = np.zeros(((bottom - top) * fine, (right - left) * fine, 2), np.float32)
        kelvin = air + KELVIN_AT_0_C + shape.heat @ (body.core - air, 1.0, body.engine, body.sky)
        spots = np.round(((image - (left, top)) * fine - 0.5) * 16).astype(np.int32)
        order = np.argsort(-ranges, kind="stable").tolist() if shape.by_range else range(len(ranges))
        for i in order:
            spot = spots[shape.starts[i] : shape.ends[i]]
            colour = (kelvin[i] / KELVIN_PER_COUNT, 1.0)  # heat in counts, and cover
            if radii[i]:
                cv2.polylines(patch, [spot], False, colour, max(1, round(2 * fine * radii[i])), shift=4)
            elif shape.solid[i]:
                cv2.fillConvexPoly(patch, cv2.convexHull(spot), colour, shift=4)
            elif cv2.contourArea(spot, oriented=True) > 0:  # seen from outside, corners turn clockwise
                cv2.fillConvexPoly(patch, spot, colour, shift=4)
        patch = cv2.resize(patch, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        heat, cover = cv2.split(patch)
        own = cover > 0.5 * cover.max()

        open_sky = self._open_sky(window)
        scene = self._scene[window]
        scene += open_sky * (heat - cover * scene)
        inside = float(np.prod(box[2:] - box[:2]) / np.prod(grown[2:] - grown[:2]))
        x1, y1, x2, y2 = box.tolist()
        self._painted.append(_Painted(number, body.name, (x1, y1, x2, y2), inside, window, int(np.count_nonzero(own))))
        self._owner[window][own & (open_sky > 0.5)] = len(self._painted)

    def _open_sky(self, window: tuple[slice, slice]) -> Float32:
        """For each pixel of the window 1 where the ground is in the open, 0 under a crown."""
        top, bottom, left, right = window[0].start, window[0].stop, window[1].start, window[1].stop
        corners = np.array([[left, left, right, right], [top, bottom, top, bottom], [1, 1, 1, 1]], np.float64)
        x, y, scale = self._to_canopy @ corners
        x, y = np.maximum(x / scale, 0), np.maximum(y / scale, 0)
        under = self._canopy[int(y.min()) : int(y.max()) + 2, int(x.min()) : int(x.max()) + 2]
        if not under.any():
            return np.ones((bottom - top, right - left), np.float32)
        crowns = cv2.warpPerspective(
            self._canopy,
            self._to_canopy @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]]),
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return np.asarray(1 - crowns * np.float32(1 / 255), np.float32)

    def truth(self) -> Truth:
        boxes, names, visible, bodies = [], [], [], []
        for number, painted in enumerate(self._painted, 1):
            shown = np.count_nonzero(self._owner[painted.window] == number) / max(1, painted.pixels)
            if painted.inside * shown >= MIN_VISIBLE:
                boxes.append(painted.box)
                names.append(painted.name)
                visible.append(painted.inside * shown)
                bodies.append(painted.body)
        there = np.array(boxes, np.float32).reshape(-1, 4), tuple(names), np.array(visible, np.float32)
        return Truth(*there, np.array(bodies, np.int32))


def _to_world(points: Float64, place: Float64) -> Float64:
    """World points (N, 3) of points in the frame of a body at ``place`` (east, north, heading, distance)."""
    a = math.radians(place[2])
    forward, left = (math.sin(a), math.cos(a), 0), (-math.cos(a), math.sin(a), 0)
    world: Float64 = points @ np.array([forward, left, (0, 0, 1)]) + np.array([place[0], place[1], 0.0])
    return world
