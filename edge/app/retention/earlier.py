"""Earlier runs below a folder, and those files of theirs that may be removed: seen, and never followed through a link.

A folder is one of a run where its run.json or report.json says that this program wrote it. Of such a folder only files
by the names that this program gives them are taken, and detections.jsonl, tracks.jsonl, counts.json and report.json are
not among them.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import NamedTuple

from edge.app.mission.folder import levels
from edge.app.start.start import EARLIER
from edge.app.start.start import FILE as START
from edge.recording.segment import NAME as SEGMENT

REPORT, RECORDING, VIDEO, PICTURES, CROPS = "report.json", "recording", "video.mkv", "pictures", "crops"
MOST_JSON = 1 << 20  # bytes; a report has 40 kB at most
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PICTURE = re.compile(r"frame-[0-9]{6,}\.png")  # pictures of stills have the stills' names, and may be anybody's
CROP = re.compile(r"[0-9]{6,}-[1-9](-counts)?\.png")
# in this order, of all runs, the oldest first: a video and pictures can be drawn anew from a recording, and crops are
# the only pictures of what was counted
KINDS: dict[str, tuple[str, re.Pattern[str]]] = {
    "video": (".", re.compile(re.escape(VIDEO))),
    "pictures": (PICTURES, PICTURE),
    "recording": (RECORDING, SEGMENT),
    "crops": (CROPS, CROP),
}


@dataclass(frozen=True, order=True)
class Earlier:
    """One earlier run. ``key``: the oldest has the smallest. ``base`` is a folder of the user's, ``below`` the names
    from there to the run's folder, none of which is a link.
    """

    key: tuple[object, ...]
    base: Path
    below: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.base.joinpath(*self.below)


class Part(NamedTuple):
    """A file that may be removed. ``room``: bytes of the disk that it takes."""

    name: str
    room: int


def earlier_runs(out: Path, flights: str | None) -> list[Earlier]:
    """Those that ``out`` holds in ``earlier-N``; and where it is one of ``flights``, the pattern of a mission, the
    other flights with theirs. The oldest first; ``out`` itself, which need not be there, is none. Raises OSError.
    """
    own, others, key = _numbered(out), list[Earlier](), _natural(out.name)
    pattern = levels(os.path.abspath(flights)) if flights else None
    if pattern and (base := _base_of(out, *pattern)) is not None:
        here = os.stat(out) if out.exists() else None
        for below in _matching(base, pattern[1]):
            folder = base.joinpath(*below)
            with suppress(OSError):
                if here and os.path.samestat(os.stat(folder, follow_symlinks=False), here):
                    key = _natural(*below)
                    continue
                others += [Earlier((_natural(*below), n), base, (*below, name)) for n, name in _numbered(folder)]
                others.append(Earlier((_natural(*below), inf), base, below))
    found = [*others, *(Earlier((key, n), out, (name,)) for n, name in own)]
    return sorted(found, key=lambda one: one.key)


@contextmanager
def held(run: Earlier) -> Iterator[int | None]:
    """Its folder, opened, and nobody else's meanwhile; None where it is none of this program's, not there any more, on
    another disk than ``base``, or another process writes to it or to the folder that it lies in.
    """
    with ExitStack() as stack:
        yield _opened(run, stack)


def _opened(run: Earlier, stack: ExitStack) -> int | None:
    try:
        handle = os.open(run.base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, handle)
        disk = os.fstat(handle).st_dev
        for name in run.below:
            handle = os.open(name, FOLDER, dir_fd=handle)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle if os.fstat(handle).st_dev == disk and _is_ours(handle) else None
    except OSError:  # BlockingIOError: another process has it; a file system without locks: nobody knows
        return None


@contextmanager
def opened(run: int, kind: str) -> Iterator[int | None]:
    """The folder of the files of this kind, in the folder of a run; None where it has none."""
    try:
        handle = os.open(KINDS[kind][0], FOLDER, dir_fd=run)
    except OSError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def parts(folder: int, kind: str) -> list[Part]:
    """The files of this kind in ``folder``, those that were written first before the others: regular ones, that have no
    other name, as then nothing would be free.
    """
    disk, found = os.fstat(folder).st_dev, list[Part]()
    for name in os.listdir(folder):
        if KINDS[kind][1].fullmatch(name):
            with suppress(OSError):
                file = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(file.st_mode) and file.st_nlink == 1 and file.st_dev == disk:
                    found.append(Part(name, file.st_blocks * 512))
    return sorted(found, key=lambda part: (len(part.name), part.name))


def room_of(runs: Iterable[Earlier]) -> int:
    """Bytes that could be made free."""
    total = 0
    for run in runs:
        with held(run) as folder:
            for kind in KINDS if folder is not None else ():
                with opened(folder or 0, kind) as inside:
                    total += sum(part.room for part in parts(inside, kind)) if inside is not None else 0
    return total


def _is_ours(folder: int) -> bool:
    """Whether this program wrote a run there."""
    for name in (START, REPORT):
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                continue
            try:
                told = json.loads(file.read(MOST_JSON))
            except (OSError, ValueError, RecursionError):
                continue
        versions = told.get("versions") if isinstance(told, dict) else None
        if isinstance(versions, dict) and "thermal-edge" in versions:
            return True
    return False


def _numbered(folder: Path) -> list[tuple[int, str]]:
    """The ``earlier-N`` in it."""
    if not folder.exists():
        return []
    with os.scandir(folder) as entries:
        names = [one.name for one in entries if EARLIER.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]
    return [(int(name.rpartition("-")[2]), name) for name in names]


def _base_of(out: Path, base: Path, pattern: Sequence[re.Pattern[str]]) -> Path | None:
    """``base``, where ``out`` is a folder of the pattern."""
    whole = Path(os.path.abspath(out))
    names = whole.relative_to(base).parts if whole.is_relative_to(base) else ()
    fits = len(names) == len(pattern) and all(map(re.Pattern.fullmatch, pattern, names))
    return base if fits else None


def _matching(folder: Path, pattern: Sequence[re.Pattern[str]]) -> Iterator[tuple[str, ...]]:
    """Names of folders, from ``folder`` on down, that are of the pattern; none is a link."""
    if not pattern:
        yield ()
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name in names:
        if pattern[0].fullmatch(name):
            for below in _matching(folder / name, pattern[1:]):
                yield (name, *below)


def _natural(*names: str) -> tuple[object, ...]:
    """So that 2 stands before 10."""
    return tuple(
        int(part) if place % 2 else part for name in names for place, part in enumerate(re.split(r"([0-9]+)", name))
    )
