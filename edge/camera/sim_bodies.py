"""People, deer and cars: how they are spread over the ground, and where they are at a time.

Every body moves as a plain function of time (back and forth on a straight leg, or along the road), so a frame
can be made without the frames before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.camera.sim_flight import Float64
from edge.camera.sim_ground import ROAD_WIDTH_M, WALK_WIDTH_M, Ground
from edge.camera.sim_settings import SimulatorSettings
from edge.camera.sim_shapes import CORE_C, STRIDE_M, Shape, shape

LYING_SHARE, STANDING_SHARE = 0.08, 0.35  # of people; the rest walk
BEDDED_SHARE, GRAZING_SHARE = 0.2, 0.4  # of deer; the rest walk
DRIVING_SHARE, WARM_ENGINE_SHARE = 0.25, 0.25  # of cars; of the parked ones


@dataclass(frozen=True)
class Body:
    """``east``, ``north``: metres, where the leg starts. ``heading``: degrees clockwise from north. ``leg``: metres
    walked before turning back; for a car on the road, its lane's offset to the right. ``size``: 1 = typical.
    ``core``: deg C. ``engine``, ``sky``: K above the air, cars only.
    """

    name: str
    posture: str  # walking, standing, lying, grazing, bedded, parked, driving
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
        """What it looks like after going so many metres."""
        stride = STRIDE_M.get(self.name, 1.0) * self.size
        return shape(self.name, self.posture, distance / stride)


class Bodies:
    """``all`` bodies of the world, and `places` where they are at a time. ``air``: deg C."""

    def __init__(self, settings: SimulatorSettings, ground: Ground, rng: np.random.Generator) -> None:
        self.air = settings.air
        place = _Placement(ground, rng)
        self.all = [*place.cars(settings.cars), *place.people(settings.people), *place.deer(settings.deer)]
        self._road = ground.road
        self._road_distance = np.concatenate(([0.0], np.hypot(*np.diff(ground.road, axis=0).T).cumsum()))
        self._driving = np.array([body.posture == "driving" for body in self.all], bool)
        rows = [(body.east, body.north, body.heading, body.speed, body.leg) for body in self.all]
        self._start = np.array(rows, np.float64).reshape(-1, 5).T

    def places(self, t: float) -> Float64:
        """(N, 4): east, north (m), heading (deg) and distance gone (m) of each body after ``t`` seconds."""
        east, north, heading, speed, leg = self._start
        gone = speed * t
        along = gone % np.where(leg > 0, 2 * leg, 1.0)
        back = along > leg
        along = np.where(back, 2 * leg - along, along) * (leg > 0)
        a = np.radians(heading)
        places = np.column_stack(
            (east + along * np.sin(a), north + along * np.cos(a), heading + 180.0 * (back & (leg > 0)), gone)
        )
        if self._driving.any():
            places[self._driving, :3] = self._on_road(*self._start[:, self._driving], t)
        return places

    def _on_road(
        self, east: Float64, _north: Float64, heading: Float64, speed: Float64, lane: Float64, t: float
    ) -> Float64:
        """(N, 3) on the right-hand lanes; a car that leaves the map comes back at the other end."""
        road, along = self._road, self._road_distance
        eastbound = heading < 180
        gone = (np.interp(east, road[:, 0], along) + np.where(eastbound, speed, -speed) * t) % along[-1]
        x, y = (np.interp(gone, along, road[:, i]) for i in (0, 1))
        slope = np.interp(x + 1, road[:, 0], road[:, 1]) - np.interp(x - 1, road[:, 0], road[:, 1])
        course = np.degrees(np.arctan2(2.0, slope)) + np.where(eastbound, 0.0, 180.0)
        right = np.radians(course + 90.0)
        return np.column_stack((x + lane * np.sin(right), y + lane * np.cos(right), course))


class _Placement:
    """Finds places where bodies may stand, and remembers what cars have taken."""

    def __init__(self, ground: Ground, rng: np.random.Generator) -> None:
        self._ground, self._rng = ground, rng
        h, w = ground.counts.shape
        self._half = np.array([w, h]) * ground.resolution / 2
        lot = ground.lot
        self._busy = np.concatenate((ground.road, np.linspace(lot[0], lot[2], 9), np.linspace(lot[1], lot[3], 9)))
        self._taken: list[tuple[float, float]] = []  # middles of cars

    def cars(self, count: int) -> list[Body]:
        """A quarter on the road, the others in the bays of the car park, then along the kerb."""
        rng, road = self._rng, self._ground.road
        driving = round(DRIVING_SHARE * count)
        bodies = []
        # one speed and a gap for each lane, so that nobody drives through another
        speeds, gap = rng.uniform(7, 11, 2), max(1, min(12, 2 * len(road) // max(1, driving)))
        slots = rng.permutation(np.arange(gap, len(road), gap))
        for k in range(driving):
            east, north = road[slots[k // 2 % len(slots)]]
            engine, sky = rng.uniform(9, 20), rng.uniform(-5, 1)
            heading, speed = (90.0, 270.0)[k % 2], float(speeds[k % 2])
            bodies.append(Body("car", "driving", east, north, heading, speed, ROAD_WIDTH_M / 4, 1.0, 0.0, engine, sky))
        bays = list(rng.permutation(self._ground.bays))
        for _ in range(count - driving):
            if bays:
                east, north, heading = (float(v) for v in bays.pop())
                heading = (heading + 180.0 * (rng.random() < 0.3)) % 360
            else:
                i = int(rng.integers(2, len(road) - 2))
                side = float(rng.choice([-1.0, 1.0]))
                (dx, dy), (x, y) = road[i + 1] - road[i - 1], road[i]
                norm, offset = math.hypot(dx, dy), side * (ROAD_WIDTH_M / 2 + 1.1)
                east, north = x + offset * dy / norm, y - offset * dx / norm
                heading = math.degrees(math.atan2(dx, dy)) + (0.0 if side > 0 else 180.0)
            self._taken.append((east, north))
            engine = rng.uniform(8, 22) if rng.random() < WARM_ENGINE_SHARE else rng.uniform(0, 1)
            # most stood under the sky for hours; some were parked late and still hold the sun
            sky = rng.uniform(-7, -2.5) if rng.random() < 0.75 else rng.uniform(1, 4)
            bodies.append(Body("car", "parked", east, north, heading, 0.0, 0.0, rng.uniform(0.95, 1.08), 0.0, engine, sky))
        return bodies

    def people(self, count: int) -> list[Body]:
        """Groups of one to four on pavements, the path, the car park and the grass."""
        rng = self._rng
        bodies: list[Body] = []
        while len(bodies) < count:
            lying = rng.random() < LYING_SHARE
            walking = not lying and rng.random() > STANDING_SHARE
            posture = "lying" if lying else "walking" if walking else "standing"
            leg, speed = (rng.uniform(6, 18), rng.uniform(0.9, 1.6)) if walking else (0.0, 0.0)
            where = "grass" if lying else str(rng.choice(["road", "path", "lot", "grass"], p=[0.33, 0.17, 0.15, 0.35]))
            east, north, heading = self._place(where, leg)
            for k in range(1 if lying else min(count - len(bodies), int(rng.choice([1, 1, 1, 2, 2, 3, 4])))):
                x, y = (east, north) + k * np.array([1.3, 0.7]) + rng.uniform(-0.3, 0.3, 2)
                facing = heading if walking else float(rng.uniform(0, 360))
                core = CORE_C["person"] + rng.uniform(-2, 3)
                bodies.append(Body("person", posture, x, y, facing, speed, leg, rng.uniform(0.92, 1.08), core))
        return bodies

    def deer(self, count: int) -> list[Body]:
        """Herds of three to seven on open grass, away from the road."""
        rng = self._rng
        bodies: list[Body] = []
        while len(bodies) < count:
            east, north, heading = self._place("wild", 0.0)
            for _ in range(min(count - len(bodies), int(rng.integers(3, 8)))):
                share = rng.random()
                posture = "bedded" if share < BEDDED_SHARE else "grazing" if share < BEDDED_SHARE + GRAZING_SHARE else "walking"
                leg, speed = (rng.uniform(4, 15), rng.uniform(0.4, 1.0)) if posture == "walking" else (0.0, 0.0)
                for _ in range(20):
                    x, y = (east, north) + 4.0 * rng.standard_normal(2)
                    if self._is_free(x, y):
                        break
                facing = (heading + 35 * rng.standard_normal()) % 360
                core = CORE_C["deer"] + rng.uniform(-1, 2)
                bodies.append(Body("deer", posture, x, y, facing, speed, leg, rng.uniform(0.85, 1.12), core))
        return bodies

    def _is_free(self, east: float, north: float) -> bool:
        from_car = min((math.hypot(east - x, north - y) for x, y in self._taken), default=math.inf)
        return from_car > 3.0 and self._ground.is_free(east, north)

    def _place(self, where: str, leg: float) -> tuple[float, float, float]:
        """East, north and heading of a free place with a free leg ahead (the last tried, on a crowded ground)."""
        rng, ground = self._rng, self._ground
        for _ in range(60):
            heading = float(rng.uniform(0, 360))
            if where in ("road", "path"):
                lane = ground.road if where == "road" else ground.path
                i = int(rng.integers(2, len(lane) - 2))
                dx, dy = (lane[i + 1] - lane[i - 1]) / np.hypot(*(lane[i + 1] - lane[i - 1]))
                side = float(rng.choice([-1.0, 1.0])) * ((ROAD_WIDTH_M + WALK_WIDTH_M) / 2 if where == "road" else 0.4)
                east, north = lane[i] + side * np.array([dy, -dx])
                heading = (math.degrees(math.atan2(dx, dy)) + 180.0 * (rng.random() < 0.5)) % 360
            elif where == "lot":
                u, v = rng.uniform(0.1, 0.9, 2)
                corner, along, across = ground.lot[0], ground.lot[3] - ground.lot[0], ground.lot[1] - ground.lot[0]
                east, north = corner + u * along + v * across
            else:
                east, north = rng.uniform(-0.8, 0.8, 2) * self._half
            if where == "wild" and np.hypot(*(self._busy - (east, north)).T).min() < min(16.0, 0.2 * self._half[1]):
                continue
            a = math.radians(heading)
            steps = np.linspace(0.0, leg, 1 + math.ceil(leg / 1.5))
            if all(self._is_free(east + d * math.sin(a), north + d * math.cos(a)) for d in steps):
                break
        return float(east), float(north), heading
