"""How sure a position is: the errors of the pose, carried through the ray to the ground.

With t the angle off nadir, h the height over the ground that is hit, v the speed, one standard deviation each:

    position^2 + (h sec(t)^2 attitude)^2 + (tan(t) height)^2 + (v time)^2 / 2 + pixel^2    along the ray
    position^2 + (h sec(t) attitude)^2                       + (v time)^2 / 2 + pixel^2    across it

that is a covariance (2, 2) in metres^2, east and north. A pose tells no course, so that v time goes to
both sides alike. Its one number is the radius of the circle around the position that holds the true place in 68 of 100
cases: sqrt(a^2 + 1.32 b^2) of an ellipse with the semi-axes a >= b, within 1 % of the exact radius for every shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.errors import InputError

Float64 = npt.NDArray[np.float64]

MINOR = 1.32  # see above; 68.27 % in the circle of a round ellipse need 1.2957, of a long one any
FACTORS = 8  # columns of what errs in common: east, north, height, three turns, time east, time north


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is taken where a pose does not say how good it is. One standard deviation each, all chosen.

    ``position_m``: of east and of north, of a GNSS receiver without corrections. ``height_m``: of a barometer or GNSS
    height over ground known from a map. ``attitude_deg``: about each axis, of a small gimbal and a compass. ``time_s``:
    of the moment of the pose against that of the frame. ``speed_m_s``: the speed itself. ``pixel_px``: of the middle or
    the foot of a box on each axis; no pose says it.

    Parts of the variance, 0 to 1, that all frames of one pass have in common, so that a mean over frames does not
    lessen them: ``common_position``, ``common_height``, ``common_attitude``, ``common_time``.
    """

    position_m: float = 2.0
    height_m: float = 3.0
    attitude_deg: float = 2.0
    time_s: float = 0.1
    speed_m_s: float = 10.0
    pixel_px: float = 2.0
    common_position: float = 1.0
    common_height: float = 1.0
    common_attitude: float = 0.8
    common_time: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, part = getattr(self, field.name), field.name.startswith("common_")
            if not 0 <= value < (1.0 + 1e-12 if part else math.inf):
                expected = "a part from 0 to 1" if part else "0 or more, finite"
                raise InputError(f"assumed {field.name} is {value}: expected {expected}")


ASSUMED = Assumed()


@dataclass(frozen=True, slots=True)
class Sigmas:
    """One standard deviation each of one pose: what it says, else what is assumed.

    ``motion_m``: metres flown in the uncertainty of the time, along the course, which a pose does not tell. ``common``:
    roots of the parts that frames of a pass share: position, height, attitude, time.
    """

    position_m: float
    height_m: float
    attitude_rad: float
    motion_m: float
    pixel_px: float
    common: tuple[float, float, float, float]

    @classmethod
    def of(cls, pose: Pose, assumed: Assumed) -> Sigmas:
        position, height, attitude, time, speed = (
            instead if told is None else float(told)
            for told, (instead, _) in zip(_told(pose), _rows(assumed), strict=True)
        )
        parts = assumed.common_position, assumed.common_height, assumed.common_attitude, assumed.common_time
        common = (math.sqrt(parts[0]), math.sqrt(parts[1]), math.sqrt(parts[2]), math.sqrt(parts[3]))
        return cls(position, height, math.radians(attitude), speed * time, assumed.pixel_px, common)


def what_was_assumed(pose: Pose, assumed: Assumed) -> tuple[str, ...]:
    """In words, what a pose does not tell and was taken instead: ``position 2 m``."""
    rows = zip(_told(pose), _rows(assumed), strict=True)
    return tuple(words.format(instead) for told, (instead, words) in rows if told is None)


def _told(pose: Pose) -> tuple[float | None, ...]:
    return pose.sigma_position_m, pose.sigma_height_m, pose.sigma_attitude_deg, pose.sigma_time_s, pose.speed_m_s


def _rows(assumed: Assumed) -> tuple[tuple[float, str], ...]:
    return (
        (assumed.position_m, "position {:g} m"),
        (assumed.height_m, "height {:g} m"),
        (assumed.attitude_deg, "attitude {:g} deg"),
        (assumed.time_s, "time {:g} s"),
        (assumed.speed_m_s, "speed {:g} m/s"),
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """Rays that meet the ground, seen from a camera. Ground frame: east, north, up.

    ``rays``: (N, 3), of the camera frame's length: z = 1 along the axis. ``drop``: (N,) metres from the camera down to
    where each meets the ground. ``axes``: see `edge.geo.attitude.camera_axes`. ``focal``: pixels. ``slope``: (N, 2)
    rise of the ground there by metre east and north, None = level.
    """

    rays: Float64
    drop: Float64
    axes: Float64
    focal: float
    slope: Float64 | None = None

    def covariance(self, sigmas: Sigmas, ground_m: float = 0.0) -> Float64:
        """(N, 2, 2), metres^2, east and north, of all errors. ``ground_m``: one standard deviation of the ground's."""
        a, b, c = self._level(sigmas, ground_m)
        found = np.empty((len(a), 2, 2))
        found[:, 0, 0], found[:, 1, 1] = a, b
        found[:, 0, 1] = found[:, 1, 0] = c
        if self.slope is not None:
            on = self._on_slope(self.rays[:, :2] / -self.rays[:, 2:], self.slope)
            found = on @ found @ on.transpose(0, 2, 1)
        return found

    def sigma(self, sigmas: Sigmas, ground_m: float = 0.0) -> Float64:
        """(N,) metres: `sigma_of` of the covariance."""
        if self.slope is not None:
            return sigma_of(self.covariance(sigmas, ground_m))
        return _radius(*self._level(sigmas, ground_m))

    def _level(self, sigmas: Sigmas, ground_m: float) -> tuple[Float64, Float64, Float64]:
        """Variance east, variance north and covariance, (N,) each, on level ground."""
        x, y, up = self.rays.T
        reach = (self.drop / up) ** 2
        tx, ty = x / -up, y / -up  # tan(t), east and north
        pixel = (sigmas.pixel_px / self.focal) ** 2 * reach
        turn = sigmas.attitude_rad**2 * reach * (x * x + y * y + up * up) + pixel
        along = turn + (sigmas.height_m**2 + ground_m**2)
        turn += sigmas.position_m**2 + sigmas.motion_m**2 / 2
        # a point moves on the image plane only, not along the axis
        ahead_east, ahead_north, ahead_up = self.axes[2].tolist()
        mx, my = tx * ahead_up + ahead_east, ty * ahead_up + ahead_north
        return (
            along * tx * tx - pixel * mx * mx + turn,
            along * ty * ty - pixel * my * my + turn,
            along * tx * ty - pixel * mx * my,
        )

    def factors(self, sigmas: Sigmas) -> Float64:
        """(N, 2, FACTORS) metres, east and north: how each error that all frames of a pass share moves the point.

        Their product with their own transpose is that part of the covariance; turns are about the camera's axes.
        """
        down = -self.rays[:, 2]
        u = self.rays[:, :2] / down[:, None]
        position, height, attitude, time = sigmas.common
        found = np.zeros((len(u), 2, FACTORS))
        found[:, 0, 0] = found[:, 1, 1] = position * sigmas.position_m
        found[:, :, 2] = u * (height * sigmas.height_m)
        for k in range(3):
            turned = np.cross(self.axes[k], self.rays)
            moved = turned[:, :2] + u * turned[:, 2:]
            found[:, :, 3 + k] = moved * (attitude * sigmas.attitude_rad * self.drop / down)[:, None]
        found[:, 0, 6] = found[:, 1, 7] = time * sigmas.motion_m / math.sqrt(2)
        return found if self.slope is None else self._on_slope(u, self.slope) @ found

    @staticmethod
    def _on_slope(u: Float64, slope: Float64) -> Float64:
        """(N, 2, 2): from a shift on level ground to that on the slope that the ray meets instead."""
        steep = 1 + (u * slope).sum(axis=1)
        return np.asarray(np.eye(2) - u[:, :, None] * slope[:, None, :] / steep[:, None, None])


def sigma_of(covariance: Float64) -> Float64:
    """(N,) metres: the radius that holds 68 of 100 cases, of covariances (N, 2, 2)."""
    return _radius(covariance[:, 0, 0], covariance[:, 1, 1], covariance[:, 0, 1])


def _radius(a: Float64, b: Float64, c: Float64) -> Float64:
    middle, half = (a + b) / 2, (a - b) / 2
    half = np.sqrt(half * half + c * c)
    return np.asarray(np.sqrt(middle + half + MINOR * np.maximum(middle - half, 0)))


def ellipse_of(covariance: Float64) -> Float64:
    """(N, 3): semi-axes a >= b in metres of one standard deviation, and the heading of a, 0..180 degrees from north."""
    a, b, c = covariance[:, 0, 0], covariance[:, 1, 1], covariance[:, 0, 1]
    middle = (a + b) / 2
    half = np.sqrt(((a - b) / 2) ** 2 + c * c)
    heading = np.degrees(np.arctan2(2 * c, b - a)) / 2 % 180
    return np.column_stack((np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0)), heading))
