"""Painting bodies into the picture, and the truth about them: what is in the frame and how much of it shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.camera import sim_shapes as shapes
from edge.camera.sim_bodies import Bodies
from edge.camera.sim_flight import Float64, View
from edge.camera.sim_ground import KELVIN_PER_COUNT, Ground
from edge.records import KELVIN_AT_0_C, Float32, Truth

MIN_VISIBLE = 0.1  # of a body; less is no truth to hold against a detector
_REACH_M = 3.0  # no part of a body is farther from its middle
_TO_CENTRES = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # image coordinates to indices of pixel centres


def paint_bodies(scene: Float32, view: View, bodies: Bodies, ground: Ground, t: float, grow: float) -> Truth:
    """Paint all bodies in view at ``t`` seconds into ``scene``, (H, W) float32 counts, far ones first.

    The boxes of the truth hold every part of a body, grown by ``grow`` pixels on each side (the optics' blur widens
    a body by as much), clipped to the frame. ``visible`` is the part of the whole box that lies inside the frame,
    times the part of the body's pixels there that no crown and no nearer body hides.
    """
    h, w = scene.shape
    places = [bodies.where(body, t) for body in bodies.all]
    middles = np.array([(east, north, 0.5) for east, north, _, _ in places]).reshape(-1, 3)
    image, depth = view.project(middles)
    margin = (_REACH_M * view.focal_px / np.maximum(depth, 0.1))[:, None]
    seen = (depth > 0) & ((image > -margin) & (image < margin + (w, h))).all(axis=1)
    canvas = _Canvas(scene, view, ground, grow)
    for i in sorted(np.flatnonzero(seen), key=lambda i: -depth[i]):
        body, (east, north, heading, distance) = bodies.all[i], places[i]
        canvas.paint(body.name, body.parts(distance), body.size, (east, north), heading, bodies.air, body.core)
    return canvas.truth()


@dataclass
class _Painted:
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

    def paint(
        self,
        name: str,
        parts: list[shapes.Part],
        size: float,
        place: tuple[float, float],
        heading: float,
        air: float,
        core: float,
    ) -> None:
        points = np.concatenate([part.points for part in parts]) * size
        a = math.radians(heading)
        turn = np.array([[math.sin(a), math.cos(a), 0], [-math.cos(a), math.sin(a), 0], [0, 0, 1]])
        image, depth = self._view.project(points @ turn + (*place, 0.0))
        if depth.min() <= 0.1:
            return
        ends = np.cumsum([len(part.points) for part in parts])
        corners = np.split(image, ends[:-1])
        ranges = np.array([d.mean() for d in np.split(depth, ends[:-1])])
        radii = np.array([part.radius for part in parts]) * size * self._view.focal_px / ranges
        reach = np.repeat(radii, [len(part.points) for part in parts])[:, None]
        low, high = (image - reach).min(axis=0), (image + reach).max(axis=0)

        h, w = self._scene.shape
        grown = np.concatenate((low - self._grow, high + self._grow))
        box = np.clip(grown, 0, (w, h, w, h))
        left, top = np.maximum(np.floor(low) - 1, 0).astype(int)
        right, bottom = np.minimum(np.ceil(high) + 1, (w, h)).astype(int)
        if right <= left or bottom <= top or box[2] <= box[0] or box[3] <= box[1]:
            return
        window = (slice(top, bottom), slice(left, right))

        # parts are drawn finer than the pixels and averaged down: soft edges, and thin limbs keep their weight
        fine = 4 if max(right - left, bottom - top) <= 64 else 2
        patch = np.zeros(((bottom - top) * fine, (right - left) * fine, 2), np.float32)
        capsules = all(part.radius for part in parts)
        for i in np.argsort(-ranges, kind="stable") if capsules else range(len(parts)):
            kelvin = air + parts[i].share * (core - air) + parts[i].kelvin + KELVIN_AT_0_C
            spot = (corners[i] - (left, top)) * fine - 0.5
            _draw_part(patch, parts[i], spot, radii[i] * fine, kelvin / KELVIN_PER_COUNT)
        patch = cv2.resize(patch, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        heat, cover = patch[..., 0], patch[..., 1]
        body = cover > 0.5 * cover.max(initial=0.0)

        crowns = cv2.warpPerspective(
            self._canopy,
            self._to_canopy @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]]),
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        open_sky = 1 - crowns * np.float32(1 / 255)
        scene = self._scene[window]
        scene += open_sky * (heat - cover * scene)
        inside = float(np.prod(box[2:] - box[:2]) / np.prod(grown[2:] - grown[:2]))
        x1, y1, x2, y2 = box.tolist()
        self._painted.append(_Painted(name, (x1, y1, x2, y2), inside, window, int(body.sum())))
        self._owner[window][body & (open_sky > 0.5)] = len(self._painted)

    def truth(self) -> Truth:
        boxes, names, visible = [], [], []
        for number, painted in enumerate(self._painted, 1):
            shown = np.count_nonzero(self._owner[painted.window] == number) / max(1, painted.pixels)
            if painted.inside * shown >= MIN_VISIBLE:
                boxes.append(painted.box)
                names.append(painted.name)
                visible.append(painted.inside * shown)
        return Truth(np.array(boxes, np.float32).reshape(-1, 4), tuple(names), np.array(visible, np.float32))


def _draw_part(
    patch: Float32, part: shapes.Part, spot: Float64, radius: float, counts: float
) -> None:
    """Draw into ``patch`` (h, w, 2): heat in counts, and cover."""
    fixed = np.round(spot * 16).astype(np.int32)
    colour = (counts, 1.0)
    if part.radius:
        cv2.polylines(patch, [fixed], False, colour, max(1, round(2 * radius)), shift=4)
    elif part.solid:
        cv2.fillConvexPoly(patch, cv2.convexHull(fixed), colour, shift=4)
    elif cv2.contourArea(fixed, oriented=True) > 0:  # corners turn clockwise when seen from outside
        cv2.fillConvexPoly(patch, fixed, colour, shift=4)
