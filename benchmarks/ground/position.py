"""How far off a position is, and whether that is what it says: simulated flights whose pose errs as it says.

python benchmarks/ground/position.py [flights]

Each row: so many flights, lines there and back over 20 points on level ground, a 640x512 camera of 13.5 mm. All errors
are drawn anew, from normal distributions of the standard deviations that the pose tells. ``error``: of one frame's
position, m: root mean square, and the largest of 95 in 100. ``stated``: mean of the stated sigma. ``within``: part of
the errors that are smaller than the sigma stated for them: 68 % where it is right. ``track``: the same of the mean of
all frames of one object on one line. Below: the parts of the sigma, one at a time; where a body's place is in its box;
and the time that it takes. Simulated: nothing here was flown.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from benchmarks.ground.flights import CAMERA, HOME, Errors, fly, metres
from edge.data import Pose
from edge.geo import Assumed, CameraModel, Dem, Located, Sightings, locate, located, track_position
from edge.geo.positions import foot_points
from edge.geo.wgs84 import metres_a_degree
from edge.sim.bodies import Body
from edge.sim.flight import Flight
from edge.sim.settings import SimulatorSettings

USUAL = Errors(mounting_deg=0.9, height_m=2.0, position_m=1.5, jitter_deg=0.45, pixel_px=2.0, time_s=0.05)
GOOD = Errors(mounting_deg=0.18, height_m=0.2, position_m=0.03, jitter_deg=0.09, pixel_px=1.0, time_s=0.01)
TURNS = tuple(float(h) for h in range(0, 360, 40))
ROWS: dict[str, tuple[Errors, dict[str, Any]]] = {
    "nadir, 40 m": (USUAL, {"height": 40.0}),
    "nadir, 60 m": (USUAL, {}),
    "nadir, 120 m": (USUAL, {"height": 120.0}),
    "60 deg down, 60 m": (USUAL, {"pitch": -60.0}),
    "45 deg down, 60 m": (USUAL, {"pitch": -45.0}),
    "30 deg down, 60 m": (USUAL, {"pitch": -30.0}),
    "45 deg down, 60 m, all headings": (USUAL, {"pitch": -45.0, "headings": TURNS}),
    "nadir, 60 m, good pose": (GOOD, {}),
    "45 deg down, 57 m, good pose": (GOOD, {"pitch": -45.0, "height": 56.6}),
}
SPEED = 8.0


def told(errors: Errors) -> tuple[dict[str, float], Assumed]:
    """What a pose says that errs so."""
    attitude = math.hypot(errors.mounting_deg, errors.jitter_deg)
    pose = {
        "sigma_position_m": errors.position_m,
        "sigma_height_m": errors.height_m,
        "sigma_attitude_deg": attitude,
        "sigma_time_s": errors.time_s,
        "speed_m_s": SPEED,
    }
    return pose, Assumed(pixel_px=errors.pixel_px, common_attitude=(errors.mounting_deg / attitude) ** 2)


def row(name: str, flights: int) -> str:
    errors, how = ROWS[name]
    says, assumed = told(errors)
    single: list[tuple[float, float]] = []
    tracks: list[tuple[float, float]] = []
    for seed in range(flights):
        flown = fly(np.random.default_rng(seed), errors, objects=20, speed=SPEED, fps=1.5, **how)
        s = flown.sightings
        found = _each_frame(s, says, assumed)
        off = np.hypot(*(metres(found.positions) - flown.truth).T)
        good = np.isfinite(off)
        single += zip(off[good].tolist(), found.positions[good, 2].tolist(), strict=True)
        for pair in np.unique(np.column_stack((s.objects, flown.passes)), axis=0):
            rows = np.flatnonzero((s.objects == pair[0]) & (flown.passes == pair[1]))
            mean = track_position(found.positions[rows], found.covariance[rows], found.factors[rows])
            if mean is not None:
                place = np.array([[mean.latitude, mean.longitude]])
                tracks.append((float(np.hypot(*(metres(place) - flown.truth[rows[:1]]).T)[0]), mean.sigma_m))
    return f"{name:<34}{_figures(single)}{_figures(tracks)}"


def _each_frame(s: Sightings, says: dict[str, float], assumed: Assumed) -> Located:
    """All sightings of a flight, frame by frame; those of one frame stand together."""
    begins = [i for i, pose in enumerate(s.poses) if i == 0 or pose is not s.poses[i - 1]]
    parts = [
        located(s.uv[i:j], CAMERA, replace(s.poses[i], **says), 0.0, assumed)  # type: ignore[arg-type]
        for i, j in zip(begins, [*begins[1:], len(s.poses)], strict=True)
    ]
    arrays = [np.concatenate([getattr(p, key) for p in parts]) for key in ("positions", "covariance", "factors")]
    return Located(*arrays, ("",) * len(s.poses), ())


def _figures(pairs: list[tuple[float, float]]) -> str:
    off, sigma = np.array(pairs).T
    rms, worst = math.sqrt((off**2).mean()), np.percentile(off, 95)
    return f"{rms:>9.2f}{worst:>7.2f}{sigma.mean():>8.2f}{(off < sigma).mean():>8.0%}"


def parts() -> None:
    """The standard deviation along and across the ray that one error gives by itself, m."""
    exact = {f"sigma_{key}": 0.0 for key in ("position_m", "height_m", "attitude_deg", "time_s")} | {"speed_m_s": 10.0}
    errors = {
        "position 2 m": {"sigma_position_m": 2.0},
        "height 3 m": {"sigma_height_m": 3.0},
        "attitude 2 deg": {"sigma_attitude_deg": 2.0},
        "time 0.1 s at 10 m/s": {"sigma_time_s": 0.1},
        "2 px": {},
        "all of them": {},
    }
    angles = (90, 60, 45, 30, 20)
    print(f"\n{'one error at a time, 60 m high':<34}" + "".join(f"{f'{angle} deg down':>16}" for angle in angles))
    for name, says in errors.items():
        cells = []
        for angle in angles:
            pixel = 2.0 if name in ("2 px", "all of them") else 0.0
            values = exact | says
            if name == "all of them":
                values = {key: value for one in errors.values() for key, value in one.items()} | {"speed_m_s": 10.0}
            pose = Pose(*HOME, 60.0, 0.0, -float(angle), 0.0, **values)  # type: ignore[arg-type]
            a, b, _ = located([[320, 256]], CAMERA, pose, 0.0, Assumed(pixel_px=pixel)).ellipses[0]
            cells.append(f"{f'{a:.1f} x {b:.1f}':>16}")
        print(f"{name:<34}" + "".join(cells))


def bodies() -> None:
    """How far from where a body stands the rule, the middle and the bottom of its box are, m, root mean square."""
    kinds = [("deer", "grazing"), ("deer", "bedded"), ("person", "standing"), ("person", "lying"), ("car", "parked")]
    print(f"\n{'a body in its box, 60 m high: m':<34}{'rule':>9}{'middle':>9}{'bottom':>9}")
    for pitch in (-90.0, -60.0, -45.0):
        view = Flight(SimulatorSettings(pitch=pitch, jitter=0.0), np.random.default_rng(1)).view(3.0)
        camera = CameraModel.from_lens(640, 512, 19.0, 17.0)
        scale = metres_a_degree(view.pose.latitude)
        rng = np.random.default_rng(2)
        for name, posture in kinds:
            off: list[list[float]] = []
            for _ in range(60):
                a = rng.uniform(0, 2 * math.pi)
                spot = locate([rng.uniform((60, 60), (580, 450))], camera, view.pose)[0, :2]
                ahead, left, up = Body(name, posture, 0, 0, 0, core=35.0).shape(0.0).points.T
                east, north = ahead * math.sin(a) - left * math.cos(a), ahead * math.cos(a) + left * math.sin(a)
                away = (spot - (view.pose.latitude, view.pose.longitude)) * scale
                points = np.column_stack((view.centre[0] + away[1] + east, view.centre[1] + away[0] + north, up))
                uv = view.project(points)[0]
                (x1, y1), (x2, y2) = uv.min(axis=0), uv.max(axis=0)
                at = [foot_points([[x1, y1, x2, y2]], camera, view.pose)[0], [(x1 + x2) / 2, (y1 + y2) / 2]]
                found = locate([*at, [(x1 + x2) / 2, y2]], camera, view.pose)[:, :2]
                off.append(np.hypot(*((found - spot) * scale).T).tolist())
            cells = "".join(f"{value:>9.2f}" for value in np.sqrt((np.array(off) ** 2).mean(axis=0)))
            print(f"{f'{name}, {posture}, {-pitch:.0f} deg down':<34}{cells}")


def times() -> None:
    """Milliseconds for 20 points, one thread: the median and the least of 500 calls."""
    uv = np.random.default_rng(0).uniform(0, (640, 512), (20, 2))
    pose = Pose(*HOME, 60.0, 30.0, -60.0)
    lens = replace(CAMERA, distortion=(-0.3, 0.1, 0.001, -0.001, 0.0))
    step = 1 / 3600
    ground = Dem(np.zeros((601, 601), np.float32), HOME[1] - 300 * step, HOME[0] + 300 * step, step, step)
    calls: dict[str, Callable[[], object]] = {
        "locate": lambda: locate(uv, CAMERA, pose),
        "locate, lens with distortion": lambda: locate(uv, lens, pose),
        "locate, ground model of 1 arc second": lambda: locate(uv, CAMERA, pose, ground),
        "located (with covariances)": lambda: located(uv, CAMERA, pose),
    }
    print(f"\n{'20 points, ms':<40}{'median':>8}{'least':>8}")
    for name, call in calls.items():
        took = []
        for _ in range(500):
            start = time.perf_counter()
            call()
            took.append(1e3 * (time.perf_counter() - start))
        print(f"{name:<40}{np.median(took):>8.3f}{min(took):>8.3f}")


def main(flights: int) -> None:
    print(f"{flights} flights a row{'one frame':>33}{'track':>32}")
    print(f"{'':<34}" + f"{'error':>9}{'95 %':>7}{'stated':>8}{'within':>8}" * 2)
    for name in ROWS:
        print(row(name, flights), flush=True)
    parts()
    bodies()
    times()


if __name__ == "__main__":
    run(lambda: main(number_of("flights", 60)))
