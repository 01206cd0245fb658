"""Milliseconds to correct one 640x512 frame, by stage, on one core.

python benchmarks/speed/correction.py [frames]
python benchmarks/speed/correction.py digest      # what comes out of simulated cameras: the same of two versions?
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from edge.camera import open_camera
from edge.data import Frame
from edge.thermal.correct.bad_pixels import BadPixels
from edge.thermal.correct.correction import Correction
from edge.thermal.correct.destriping import Destriping
from edge.thermal.correct.motion import EVERY, Motion
from edge.thermal.correct.shutter import Shutter

SOURCE = "sim:live=0,fps=10,dead=0.0005,ffc_interval=0"
LEARN = 40  # looks before the stages are timed
CAMERAS = (
    "sim:live=0,fps=10,dead=0.0005,ffc_interval=0,width=320,height=256",
    "sim:live=0,fps=30,dead=0.002,ffc_interval=5,seed=3,width=160,height=120",
    "sim:live=0,fps=5,dead=0.001,ffc_interval=7,seed=7,width=322,height=250",
)


def main(frames: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with open_camera(f"{SOURCE},frames={LEARN}") as camera:
        flight = [frame.pixels for frame in iter(camera.read, None)]
    shutter, motion, bad_pixels, destriping = Shutter(), Motion(), BadPixels(), Destriping()
    for pixels in flight:
        bad_pixels.look(pixels, 5.0)
        destriping.look(pixels, 5.0)
    print(f"640x512, {frames} frames, one core, numpy {np.__version__}, OpenCV {cv2.__version__}")
    print(f"{bad_pixels.count} bad pixels known, stripes {'taken away' if destriping.active else 'not visible'}")
    print(f"{'stage':<44}{'median ms':>10}{'p95 ms':>10}")
    each, eighth = "every frame", f"one frame in {EVERY}"
    work = [pixels.copy() for pixels in flight]
    show(f"shutter, {each}", frames, lambda i: shutter.closed(flight[i], i))
    show(f"patch bad pixels, {each}", frames, lambda i: bad_pixels.patch(work[i]))
    show(f"take stripes away, {each}", frames, lambda i: destriping.correct(work[i]))
    # a check is due every 8th time
    show(f"has it moved, {eighth}", frames, lambda i: [motion.check(flight[i]) for _ in range(EVERY)])
    # where it cannot change what is known, the parts of it come one by one at the frames after it
    show(f"learn bad pixels, {eighth}, all parts", frames, lambda i: whole_look(bad_pixels, flight[i]))
    show(f"learn stripes, {eighth}", frames, lambda i: destriping.look(flight[i], 5.0))
    correct = Correction(10)
    took = show("all", frames, lambda i: correct(Frame(flight[i], i, 0.0)))
    print(f"{'all, mean':<44}{took.mean():>10.3f}")


def whole_look(bad_pixels: BadPixels, pixels: np.ndarray) -> None:
    bad_pixels.look(pixels, 5.0)
    for _ in range(EVERY - 1):
        bad_pixels.go_on()


def show(name: str, count: int, work: Callable[[int], object]) -> np.ndarray:
    """Print the times of one stage; returns them, milliseconds."""
    took = []
    for i in range(count):
        start = time.perf_counter()
        work(i % LEARN)
        took.append((time.perf_counter() - start) * 1e3)
    times = np.array(took)
    print(f"{name:<44}{np.median(times):>10.3f}{np.percentile(times, 95):>10.3f}")
    return times


def digest(count: int = 500) -> None:
    """SHA-256 of the corrected pixels, the flags and the number of bad pixels, frame after frame."""
    for source in CAMERAS:
        said = hashlib.sha256()
        with open_camera(f"{source},frames={count}") as camera:
            correct = Correction(camera.fps)
            for frame in iter(camera.read, None):
                after = correct(frame)
                said.update(np.ascontiguousarray(after.pixels).tobytes())
                said.update(repr((sorted(after.flags), correct.bad_pixels)).encode())
        print(f"{said.hexdigest()} {count} frames, at the end {correct.bad_pixels} bad pixels: {source}")


if __name__ == "__main__":
    run(digest if sys.argv[1:] == ["digest"] else lambda: main(number_of("frames", 300)))
