"""What following and locating add to a frame: processor time of the main path with them and without, by turns.

    python benchmarks/speed/followed.py [frames] [--people N]

640x512 counts of a simulated flight from memory; the engine finds what the simulator put there. The camera's motion is
told by the poses, and in a second row, without poses, by the pictures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks import command
from edge.app.bench.held import Held, hold
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.data import Frame, RawDetections
from edge.geo.placing import Placing, PlacingSettings
from edge.model.bundle import Bundle
from edge.pipeline import stream
from edge.seams import Engine
from edge.sim.truth import SimulatedFrame
from edge.track.follower import Follower
from edge.track.one_body import OneBody

KEPT = 150  # frames: 98 MB
SETTLED = 30  # before times count


class Truth(Engine):
    """Finds what is there, in the order of the frames."""

    backend, description = "truth", "the simulator's truth"

    def __init__(self, bundle: Bundle, frames: list[Frame]) -> None:
        super().__init__(bundle)
        self._found = [found(frame) for frame in frames]
        self._next = 0

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:  # noqa: ARG002 - the seam has it
        self._next += 1
        return self._found[(self._next - 1) % len(self._found)]


def found(frame: Frame) -> RawDetections:
    """What is at least half in view, each with a score of 0.9."""
    assert isinstance(frame, SimulatedFrame)
    seen = np.asarray(frame.truth.visible) >= 0.5
    boxes = np.asarray(frame.truth.boxes, np.float32)[seen]
    return RawDetections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=partial(command.whole, "frames"), nargs="?", default=1000)
    parser.add_argument("--people", type=command.at_least(1), default=190, help="on all the ground (default: 190)")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    source = f"sim:live=0,fps=10,frames={KEPT},people={arguments.people},ffc_interval=0"
    with open_camera(source) as camera:
        frames = hold(camera, source, KEPT)
        objects = np.mean([len(found(frame).boxes) for frame in frames])
        print(f"{objects:.1f} objects a frame, {arguments.frames} frames by turns, processor time of one core")
        for name, given in (("poses", frames), ("pictures", [replace(frame, pose=None) for frame in frames])):
            plain, followed = run([Held(given, camera), Held(given, camera)], frames, arguments.frames)
            more = followed - plain
            p50, p95 = np.percentile(more, (50, 95))
            print(
                f"motion by {name}: {np.median(plain):.2f} ms without, {np.median(followed):.2f} ms with; "
                f"a frame more: median {p50:.2f} ms, 95 of 100 below {p95:.2f} ms"
            )


def run(cameras: list[Held], truth: list[Frame], most: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Milliseconds of each frame without, and with; each of the two has a camera of its own."""
    bundle = Bundle.load(MODEL)
    plain, followed = cameras
    placing = Placing(followed, PlacingSettings())
    follow = Follower(bundle.thresholds, placing, bodies=OneBody.of(bundle))
    flights = (
        stream(plain, Truth(bundle, truth)),
        stream(followed, Truth(bundle, truth), follow=follow, locate=placing),
    )
    took = np.zeros((2, most))
    for n in range(-SETTLED, most):
        for which, results in enumerate(flights):
            begun = time.thread_time_ns()
            next(results)
            if n >= 0:
                took[which, n] = (time.thread_time_ns() - begun) / 1e6
    for results in flights:
        results.close()
    return took[0], took[1]


if __name__ == "__main__":
    command.run(main)
