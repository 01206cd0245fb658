"""Counts of simulated surveys against the truth: error, and how often the interval holds it.

    python benchmarks/ground/counting.py [--flights 200] [--draws 100] [--first 1000]

A survey: six lines of 400 m, 50 m wide on the ground and overlapping by 30 %, flown to and fro at 8 m/s over 40 to 90
animals. Every pass has its own error of position that all its tracks share: an alignment that is off by 2 or 5 m, which
turns with the heading. A track's position is off by 0.7 m beside. 4 % of what is in a pass is missed, 2 % of the tracks
are broken in two, and one in twenty is no animal; a score of 0.9 is right in 90 %. Truth: the animals that were on
ground while a pass looked at it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least
from edge.track.counting import GroundTrack, count

LINES, LENGTH, WIDE, OVERLAP, SPEED = 6, 400.0, 50.0, 0.3, 8.0
SIGMA, MISSED, BROKEN, FALSE = 0.7, 0.04, 0.02, 1 / 19
TURN_S = 8.0
AREAS = {
    line: [(x, y + line * WIDE * (1 - OVERLAP)) for x, y in ((0, 0), (LENGTH, 0), (LENGTH, WIDE), (0, WIDE))]
    for line in range(LINES)
}


def survey(rng: np.random.Generator, herds: bool, bias: float, walk: float) -> tuple[list[GroundTrack], int]:
    """The tracks of one flight, and how many animals it could see."""
    step = WIDE * (1 - OVERLAP)
    size = np.array([LENGTH, step * (LINES - 1) + WIDE])
    n = int(rng.integers(40, 91))
    if herds:
        middles = rng.uniform(0, 1, (max(n // 8, 1), 2)) * size
        herd = rng.integers(0, len(middles), n)
        at = middles[herd] + rng.normal(0, 6, (n, 2))
        heading = rng.uniform(0, 2 * np.pi, len(middles))[herd] + rng.normal(0, 0.3, n)
    else:
        at, heading = rng.uniform(0, 1, (n, 2)) * size, rng.uniform(0, 2 * np.pi, n)
    velocity = walk * rng.uniform(0.5, 1.5, n)[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
    angle = rng.uniform(0, 2 * np.pi)
    offset = bias * np.array([np.cos(angle), np.sin(angle)])
    tracks: list[GroundTrack] = []
    seen = np.zeros(n, bool)
    for line in range(LINES):
        out = line % 2 == 0
        begin, low = line * (LENGTH / SPEED + TURN_S), line * step
        t = begin + np.where(out, at[:, 0], LENGTH - at[:, 0]) / SPEED
        here = at + velocity * t[:, None]
        inside = (here[:, 1] > low) & (here[:, 1] < low + WIDE) & (here[:, 0] > 0) & (here[:, 0] < LENGTH)
        seen |= inside
        places = [(here[i], t[i], True) for i in np.flatnonzero(inside) if rng.random() >= MISSED]
        places += [(place, when + 2, True) for place, when, _ in places if rng.random() < BROKEN]
        false = rng.uniform(0, 1, (rng.poisson(FALSE * inside.sum()), 2)) * (LENGTH, WIDE) + (0, low)
        places += [(place, begin + place[0] / SPEED, False) for place in false]
        for place, when, real in places:
            found = place + (offset if out else -offset) + rng.normal(0, SIGMA, 2)
            score = rng.beta(20, 1) if real else rng.beta(19, 2)  # so that of those with 0.9, 90 % are real
            tracks.append(GroundTrack(len(tracks), 0, score, *found.tolist(), SIGMA, when - 1, when + 1, line))
    return tracks, int(seen.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flights", type=at_least(1), default=200)
    parser.add_argument("--draws", type=at_least(1), default=100)
    parser.add_argument("--first", type=at_least(0), default=0, help="seed of the first flight")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.flights)
    print("| animals | bias | walking | mean error | rms | interval holds the truth | its width | tracks |")
    print("|---|---|---|---|---|---|---|---|")
    for herds in (False, True):
        for bias in (2.0, 5.0):
            for walk in (0.0, 0.1, 0.5):
                row(herds, bias, walk, seeds, arguments.draws)


def row(herds: bool, bias: float, walk: float, seeds: range, draws: int) -> None:
    errors, held, widths, tracked = [], [], [], []
    for seed in seeds:
        tracks, truth = survey(np.random.default_rng(seed), herds, bias, walk)
        told = count(tracks, speed=max(walk, 0.05), pass_error_m=bias, areas=AREAS, draws=draws)[0]
        errors.append(told.count / truth - 1)
        held.append(told.low <= truth <= told.high)
        widths.append((told.high - told.low) / truth)
        tracked.append(len(tracks) / truth - 1)
    print(
        f"| {'herds' if herds else 'singles'} | {bias:g} m | {walk:g} m/s | {np.mean(errors):+.1%} | "
        f"{np.sqrt(np.mean(np.square(errors))):.1%} | {np.mean(held):.1%} | {np.mean(widths):.0%} | "
        f"{np.mean(tracked):+.0%} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
