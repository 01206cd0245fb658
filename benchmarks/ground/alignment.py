"""What alignment is worth: the error of one frame's position before and after, and the flights that are refused.

python benchmarks/ground/alignment.py [flights]

Each row is so many flights over 40 objects, 60 m high, four lines there and back over one field, a 640x512 camera of
13.5 mm. Drawn for each flight: mounting, 2 degrees on each of three axes, and height, 3 m; for each line: the
receiver's shift, 0.7 m east and north; for each frame: 0.3 degrees on each axis and 1.5 pixels. ``best``: with the
mounting that was drawn. ``halved``: flights whose error after is at most half of that before, of those where the true
mounting halves it. Simulated: nothing here was flown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from benchmarks.ground.flights import CAMERA, Errors, Flown, fly, metres
from edge.errors import InputError
from edge.geo import Mounting, align, locate

ERRORS = Errors(mounting_deg=2.0, height_m=3.0, position_m=0.7, jitter_deg=0.3, pixel_px=1.5)
THERE_AND_BACK, ONE_WAY, ACROSS = (90.0, 270.0, 90.0, 270.0), (90.0, 90.0, 90.0, 90.0), (90.0, 270.0, 0.0, 180.0)
ROWS = {
    "nadir": {"pitch": -90.0},
    "nadir, across as well": {"pitch": -90.0, "headings": ACROSS},
    "oblique, 45 deg": {"pitch": -45.0},
    "oblique, across as well": {"pitch": -45.0, "headings": ACROSS},
    "nadir, a quarter walks 0.5 m/s": {"pitch": -90.0, "walk_m_s": 0.5, "walkers": 0.25},
    "oblique, a quarter walks 0.5 m/s": {"pitch": -45.0, "walk_m_s": 0.5, "walkers": 0.25},
    "nadir, all walk 0.5 m/s": {"pitch": -90.0, "walk_m_s": 0.5},
    "oblique, all walk 0.5 m/s": {"pitch": -45.0, "walk_m_s": 0.5},
    "nadir, a herd walks 0.5 m/s": {"pitch": -90.0, "walk_m_s": 0.5, "herd": True},
    "oblique, a herd walks 0.5 m/s": {"pitch": -45.0, "walk_m_s": 0.5, "herd": True},
    "nadir, a herd walks 0.2 m/s": {"pitch": -90.0, "walk_m_s": 0.2, "herd": True},
    "nadir, one heading": {"pitch": -90.0, "headings": ONE_WAY},
    "oblique, one heading": {"pitch": -45.0, "headings": ONE_WAY},
}


def one_frame_error(flown: Flown, mounting: Mounting) -> float:
    """Root mean square distance, m, between where single frames put the objects and where they were."""
    found: dict[int, list[int]] = {}
    poses = flown.sightings.poses
    for i, pose in enumerate(poses):
        found.setdefault(id(pose), []).append(i)
    square, n = 0.0, 0
    for rows in found.values():
        places = metres(locate(flown.sightings.uv[rows], CAMERA, mounting.apply(poses[rows[0]])))
        off = ((places - flown.truth[rows]) ** 2).sum(axis=1)
        square, n = square + float(np.nansum(off)), n + int(np.isfinite(off).sum())
    return float(np.sqrt(square / n))


def flight(seed: int, row: str) -> list[float] | None:
    """The error of one frame before and after, and with the true mounting, m; None where it was refused."""
    flown = fly(np.random.default_rng(seed), ERRORS, fps=2.0, **ROWS[row])  # type: ignore[arg-type]
    try:
        found = align(flown.sightings, CAMERA)
    except InputError:
        return None
    return [one_frame_error(flown, mounting) for mounting in (Mounting(), found.mounting, flown.mounting)]


def main(flights: int) -> None:
    print(f"{flights} flights a row; error of one frame, m, median and worst tenth")
    print(f"{'':<34}{'refused':>8}{'before':>14}{'after':>14}{'best':>14}{'halved':>10}")
    for row in ROWS:
        done = [errors for seed in range(flights) if (errors := flight(seed, row))]
        words = f"{row:<34}{flights - len(done):>8}"
        if done:
            errors = np.array(done)
            words += "".join(f"{a:>8.1f}{b:>6.1f}" for a, b in np.percentile(errors, [50, 90], axis=0).T)
            can = errors[:, 2] <= errors[:, 0] / 2
            halved = can & (errors[:, 1] <= errors[:, 0] / 2)
            words += f"{f'{halved.sum()} of {can.sum()}':>10}"
        print(words, flush=True)


if __name__ == "__main__":
    run(lambda: main(number_of("flights", 30)))
