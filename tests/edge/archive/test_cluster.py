"""Dask's own workers, processes of this machine: a unit that kills each worker it comes to costs no other unit."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from edge.archive.claims import Claim
from edge.archive.drive import Drive
from edge.archive.job import folder_of
from edge.archive.run import run_archive
from edge.archive.tries import Tries
from edge.archive.work import Places
from edge.errors import EngineError, InputError
from tests.edge.archive.flights import null_job, still, unit_of

distributed = pytest.importorskip("distributed", reason="pip install 'thermal-edge[cluster]'")


class Deadly(distributed.WorkerPlugin):  # type: ignore[misc,name-defined]
    """In each worker, also in those that are started anew: what is to be detected in ``deadly`` ends the process."""

    def __init__(self, deadly: str) -> None:
        self.deadly = deadly

    def setup(self, worker: Any) -> None:
        from edge.archive import work

        real, deadly = work.run, self.deadly  # type: ignore[attr-defined]

        def run(settings: Any, **more: Any) -> Any:
            return os._exit(9) if deadly in settings.source else real(settings, **more)

        work.run = run  # type: ignore[attr-defined]


class Stuck(distributed.WorkerPlugin):  # type: ignore[misc,name-defined]
    """In each worker: what is to be detected in ``stuck`` never returns, and holds the interpreter meanwhile."""

    def __init__(self, stuck: str) -> None:
        self.stuck = stuck

    def setup(self, worker: Any) -> None:
        from edge.archive import limit, work

        real, stuck = work.run, self.stuck  # type: ignore[attr-defined]

        def run(settings: Any, **more: Any) -> Any:
            if stuck not in settings.source:
                return real(settings, **more)
            ctypes.PyDLL(None).pause()
            raise AssertionError("it came back")

        work.run = run  # type: ignore[attr-defined]
        limit.STILL_S = 30.0  # the other units take a second, on a busy machine ten


def _with_children() -> list[int]:
    """This process and those that come from it."""
    parents = {int(path.name): int(fields[1]) for path in Path("/proc").iterdir() if path.name.isdecimal()
               if (fields := _stat(path))}  # fmt: skip
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _stat(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _listening(pid: int) -> set[str]:
    """Addresses at which a process listens by TCP."""
    inodes = set[str]()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(handle).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            continue
    found = set[str]()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address = bytes.fromhex(fields[1].partition(":")[0])
                found.add(".".join(map(str, reversed(address))))
    return found


@pytest.mark.slow
def test_a_unit_that_kills_its_worker_is_left_and_the_rest_is_done(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool, local_workers

    job = null_job()
    folder = folder_of(tmp_path / "archive", job)
    units = [unit_of(still(tmp_path / f"{number}.png"), sha256=f"{number:064x}") for number in range(5)]
    with local_workers(2) as client:
        assert {address for process in _with_children() for address in _listening(process)} == {"127.0.0.1"}
        client.register_plugin(Deadly(str(tmp_path / "1.png")))
        tally = Drive(iter(units), folder, DaskPool(client, job, folder, 1)).run()
    assert tally.left == [(units[1], "its worker died at it, twice")]
    # a worker that died with a result in its memory: Dask asks for it again, and it is there
    assert (tally.done + tally.there, tally.given_up) == (4, 1)
    assert all(Tries(Places.of(folder, unit.sha256).tries).begun == 1 for unit in units if unit != units[1])
    assert [Places.of(folder, unit.sha256).result.is_dir() for unit in units] == [True, False, True, True, True]


@pytest.mark.slow
def test_a_unit_that_never_returns_is_ended_with_its_worker_and_the_rest_is_done(tmp_path: Path) -> None:
    from edge.archive.cluster import DaskPool, local_workers

    job = null_job()
    folder = folder_of(tmp_path / "archive", job)
    units = [unit_of(still(tmp_path / f"{number}.png"), sha256=f"{number:064x}") for number in range(5)]
    with local_workers(1) as client:
        client.register_plugin(Stuck(str(tmp_path / "1.png")))
        tally = Drive(iter(units), folder, DaskPool(client, job, folder, 1)).run()
    assert [unit for unit, _ in tally.left] == [units[1]]
    assert "its worker was ended; it stood in run (" in tally.left[0][1]
    assert (tally.done + tally.there, tally.given_up) == (4, 1)
    assert [Places.of(folder, unit.sha256).result.is_dir() for unit in units] == [True, False, True, True, True]


def test_what_dask_gives_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of this process in the place of a worker: the pool itself."""
    import dask
    from distributed import Client

    from edge.archive import work
    from edge.archive.cluster import HERE, SETTINGS, DaskPool

    monkeypatch.setattr(work, "_session", work._Session())  # other tests have an engine in their own thread
    job = null_job()
    folder = folder_of(tmp_path / "archive", job)
    units = [unit_of(still(tmp_path / f"{number}.png"), sha256=f"{number:064x}") for number in range(2)]
    (tmp_path / "1.png").unlink()
    with (
        dask.config.set(SETTINGS),
        Client(
            processes=False,
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=HERE,
            worker_dashboard_address=HERE,
        ) as client,
    ):
        pool = DaskPool(client, job, folder, 1)
        assert (pool.workers, pool.slots()) == (1, 2)
        assert pool.next(0.01) is None
        for unit in units:
            pool.submit(unit)
        came = [pool.next(60), pool.next(60)]
    assert {(one[0].sha256, one[1].state) for one in came if one} == {
        (units[0].sha256, "done"),
        (units[1].sha256, "failed"),
    }


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.archive import cluster
    from edge.archive.plan import plan

    monkeypatch.setattr(cluster, "CONNECT_S", 0.2)
    still(tmp_path / "a.png")
    plan([tmp_path], tmp_path / "archive")
    with pytest.raises(InputError, match=r"--scheduler tcp://127.0.0.1:9: .*expected the address of a running one"):
        run_archive(tmp_path / "archive", None, null_job().options, scheduler="tcp://127.0.0.1:9")


def test_its_own_process_is_alive() -> None:
    assert not Claim.own().dead()


def test_the_split_that_detects_most(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.archive import rates

    table = {(1, 8): 10.0, (2, 4): 14.0, (4, 2): 14.5, (8, 1): 0.0}
    monkeypatch.setattr(rates, "_rate", lambda _model, _backend, processes, threads, _s: table[processes, threads])
    assert rates.best_split("m", "ort", 8) == (2, 4, {"1 x 8": 10.0, "2 x 4": 14.0, "4 x 2": 14.5, "8 x 1": 0.0})
    assert rates.best_split("m", "null", 8) == (8, 1, {})
    assert rates.splits(1) == [(1, 1)]
    monkeypatch.setattr(rates, "_rate", lambda *_: 0.0)
    with pytest.raises(EngineError, match="detected anything"):
        rates.best_split("m", "ort", 2)


def test_each_worker_sees_one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from edge.archive import rates, run
    from edge.archive.cluster import OneGpu

    monkeypatch.setattr(rates, "GPUS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert rates.gpus() == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert rates.gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5")
    assert rates.gpus() == ["3", "GPU-5"]
    for number, card in enumerate(("3", "GPU-5", "3")):
        OneGpu(["3", "GPU-5"]).setup(SimpleNamespace(name=number))
        assert os.environ["CUDA_VISIBLE_DEVICES"] == card
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert rates.gpus() == []
    assert not run._on_gpu(null_job())


def test_a_worker_that_may_stand_still_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    from edge.archive import cluster

    monkeypatch.setattr(cluster, "detect", lambda *_words: "detected")
    unit = unit_of(still(tmp_path / "a.png"))
    with dask.config.set(cluster.SETTINGS):
        assert cluster._detect(null_job(), tmp_path, unit, 1) == "detected"
    on = {"distributed.worker.profile.enabled": True}
    with dask.config.set(on), pytest.raises(InputError, match="DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False"):
        cluster._detect(null_job(), tmp_path, unit, 1)
