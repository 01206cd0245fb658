"""Angles of the camera: as axes in space, and what a camera is mounted off by.

Ground frame: east, north, up, metres. Camera frame: right, down, along the optical axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.errors import InputError

Float64 = npt.NDArray[np.float64]

STRAIGHT = 1e-9  # cosine of the pitch below which the optical axis has no heading: 1e-7 degrees


def camera_axes(yaw: float, pitch: float, roll: float) -> Float64:
    """(3, 3), rows: image right, image down, optical axis, as (east, north, up) unit vectors; degrees as in `Pose`."""
    y, p, r = math.radians(yaw), math.radians(pitch), math.radians(roll)
    sy, cy, sp, cp, sr, cr = math.sin(y), math.cos(y), math.sin(p), math.cos(p), math.sin(r), math.cos(r)
    # before the roll: right is level, (cos yaw, -sin yaw, 0), and down hangs below the axis
    down_east, down_north, down_up = sy * sp, cy * sp, -cp
    return np.array(
        (
            (cr * cy + sr * down_east, sr * down_north - cr * sy, sr * down_up),
            (cr * down_east - sr * cy, cr * down_north + sr * sy, cr * down_up),
            (sy * cp, cy * cp, sp),
        )
    )


def angles(axes: Float64) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of `camera_axes`, yaw in 0..360. Straight down the yaw is that of the image's up."""
    right, down, forward = axes.tolist()
    level = math.hypot(forward[0], forward[1])
    pitch = math.degrees(math.atan2(forward[2], level))
    if level < STRAIGHT:
        up = -math.copysign(1.0, forward[2])  # straight up, the image's down is what points ahead
        return math.degrees(math.atan2(-up * down[0], -up * down[1])) % 360.0, pitch, 0.0
    yaw = math.degrees(math.atan2(forward[0], forward[1])) % 360.0
    return yaw, pitch, math.degrees(math.atan2(-right[2], -down[2]))


@dataclass(frozen=True, slots=True)
class Mounting:
    """What the poses of a flight are off by, as set by hand or found by `edge.geo.align`.

    ``yaw_deg``, ``pitch_deg``, ``roll_deg``: how the camera is turned against what the pose speaks of, applied in the
    camera's own frame in this order: to the right, up, right side down. Of a camera that is fixed to an aircraft whose
    poses are those of its nose: how it is mounted, pitch_deg=-90 for one that looks down. Of a gimbal: what it is off
    by. ``yaw_offset_deg``: added to every heading, for a compass that is off. ``height_offset_m``: added to every
    height.

    Raises InputError where one is not finite.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    yaw_offset_deg: float = 0.0
    height_offset_m: float = 0.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"mounting: {name} is {getattr(self, name)}: expected a finite number")

    def turn(self) -> Float64:
        """(3, 3): rows are the camera's right, down and axis in the frame (right, down, axis) of the pose's camera."""
        return camera_axes(self.yaw_deg, self.pitch_deg, self.roll_deg)[:, [0, 2, 1]] * (1.0, -1.0, 1.0)

    def after(self, first: Mounting) -> Mounting:
        """Both as one, where this one has no ``yaw_offset_deg``: what poses are off by of which ``first`` was taken out
        already, and this is what is left.
        """
        turn = self.turn() @ first.turn()
        yaw, pitch, roll = angles(np.column_stack((turn[:, 0], turn[:, 2], -turn[:, 1])))
        height = first.height_offset_m + self.height_offset_m
        return Mounting((yaw + 180.0) % 360.0 - 180.0, pitch, roll, first.yaw_offset_deg, height)

    def __str__(self) -> str:
        """As ``--mounting`` reads it."""
        compass = f"yaw_offset_deg={self.yaw_offset_deg:.3f}," if self.yaw_offset_deg else ""
        return (
            f"{compass}yaw_deg={self.yaw_deg:.3f},pitch_deg={self.pitch_deg:.3f},roll_deg={self.roll_deg:.3f},"
            f"height_offset_m={self.height_offset_m:.2f}"
        )

    def apply(self, pose: Pose) -> Pose:
        """The pose as it really was; what it does not speak of stays."""
        yaw, pitch, roll = pose.yaw + self.yaw_offset_deg, pose.pitch, pose.roll
        if self.yaw_deg or self.pitch_deg or self.roll_deg:
            yaw, pitch, roll = angles(self.turn() @ camera_axes(yaw, pitch, roll))
        return replace(pose, yaw=yaw, pitch=pitch, roll=roll, height=pose.height + self.height_offset_m)
