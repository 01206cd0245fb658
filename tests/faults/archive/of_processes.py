"""Rows: processes of the real command, `edge archive run` with two workers, that end, hang or are stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.archive.job import folder_of
from edge.archive.manifest import Manifest
from edge.archive.tries import MOST
from edge.archive.work import Places
from edge.system.files import read_text_or_none
from tests.edge.archive.flights import null_job
from tests.faults.archive.inside import ANEW_S, STILL_S, Fault
from tests.faults.archive.row import UNITS, Row, Seen, begun, flight, kept, planned, results, tidy
from tests.faults.shim import library
from tests.support.children import popen
from tests.support.loaded import popen_loaded

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 600.0
TTL_S = 20  # for Dask's five minutes without a word of a worker
PROFILE = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}


class Command:
    """``edge archive run``, begun."""

    def __init__(self, archive: Path, *words: str, env: dict[str, str] | None = None) -> None:
        main = [sys.executable, "-m", "edge.commands.main", "archive", "run", str(archive), "--backend", "null"]
        more = words if "--scheduler" in words else (*words, "--processes", "2")
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        self.process = popen_loaded([*main, *more], cwd=ROOT, env=env, **pipes)

    def end(self, *codes: int) -> tuple[str, str]:
        """Its exit code, and what it said to both; raises AssertionError where the code is none of these."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        said = out + err
        assert self.process.returncode in codes, said
        assert "Traceback" not in said, said
        return str(self.process.returncode), said

    def send_to_all(self, number: signal.Signals) -> None:
        """As a terminal does, and a batch system: to its workers too."""
        os.killpg(self.process.pid, number)


def until(true: Callable[[], Any]) -> None:
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < LIMIT_S, "nothing comes"
        time.sleep(0.05)


def gone(process: int) -> bool:
    """Or nobody has asked how it ended."""
    stat = read_text_or_none(Path(f"/proc/{process}/stat"))
    return stat is None or stat.rpartition(")")[2].split()[0] in "ZX"


def line(said: str, pattern: str) -> str:
    """The line that has it."""
    found = re.search(rf"^.*{pattern}.*$", said, re.MULTILINE)
    assert found, said
    return found[0].removeprefix("edge: ")


def then(archive: Path, *words: str, late: int = 0) -> str:
    """The same command again, without a fault: every unit has its result then, once. ``late``: that came meanwhile."""
    before = results(archive)
    _, said = Command(archive, *words).end(0)
    told = re.findall(r"(\d+) units done now, (\d+) before, 0 given up", said)[-1]
    done, there = map(int, told)
    assert done + there == UNITS == results(archive)
    assert before <= there <= before + late, (before, there)
    tidy(archive)
    return f"{'`--retry`: ' if '--retry' in words else ''}{done} done, {there} before"


def worker_at(archive: Path, number: int) -> int:
    """The process that is at the unit of a flight, or was when it was killed; 0: none."""
    (unit,) = (one for one in Manifest(archive).units() if one.source[0] == str(flight(archive.parent, number)))
    claim = Places.of(folder_of(archive, null_job()), unit.sha256).claim
    return int(json.loads(text)["pid"]) if (text := read_text_or_none(claim)) else 0


@contextmanager
def at_work(root: Path, archive: Path, *words: str, **env: str) -> Iterator[tuple[Command, int]]:
    """A run that has done all units but one, and the worker that is at this one; it goes on at the end."""
    go = root / "go"
    fault = Fault("waits", str(flight(root, 2)), str(go))
    command = Command(archive, *words, env={**fault.environment(), **env})
    until(lambda: (worker := worker_at(archive, 2)) and not gone(worker) and results(archive) == UNITS - 1)
    yield command, worker_at(archive, 2)
    go.touch()


def each_time(what: str, says: str, tries: int) -> Callable[[Path], Seen]:
    """A unit that does so whenever it is begun."""

    def happen(root: Path) -> Seen:
        archive = planned(root)
        exits, said = Command(archive, env=Fault(what, str(flight(root, 2)), str(root / "was")).environment()).end(1)
        assert f"1 of {UNITS} units were given up" in said
        assert begun(archive) == [1, 1, tries, 1, 1, 1], begun(archive)
        return Seen(exits, line(said, says), kept(archive), then(archive, "--retry"))

    return happen


def worker_killed(root: Path) -> Seen:
    archive = planned(root)
    with at_work(root, archive) as (command, worker):
        os.kill(worker, signal.SIGKILL)
    exits, said = command.end(0)
    assert begun(archive) == [1, 1, 2, 1, 1, 1]
    return Seen(exits, line(said, f"{UNITS} units done now"), kept(archive), then(archive))


def worker_stopped(root: Path) -> Seen:
    archive = planned(root)
    with at_work(root, archive, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=f"{TTL_S}s") as (command, worker):
        os.kill(worker, signal.SIGSTOP)
    exits, said = command.end(0)
    assert begun(archive) == [1, 1, 2, 1, 1, 1]
    until(lambda: gone(worker))
    return Seen(exits, line(said, f"{UNITS} units done now"), kept(archive), then(archive))


def client_killed(root: Path) -> Seen:
    archive = planned(root)
    with at_work(root, archive) as (command, worker):
        command.process.kill()
        exits, _ = command.end(-9)
        until(lambda: gone(worker))
        assert results(archive) == UNITS - 1
    return Seen(exits, "nothing; its workers end too", kept(archive), then(archive))


def interrupted(number: signal.Signals) -> Callable[[Path], Seen]:
    """As often as a unit may be tried, and once more, each time at the same one: it is not the unit's fault."""

    def happen(root: Path) -> Seen:
        archive = planned(root)
        for _ in range(MOST + 1):
            with at_work(root, archive) as (command, worker):
                command.send_to_all(number)
                exits, said = command.end(1)
                until(lambda process=worker: gone(process))
                assert results(archive) == UNITS - 1
            (root / "go").unlink()
        assert begun(archive) == [1, 1, 0, 1, 1, 1], begun(archive)
        return Seen(exits, line(said, "run the same command again"), kept(archive), then(archive))

    return happen


@contextmanager
def cluster(root: Path, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler and two workers, processes of their own: the scheduler, and its address."""
    place = root / "scheduler.json"
    quiet: Any = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    quiet["env"] = {**os.environ, **PROFILE, **env}
    dask, at = [sys.executable, "-m", "dask"], ["--host", "127.0.0.1", "--scheduler-file", place, "--no-dashboard"]
    scheduler = popen([*dask, "scheduler", *at, "--port", "0"], **quiet)
    until(lambda: place.exists() and place.stat().st_size)
    workers = [popen([*dask, "worker", *at, "--nthreads", "1", "--death-timeout", "20"], **quiet) for _ in range(2)]
    try:
        yield scheduler, json.loads(place.read_text())["address"]
    finally:
        for process in (*workers, scheduler):
            process.terminate()
        for process in (*workers, scheduler):
            process.wait(60)


def scheduler_killed(root: Path) -> Seen:
    archive = planned(root)
    fault = Fault("waits", str(flight(root, 2)), str(root / "go")).environment()
    with cluster(root, **fault) as (scheduler, address), at_work(root, archive, "--scheduler", address) as (command, _):
        scheduler.kill()
        exits, said = command.end(1)
        seen = Seen(exits, line(said, "the scheduler is gone"), kept(archive), "")
    return seen._replace(then=then(archive, late=1))


def two_runs(root: Path) -> Seen:
    archive = planned(root)
    both = [Command(archive) for _ in range(2)]
    told = [one.end(0)[1] for one in both]
    done = [int(re.findall(r"(\d+) units done now", said)[-1]) for said in told]
    assert sum(done) == UNITS
    assert begun(archive) == [1] * UNITS
    return Seen("0 and 0", "the one did a part, the other the rest", kept(archive), then(archive))


def never_begins(root: Path) -> Seen:
    archive = planned(root)
    exits, said = Command(archive, env=Fault("never loads").environment()).end(1)
    assert begun(archive) == [0] * UNITS
    return Seen(exits, line(said, "before it began a unit"), f"{kept(archive)}, no try is counted", then(archive))


def disk_full(root: Path) -> Seen:
    archive = planned(root)
    path, why = library()
    assert path, why
    full = Fault("full", until=str(folder_of(archive, null_job()) / "work")).environment()
    exits, said = Command(archive, env={**full, "LD_PRELOAD": str(path)}).end(1)
    assert begun(archive) == [0] * UNITS
    return Seen(exits, line(said, "No space left"), f"{kept(archive)}, no try is counted", then(archive))


STOOD = f"no frame came for {STILL_S:g} s, and its worker was ended; it stood in"
PROCESSES = [
    Row(
        f"a unit ends its worker each time (SIGKILL), and the next worker takes {ANEW_S:g} s to start",
        each_time("dies", "its worker died at it, twice", 2),
        quick=False,
    ),
    Row("a unit never returns, and holds the interpreter", each_time("hangs", STOOD, 2), quick=False),
    Row("a worker is killed at a unit (SIGKILL)", worker_killed, quick=False),
    Row("a worker is stopped at a unit (SIGSTOP)", worker_stopped, quick=False),
    Row("every worker ends while its engine is loaded", never_begins, quick=False),
    Row("the disk of the results is full", disk_full, quick=False),
    Row("Ctrl-C, to the workers too, three times at the same unit", interrupted(signal.SIGINT), quick=False),
    Row("SIGTERM, to the workers too, three times at the same unit", interrupted(signal.SIGTERM), quick=False),
    Row("the client is killed (SIGKILL)", client_killed, quick=False),
    Row("the scheduler is killed (SIGKILL)", scheduler_killed, quick=False),
    Row("the same command twice at once", two_runs, quick=False),
]
