"""Dask's workers as a pool: processes of this machine, or those of a scheduler that is named."""

from __future__ import annotations

import logging
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator, Sequence
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
from edge.archive.tries import DIED, Tries
from edge.archive.unit import Unit
from edge.archive.work import NO_ROOM, Outcome, Places, detect
from edge.errors import EdgeError, InputError, SinkError
from edge.system.files import reason_of

AHEAD = 1  # units that wait at each worker beside the one at work: reading the next one's task costs nothing
KEPT = 100  # lines of each of Dask's logs in memory
LOOK_S = 2.0  # between two looks at how many workers there are: a table of all of them comes each time
CONNECT_S = 20.0
GATHER_S = 20.0  # for what a worker said to come
GONE_S = 300.0  # without a worker of this machine: none comes any more; starting some took 75 s on a busy one
HERE = "127.0.0.1:0"  # of the pages that Dask serves about itself: else they stand at every address of the machine
ALIVE = {"running", "connecting", "newly-created"}
LOST = (
    "the scheduler is gone: what its workers finish stays; start it again, then run the same command: it goes on where "
    "it stopped"
)
NEVER_BEGAN = (
    "worker after worker ended before it began a unit: not enough memory for so many engines (take fewer --processes), "
    "or a driver that ends the process or stands still: try edge bench with the same model on that machine"
)
NO_MORE = "what is done is kept; free some space, then run the same command: it goes on here"
NONE_LEFT = "no worker is left, and none could be started anew: see what is said above, and run the same command again"
SETTINGS = {
    "distributed.scheduler.allowed-failures": 3,  # of workers at one unit; its tries are counted on the disk
    # else one that is not started anew within 15 s, on a busy machine, is given up: seen, and no worker was left
    "distributed.deploy.lost-worker-timeout": "1h",
    "distributed.scheduler.worker-saturation": 1.0,  # what waits is at nobody who could die with it
    "distributed.worker.daemon": True,
    # it calls sys._current_frames 100 times a second: with threads that end, as in each unit, Python 3.10 and 3.11 may
    # stand still for ever (https://github.com/python/cpython/issues/106883): seen after 999 units
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "30s",  # an engine that loads holds the interpreter
    # what it remembers for who looks for faults of Dask: messages of tasks that are over, and with them their units
    "distributed.admin.low-level-log-length": KEPT,
    "distributed.admin.log-length": KEPT,
    "distributed.admin.system-monitor.log-length": KEPT,
    "distributed.diagnostics.computations.max-history": 1,
    "distributed.diagnostics.erred-tasks.max-history": 1,
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
        client.register_plugin(Steady())
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


class Steady(WorkerPlugin):
    """Ctrl-C in a terminal, and the end of a batch job, are told to all processes: the client ends its workers."""

    def setup(self, worker: Any) -> None:
        del worker
        for stop in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(stop, signal.SIG_IGN)


class OneGpu(WorkerPlugin):
    """A worker sees one GPU: its number tells which. In force before CUDA is loaded, also in a worker started anew."""

    def __init__(self, cards: Sequence[str]) -> None:
        self.cards = tuple(cards)

    def setup(self, worker: Any) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = self.cards[int(worker.name) % len(self.cards)]


class DaskPool:
    """See `edge.archive.drive.Pool`."""

    def __init__(
        self, client: Client, job: Job, folder: Path, threads: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._job, self._folder, self._threads, self._clock = client, job, folder, threads, clock
        self._units: dict[str, tuple[Unit, int]] = {}  # with how often it had been begun
        self._come: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
        self._seen, self._looked, self._alone = 0, clock(), clock()

    def submit(self, unit: Unit) -> None:
        key = f"{self._job.name}-{unit.sha256}"
        future = self._client.submit(_detect, self._job, self._folder, unit, self._threads, key=key, pure=False)
        self._units[key] = unit, self._begun(unit)
        future.add_done_callback(self._come.put)

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        try:
            future = self._come.get(timeout=wait_s)
        except queue.Empty:
            if self._client.status not in ALIVE:
                raise EdgeError(LOST) from None
            return None
        unit, begun = self._units[key := str(future.key)]
        outcome = self._outcome(unit, begun, future)
        if outcome is None:
            self._come.put(future)
            return None
        del self._units[key]
        return unit, outcome

    @property
    def workers(self) -> int:
        """How many there are now."""
        try:
            return len(self._client.scheduler_info(n_workers=-1)["workers"])
        except OSError:
            raise EdgeError(LOST) from None

    def slots(self) -> int:
        if not self._seen or self._clock() - self._looked >= LOOK_S:
            self._seen, self._looked = self.workers, self._clock()
            if self._seen or not self._threads:  # others may start theirs later
                self._alone = self._looked
            elif self._looked - self._alone >= GONE_S:
                raise EdgeError(NONE_LEFT)
        return max(1, (1 + AHEAD) * self._seen)

    def stopped(self) -> None:
        """To be called when its workers were ended: what they were at does not count as tried."""
        for unit, begun in self._units.values():
            if (tries := self._tries(unit)).begun > begun:
                tries.stopped()

    def _begun(self, unit: Unit) -> int:
        return self._tries(unit).begun

    def _tries(self, unit: Unit) -> Tries:
        return Tries(Places.of(self._folder, unit.sha256).tries)

    def _outcome(self, unit: Unit, begun: int, future: Any) -> Outcome | None:
        """None: its worker died with it in memory, and it is asked for again."""
        try:
            outcome: Outcome = future.result(timeout=GATHER_S)
        except KilledWorker:  # more often than the scheduler allows
            if self._begun(unit) == begun:
                raise EdgeError(NEVER_BEGAN) from None
            outcome = Outcome(unit.sha256, "failed", DIED)
        except (CancelledError, CommClosedError):
            raise EdgeError(LOST) from None
        except EdgeError:
            raise
        except NothingYet as error:
            if future.status != "error":  # else it is the worker's own: of its disk
                return None
            raise self._wrong(unit, error) from None
        except OSError as error:
            raise self._wrong(unit, error) from None
        future.release()
        return outcome

    def _wrong(self, unit: Unit, error: Exception) -> EdgeError:
        """What is to be said of an error that no unit is the cause of."""
        if self._client.status not in ALIVE:
            return EdgeError(LOST)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return SinkError(f"{error.filename}: {reason_of(error)}: {NO_MORE}")
        return InputError(f"{unit.name}: {error}: can every worker write into the archive's folder?")


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
