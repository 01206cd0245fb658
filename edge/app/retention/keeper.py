"""While a run goes, its disk keeps some room: where too little is free, bulky files of earlier runs are removed.

A thread of its own looks once a second, from the start on, and removes the oldest first: the loop never waits for it.
Files go one by one, each whole: a power cut in between leaves folders that are read as before, with fewer files.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from edge.app.retention.earlier import KINDS, Earlier, earlier_runs, held, opened, parts
from edge.app.retention.keep_free import KeepFree
from edge.errors import InputError
from edge.health.strain import Limits
from edge.seams import Closing
from edge.system.budget import KEEP_FREE_JOIN_S as JOIN_S
from edge.system.files import reason_of

PERIOD_S = 1.0
SETTLE_S = 5.0  # after a removal: a file system may take a while to hand out what was freed
AGAIN_S = 60.0  # earlier runs are looked for anew: another process may have ended
MOST_TOLD = 200  # in the report: 36 kB of the room that is kept for it

log = logging.getLogger(__name__)


class Usage(Protocol):
    """Of a disk, bytes."""

    @property
    def total(self) -> int: ...

    @property
    def free(self) -> int: ...


def check_keep_free(
    keep: KeepFree, out: Path, limits: Limits, usage: Callable[[Path], Usage] = shutil.disk_usage
) -> int:
    """Bytes that are to stay free where ``out`` is or will be. Raises InputError where that cannot be, or where the run
    would give up its own pictures and its recording before those of earlier ones.
    """
    folder = out.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        least = keep.least(usage(folder).total)
    except OSError as error:
        raise InputError(f"output folder {folder}: {reason_of(error)}: give another --out") from None
    if limits.degrade and least <= limits.disk:
        raise InputError(
            f"keep_free {keep.text} are {least / 1e9:.1f} GB: expected more than limits.disk_left, "
            f"{limits.disk / 1e9:.1f} GB, below which a run gives up its own pictures and its recording"
        )
    return least


class Keeper(Closing):
    """Looks from `start` until it is closed. ``usage``, ``clock``: other ones in tests."""

    def __init__(
        self,
        keep: KeepFree,
        least: int,
        out: Path,
        flights: str | None = None,
        sources: Iterable[str] = (),
        usage: Callable[[Path], Usage] = shutil.disk_usage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``least``: bytes, of `check_keep_free`. ``flights``: the pattern of a mission, see `earlier_runs`.
        ``sources``: of the run: what it reads stays.
        """
        self._keep, self._least, self._out, self._flights = keep, least, out, flights
        self._read = [path for path in map(_path_of, sources) if path is not None]
        self._usage, self._clock = usage, clock
        self._runs: list[Earlier] = []
        self._done: set[tuple[Earlier, str]] = set()  # nothing of this kind is there any more
        self._looked = -AGAIN_S
        self._removed: dict[tuple[str, str], dict[str, Any]] = {}
        self._exhausted = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Keeper:
        """Begin to look."""
        self._thread = threading.Thread(target=self._work, name="keep free", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Look no more. May be called twice. A disk that hangs is not waited for."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def look(self) -> int:
        """Once, now: bytes that were made free."""
        free = self._usage(self._out).free
        if free >= self._least:
            return 0
        because = f"{free / 1e9:.1f} GB are free, {self._least / 1e9:.1f} GB are to stay free"
        if self._clock() - self._looked >= AGAIN_S:
            self._looked = self._clock()
            self._runs, self._done = earlier_runs(self._out, self._flights), set()
        freed = 0
        for kind in KINDS:
            for run in self._runs:
                if self._over.is_set() or freed >= self._least - free:
                    return freed
                if (run, kind) not in self._done:
                    freed += self._take(run, kind, self._least - free - freed, because)
        if freed < self._least - free and not self._exhausted:
            self._exhausted = True
            log.warning("keep free: %s, and nothing is left of earlier runs that may be removed", because)
        return freed

    def report(self) -> dict[str, Any]:
        """For report.json, see `edge.app.retention.report_json.KeepFreeReport`; from any thread."""
        removed = list(self._removed.copy().values())
        return {
            "asked": self._keep.text,
            "least": self._least,
            "removed": [dict(one) for one in removed[:MOST_TOLD]],
            "more": max(len(removed) - MOST_TOLD, 0),
            "files": sum(one["files"] for one in removed),
            "bytes": sum(one["bytes"] for one in removed),
            "exhausted": self._exhausted,
        }

    def _work(self) -> None:
        freed = 0
        while True:
            try:
                freed = self.look()
            except Exception:  # whatever a disk answers: the flight must not end with this thread unseen
                log.exception("keep free: the disk cannot be looked at any more; nothing more is removed")
                return
            if self._over.wait(SETTLE_S if freed else PERIOD_S):
                return

    def _take(self, run: Earlier, kind: str, need: int, because: str) -> int:
        """Remove files of this kind until so many bytes are free; returns how many are."""
        files = freed = 0
        with held(run) as folder:
            if folder is None or any(path.is_relative_to(run.path.resolve()) for path in self._read):
                self._done.add((run, kind))
                return 0
            with opened(folder, kind) as inside:
                left = [] if inside is None else parts(inside, kind)
                for part in left:
                    if self._over.is_set() or freed >= need:
                        break
                    try:
                        os.unlink(part.name, dir_fd=inside)
                    except OSError as error:
                        log.warning("keep free: %s: %s cannot be removed: %s", run.path, part.name, reason_of(error))
                        self._done.add((run, kind))
                        break
                    files, freed = files + 1, freed + part.room
                if files and inside is not None:
                    os.fsync(inside)
            if files == len(left):
                self._done.add((run, kind))
                if files and KINDS[kind][0] != ".":
                    _remove_empty(KINDS[kind][0], folder)
        if files:
            self._tell(run, kind, files, freed, because)
        return freed

    def _tell(self, run: Earlier, kind: str, files: int, freed: int, because: str) -> None:
        name = os.path.relpath(run.path, self._out)
        entry = {"run": name, "what": kind, "files": 0, "bytes": 0, "because": because}
        one = self._removed.setdefault((name, kind), entry)
        one["files"] += files
        one["bytes"] += freed
        many = "1 file" if files == 1 else f"{files} files"
        log.warning("keep free: %s: %s, %s, %.1f MB removed: %s", run.path, kind, many, freed / 1e6, because)


def _remove_empty(name: str, run: int) -> None:
    """A folder in that of a run, where nothing else is in it."""
    try:
        os.rmdir(name, dir_fd=run)
    except OSError:
        return
    os.fsync(run)


def _path_of(source: str) -> Path | None:
    """The file or folder that a source reads; None where it is none."""
    path = Path(source.removeprefix("rec:").partition("?")[0])
    try:
        return path.resolve() if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None
