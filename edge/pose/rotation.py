"""Which way something points, as unit quaternions: angles near straight down, or over north, mix without a step.

A rotation takes axes of what turned (forward, right, down) to north, east, down. Angles are yaw, pitch, roll in
degrees, turned in this order (Tait-Bryan z, y, x), as `edge.Pose` has them: of a camera, forward is the optical axis.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

GimbalFrame = Literal["earth", "vehicle", "body"]  # what a gimbal's angles are measured from
FRAMES: tuple[GimbalFrame, ...] = ("earth", "vehicle", "body")
LOCK = 1e-7  # of the forward axis' horizontal part: below it yaw and roll are one turn, and roll is set to 0


class Rotation(NamedTuple):
    """A unit quaternion."""

    w: float
    x: float
    y: float
    z: float

    def __matmul__(self, inner: Rotation) -> Rotation:
        """First ``inner``, then this one: ``north_of_body @ body_of_camera``."""
        a, b, c, d = self
        e, f, g, h = inner
        return Rotation(
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        )

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw 0..360, pitch -90..90, roll -180..180, degrees; roll 0 where it looks straight down or up."""
        w, x, y, z = self
        north, east = 1 - 2 * (y * y + z * z), 2 * (x * y + w * z)  # of the forward axis
        down, flat = 2 * (x * z - w * y), math.hypot(north, east)
        if flat < LOCK:
            yaw, roll = math.atan2(-2 * (x * y - w * z), 1 - 2 * (x * x + z * z)), 0.0
        else:
            yaw = math.atan2(east, north)
            roll = math.atan2(2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
        return wrap_360(math.degrees(yaw)), math.degrees(math.atan2(-down, flat)), math.degrees(roll)

    @property
    def upright(self) -> float:
        """Cosine of the angle between its down axis and the vertical."""
        return 1 - 2 * (self.x**2 + self.y**2)


def of_angles(yaw: float, pitch: float, roll: float) -> Rotation:
    """Degrees, of any size."""
    y, p, r = (math.radians(angle) / 2 for angle in (yaw, pitch, roll))
    cy, sy, cp, sp, cr, sr = math.cos(y), math.sin(y), math.cos(p), math.sin(p), math.cos(r), math.sin(r)
    return Rotation(
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    )


def of_quaternion(w: float, x: float, y: float, z: float) -> Rotation | None:
    """Four numbers that somebody sent, made a unit quaternion; None where they are none (NaN, all zero, no unit)."""
    length = math.sqrt(w * w + x * x + y * y + z * z)
    if not 0.9 < length < 1.1:  # so that a NaN fails
        return None
    return Rotation(w / length, x / length, y / length, z / length)


def between(a: Rotation, b: Rotation, f: float) -> Rotation:
    """From ``a`` (``f`` 0) to ``b`` (1) the short way at an even rate; beyond 1 it goes on turning."""
    dot = sum(p * q for p, q in zip(a, b, strict=True))
    sign = 1.0 if dot >= 0 else -1.0
    half = math.acos(min(1.0, abs(dot)))
    if half < 1e-9:
        return a
    p, q = math.sin((1 - f) * half) / math.sin(half), sign * math.sin(f * half) / math.sin(half)
    return Rotation(*(p * s + q * t for s, t in zip(a, b, strict=True)))


def degrees_between(a: Rotation, b: Rotation) -> float:
    """The angle of the turn from one to the other, 0..180."""
    return 2 * math.degrees(math.acos(min(1.0, abs(sum(p * q for p, q in zip(a, b, strict=True))))))


def wrap_360(degrees: float) -> float:
    """The same direction in 0..360, 360 left out."""
    wrapped = degrees % 360.0
    return 0.0 if wrapped >= 360.0 else wrapped


def wrap_180(degrees: float) -> float:
    """The same in -180..180, 180 left out."""
    return wrap_360(degrees + 180.0) - 180.0


def to_north(gimbal: Rotation, frame: GimbalFrame, attitude: Rotation) -> Rotation:
    """A gimbal's angles in ``frame``, on an aircraft of this ``attitude``, to north and horizon."""
    if frame == "earth":
        return gimbal
    if frame == "body":
        return attitude @ gimbal
    return of_angles(attitude.angles[0], 0.0, 0.0) @ gimbal
