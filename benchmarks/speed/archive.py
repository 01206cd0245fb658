"""How an archive of many small units behaves: ``python benchmarks/speed/archive.py --units 1000,10000 --workers 1,2``.

Each unit is a still of 40 x 32 pixels. Its flight is a stub that writes the files of one true flight, so that planning,
keys, claims, tries, forced writes, renames, Dask and merging are what is left, and are the real ones; ``--flights`` has
the true pipeline with an engine that computes nothing. A row for each number of units and of workers: milliseconds of
processor time a unit of plan, of planning again, of the client (with the scheduler of local workers in it), of the
workers and of merge. Efficiency: units a second and worker, the first row with as many units is 100 %. Idle: the part
of the workers' time in which no unit was at them. Memory of the client, and of
the scheduler where it is a process of its own (``--apart``): after a tenth of the run and in the end, and kB a unit by
a line of least squares through the tenths behind it. ``--plan`` ends after planning. The load of the machine is said
with each row.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from distributed import Client, WorkerPlugin

from edge.app.run import run as fly
from edge.app.settings import RunSettings
from edge.archive import cluster
from edge.archive.drive import Tally
from edge.archive.job import Options, jobs_of
from edge.archive.manifest import NAME
from edge.archive.merge.merge import merge
from edge.archive.plan import plan
from edge.archive.run import run_archive
from edge.archive.unit import Unit
from edge.archive.work import Outcome

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"
TICK = os.sysconf("SC_CLK_TCK")
COLUMNS = (
    *("units", "workers", "load", "plan ms", "again ms", "manifest B", "run s", "units/s", "efficiency", "idle"),
    *("client ms", "worker ms", "client MB", "kB a unit", "scheduler MB", "merge ms"),
)


class Stub(WorkerPlugin):
    """In each worker: it says how long a unit was at it; a flight is ``files`` of one that was flown before, written
    anew, and the true one where there are none.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def setup(self, worker: Any) -> None:
        del worker
        from edge.archive import cluster, work

        real = cluster.detect

        def timed(*words: Any) -> Outcome:
            begun = time.monotonic()
            return real(*words)._replace(seconds=time.monotonic() - begun)

        def stub(settings: RunSettings, *, watch: Callable[[None], None], **_more: Any) -> dict[str, Any]:
            out = Path(settings.out)
            for name, data in self.files.items():
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (out / name).write_bytes(data)
            watch(None)
            return {"frames": 1}

        cluster.detect = timed
        if self.files:
            work.run = stub  # type: ignore[attr-defined, assignment]


class Pool(cluster.DaskPool):
    """Adds up how long units were at the workers."""

    stub = Stub({})
    busy_s = 0.0

    def __init__(self, client: Client, *words: Any) -> None:
        client.register_plugin(self.stub)
        super().__init__(client, *words)

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        came = super().next(wait_s)
        Pool.busy_s += came[1].seconds if came else 0.0
        return came


@dataclass
class Points:
    """What is looked at while it runs: seconds, processor time of the workers, memory."""

    units: int
    scheduler: int | None
    first: tuple[float, ...] = ()
    last: tuple[float, ...] = ()
    memory: list[tuple[int, float, float]] = field(default_factory=list)

    def tell(self, tally: Tally) -> None:
        """At the first unit, at each tenth, and at the last."""
        tenth = tally.done >= (len(self.memory) + 1) * self.units / 10
        if tenth:
            self.memory.append((tally.done, rss_mb(), rss_mb(self.scheduler) if self.scheduler else float("nan")))
        if tally.done and (tenth or not self.first):
            self.last = tally.done, time.monotonic(), time.process_time(), of_workers(self.scheduler), Pool.busy_s
            self.first = self.first or self.last


def main() -> None:
    """Prints a row for each number of units and of workers; folders are removed at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--units", type=numbers, default=[1000], metavar="N,N")
    parser.add_argument("--workers", type=numbers, default=[2], metavar="N,N")
    parser.add_argument("--apart", action="store_true", help="scheduler and workers as processes of their own")
    parser.add_argument("--plan", action="store_true", help="nothing is run")
    parser.add_argument("--flights", action="store_true", help="no stub: the whole pipeline")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
    for units in arguments.units:
        alone = 0.0
        for workers in arguments.workers:
            with tempfile.TemporaryDirectory() as name:
                row = planned(Path(name), units, workers)
                if not arguments.plan:
                    row |= measure(Path(name), units, workers, arguments.apart, arguments.flights)
                    alone = alone or row["each"]
                    row["efficiency"] = f"{row['each'] / alone:.0%}"
            print("| " + " | ".join(str(row.get(column, "")) for column in COLUMNS) + " |", flush=True)


def numbers(text: str) -> list[int]:
    """``1000,10000``."""
    return [int(part) for part in text.split(",")]


def planned(root: Path, units: int, workers: int) -> dict[str, Any]:
    """What planning an archive of so many stills takes, by column."""
    for number in range(units):
        folder = root / "data" / f"{number // 100:04d}" / f"{number:06d}"
        folder.mkdir(parents=True)
        picture = np.random.default_rng(number).integers(60, 120, (32, 40), dtype=np.uint8)
        cv2.imwrite(str(folder / "a.png"), picture)
    archive = root / "archive"
    row: dict[str, Any] = {"units": units, "workers": workers, "load": f"{os.getloadavg()[0]:.0f}"}
    row["plan ms"] = spent(lambda: plan([root / "data"], archive), units)
    row["again ms"] = spent(lambda: plan([], archive), units)
    row["manifest B"] = round((archive / NAME).stat().st_size / units)
    return row


def measure(root: Path, units: int, workers: int, apart: bool, flights: bool) -> dict[str, Any]:
    """What running and merging it takes, by column; ``each``: units a second and worker."""
    archive = root / "archive"
    row: dict[str, Any] = {}
    cluster.DaskPool = Pool  # type: ignore[misc]
    Pool.stub = Stub({} if flights else flown(root))
    with scheduler(root, workers) if apart else nobody() as (pid, address):
        points = Points(units, pid)
        tally = run_archive(
            archive,
            None,
            Options(backend="null"),
            processes=None if address else workers,
            tell=points.tell,
            scheduler=address,
        )
    assert tally.done == units, tally
    done, wall, client, worker, busy = (b - a for a, b in zip(points.first, points.last, strict=True))
    row |= {"run s": f"{wall:.1f}", "units/s": f"{done / wall:.1f}", "each": done / wall / workers}
    row["idle"] = f"{max(0.0, 1 - busy / wall / workers):.0%}"
    row |= {"client ms": f"{1e3 * client / done:.1f}", "worker ms": f"{1e3 * worker / done:.1f}"}
    for i, name in ((1, "client MB"), (2, "scheduler MB")):
        row[name] = f"{points.memory[0][i]:.0f} to {points.memory[-1][i]:.0f}" if pid or i == 1 else ""
    tenths = np.array(points.memory)[1:]
    row["kB a unit"] = f"{1024 * np.polyfit(tenths[:, 0], tenths[:, 1], 1)[0]:.2f}"
    row["merge ms"] = spent(lambda: merge(archive, jobs_of(archive)[0]), units)
    return row


def spent(do: Callable[[], object], units: int) -> str:
    """Milliseconds of this process's processor time a unit."""
    begun = time.process_time()
    do()
    return f"{1e3 * (time.process_time() - begun) / units:.2f}"


def flown(root: Path) -> dict[str, bytes]:
    """The files of one true flight over a still."""
    out = root / "flown"
    fly(RunSettings(out=out, source=str(root / "data/0000/000000/a.png"), backend="null", policy="every"))
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def rss_mb(pid: int | str = "self") -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def of_workers(scheduler: int | None) -> float:
    """Seconds of processor time of the processes that came from this one, without that of the scheduler."""
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(path.name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK
    own, total = [os.getpid()], 0.0
    for parent in own:
        for pid, (its, seconds) in found.items():
            if its == parent and pid != scheduler:
                own.append(pid)
                total += seconds
    return total


@contextmanager
def nobody() -> Iterator[tuple[None, None]]:
    """The local workers of a run, with the scheduler in the client's process."""
    yield None, None


@contextmanager
def scheduler(root: Path, workers: int) -> Iterator[tuple[int, str]]:
    """A scheduler and its workers, for this machine alone; the scheduler's process and its address."""
    place = root / "scheduler.json"
    at = ["--host", "127.0.0.1", "--scheduler-file", str(place), "--no-dashboard"]
    few = {PROFILE: "False", "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "100"}
    dask, environment = [sys.executable, "-m", "dask"], {**os.environ, "PYTHONPATH": str(ROOT), **few}
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
