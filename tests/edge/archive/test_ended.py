"""A run that is ended from outside, in any way, loses at most what was at work: run again, it does the rest, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.archive.job import jobs_of
from edge.archive.manifest import Manifest
from edge.archive.plan import plan
from edge.archive.tries import Tries
from edge.archive.work import Places
from tests.edge.archive.flights import still
from tests.support.children import popen
from tests.support.loaded import popen_loaded, run_loaded

pytest.importorskip("distributed", reason="pip install 'thermal-edge[cluster]'")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
UNITS = 30
PROFILE = "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"
LIMIT_S = 240.0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for number in range(UNITS):
        (tmp_path / "data" / f"{number:02d}").mkdir(parents=True)
        still(tmp_path / "data" / f"{number:02d}" / "a.png", number)
    plan([tmp_path / "data"], tmp_path / "archive")
    return tmp_path / "archive"


def words(archive: Path, *more: str) -> list[str]:
    main = [sys.executable, "-m", "edge.commands.main", "archive", "run", str(archive), "--backend", "null"]
    return [*main, *(more or ("--processes", "2"))]


def until(true: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < LIMIT_S, "nothing comes"
        time.sleep(0.05)


def done(archive: Path) -> int:
    return sum(1 for folder in jobs_of(archive) for path in folder.glob("units/*/*") if (path / "report.json").exists())


def tried(archive: Path) -> list[int]:
    (folder,) = jobs_of(archive)
    return [Tries(Places.of(folder, unit.sha256).tries).begun for unit in Manifest(archive).units()]


def finish(archive: Path, *more: str, late: int = 0) -> None:
    """Run again, and look at what is there: every unit once, nothing left behind.

    ``late``: as many that were at work may come to an end meanwhile, as nobody told their workers to stop.
    """
    before = done(archive)
    assert 1 <= before < UNITS
    told = run_loaded(words(archive, *more), cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert told.returncode == 0, told.stderr
    ended = [f"{UNITS - one} units done now, {one} before, 0 given up" for one in range(before, before + late + 1)]
    assert any(one in told.stdout for one in ended), told.stdout
    assert done(archive) == UNITS
    (folder,) = jobs_of(archive)
    assert [list((folder / name).iterdir()) for name in ("claims", "work")] == [[], []]


def test_ctrl_c_ends_it_and_it_goes_on(archive: Path) -> None:
    child = popen_loaded(words(archive), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: done(archive) >= 2)
    child.send_signal(signal.SIGINT)
    told, said = child.communicate(timeout=60)
    assert (child.returncode, "interrupted" in said) == (1, True)
    assert "run the same command again: it goes on here" in told
    assert "Traceback" not in said
    finish(archive)
    assert sorted(tried(archive))[-3:] <= [1, 2, 2]  # of two processes


def test_kill_of_the_client_takes_its_workers_with_it(archive: Path) -> None:
    child = popen_loaded(words(archive), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: done(archive) >= 2)
    child.kill()
    child.wait()
    finish(archive)
    assert sorted(tried(archive))[-3:] <= [1, 2, 2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler and two workers of it, processes of their own; the scheduler and its address."""
    place = tmp_path / "scheduler.json"
    quiet: Any = {
        "cwd": ROOT,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": {**os.environ, PROFILE: "False"},
    }
    dask = [sys.executable, "-m", "dask"]
    at = ["--host", "127.0.0.1", "--scheduler-file", place, "--no-dashboard"]
    scheduler = popen([*dask, "scheduler", *at, "--port", "0"], **quiet)
    until(place.exists)
    workers = [popen([*dask, "worker", *at, "--nthreads", "1", "--death-timeout", "20"], **quiet) for _ in range(2)]
    until(lambda: place.stat().st_size > 0)
    yield scheduler, json.loads(place.read_text())["address"]
    for process in (*workers, scheduler):
        process.terminate()
        process.wait(60)


def test_a_cluster_does_it_and_a_shard_is_a_part(archive: Path, cluster: tuple[subprocess.Popen[bytes], str]) -> None:
    _, address = cluster
    command = words(archive, "--scheduler", address, "--shard", "1/2")
    told = run_loaded(command, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert f"workers of {address}" in told.stdout
    finish(archive, "--scheduler", address)
    assert tried(archive) == [1] * UNITS


def test_a_scheduler_that_is_killed_is_told_and_another_goes_on(
    archive: Path, cluster: tuple[subprocess.Popen[bytes], str]
) -> None:
    scheduler, address = cluster
    child = popen_loaded(
        words(archive, "--scheduler", address), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: done(archive) >= 2)
    os.kill(scheduler.pid, signal.SIGKILL)
    _, said = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1
    assert "the scheduler is gone" in said
    assert said.count("\n") == 1, said
    finish(archive, late=4)  # one at work and one that waits, at two workers
