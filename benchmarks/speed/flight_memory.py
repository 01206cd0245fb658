"""What a long flight keeps in memory, with its files and its page: frames against megabytes.

    python benchmarks/speed/flight_memory.py [frames] [--every N] [--browsers N] [--chromium] [--without NAME ...]

A whole `edge.run`: 640x512 counts of a simulated flight from memory, with their poses, again and again at full speed;
the engine finds what the simulator put there, so that tracks come and end without a model's time. The files of tracks
and the coverage are written, and the page is read by so many browsers of another process, its pictures and its events.
A line has the frames, the tracks so far, the blocks that Python holds, what malloc has given out (GNU C library), and
the memory of the process: where that grows and the two before do not, nothing is kept, and the allocator has holes.
``--without``: an output that is not made, to find which one keeps what. ``--chromium``: a real browser shows the page,
too, and `page_heap.py` prints what it keeps. At the end a line is fitted to the later three quarters.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks import command
from benchmarks.speed import page, page_heap
from benchmarks.speed.followed import Truth
from edge.app.bench.held import Held, hold
from edge.app.run import run
from edge.app.settings import MODEL, RunSettings
from edge.camera import open_camera
from edge.data import Frame, Result
from edge.model.bundle import Bundle

KEPT = 150  # frames: 98 MB
BEGUN = datetime(2026, 5, 1, 4, tzinfo=timezone.utc)
LEAST_LINES = 4  # for a fit
OUTPUTS = ("map", "geojson", "csv")


class Timed(Held):
    """The same frames, a tenth of a second apart, however fast they are taken."""

    def read(self) -> Frame:
        frame = super().read()
        return replace(frame, t_capture=frame.seq / 10, utc=BEGUN + timedelta(seconds=frame.seq / 10), replayed=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=partial(command.whole, "frames"), nargs="?", default=6000)
    parser.add_argument(
        "--every",
        type=partial(command.whole, "--every"),
        default=500,
        help="a line after so many frames (default: 500)",
    )
    parser.add_argument("--people", type=command.at_least(1), default=190, help="on all the ground (default: 190)")
    parser.add_argument(
        "--browsers", type=command.at_least(0), default=2, help="that read the page (default: 2); 0: no page"
    )
    parser.add_argument("--chromium", action="store_true", help="a real browser shows the page, too")
    parser.add_argument("--without", nargs="*", default=[], help=f"of {', '.join(OUTPUTS)}, coverage")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    source = f"sim:live=0,fps=10,frames={KEPT},people={asked.people},ffc_interval=0"
    with open_camera(source) as camera, tempfile.TemporaryDirectory() as folder:
        frames = hold(camera, source, KEPT)
        fly(Timed(frames, camera), Truth(Bundle.load(MODEL), frames), Path(folder) / "out", asked)


def fly(camera: Held, engine: Truth, out: Path, asked: argparse.Namespace) -> None:
    """One flight, a line every so many frames."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = RunSettings(
        out=out,
        frames=asked.frames,
        outputs=tuple(name for name in OUTPUTS if name not in asked.without),
        coverage=None if "coverage" in asked.without else "",
        web=str(port) if asked.browsers or asked.chromium else None,
        policy="every",
    )
    looking: list[subprocess.Popen[bytes]] = []
    lines: list[tuple[int, int, float, float]] = []
    done, highest = 0, 0
    print(f"{'frames':>8}{'tracks':>8}{'blocks':>10}{'malloc MB':>11}{'process MB':>12}")

    def look(result: Result) -> None:
        nonlocal done, highest
        done += 1
        if done == 1 and asked.browsers:
            words = [sys.executable, page.__file__, "--port", str(port), "--browsers", str(asked.browsers)]
            looking.append(subprocess.Popen([*words, "--as", "browsers"], stdout=subprocess.DEVNULL))
        if done == 1 and asked.chromium:
            looking.append(subprocess.Popen([sys.executable, page_heap.__file__, f"http://127.0.0.1:{port}"]))
        ids = result.detections.track_ids
        highest = max(highest, 0 if ids is None or not len(ids) else int(ids.max()))
        if done % asked.every == 0:
            gc.collect()
            lines.append((done, sys.getallocatedblocks(), malloc_mb(), page.memory_mb()))
            print("{0[0]:>8}{1:>8}{0[1]:>10}{0[2]:>11.1f}{0[3]:>12.1f}".format(lines[-1], highest), flush=True)

    try:
        run(settings, camera=camera, engine=engine, watch=look)
    finally:
        for one in looking:
            one.wait(60)
    later = np.array(lines[len(lines) // 4 :])
    if len(later) >= LEAST_LINES:
        blocks, given, whole = (np.polyfit(later[:, 0] / 1000, later[:, i], 1)[0] for i in (1, 2, 3))
        print(f"in 1000 frames more: {blocks:+.0f} blocks, malloc {given:+.2f} MB, process {whole:+.2f} MB")


class MallInfo(ctypes.Structure):
    """``struct mallinfo2``; of it ``uordblks`` and ``hblkhd`` are in use."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    )


def malloc_mb() -> float:
    """What malloc has given out; NaN where the C library does not say."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return float("nan")
    library.mallinfo2.restype = MallInfo
    info = library.mallinfo2()
    return float(info.uordblks + info.hblkhd) / 1e6


if __name__ == "__main__":
    command.run(main)
