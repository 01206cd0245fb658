"""Detect in an archive: the job, its workers, and what came of each unit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.archive.drive import Drive, Pool, Tally
from edge.archive.job import Job, Options, folder_of
from edge.archive.manifest import Manifest
from edge.archive.rates import best_split, gpus
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.archive.work import Places
from edge.engine.readiness import Probe
from edge.engine.select import choose_backend
from edge.errors import InputError
from edge.model.bundle import Bundle

NEEDED = "edge archive run needs Dask: pip install 'thermal-edge[cluster]'"


@dataclass(frozen=True)
class Share:
    """One of several runs over the same archive, that know nothing of each other: units whose digest falls to it."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """``2/8``: the second of eight. Raises InputError."""
        first, slash, second = text.partition("/")
        if not (slash and first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second) <= 1_000_000):
            raise InputError(f"--shard {text}: expected I/N, such as 2/8: the second of eight")
        return cls(int(first), int(second))

    def has(self, unit: Unit) -> bool:
        """Whether a unit is one of its."""
        return int(unit.sha256[:12], 16) % self.of == self.number - 1


@dataclass(frozen=True)
class Work:
    """What is to be done, for whoever shows how it goes. ``units``, ``bytes``: of all that fall to this run."""

    job: Job
    folder: Path
    units: int
    bytes: int
    workers: str


def run_archive(
    archive: Path,
    model: Path | None,
    options: Options,
    *,
    scheduler: str | None = None,
    processes: int | None = None,
    shard: Share | None = None,
    retry: bool = False,
    begin: Callable[[Work], None] = lambda _work: None,
    tell: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Detect in every unit of ``archive`` that the job has no result of; a job that was cut off goes on.

    ``processes``: of this machine; None: as many as detect most, which is measured. ``retry``: units that were left are
    tried anew. Raises InputError where there is no plan, no such model, or Dask is not installed; EdgeError where no
    worker can do any unit.
    """
    manifest = Manifest(archive)
    job = Job.of(model, options)
    folder = folder_of(archive, job)
    share = shard or Share(1, 1)
    units = size = 0
    for unit in manifest.units():
        if share.has(unit):
            units, size = units + 1, size + unit.bytes
            if retry and (tries := Tries(Places.of(folder, unit.sha256).tries)).over:
                tries.again()
    if not units:
        raise InputError(
            f"no unit of {archive} falls to --shard {share.number}/{share.of}: it has {manifest.head.units}"
        )
    with _pool(job, folder, scheduler, processes) as (pool, workers):
        begin(Work(job, folder, units, size, workers))
        return Drive((unit for unit in manifest.units() if share.has(unit)), folder, pool, tell).run()


@contextmanager
def _pool(job: Job, folder: Path, scheduler: str | None, processes: int | None) -> Iterator[tuple[Pool, str]]:
    try:
        from edge.archive.cluster import DaskPool, cores, local_workers, workers_of
    except ImportError as error:
        raise InputError(f"{NEEDED} ({error})") from None
    if scheduler is not None:
        with workers_of(scheduler) as client:
            pool = DaskPool(client, job, folder, 0)
            yield pool, f"{pool.workers} workers of {scheduler}"
        return
    cards = gpus() if _on_gpu(job) else []
    count, rates = processes or len(cards), dict[str, float]()
    threads = max(1, cores() // count) if count else 1
    if not count:
        count, threads, rates = best_split(job.model, job.options.backend, cores())
    measured = "; ".join(f"{split}: {rate:g} frames/s" for split, rate in rates.items())
    said = f"{count} process{'es' if count > 1 else ''} of {threads} thread{'s' if threads > 1 else ''}"
    said += f", on the GPUs {', '.join(cards)}" if cards else ""
    with ExitStack() as ended, local_workers(count, cards) as client:
        local = DaskPool(client, job, folder, threads)
        ended.callback(local.stopped)
        yield local, f"{said} ({measured})" if measured else said


def _on_gpu(job: Job) -> bool:
    backend = job.options.backend
    return (choose_backend(Probe(Bundle.load(job.model))).backend if backend == "auto" else backend) == "trt"


class Pace:
    """How long it still takes, by the units that were done since the beginning. ``clock``: seconds."""

    def __init__(self, work: Work, clock: Callable[[], float] = time.monotonic) -> None:
        self._work, self._clock, self._begun = work, clock, clock()

    def left_s(self, tally: Tally) -> float | None:
        """Seconds; None: nothing is done yet."""
        if not tally.done:
            return None
        each = (self._clock() - self._begun) / tally.done
        return each * (self._work.units - tally.over)
