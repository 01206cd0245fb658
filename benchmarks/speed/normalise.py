"""Milliseconds to normalise one 640x512 frame, by method, on one core.

python benchmarks/speed/normalise.py [frames]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from edge.data import TemperatureScale
from edge.thermal.normalise import Normaliser, NormaliseSpec

METHODS = (
    "anchored",
    "window:low=10,high=30,unit=celsius",
    "minmax",
    "percentile",
    "plateau",
    "clahe",
    "identity",
)
WARM_UP = 10


def flight(frames: int) -> list[np.ndarray]:
    """(512, 640) uint16, 0.01 K a count: ground around 20 deg C, 0.05 K of noise, 20 targets of +9 K."""
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.normal(0, 1, (512, 640)), (0, 0), 15)
    counts = 29315 + ground / ground.std() * 150
    for x, y in rng.integers(0, 500, (20, 2)):
        counts[y : y + 9, x : x + 14] += 900
    return [(counts + rng.normal(0, 5, counts.shape)).astype(np.uint16) for _ in range(frames)]


def main(repeats: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    scale = TemperatureScale(0.01)
    frames = flight(16)
    frames_8bit = [(frame >> 8).astype(np.uint8) for frame in frames]
    print(f"640x512, {repeats} frames, one core, numpy {np.__version__}, OpenCV {cv2.__version__}")
    print(f"{'method':<36}{'median ms':>10}{'p95 ms':>10}")
    for text in METHODS:
        normaliser = Normaliser(NormaliseSpec.parse(text))
        source = frames_8bit if text == "identity" else frames
        took = []
        for i in range(WARM_UP + repeats):
            pixels = source[i % len(source)]
            start = time.perf_counter()
            normaliser(pixels, scale)
            took.append(time.perf_counter() - start)
        median, p95 = np.percentile(took[WARM_UP:], [50, 95]) * 1e3
        print(f"{text:<36}{median:>10.3f}{p95:>10.3f}")


if __name__ == "__main__":
    run(lambda: main(number_of("frames", 300)))
