"""Milliseconds to correct one 640x512 frame, by stage, on one core.

python benchmarks/correction.py [frames]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a checkout that is not installed

from edge.camera import open_camera
from edge.data import Frame
from edge.thermal.correct.bad_pixels import BadPixels
from edge.thermal.correct.correction import Correction
from edge.thermal.correct.destriping import Destriping
from edge.thermal.correct.motion import EVERY, Motion
from edge.thermal.correct.shutter import Shutter

SOURCE = "sim:live=0,fps=10,dead=0.0005,ffc_interval=0"
LEARN = 40  # looks before the stages are timed


def main(count: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with open_camera(f"{SOURCE},frames={LEARN}") as camera:
        flight = [frame.pixels for frame in iter(camera.read, None)]
    shutter, motion, bad_pixels, destriping = Shutter(), Motion(), BadPixels(), Destriping()
    for pixels in flight:
        bad_pixels.look(pixels, 5.0)
        destriping.look(pixels, 5.0)
    print(f"640x512, {count} frames, one core, numpy {np.__version__}, OpenCV {cv2.__version__}")
    print(f"{bad_pixels.count} bad pixels known, stripes {'taken away' if destriping.active else 'not visible'}")
    print(f"{'stage':<44}{'median ms':>10}{'p95 ms':>10}")
    each, eighth = "every frame", f"one frame in {EVERY}"
    work = [pixels.copy() for pixels in flight]
    show(f"shutter, {each}", count, lambda i: shutter.closed(flight[i], i))
    show(f"patch bad pixels, {each}", count, lambda i: bad_pixels.patch(work[i]))
    show(f"take stripes away, {each}", count, lambda i: destriping.correct(work[i]))
    # a check is due every 8th time
    show(f"has it moved, {eighth}", count, lambda i: [motion.check(flight[i]) for _ in range(EVERY)])
    show(f"learn bad pixels, {eighth}", count, lambda i: bad_pixels.look(flight[i], 5.0))
    show(f"learn stripes, {eighth}", count, lambda i: destriping.look(flight[i], 5.0))
    correct = Correction(10)
    took = show("all", count, lambda i: correct(Frame(flight[i], i, 0.0)))
    print(f"{'all, mean':<44}{took.mean():>10.3f}")


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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
