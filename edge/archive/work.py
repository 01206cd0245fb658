"""One unit in this process: claimed, detected in, and put in its place whole. What a worker of Dask calls."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from edge.app.output import REPORT
from edge.app.run import run
from edge.archive.claims import claimed
from edge.archive.job import Job, code_sha256
from edge.archive.limit import Limit, limited
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.engine import open_engine
from edge.errors import EdgeError, InputError
from edge.seams import Engine
from edge.system.files import reason_of, sync_folder

State = Literal["done", "there", "taken", "failed", "left"]
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """``done``: now; ``there``: it was already; ``taken``: another works on it; ``failed``: it may be tried again;
    ``left``: it may not. ``frames``, ``seconds``: of what was done now.
    """

    sha256: str
    state: State
    why: str = ""
    frames: int = 0
    seconds: float = 0.0


class Places(NamedTuple):
    """Where what of a unit is."""

    result: Path
    tries: Path
    claim: Path
    work: Path

    @classmethod
    def of(cls, folder: Path, sha256: str) -> Places:
        """``folder``: of the job. Results and tries lie in 256 folders: a hundred thousand in one are slow on many
        disks.
        """
        return cls(
            folder / "units" / sha256[:2] / sha256,
            folder / "tries" / sha256[:2] / f"{sha256}.jsonl",
            folder / "claims" / sha256,
            folder / "work",
        )


class _Session:
    """The engine of this process, for all units that it gets."""

    def __init__(self) -> None:
        self._key: tuple[str, str, str, int] | None = None
        self._engine: Engine | None = None

    def engine(self, job: Job, threads: int) -> Engine:
        """Opened where it is not yet. Raises EdgeError where it cannot be, or would find other things than the job."""
        key = (job.model_sha256, job.code_sha256, repr(job.options), threads)
        if self._engine is None or self._key != key:
            if (code := code_sha256()) != job.code_sha256:
                raise InputError(
                    f"this worker has another version of thermal-edge (source {code[:12]}, the job "
                    f"{job.code_sha256[:12]}): install the same everywhere"
                )
            if Job.of(Path(job.model), job.options).model_sha256 != job.model_sha256:
                raise InputError(f"{job.model} is another bundle here than where the job was begun: copy it again")
            if self._engine is not None:
                self._engine.close()
            with limited():
                self._engine = open_engine(job.model, job.options.backend, threads, tiles=job.options.tiles)
            self._key = key
        return self._engine


_session = _Session()


def detect(job: Job, folder: Path, unit: Unit, threads: int = 0) -> Outcome:
    """Detect in a unit; ``folder``: of the job. To be called in one thread of a process only: it keeps the engine.

    Nothing is raised for a unit that cannot be done: the outcome says so. Raises EdgeError where this process cannot do
    any: another version of this package, a bundle that is missing or altered, an engine that does not load; OSError
    where the archive's folder cannot be written, or is full: that is no try of the unit.
    """
    places = Places.of(folder, unit.sha256)
    if places.result.is_dir():
        return Outcome(unit.sha256, "there")
    engine = _session.engine(job, threads)
    with claimed(places.claim) as got:
        if not got:
            return Outcome(unit.sha256, "taken")
        if places.result.is_dir():  # by who had the claim until now
            return Outcome(unit.sha256, "there")
        work = places.work / f"{unit.sha256}.{os.uname().nodename}.{os.getpid()}"
        for left in places.work.glob(f"{unit.sha256}.*"):  # by who was killed at it
            shutil.rmtree(left, ignore_errors=True)
        tries = Tries(places.tries)
        if tries.over:
            return Outcome(unit.sha256, "left", tries.reason)
        tries.begin()
        begun = time.monotonic()
        try:
            with Limit(unit, tries.ended) as limit:
                _check_files(unit)
                report = run(job.settings(unit, work), engine=engine, watch=limit.frame)
                _check_files(unit)
                placed = _place(work, places.result)
        except (EdgeError, OSError) as error:
            if full := _no_room(error):  # no fault of the unit's, and the next one would be the same
                with suppress(OSError):
                    tries.withdraw()
                raise OSError(full, os.strerror(full), str(places.work)) from error
            tries.fail(reason_of(error) if isinstance(error, OSError) else str(error))
            return Outcome(unit.sha256, "left" if tries.over else "failed", tries.reason)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return Outcome(unit.sha256, "done" if placed else "there", "", int(report["frames"]), time.monotonic() - begun)


def _no_room(error: BaseException | None) -> int | None:
    """The number of what says that nobody can write there, where that is behind ``error``."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def _check_files(unit: Unit) -> None:
    """Raises InputError where a file is not the one that was planned."""
    for stamp in unit.files:
        try:
            now = os.stat(stamp.path)
        except OSError as error:
            raise InputError(f"{stamp.path}: {reason_of(error)}: it was there when it was planned") from None
        if (now.st_size, now.st_mtime_ns) != (stamp.bytes, stamp.mtime_ns):
            raise InputError(f"{stamp.path} has changed since it was planned: plan again")


def _place(work: Path, result: Path) -> bool:
    """Put a whole result in its place; False where there is one. Raises OSError."""
    if not (work / REPORT).is_file():
        raise OSError(f"the run left no {REPORT}")
    for folder, _, names in os.walk(work):
        for name in names:
            handle = os.open(Path(folder) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(folder))
    result.parent.mkdir(exist_ok=True)
    try:
        work.rename(result)
    except OSError:
        if result.is_dir():  # who had lost the claim was first
            return False
        raise
    sync_folder(result.parent)
    return True
