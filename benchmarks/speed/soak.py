"""Does a long flight stay as small and as fast as it began? Everything around the engine, without one, on one core.

    python benchmarks/speed/soak.py [frames] [--every 10000]

640x512 counts from memory go through correction, normaliser, postprocess and health as in a flight; the null engine
finds nothing. The times are processor time of this thread, so that other programs on the machine disturb them little.
The frames repeat after 32. A look at the scene that moved comes every eighth frame. Each line has the memory, open
files and threads of the process; at the end a line is fitted to the memory of the later nine tenths.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks import command
from edge.app.bench.held import Held, hold
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.engine import open_engine
from edge.pipeline import stream
from edge.seams import Engine

SOURCE = "sim:live=0,fps=10,dead=0.0005,ffc_interval=0"
PAGE = os.sysconf("SC_PAGE_SIZE")
LEAST_LINES = 10  # for a fit
SETTLED = 1000  # frames before times count: bad pixels and stripes are known then


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=partial(command.whole, "frames"), nargs="?", default=20_000)
    parser.add_argument(
        "--every",
        type=partial(command.whole, "--every"),
        default=10_000,
        help="a line after so many frames (default: 10000)",
    )
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with open_camera(SOURCE) as camera:
        frames = hold(camera, SOURCE)
        versions = f"numpy {np.__version__}, OpenCV {cv2.__version__}"
        print(f"640x512, {arguments.frames} frames, null engine, one core, {versions}")
        print(
            f"{'frames':>9}{'memory, MiB':>13}{'files':>7}{'threads':>9}"
            f"{'median ms':>11}{'p90 ms':>8}{'p99 ms':>8}{'max ms':>8}"
        )
        with open_engine(MODEL, "null") as engine:
            soak(Held(frames, camera), engine, arguments.frames, arguments.every)


def soak(camera: Held, engine: Engine, most: int, every: int) -> None:
    """A line every so many frames: memory at that moment, and the processor time of the frames since the last line."""
    took = np.zeros(every)
    results = stream(camera, engine)
    for _ in range(SETTLED):
        next(results)
    grown = [(0, memory())]
    print(f"{0:>9}{held()}", flush=True)
    for done in range(1, most + 1):
        begun = time.thread_time_ns()
        next(results)
        took[(done - 1) % every] = time.thread_time_ns() - begun
        if done % every == 0 or done == most:
            times = took[: (done - 1) % every + 1] / 1e6
            p50, p90, p99, top = np.percentile(times, (50, 90, 99, 100))
            print(f"{done:>9}{held()}{p50:>11.3f}{p90:>8.3f}{p99:>8.3f}{top:>8.3f}", flush=True)
            grown.append((done, memory()))
    print(f"memory grew by {grown[-1][1] - grown[0][1]:+.2f} MiB in {most} frames")
    later = grown[len(grown) // 10 :]  # what is taken once, at the beginning, is no growth
    if len(later) >= LEAST_LINES:
        frames, mib = np.array(later).T
        slope = np.polyfit(frames / 1e6, mib, 1)[0]
        spread = f"{np.ptp(mib):.2f} from least to most"
        print(f"fitted from frame {later[0][0]} on: {slope:+.3f} MiB in a million frames, {spread}")
    results.close()


def held() -> str:
    """Memory, open files and threads of this process, now, as a line has them."""
    files, threads = (len(os.listdir(f"/proc/self/{what}")) for what in ("fd", "task"))
    return f"{memory():>13.2f}{files - 1:>7}{threads:>9}"  # one of the files is the list itself


def memory() -> float:
    """MiB that this process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / (1 << 20)


if __name__ == "__main__":
    command.run(main)
