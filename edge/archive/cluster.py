"""Dask's workers as a pool: processes of this machine, or those of a scheduler that is named."""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, WorkerPlugin
from distributed import TimeoutError as NothingYet
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker
from distributed.utils import silence_logging_cmgr

from edge.archive.job import Job
from edge.archive.tries import DIED
from edge.archive.unit import Unit
from edge.archive.work import Outcome, detect
from edge.errors import EdgeError, InputError

AHEAD = 1  # units that wait at each worker beside the one at work: reading the next one's task costs nothing
CONNECT_S = 20.0
HERE = "127.0.0.1:0"  # of the pages that Dask serves about itself: else they stand at every address of the machine
ALIVE = {"running", "connecting", "newly-created"}
LOST = (
    "the scheduler is gone: what its workers finish stays; start it again, then run the same command: it goes on where "
    "it stopped"
)
SETTINGS = {
    "distributed.scheduler.allowed-failures": 10,  # tries of a unit are counted on the disk
    "distributed.scheduler.worker-saturation": 1.0,  # what waits is at nobody who could die with it
    "distributed.worker.daemon": True,
    # it calls sys._current_frames 100 times a second: with threads that end, as in each unit, Python 3.10 and 3.11 may
    # stand still for ever (https://github.com/python/cpython/issues/106883): seen after 999 units
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "30s",  # an engine that loads holds the interpreter
}


@contextmanager
def local_workers(processes: int, cards: Sequence[str] = ()) -> Iterator[Client]:
    """So many processes on this machine, one unit at a time each, on addresses of this machine alone; ``cards``: GPUs
    that they share, each has one.
    """
    with (
        dask.config.set(SETTINGS),
        LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=HERE,
            worker_dashboard_address=HERE,
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        if cards:
            client.register_plugin(OneGpu(cards))
        yield client


@contextmanager
def workers_of(address: str) -> Iterator[Client]:
    """Those of a scheduler. Raises InputError where it does not answer."""
    with dask.config.set(SETTINGS), silence_logging_cmgr(logging.CRITICAL):  # what happens is said here
        try:
            client = Client(address, timeout=CONNECT_S)
        except (OSError, ValueError, NothingYet) as error:
            raise InputError(
                f"--scheduler {address}: {error}: expected the address of a running one, such as tcp://10.0.0.1:8786 "
                "(start it by: dask scheduler)"
            ) from None
        with client:
            yield client


class OneGpu(WorkerPlugin):
    """A worker sees one GPU: its number tells which. In force before CUDA is loaded, also in a worker started anew."""

    def __init__(self, cards: Sequence[str]) -> None:
        self.cards = tuple(cards)

    def setup(self, worker: Any) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = self.cards[int(worker.name) % len(self.cards)]


class DaskPool:
    """See `edge.archive.drive.Pool`."""

    def __init__(self, client: Client, job: Job, folder: Path, threads: int) -> None:
        self._client, self._job, self._folder, self._threads = client, job, folder, threads
        self._units: dict[str, Unit] = {}
        self._come: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()

    def submit(self, unit: Unit) -> None:
        key = f"{self._job.name}-{unit.sha256}"
        future = self._client.submit(_detect, self._job, self._folder, unit, self._threads, key=key, pure=False)
        self._units[key] = unit
        future.add_done_callback(self._come.put)

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        try:
            future = self._come.get(timeout=wait_s)
        except queue.Empty:
            if self._client.status not in ALIVE:
                raise EdgeError(LOST) from None
            return None
        unit = self._units.pop(str(future.key))
        return unit, self._outcome(unit, future)

    @property
    def workers(self) -> int:
        """How many there are now."""
        try:
            return len(self._client.scheduler_info(n_workers=-1)["workers"])
        except OSError:
            raise EdgeError(LOST) from None

    def slots(self) -> int:
        return max(1, (1 + AHEAD) * self.workers)

    def _outcome(self, unit: Unit, future: Any) -> Outcome:
        try:
            outcome: Outcome = future.result()
        except KilledWorker:  # more often than the scheduler allows
            outcome = Outcome(unit.sha256, "failed", DIED)
        except (CancelledError, CommClosedError):
            raise EdgeError(LOST) from None
        except EdgeError:
            raise
        except OSError as error:
            if self._client.status not in ALIVE:
                raise EdgeError(LOST) from None
            raise InputError(f"{unit.name}: {error}: can every worker write into the archive's folder?") from None
        finally:
            future.release()
        return outcome


def _detect(job: Job, folder: Path, unit: Unit, threads: int) -> Outcome:
    """`detect`, in a worker. Raises InputError where the worker is one that may stand still, see `SETTINGS`."""
    if dask.config.get("distributed.worker.profile.enabled", True):
        raise InputError(
            "Dask's profiler is on in a worker, and may make it stand still for ever: start the scheduler and all "
            "workers with DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False in their environment"
        )
    return detect(job, folder, unit, threads)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))
