"""Tracks against the truth: HOTA, IDF1, MOTA, id switches, by TrackEval; beside them trackforge on the same input.

    python -m benchmarks.tracking [--seeds 10] [--only TEXT] [--clips FOLDER]
    python -m benchmarks.tracking --time

`make bench-tracking` installs both beside and runs it. A row is all its sequences together; switches, tracks and
objects are of one sequence, the mean. ms: of one core, a frame.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.command import at_least
from benchmarks.tracking.flights import clips, survey
from benchmarks.tracking.followers import FOLLOWERS, follow
from benchmarks.tracking.scenes import Detector, Step, dropped, pan, without_motion
from benchmarks.tracking.score import score
from edge.track import Tracker

CLIPS = Path("../shared/data/moving_targets")
SCENES: dict[str, Callable[[int], list[Step]]] = {
    "pan, 30 Hz": pan,
    "pan, 30 Hz, motion not known": lambda seed: without_motion(pan(seed)),
    "pan, 60 % of frames dropped": lambda seed: dropped(pan(seed), 0.6, seed),
    "pan, 60 % dropped, motion not known": lambda seed: without_motion(dropped(pan(seed), 0.6, seed)),
    "pan, 4 Hz": lambda seed: pan(seed, fps=4, frames=600, objects=300),
    "pan, boxes off by 12 % of their size": lambda seed: pan(seed, detector=Detector(jitter=0.12)),
    "pan, three times as many": lambda seed: pan(seed, objects=465),
    "survey, poses, 4 Hz": survey,
    "survey, poses, 30 Hz": lambda seed: survey(seed, fps=30, seconds=40),
    "survey, straight down, 2 Hz": lambda seed: survey(seed, fps=2, pitch=-90),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=at_least(1), default=10)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--clips", type=Path, default=CLIPS, help="folder of clips with boxes.json")
    parser.add_argument("--time", action="store_true", help="only what our tracker takes with 20 objects, in 25 runs")
    arguments = parser.parse_args()
    if arguments.time:
        times(pan(0, objects=116), 25)
        return
    print("| sequences | tracker | HOTA | IDF1 | MOTA | switches | tracks (objects) | ms |\n" + 8 * "|---" + "|")
    for name, make in SCENES.items():
        if arguments.only in name:
            row(name, [make(seed) for seed in range(arguments.seeds)])
    if (arguments.clips / "boxes.json").is_file():
        for every in (1, 3, 8):
            name = f"clips, {30 / every:.3g} Hz"
            if arguments.only in name:
                row(name, clips(arguments.clips, Detector(), every))
    else:
        print(f"\n{arguments.clips}: no boxes.json there, so the clips are left out")


def times(steps: list[Step], runs: int) -> None:
    """ms of one core a frame: the median of all, and of the least of the runs of each frame."""
    took = np.empty((runs, len(steps)))
    for run in range(runs):
        tracker = Tracker()
        for k, step in enumerate(steps):
            began = time.thread_time_ns()
            tracker.update(step.boxes, step.scores, step.labels, step.t, step.motion)
            took[run, k] = (time.thread_time_ns() - began) / 1e6
    found = np.mean([len(step.boxes) for step in steps])
    print(
        f"{found:.1f} detections a frame: median {np.median(took):.2f} ms, median of each frame's least of {runs} runs "
        f"{np.median(took.min(0)):.2f} ms"
    )


def row(name: str, sequences: list[list[Step]]) -> None:
    for who, make in FOLLOWERS.items():
        try:
            followed = [follow(make, steps) for steps in sequences]
        except ImportError:
            print(f"| {name} | {who} | not installed |")
            continue
        told = score([(steps, given) for steps, (given, _) in zip(sequences, followed, strict=True)])
        n, ms = len(sequences), statistics.fmean(ms for _, ms in followed)
        print(
            f"| {name} | {who} | {told.hota:.3f} | {told.idf1:.3f} | {told.mota:.3f} | {told.switches / n:.1f} | "
            f"{told.tracks / n:.0f} ({told.objects / n:.0f}) | {ms:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
