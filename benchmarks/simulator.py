"""Frames a second of the simulated camera at 640x512, on one core: median over runs of 60 frames.

python benchmarks/simulator.py
"""

from __future__ import annotations

import os
import statistics
import time

import cv2

from edge.camera import open_camera

SETTINGS = ("", "people=0,cars=0,deer=0", "altitude=100")
RUNS, FRAMES = 5, 60


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    for setting in SETTINGS:
        rates = []
        with open_camera(f"sim:live=0{',' if setting else ''}{setting}") as camera:
            for _ in range(RUNS):
                start = time.perf_counter()
                for _ in range(FRAMES):
                    camera.read()
                rates.append(FRAMES / (time.perf_counter() - start))
        print(
            f"{setting or 'default':28}{statistics.median(rates):8.1f} frames/s  ({min(rates):.1f} .. {max(rates):.1f})"
        )


if __name__ == "__main__":
    main()
