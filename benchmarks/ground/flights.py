"""Survey flights over objects on level ground, with the truth and with a pose that errs: for position.py, alignment.py.

A world of its own, beside that of edge/sim: only points, no pictures, so that hundreds of flights take seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Pose
from edge.geo import CameraModel, Mounting, Sightings
from edge.geo.attitude import angles, camera_axes
from edge.geo.wgs84 import metres_a_degree

Float64 = npt.NDArray[np.float64]

HOME = 47.397742, 8.545594
CAMERA = CameraModel.from_lens(640, 512, focal_mm=13.5, pitch_um=12.0)


@dataclass(frozen=True)
class Errors:
    """One standard deviation each. For a whole flight: ``mounting_deg`` of each of three angles, ``height_m``. For a
    pass: ``position_m`` of east and north. For a frame: ``jitter_deg`` of each angle, ``pixel_px`` of each axis.
    ``time_s``: for a pass; the pose is that of so much later.
    """

    mounting_deg: float = 0.0
    height_m: float = 0.0
    position_m: float = 0.0
    jitter_deg: float = 0.0
    pixel_px: float = 0.0
    time_s: float = 0.0


@dataclass(frozen=True)
class Flown:
    """``sightings``: as the pose tells it. ``truth``: (N, 2) m, where each object really was, east and north of HOME.
    ``passes``: (N,) which line. ``mounting``: what the poses are off by.
    """

    sightings: Sightings
    truth: Float64
    passes: npt.NDArray[np.int64]
    mounting: Mounting


def place(east: float, north: float) -> tuple[float, float]:
    a_latitude, a_longitude = metres_a_degree(HOME[0])
    return HOME[0] + north / a_latitude, HOME[1] + east / a_longitude


def metres(positions: Float64) -> Float64:
    """(N, 2) east and north of HOME of (N, >= 2) latitude, longitude."""
    a_latitude, a_longitude = metres_a_degree(HOME[0])
    return np.column_stack(((positions[:, 1] - HOME[1]) * a_longitude, (positions[:, 0] - HOME[0]) * a_latitude))


def fly(
    rng: np.random.Generator,
    errors: Errors,
    pitch: float = -90.0,
    height: float = 60.0,
    headings: tuple[float, ...] = (90.0, 270.0, 90.0, 270.0),
    objects: int = 40,
    walk_m_s: float = 0.0,
    herd: bool = False,
    walkers: float = 1.0,
    speed: float = 8.0,
    fps: float = 3.0,
) -> Flown:
    """Lines 200 m long over the same field, side by side or, on another heading, across. ``walkers``: part of the
    objects that walk at ``walk_m_s``, each on its own heading, or with ``herd`` all on one.
    """
    field, line, spacing = 60.0, 240.0, 12.0
    at = rng.uniform(-field, field, (objects, 2))
    course = rng.uniform(0, 2 * math.pi, 1 if herd else objects)
    going = walk_m_s * np.column_stack((np.sin(course), np.cos(course))) * (rng.random(objects) < walkers)[:, None]
    mounting = Mounting(*rng.normal(0, errors.mounting_deg, 3), height_offset_m=rng.normal(0, errors.height_m))
    ahead = height / math.tan(math.radians(-pitch))
    rows: list[tuple[int, Float64, float, Pose, Float64, int]] = []
    t = 0.0
    for number, heading in enumerate(headings):
        h = math.radians(heading)
        along, right = np.array([math.sin(h), math.cos(h)]), np.array([math.cos(h), -math.sin(h)])
        shift, late = rng.normal(0, errors.position_m, 2), rng.normal(0, errors.time_s)
        offset = spacing * (number - (len(headings) - 1) / 2)
        for s in np.arange(-line / 2, line / 2, speed / fps):
            t += 1 / fps
            eye = (s - ahead) * along + offset * right
            yaw, tilt, roll = heading + rng.normal(0, 1.0), pitch + abs(rng.normal(0, 1.0)), rng.normal(0, 1.0)
            axes = camera_axes(yaw, tilt, roll)
            here = at + going * t
            points = np.column_stack((here - eye, np.full(objects, -height))) @ axes.T
            with np.errstate(invalid="ignore"):
                uv = CAMERA.project(points) + rng.normal(0, errors.pixel_px, (objects, 2))
                seen = ((uv > 0) & (uv < (CAMERA.width, CAMERA.height))).all(axis=1)
            if not seen.any():
                continue
            jitter = Mounting(*rng.normal(0, errors.jitter_deg, 3)).turn() if errors.jitter_deg else np.eye(3)
            told = angles(mounting.turn().T @ jitter @ axes)
            where = eye + shift + late * speed * along
            pose = Pose(*place(*where), height - mounting.height_offset_m, *told)
            rows += [(int(j), uv[j], t, pose, here[j], number) for j in np.flatnonzero(seen)]
        t += 15.0  # the turn
    ids, uv, times, poses, truth, passes = zip(*rows, strict=True)
    sightings = Sightings(np.array(ids), np.array(uv), np.array(times), poses)
    return Flown(sightings, np.array(truth), np.array(passes), mounting)
