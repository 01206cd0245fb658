"""The pool of Dask's workers: what is kept of units that are over, how often Dask is asked. No process is begun."""

from __future__ import annotations

import errno
import gc
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edge.archive.job import folder_of
from edge.archive.tries import DIED, Tries
from edge.archive.unit import Unit
from edge.archive.work import Outcome, Places
from edge.errors import EdgeError, InputError, SinkError
from tests.edge.archive.flights import null_job, still, unit_of

distributed = pytest.importorskip("distributed", reason="pip install 'thermal-edge[cluster]'")
NothingYet = distributed.TimeoutError


def _at_once(_job: Any, _folder: Path, unit: Unit, _threads: int) -> Outcome:
    return Outcome(unit.sha256, "done")


def test_nothing_is_kept_of_units_that_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Client, scheduler and worker are this process: what any of them keeps is counted."""
    import dask
    from distributed import Client

    from edge.archive import cluster

    monkeypatch.setattr(cluster, "_detect", _at_once)
    job, one = null_job(), unit_of(still(tmp_path / "a.png"))
    at = {"dashboard_address": cluster.HERE, "worker_dashboard_address": cluster.HERE}
    few = {name: 10 if value == cluster.KEPT else value for name, value in cluster.SETTINGS.items()}
    with (
        dask.config.set(few),
        Client(processes=False, n_workers=1, threads_per_worker=1, **at) as client,
    ):
        pool = cluster.DaskPool(client, job, tmp_path, 1)
        scheduler = client.cluster.scheduler

        def kept(first: int, count: int) -> Counter[str]:
            for number in range(first, first + count):
                pool.submit(replace(one, sha256=f"{number:064x}"))
                assert pool.next(60)
            for _ in range(1000):  # its loop is a thread of its own
                if not (client.futures or scheduler.tasks or pool._units):
                    break
                time.sleep(0.01)
            assert (len(client.futures), len(scheduler.tasks), pool._units) == (0, 0, {})
            gc.collect()
            return Counter(type(thing).__name__ for thing in gc.get_objects())

        before = kept(0, 40)  # the logs are full
        after = kept(40, 200)
        assert after["Unit"] <= 40
        grown = {name: number for name, number in (after - before).items() if number >= 100}
    assert grown == {}


class Asked:
    """A client that says how many workers there are, each time another number."""

    def __init__(self, *workers: int) -> None:
        self.workers = list(workers)

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": {str(number): {} for number in range(self.workers.pop(0))}}


def test_how_many_workers_there_are_is_asked_now_and_then(tmp_path: Path) -> None:
    from edge.archive.cluster import LOOK_S, DaskPool

    now = [7.0]
    pool = DaskPool(Asked(1, 3, 0), null_job(), tmp_path, 1, lambda: now[0])  # type: ignore[arg-type]
    assert [pool.slots() for _ in range(3)] == [2, 2, 2]
    now[0] += LOOK_S - 0.01
    assert pool.slots() == 2
    now[0] += 0.02
    assert [pool.slots() for _ in range(3)] == [6, 6, 6]
    now[0] += LOOK_S
    assert pool.slots() == 1


def test_a_worker_that_comes_is_seen_at_once_where_there_was_none(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool

    pool = DaskPool(Asked(0, 0, 2), null_job(), tmp_path, 1, lambda: 7.0)  # type: ignore[arg-type]
    assert [pool.slots() for _ in range(4)] == [1, 1, 4, 4]


class Came:
    """A future that ends with an error."""

    key = "unit"

    def __init__(self, error: Exception) -> None:
        self.error = error

    status = "error"

    def result(self, timeout: float) -> None:
        assert timeout > 0
        raise self.error

    def release(self) -> None:
        pass


class Alive:
    status = "running"


def test_workers_that_end_before_a_unit_begins_end_the_run(tmp_path: Path) -> None:
    from distributed.scheduler import KilledWorker

    from edge.archive.cluster import DaskPool

    job = null_job()
    folder, unit = folder_of(tmp_path, job), unit_of(still(tmp_path / "a.png"))
    pool = DaskPool(Alive(), job, folder, 1)  # type: ignore[arg-type]
    killed = Came(KilledWorker("unit", None, 3))  # type: ignore[arg-type, no-untyped-call]
    with pytest.raises(EdgeError, match=r"worker after worker ended before it began a unit: .*--processes") as told:
        pool._outcome(unit, 0, killed)
    assert told.value.exit_code == 1
    Tries(Places.of(folder, unit.sha256).tries).begin()
    assert pool._outcome(unit, 0, killed) == Outcome(unit.sha256, "failed", DIED)
    with pytest.raises(EdgeError, match="worker after worker"):  # it had been begun by a run before, and only then
        pool._outcome(unit, 1, killed)


def test_no_worker_for_long_ends_a_run_on_this_machine_and_no_other(tmp_path: Path) -> None:
    from edge.archive.cluster import GONE_S, DaskPool

    now = [7.0]
    own = DaskPool(Asked(1, 0, 0, 2, 0, 0, 0), null_job(), tmp_path, 1, lambda: now[0])  # type: ignore[arg-type]
    for seconds, slots in ((0, 2), (GONE_S - 1, 1), (0.5, 1), (0.4, 4), (GONE_S - 1, 1), (0.9, 1)):
        now[0] += seconds
        assert own.slots() == slots
    now[0] += 0.1
    with pytest.raises(EdgeError, match="no worker is left"):
        own.slots()
    other = DaskPool(Asked(0, 0), null_job(), tmp_path, 0, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(2):
        now[0] += GONE_S
        assert other.slots() == 1


@pytest.mark.parametrize(
    ("number", "kind", "code", "says"),
    [
        (errno.ENOSPC, SinkError, 1, "/a/work: No space left on device: what is done is kept; free some space"),
        (errno.EROFS, SinkError, 1, "Read-only file system: what is done is kept"),
        (errno.EACCES, InputError, 2, "Permission denied.*can every worker write into the archive's folder"),
    ],
)
def test_a_disk_that_takes_nothing_ends_the_run(
    tmp_path: Path, number: int, kind: type[EdgeError], code: int, says: str
) -> None:
    from edge.archive.cluster import DaskPool

    unit = unit_of(still(tmp_path / "a.png"))
    pool = DaskPool(Alive(), null_job(), tmp_path, 1)  # type: ignore[arg-type]
    with pytest.raises(kind, match=says) as told:
        pool._outcome(unit, 0, Came(OSError(number, os.strerror(number), "/a/work")))
    assert told.value.exit_code == code


class Late:
    """A future whose result was lost with its worker, and is there when it is asked for the third time."""

    key, status = "", "finished"

    def __init__(self) -> None:
        self.asked = 0

    def submit(self, *_words: object, key: str, **_more: object) -> Any:
        self.key = key
        return self

    def add_done_callback(self, call: Any) -> None:
        call(self)

    def result(self, timeout: float) -> Outcome:
        self.asked += 1
        if self.asked < 3:
            raise NothingYet
        return Outcome("ab", "there")

    def release(self) -> None:
        assert self.asked == 3


def test_a_result_that_was_lost_with_its_worker_is_asked_for_again(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool

    pool, unit = DaskPool(Late(), null_job(), tmp_path, 1), unit_of(still(tmp_path / "a.png"))  # type: ignore[arg-type]
    pool.submit(unit)
    assert [pool.next(1), pool.next(1), pool.next(1)] == [None, None, (unit, Outcome("ab", "there"))]


def test_a_disk_that_answers_too_late_is_no_result_that_comes_later(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool

    unit = unit_of(still(tmp_path / "a.png"))
    pool = DaskPool(Alive(), null_job(), tmp_path, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Connection timed out"):
        pool._outcome(unit, 0, Came(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))))


def test_what_its_workers_were_at_when_they_were_ended_is_no_try(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool

    class Never:
        def submit(self, *_words: object, **_more: object) -> Any:
            return self

        def add_done_callback(self, _call: object) -> None:
            pass

    job, one = null_job(), unit_of(still(tmp_path / "a.png"))
    folder = folder_of(tmp_path, job)
    pool = DaskPool(Never(), job, folder, 1)  # type: ignore[arg-type]
    at_work, waits, before = (replace(one, sha256=f"{number:064x}") for number in range(3))

    def begin(unit: Unit) -> None:
        path = Places.of(folder, unit.sha256).tries
        Tries(path).begin()
        path.write_bytes(path.read_bytes().replace(b'"pid":%d' % os.getpid(), b'"pid":99999999'))

    begin(before)
    for unit in (at_work, waits, before):
        pool.submit(unit)
    begin(at_work)
    pool.stopped()
    tried = [Tries(Places.of(folder, unit.sha256).tries).begun for unit in (at_work, waits, before)]
    assert tried == [0, 0, 1]


def test_a_signal_to_all_processes_is_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.archive import cluster

    said = dict[int, object]()
    monkeypatch.setattr(cluster.signal, "signal", said.__setitem__)
    cluster.Steady().setup(None)
    assert said == dict.fromkeys((signal.SIGINT, signal.SIGHUP, signal.SIGTERM), signal.SIG_IGN)
