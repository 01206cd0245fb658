"""The survey flight: where the camera is at a time, and where a point of the ground falls in its frame.

World frame: metres east, north and up of the home point, flat ground at 0. Image frame: pixels, x to the
right, y down, pixel i covers [i, i + 1), the optical axis at (width / 2, height / 2).

The drone flies parallel lines in a closed circuit (every second line out, the others back, the turns are half
circles) at constant speed. The gimbal holds its pitch and follows the heading; both shake a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.sim.settings import SimulatorSettings

Float64 = npt.NDArray[np.float64]

HOME_LATITUDE, HOME_LONGITUDE = 47.397742, 8.545594  # the customary home of autopilot simulations
LINES = 4  # even, so that the circuit closes
SIDELAP = 0.25  # of neighbouring lines, part of the frame's width
_SHAKE_HZ = (0.31, 0.83, 2.1)  # body sway, gusts, motors' beat
_SURE = 0.1, 0.1, 0.1, 0.0  # 1 sigma that its poses say, m, m, deg, s: they are the truth, but for what is rounded
_SWAY_M_PER_DEG = 2.0  # a drone that shakes also sways in height


@dataclass(frozen=True)
class View:
    """A camera pose with its lens: projects the world into the frame."""

    pose: Pose
    centre: Float64  # (3,) world metres
    axes: Float64  # (3, 3) rows: image right, image down, optical axis, as world unit vectors
    focal_px: float
    width: int
    height: int

    def project(self, points: Float64) -> tuple[Float64, Float64]:
        """Image points (N, 2) in pixels and depths (N,) in metres of world points (N, 3)."""
        camera = (points - self.centre) @ self.axes.T
        depth = camera[:, 2]
        middle = np.array([self.width / 2, self.height / 2])
        return self.focal_px * camera[:, :2] / depth[:, None] + middle, depth

    def ground_to_image(self) -> Float64:
        """Homography (3, 3) from ground (east, north, 1), metres, to image pixels."""
        camera = np.array([[self.focal_px, 0, self.width / 2], [0, self.focal_px, self.height / 2], [0, 0, 1]])
        return camera @ np.column_stack((self.axes[:, 0], self.axes[:, 1], -self.axes @ self.centre))


def camera_axes(yaw: float, pitch: float, roll: float) -> Float64:
    """Rows: image right, image down, optical axis, as (east, north, up) unit vectors; angles as in `Pose`."""
    y, p, r = np.radians([yaw, pitch, roll])
    forward = np.array([np.sin(y) * np.cos(p), np.cos(y) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(y), -np.sin(y), 0.0])
    down = np.cross(forward, right)
    return np.stack((np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, forward))


class Flight:
    """The closed survey circuit: `view(t)` for any simulated time in seconds."""

    def __init__(self, settings: SimulatorSettings, rng: np.random.Generator) -> None:
        self._settings = settings
        self._shake = rng.uniform(0, 2 * math.pi, (4, len(_SHAKE_HZ)))  # yaw, pitch, roll, height
        footprint = settings.gsd * settings.width
        self.line_length = 3 * footprint
        self.line_spacing = (1 - SIDELAP) * footprint
        self._ahead = settings.altitude / math.tan(math.radians(-settings.pitch))
        # what lies around the lines and is still seen: the view ahead, and half a frame
        self.reach = self._ahead + footprint / 2
        # lines 0, 2, .. out and .., 3, 1 back; then half circles as wide as the gap
        order = [*range(0, LINES, 2), *range(LINES - 1, 0, -2)]
        self._rows = [(i - (LINES - 1) / 2) * self.line_spacing for i in order]

    @property
    def world_size(self) -> tuple[float, float]:
        """Metres east-west and north-south that the camera sees during the circuit, centred on home."""
        return self.line_length + 2 * self.reach, (LINES - 1) * self.line_spacing + 2 * self.reach

    @property
    def first_look(self) -> tuple[float, float]:
        """East and north, metres, of the ground that is in the middle of the first frame."""
        return self._ahead - self.line_length / 2, self._rows[0]

    def view(self, t: float) -> View:
        s = self._settings
        east, north, heading = self._on_circuit(s.speed * t)
        waves = np.sin(self._shake + 2 * math.pi * np.array(_SHAKE_HZ) * t).mean(axis=1)
        pitch = max(-90.0, s.pitch + s.jitter * waves[1])
        height = s.altitude + _SWAY_M_PER_DEG * s.jitter * waves[3]
        yaw, roll = (heading + s.jitter * waves[0]) % 360.0, s.jitter * waves[2]
        latitude, longitude = to_wgs84(east, north)
        pose = Pose(latitude, longitude, height, yaw, pitch, roll, *_SURE, speed_m_s=s.speed, height_source="simulator")
        centre = np.array([east, north, height])
        return View(pose, centre, camera_axes(yaw, pitch, roll), s.focal_px, s.width, s.height)

    def _on_circuit(self, distance: float) -> tuple[float, float, float]:
        """East, north (m) and heading (deg) after flying so far along the circuit."""
        rows = self._rows
        turns = [math.pi / 2 * abs(b - a) for a, b in zip(rows, rows[1:] + rows[:1], strict=True)]
        left = distance % (len(rows) * self.line_length + sum(turns))
        half = self.line_length / 2
        for i, row in enumerate(rows):
            east_bound = i % 2 == 0
            sign = 1.0 if east_bound else -1.0
            if left < self.line_length:
                return sign * (left - half), row, 90.0 if east_bound else 270.0
            left -= self.line_length
            if left < turns[i]:
                following = rows[(i + 1) % len(rows)]
                radius = (following - row) / 2  # signed: north or south of the line
                angle = left / abs(radius)
                east = sign * (half + abs(radius) * math.sin(angle))
                north = row + radius * (1 - math.cos(angle))
                turn = -math.copysign(1.0, radius) * sign  # turning north from east is to the left
                return east, north, (90.0 * (2 - sign) + turn * math.degrees(angle)) % 360.0
            left -= turns[i]
        raise AssertionError("the circuit is longer than its parts")


def to_wgs84(east: float, north: float) -> tuple[float, float]:
    """Latitude and longitude in degrees of a point near home.

    Tangent plane with the WGS84 radii of curvature at home: under 1 cm off within 300 m.
    """
    a, e2 = 6378137.0, 6.69437999014e-3
    w = 1 - e2 * math.sin(math.radians(HOME_LATITUDE)) ** 2
    meridian, normal = a * (1 - e2) / w**1.5, a / math.sqrt(w)
    return (
        HOME_LATITUDE + math.degrees(north / meridian),
        HOME_LONGITUDE + math.degrees(east / (normal * math.cos(math.radians(HOME_LATITUDE)))),
    )
