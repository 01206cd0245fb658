"""People, deer and cars: where each is at a time.

Every body moves as a plain function of time (back and forth on a straight leg, or along the road), so a frame
can be made without the frames before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.sim.flight import Float64
from edge.sim.shapes import STRIDE_M, Shape, shape


@dataclass(frozen=True)
class Body:
    """``name``: person, deer or car. ``posture``: walking, standing, lying, grazing, bedded, parked or
    driving. ``east``, ``north``: metres, where it starts. ``heading``: degrees clockwise from north.
    ``speed``: m/s. ``leg``: metres walked before it turns back; of a car that drives, how far right of the
    road's middle. ``size``: 1 is typical. ``core``: deg C. ``engine``, ``sky``: K above the air, of cars
    only.
    """

    name: str
    posture: str
    east: float
    north: float
    heading: float
    speed: float = 0.0
    leg: float = 0.0
    size: float = 1.0
    core: float = 0.0
    engine: float = 0.0
    sky: float = 0.0

    def shape(self, distance: float) -> Shape:
        """What it looks like after it has gone so many metres."""
        return shape(self.name, self.posture, distance / (STRIDE_M.get(self.name, 1.0) * self.size))


class Bodies:
    """``all`` bodies of the world; `places` says where they are at a time. ``air``: deg C."""

    def __init__(self, bodies: Sequence[Body], road: Float64, air: float) -> None:
        """``road``: (N, 2) east and north of its middle, metres, eastwards."""
        self.all, self.air = tuple(bodies), air
        self._road = road
        self._road_distance = np.concatenate(([0.0], np.hypot(*np.diff(road, axis=0).T).cumsum()))
        rows = [(body.east, body.north, body.heading, body.speed, body.leg) for body in bodies]
        self._start = np.array(rows, np.float64).reshape(-1, 5).T
        self._driving = np.array([body.posture == "driving" for body in bodies], bool)

    def places(self, t: float) -> Float64:
        """(N, 4): east, north (m), heading (deg) and distance gone (m) of each body after ``t`` seconds."""
        east, north, heading, speed, leg = self._start
        gone = speed * t
        turning = leg > 0
        along = np.where(turning, gone % np.where(turning, 2 * leg, 1.0), 0.0)
        back = along > leg
        along = np.where(back, 2 * leg - along, along)
        a = np.radians(heading)
        east, north = east + along * np.sin(a), north + along * np.cos(a)
        places = np.column_stack((east, north, (heading + 180.0 * back) % 360.0, gone))
        places[self._driving, :3] = self._on_road(t)
        return places

    def _on_road(self, t: float) -> Float64:
        """(N, 3) of the cars that drive on the right; one that leaves the map comes back at the other end."""
        start, _, heading, speed, lane = self._start[:, self._driving]
        road, along = self._road, self._road_distance
        eastbound = heading < 180
        gone = (np.interp(start, road[:, 0], along) + np.where(eastbound, speed, -speed) * t) % along[-1]
        east, north = (np.interp(gone, along, road[:, i]) for i in (0, 1))
        rise = np.interp(east + 1, road[:, 0], road[:, 1]) - np.interp(east - 1, road[:, 0], road[:, 1])
        course = np.degrees(np.arctan2(2.0, rise)) + np.where(eastbound, 0.0, 180.0)
        right = np.radians(course + 90.0)
        return np.column_stack((east + lane * np.sin(right), north + lane * np.cos(right), course))
