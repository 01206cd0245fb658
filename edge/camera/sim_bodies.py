"""People, deer and cars: how they are spread over the ground, and where they are at a time.

Every body moves as a plain function of time (back and forth on a straight leg, or along the road), so a frame
can be made without the frames before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.camera import sim_shapes as shapes
from edge.camera.sim_ground import ROAD_WIDTH_M, WALK_WIDTH_M, Ground
from edge.camera.sim_settings import SimulatorSettings

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

    def parts(self, distance: float) -> list[shapes.Part]:
        if self.name == "person":
            phase = 2 * math.pi * distance / (shapes.PERSON_STRIDE_M * self.size)
            return shapes.person(phase, self.posture == "walking", self.posture == "lying")
        if self.name == "deer":
            phase = 2 * math.pi * distance / (shapes.DEER_STRIDE_M * self.size)
            return shapes.deer(phase, self.posture == "walking", self.posture == "grazing", self.posture == "bedded")
        return shapes.car(self.engine, self.sky)


class Bodies:
    """``all`` bodies of the world, and `where` each is at a time. ``air``: deg C."""

    def __init__(self, settings: SimulatorSettings, ground: Ground, rng: np.random.Generator) -> None:
        self.air = settings.air
        self._ground = ground
        place = _Placement(ground, rng)
        self.all = [*place.cars(settings.cars), *place.people(settings.people), *place.deer(settings.deer)]
        steps = np.hypot(*np.diff(ground.road, axis=0).T)
        self._road_distance = np.concatenate(([0.0], steps.cumsum()))

    def where(self, body: Body, t: float) -> tuple[float, float, float, float]:
        """East, north (m), heading (deg) and distance gone (m) of a body after ``t`` seconds."""
        distance = body.speed * t
        if body.posture == "driving":
            return (*self._on_road(body, distance), distance)
        if not body.leg:
            return body.east, body.north, body.heading, distance
        along = distance % (2 * body.leg)
        back = along > body.leg
        along = 2 * body.leg - along if back else along
        a = math.radians(body.heading)
        east, north = body.east + along * math.sin(a), body.north + along * math.cos(a)
        return east, north, (body.heading + 180.0 * back) % 360.0, distance

    def _on_road(self, body: Body, distance: float) -> tuple[float, float, float]:
        """On the right-hand lane; a car that leaves the map comes back at the other end."""
        road, length = self._ground.road, self._road_distance[-1]
        eastbound = body.heading < 180
        start = float(np.interp(body.east, road[:, 0], self._road_distance))
        gone = (start + (distance if eastbound else -distance)) % length
        ahead = road[[0, -1], 0]
        east, north = (float(np.interp(gone, self._road_distance, road[:, i])) for i in (0, 1))
        nearby = np.clip([east - 1, east + 1], *ahead)
        slope = np.diff(np.interp(nearby, road[:, 0], road[:, 1]))[0] / np.diff(nearby)[0]
        heading = math.degrees(math.atan2(1.0, slope)) + (0.0 if eastbound else 180.0)
        right = math.radians(heading + 90.0)
        return east + body.leg * math.sin(right), north + body.leg * math.cos(right), heading


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
        for _ in range(driving):
            east, north = road[rng.integers(len(road))]
            heading, speed = float(rng.choice([90.0, 270.0])), rng.uniform(6, 12)
            engine, sky = rng.uniform(9, 20), rng.uniform(-5, 1)
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
                core = shapes.CORE_C["person"] + rng.uniform(-2, 3)
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
                core = shapes.CORE_C["deer"] + rng.uniform(-1, 2)
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
