"""The lens: a pinhole with radial distortion looking at flat ground, and what blurs the picture.

World frame: metres east, north, up of the ground in the middle of the frame; the camera looks north and down. Image
frame as in `edge.sim.flight`. Distortion as OpenCV has it, one term: ``r_seen = r (1 + k1 r^2)``, r as part of the
focal length.
"""

from __future__ import annotations

import math
from functools import cached_property

import cv2
import numpy as np

from edge.data import Float32
from edge.sim.flight import Float64, camera_axes
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene

LEAST_DOWN = 0.05  # what a ray falls a metre; flatter ones are taken for as steep
_GRID = 16  # px between points where the ground is looked up exactly


class Lens:
    """`project` world points, `ground` below every pixel."""

    def __init__(self, scene: Scene) -> None:
        self.focal, self.k1 = scene.focal, 0.0 if scene.rectified else scene.k1
        self.altitude = scene.altitude
        ahead = scene.altitude / math.tan(math.radians(-scene.pitch))
        self.centre = np.array([0.0, -ahead, scene.altitude])
        self.axes = camera_axes(0.0, scene.pitch, scene.roll)
        self._middle = np.array([WIDTH / 2, HEIGHT / 2])

    def project(self, points: Float64) -> tuple[Float64, Float64]:
        """Image points (N, 2) px and depths (N,) m of world points (N, 3)."""
        camera = (points - self.centre) @ self.axes.T
        depth = np.maximum(camera[:, 2], 0.1)
        flat = camera[:, :2] / depth[:, None]
        radial = 1 + self.k1 * (flat**2).sum(axis=1, keepdims=True)
        return self.focal * flat * radial + self._middle, depth

    @cached_property
    def ground(self) -> Float32:
        """East and north, m, of the ground below each pixel's centre, (H, W, 2)."""
        down = np.minimum(self._rays[..., 2], -LEAST_DOWN)
        return _whole(self.centre[:2] - self._rays[..., :2] * (self.centre[2] / down)[..., None])

    @cached_property
    def rise(self) -> Float32:
        """Sine of the angle above the horizon of what each pixel's centre looks at, (H, W); below it negative."""
        return _whole(self._rays[..., 2] / np.linalg.norm(self._rays, axis=-1))

    @cached_property
    def _rays(self) -> Float64:
        """Directions of the points of the grid, (., ., 3), one metre along the optical axis."""
        x, y = np.meshgrid(np.arange(0, WIDTH + _GRID, _GRID) + 0.0, np.arange(0, HEIGHT + _GRID, _GRID) + 0.0)
        flat = undistorted((np.stack((x, y), axis=-1) - self._middle) / self.focal, self.k1)
        rays: Float64 = flat @ self.axes[:2] + self.axes[2]
        return rays


def _whole(coarse: Float64) -> Float32:
    """What is known at the points of the grid for every pixel's centre."""
    u, v = np.meshgrid(
        (np.arange(WIDTH, dtype=np.float32) + 0.5) / _GRID, (np.arange(HEIGHT, dtype=np.float32) + 0.5) / _GRID
    )
    return np.asarray(cv2.remap(coarse.astype(np.float32), u, v, cv2.INTER_LINEAR), np.float32)


def bounds(ground: Float32) -> Float64:
    """The least, and the greatest, east and north of (H, W, 2) places: (2, 2) m."""
    # a coordinate at a time: along an axis of two numpy takes twenty times as long
    east, north = (np.ascontiguousarray(ground[..., i]) for i in range(2))
    return np.array([[east.min(), north.min()], [east.max(), north.max()]], np.float64)


def undistorted(seen: Float64, k1: float) -> Float64:
    """Where a ray would meet the picture of a lens without distortion; (..., 2) as parts of the focal length."""
    flat = seen
    for _ in range(8):
        flat = seen / (1 + k1 * (flat**2).sum(axis=-1, keepdims=True))
    return flat


def black_edges(scene: Scene) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """(H, W) bool: pixels of a rectified frame that lie outside of what the sensor saw."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    radial = 1 + scene.k1 * (x**2 + y**2) / scene.focal**2
    # the picture is scaled so that its corners are full: then the middle of its sides is not
    grown = 1 / (1 + scene.k1 * (WIDTH**2 + HEIGHT**2) / 4 / scene.focal**2)
    out: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (np.abs(x * radial * grown) > WIDTH / 2) | (
        np.abs(y * radial * grown) > HEIGHT / 2
    )
    return out


def blurred(picture: Float32, sigma: float, motion: float, angle: float) -> Float32:
    """The optics' point spread, and the way that the picture moves while it is taken: ``motion`` px at ``angle``."""
    seen = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    if motion >= 0.5:
        reach = math.ceil(motion / 2) + 1
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        along = np.linspace(-motion / 2, motion / 2, 33)
        x, y = reach + along * math.cos(angle), reach + along * math.sin(angle)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):  # each point is shared out over its four pixels
            np.add.at(kernel, (top + j, left + i), (1 - abs(x - left - i)) * (1 - abs(y - top - j)))
        seen = cv2.filter2D(seen, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.float32)
