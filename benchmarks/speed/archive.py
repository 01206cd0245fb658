"""How an archive of many small units behaves: ``python benchmarks/speed/archive.py --units 500 --workers 2``.

Each unit is a still of 40 x 32 pixels and the engine computes nothing: what is left is what a unit costs beside the
detector. Prints seconds of plan, run and merge, and at each tenth of the run the memory of the client, which holds the
scheduler of local workers, and of the scheduler alone where it is a process of its own (``--apart``); then their
slopes, by a line of least squares. Run with several ``--workers`` to see how much a second one brings.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from edge.archive.drive import Tally
from edge.archive.job import Options, jobs_of
from edge.archive.manifest import Manifest
from edge.archive.merge.merge import merge
from edge.archive.plan import plan
from edge.archive.run import run_archive

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"


def main() -> None:
    """Plan, run and merge, in a folder that is removed at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--units", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--apart", action="store_true", help="scheduler and workers as processes of their own")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), arguments.units, arguments.workers, arguments.apart)


def measure(root: Path, units: int, workers: int, apart: bool) -> None:
    """Print the figures of one archive."""
    for number in range(units):
        folder = root / "data" / f"{number // 100:04d}" / f"{number:06d}"
        folder.mkdir(parents=True)
        picture = np.random.default_rng(number).integers(60, 120, (32, 40), dtype=np.uint8)
        cv2.imwrite(str(folder / "a.png"), picture)
    archive = root / "archive"
    begun = time.monotonic()
    planned = plan([root / "data"], archive)
    print(f"plan: {planned.units} units in {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    again = plan([], archive)
    print(f"plan again: {again.new} new, {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    read = sum(1 for _ in Manifest(archive).units())
    size = (archive / "manifest.jsonl").stat().st_size
    print(f"manifest: {read} units, {size / read:.0f} bytes each, read in {time.monotonic() - begun:.2f} s")
    with scheduler(root, workers) if apart else nobody() as (pid, address):
        run(archive, units, workers, pid, address)
    begun = time.monotonic()
    merged = merge(archive, jobs_of(archive)[0])
    print(f"merge: {merged.survey.whole} flights in {time.monotonic() - begun:.1f} s")


def run(archive: Path, units: int, workers: int, pid: int | None, address: str | None) -> None:
    """Print what the run takes, and how memory grows."""
    points: list[tuple[int, float, float]] = []
    first: list[float] = []
    begun = time.monotonic()

    def tell(tally: Tally) -> None:
        if tally.done and not first:
            first.append(time.monotonic())
        if tally.done >= (len(points) + 1) * units / 10:
            points.append((tally.done, rss_mb(), rss_mb(pid) if pid else float("nan")))
            print(f"  {tally.done} units: client {points[-1][1]:.1f} MB, scheduler {points[-1][2]:.1f} MB", flush=True)

    tally = run_archive(
        archive, None, Options(backend="null"), processes=None if address else workers, tell=tell, scheduler=address
    )
    seconds = time.monotonic() - first[0]
    rate = (tally.done - 1) / seconds
    print(
        f"run: {tally.done} units with {workers} workers in {time.monotonic() - begun:.1f} s; from the first on "
        f"{rate:.2f} units/s, {workers / rate:.3f} s a unit and worker"
    )
    done = np.array([point[0] for point in points], float)
    for i, name in ((1, "client"), (2, "scheduler")):
        memory = [point[i] for point in points[2:]]  # at first modules are loaded
        slope = float(np.polyfit(done[2:], memory, 1)[0]) if len(memory) > 2 else float("nan")
        print(f"slope of the {name}'s memory: {1000 * slope:.1f} kB a unit")


def rss_mb(pid: int | str = "self") -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


@contextmanager
def nobody() -> Iterator[tuple[None, None]]:
    """The local workers of a run, with the scheduler in the client's process."""
    yield None, None


@contextmanager
def scheduler(root: Path, workers: int) -> Iterator[tuple[int, str]]:
    """A scheduler and its workers, for this machine alone; the scheduler's process and its address."""
    place = root / "scheduler.json"
    at = ["--host", "127.0.0.1", "--scheduler-file", str(place), "--no-dashboard"]
    dask, environment = [sys.executable, "-m", "dask"], {**os.environ, "PYTHONPATH": str(ROOT), PROFILE: "False"}
    children = [subprocess.Popen([*dask, "scheduler", *at, "--port", "0"], stderr=subprocess.DEVNULL, env=environment)]
    try:
        while not (place.exists() and place.stat().st_size):
            time.sleep(0.1)
        for _ in range(workers):
            children.append(
                subprocess.Popen([*dask, "worker", *at, "--nthreads", "1"], stderr=subprocess.DEVNULL, env=environment)
            )
        yield children[0].pid, json.loads(place.read_text())["address"]
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait()


if __name__ == "__main__":
    main()
