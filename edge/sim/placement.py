"""How people, deer and cars are spread over the ground: groups, herds, rows of parked cars, traffic."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge.sim.bodies import Body
from edge.sim.flight import Float64
from edge.sim.ground import Ground
from edge.sim.layout import ROAD_WIDTH_M, WALK_WIDTH_M, directions
from edge.sim.settings import SimulatorSettings
from edge.sim.shapes import CORE_C

LYING_SHARE, STANDING_SHARE = 0.08, 0.35  # of people; the rest walk
BEDDED_SHARE, GRAZING_SHARE = 0.2, 0.4  # of deer; the rest walk
DRIVING_SHARE, WARM_ENGINE_SHARE, SUN_WARM_SHARE = 0.25, 0.25, 0.25  # of cars; of parked cars
BAYS_TAKEN = 0.6  # of the car park's; the other cars stand along the road
WHERE_PEOPLE_ARE = {"road": 0.33, "path": 0.17, "lot": 0.15, "grass": 0.35}
GROUP_SIZES = (1, 1, 1, 2, 2, 3, 4)
HERD_SPREAD_M, HERD_FROM_ROAD_M = 4.0, 16.0
CAR_CLEARANCE_M, KERB_GAP_M, TRAFFIC_GAP_M = 3.0, 6.0, 12
_TRIES = 20


def place_bodies(settings: SimulatorSettings, ground: Ground, rng: np.random.Generator) -> list[Body]:
    """As many of each as the settings say, on any ground: where it is crowded, some stand in others' way."""
    placement = _Placement(ground, rng)
    # cars first: nobody else stands on them
    return [
        *placement.cars(settings.cars),
        *placement.people(settings.people),
        *placement.herds(settings.deer),
    ]


class _Placement:
    def __init__(self, ground: Ground, rng: np.random.Generator) -> None:
        self._ground, self._plan, self._rng = ground, ground.layout, rng
        h, w = ground.counts.shape
        self._half = np.array([w, h]) * ground.resolution / 2
        self._cell = 2 * ground.resolution
        lot = self._plan.lot
        diagonals = np.linspace(lot[0], lot[2], 9), np.linspace(lot[1], lot[3], 9)
        self._busy = np.concatenate((self._plan.road, *diagonals))
        self._blocked = ground.blocked.copy()
        self._parked_cars: list[tuple[float, float]] = []

    def cars(self, count: int) -> list[Body]:
        driving = round(DRIVING_SHARE * count)
        return [*self._traffic(driving), *self._parked(count - driving)]

    def _traffic(self, count: int) -> list[Body]:
        """One speed and a gap for each lane, so that nobody drives through another."""
        rng, road = self._rng, self._plan.road
        speeds = rng.uniform(7, 11, 2)
        gap = max(1, min(TRAFFIC_GAP_M, 2 * len(road) // max(1, count)))
        slots = rng.permutation(np.arange(gap, len(road), gap))
        bodies = []
        for k in range(count):
            lane, (east, north) = k % 2, road[slots[k // 2 % len(slots)]].tolist()
            engine, sky = rng.uniform(9, 20), rng.uniform(-5, 1)
            heading, speed, right = (90.0, 270.0)[lane], float(speeds[lane]), ROAD_WIDTH_M / 4
            bodies.append(Body("car", "driving", east, north, heading, speed, right, engine=engine, sky=sky))
        return bodies

    def _parked(self, count: int) -> list[Body]:
        rng = self._rng
        bays = rng.permutation(self._plan.bays)[: math.ceil(BAYS_TAKEN * len(self._plan.bays))].tolist()
        bodies = []
        for _ in range(count):
            east, north, heading = bays.pop() if bays else self._at_kerb()
            heading += 180.0 * (rng.random() < 0.3)  # some reverse in
            self._parked_cars.append((east, north))
            (column, row), clear = self._cells(np.array([[east, north]]))[0], CAR_CLEARANCE_M / self._cell
            cv2.circle(self._blocked, (int(column), int(row)), max(1, round(clear)), (255,), -1)
            engine = rng.uniform(8, 22) if rng.random() < WARM_ENGINE_SHARE else rng.uniform(0, 1)
            # most stood under the sky for hours; some were parked late and still hold the sun
            sky = rng.uniform(1, 4) if rng.random() < SUN_WARM_SHARE else rng.uniform(-5.5, 0)
            size = rng.uniform(0.95, 1.08)
            bodies.append(Body("car", "parked", east, north, heading, size=size, engine=engine, sky=sky))
        return bodies

    def _at_kerb(self) -> tuple[float, float, float]:
        """East, north and heading of a place half on the pavement."""
        for _ in range(_TRIES):
            east, north, heading = self._beside(self._plan.road, ROAD_WIDTH_M / 2 + 1.1)
            if all(math.hypot(east - x, north - y) > KERB_GAP_M for x, y in self._parked_cars):
                break
        return east, north, heading

    def people(self, count: int) -> list[Body]:
        """Groups of one to four on pavements, the path, the car park and the grass; who lies is alone."""
        rng = self._rng
        bodies: list[Body] = []
        while len(bodies) < count:
            posture = self._choose({"lying": LYING_SHARE, "standing": STANDING_SHARE}, "walking")
            lying, walking = posture == "lying", posture == "walking"
            leg, speed = (rng.uniform(6, 18), rng.uniform(0.9, 1.6)) if walking else (0.0, 0.0)
            where = "grass" if lying else self._choose(WHERE_PEOPLE_ARE, "grass")
            east, north, heading = self._open_place(where, leg)
            group = 1 if lying else int(rng.choice(GROUP_SIZES))
            for k in range(min(group, count - len(bodies))):
                for _ in range(_TRIES):
                    x, y = np.array([east + 1.3 * k, north + 0.7 * k]) + (1 + k) * rng.uniform(-0.3, 0.3, 2)
                    if self._is_leg_free(x, y, heading, leg):
                        break
                facing = heading if walking else rng.uniform(0, 360)
                size, core = rng.uniform(0.92, 1.08), CORE_C["person"] + rng.uniform(-2, 3)
                bodies.append(Body("person", posture, float(x), float(y), facing, speed, leg, size, core))
        return bodies

    def herds(self, count: int) -> list[Body]:
        """Deer, three to seven together, on open grass away from the road."""
        rng = self._rng
        bodies: list[Body] = []
        while len(bodies) < count:
            east, north, heading = self._open_place("wild", 0.0)
            for _ in range(min(int(rng.integers(3, 8)), count - len(bodies))):
                posture = self._choose({"bedded": BEDDED_SHARE, "grazing": GRAZING_SHARE}, "walking")
                leg, speed = rng.uniform(4, 15), rng.uniform(0.4, 1.0)
                if posture != "walking":
                    leg, speed = 0.0, 0.0
                for _ in range(_TRIES):
                    x, y = np.array([east, north]) + HERD_SPREAD_M * rng.standard_normal(2)
                    if self._is_leg_free(x, y, 0.0, 0.0):
                        break
                facing = (heading + 35 * rng.standard_normal()) % 360
                size, core = rng.uniform(0.85, 1.12), CORE_C["deer"] + rng.uniform(-1, 2)
                bodies.append(Body("deer", posture, float(x), float(y), facing, speed, leg, size, core))
        return bodies

    def _choose(self, shares: dict[str, float], otherwise: str) -> str:
        left = self._rng.random()
        for name, share in shares.items():
            left -= share
            if left < 0:
                return name
        return otherwise

    def _open_place(self, where: str, leg: float) -> tuple[float, float, float]:
        """East, north and heading of a free place with a free leg ahead; the last tried, if there is none."""
        rng, plan = self._rng, self._plan
        for _ in range(_TRIES):
            if where == "road":
                east, north, heading = self._beside(plan.road, (ROAD_WIDTH_M + WALK_WIDTH_M) / 2)
            elif where == "path":
                east, north, heading = self._beside(plan.path, 0.4)
            else:
                heading = rng.uniform(0, 360)
                spot = rng.uniform(-0.8, 0.8, 2) * self._half
                if where == "lot":
                    u, v = rng.uniform(0.1, 0.9, 2)
                    spot = plan.lot[0] + u * (plan.lot[1] - plan.lot[0]) + v * (plan.lot[3] - plan.lot[0])
                east, north = spot.tolist()
            if where == "wild":
                from_road = np.hypot(*(self._busy - np.array([east, north])).T).min()
                if from_road < min(HERD_FROM_ROAD_M, 0.2 * self._half[1]):
                    continue
            if self._is_leg_free(east, north, heading, leg):
                break
        return east, north, heading

    def _beside(self, lane: Float64, offset: float) -> tuple[float, float, float]:
        """East, north and heading (one way or the other) somewhere along a line, ``offset`` m to the
        right.
        """
        i = int(self._rng.integers(2, len(lane) - 2))
        east, north = lane[i + 1] - lane[i - 1]
        heading = math.degrees(math.atan2(east, north)) + 180.0 * (self._rng.random() < 0.5)
        x, y = (lane[i] + offset * directions(heading)[1]).tolist()
        return x, y, heading % 360

    def _is_leg_free(self, east: float, north: float, heading: float, leg: float) -> bool:
        """Whether one can stand there, and walk ``leg`` metres ahead, in the open."""
        h, w = self._blocked.shape
        ahead_east, ahead_north = directions(heading)[0].tolist()
        parts = math.ceil(leg / 1.5)
        # a place at a time: these are few, and are asked for thousands of times
        for k in range(parts + 1):
            step = leg if k == parts else k * (leg / parts)
            column = math.floor((east + step * ahead_east) / self._cell + w / 2)
            row = math.floor(-(north + step * ahead_north) / self._cell + h / 2)
            if not (0 <= column < w and 0 <= row < h) or self._blocked[row, column]:
                return False
        return True

    def _cells(self, points: Float64) -> npt.NDArray[np.int64]:
        """Column and row in ``blocked`` (N, 2), which has half the map's resolution, of points (N, 2)."""
        h, w = self._blocked.shape
        return np.floor(points * (1, -1) / self._cell + np.array([w, h]) / 2).astype(np.int64)
