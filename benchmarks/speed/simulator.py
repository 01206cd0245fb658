"""Frames a second of the simulated camera, as fast as it can make them, on one core.

python benchmarks/speed/simulator.py [frames]

Each row opens the source once, makes ``WARM_UP`` frames, then times `read` for each of the following; ``frames/s`` is
one over the median, ``cpu ms`` the median of the thread's processor time, which other work on the machine
disturbs least. The process is bound to one core and OpenCV to one thread.
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
from edge.camera import open_camera

SETTINGS = (
    "",
    "pitch=-90",
    "altitude=120",
    "people=0,deer=0,cars=0",
    "people=400,deer=200,cars=200",
    "blur=0,netd=0",
    "width=1280,height=1024,pixel=8.5",
    "width=160,height=120,pixel=68",
)
WARM_UP = 10


def main(frames: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    print(f"{frames} frames each, one core, numpy {np.__version__}, OpenCV {cv2.__version__}")
    print(f"{'sim:':<36}{'open s':>8}{'frames/s':>10}{'median ms':>11}{'p95 ms':>8}{'cpu ms':>8}{'bodies':>8}")
    for text in SETTINGS:
        start = time.perf_counter()
        # a second of flight is 5 frames, so that the figures hold for more than the first view
        with open_camera(f"sim:live=0,fps=5,{text}" if text else "sim:live=0,fps=5") as camera:
            opened = time.perf_counter() - start
            took, cpu, bodies = [], [], []
            for i in range(WARM_UP + frames):
                start, start_cpu = time.perf_counter(), time.thread_time()
                frame = camera.read()
                if i >= WARM_UP and frame is not None:
                    took.append(time.perf_counter() - start)
                    cpu.append(time.thread_time() - start_cpu)
                    bodies.append(len(frame.truth.names))
        median, p95 = np.percentile(took, [50, 95]) * 1e3
        row = f"{text or '(default)':<36}{opened:8.2f}{1e3 / median:10.0f}{median:11.2f}{p95:8.2f}"
        print(f"{row}{np.median(cpu) * 1e3:8.2f}{np.mean(bodies):8.1f}")


if __name__ == "__main__":
    run(lambda: main(number_of("frames", 200)))
