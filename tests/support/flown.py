"""Flights over level ground for tests and figures of coverage: results with poses and footprints, without pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edge.data import Detections, Frame, Pose, Result
from edge.geo.camera import CameraModel
from edge.geo.locate import locate
from edge.geo.wgs84 import metres_a_degree, wrapped

WIDTH, HEIGHT, FOCAL = 64, 48, 100.0
CAMERA = CameraModel(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)
PIXELS = np.zeros((HEIGHT, WIDTH), np.uint8)
HOME = 51.5, -0.25


def result(
    seq: int,
    t: float,
    pose: Pose | None,
    *,
    flags: frozenset[str] = frozenset(),
    warnings: frozenset[str] = frozenset(),
    inferred: bool = True,
    finite: bool = True,
    mask: np.ndarray | None = None,
) -> Result:
    """One frame of 64 x 48 px, of a lens of 35 x 27 degrees."""
    frame = Frame(PIXELS, seq, t, pose=pose, flags=flags, mask=mask)
    seen = None
    if pose is not None:
        corners = locate([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], CAMERA, pose)[:, :2]
        seen = corners if np.isfinite(corners).all() else None
    return Result(
        frame=frame,
        detections=Detections.none(WIDTH, HEIGHT),
        t_result=t,
        picture=PIXELS,
        inferred=inferred,
        finite=finite,
        warnings=warnings,
        t_source=t,
        footprint=seen,
    )


def at(east: float, north: float, home: tuple[float, float] = HOME) -> tuple[float, float]:
    """Latitude and longitude so many metres from ``home``."""
    a_latitude, a_longitude = metres_a_degree(home[0])
    return home[0] + north / a_latitude, float(wrapped(home[1] + east / a_longitude))


def lines(
    easts: list[float],
    length: float = 100.0,
    height: float = 50.0,
    speed: float = 10.0,
    fps: float = 5.0,
    home: tuple[float, float] = HOME,
    pitch: float = -90.0,
) -> Iterator[tuple[float, Pose]]:
    """Seconds and poses of lines to the north and back, so many metres to the east of ``home``; turns are not seen."""
    t = 0.0
    for i, east in enumerate(easts):
        for along in np.arange(0, length, speed / fps):
            north, yaw = (along, 0.0) if i % 2 == 0 else (length - along, 180.0)
            yield t, Pose(*at(east, north, home), height, yaw, pitch)
            t += 1 / fps
        t += 10.0
