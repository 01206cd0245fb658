"""The folder that a run writes to: made, and cleared of what was there before, without losing it."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edge.app.clock.watch import FILE as CLOCK
from edge.app.review.keep import MISSED
from edge.app.review.store import FILE as REVIEW
from edge.app.start.start import FILE as START
from edge.app.wildlife import camtrap_dp, coco, megadetector
from edge.errors import InputError
from edge.sinks.coverage import sink as coverage
from edge.sinks.open import known_specs
from edge.sinks.spec import SinkSpec
from edge.system.caution import caution
from edge.system.files import folders_made, private_folder, reason_of, sync_folder

REPORT, RECORDING = "report.json", "recording"
SHEET = "contact_sheet.png"  # of a demo
OF_COVERAGE = (coverage.FILE, coverage.PICTURE)
COMPARED = "compare"  # of edge report --against
PAGE = "report.html"  # of edge report, and of a demo
OF_REPORT = (PAGE, coco.NAME, megadetector.NAME, *camtrap_dp.NAMES)  # beside the files that sinks write too

log = logging.getLogger(__name__)


class FolderTakenError(InputError):
    """Another run has the folder."""


def check_folder(out: Path, source: str | None, specs: Iterable[SinkSpec]) -> None:
    """Raises InputError where ``out`` cannot take a run: `prepare_folder` would move away its ``source``, or a sink
    of ``specs`` can write nothing there.
    """
    path = Path((source or "").removeprefix("rec:").partition("?")[0])
    try:
        read = path.resolve()
        taken = any(read.is_relative_to((out / name).resolve()) for name in _written(specs))
    except (OSError, RuntimeError, ValueError):  # no path at all, or a loop of links
        taken = False
    if taken:
        raise InputError(f"the source {path} is what an earlier run wrote to --out {out}: give another --out")
    for spec in specs:
        spec.check(spec.path(out))


@contextmanager
def claimed_folder(out: Path, specs: Iterable[SinkSpec] = ()) -> Iterator[Path]:
    """`prepare_folder`, and as long as the block runs nobody else's: another run into it is refused.

    The lock is the system's (flock on the folder): it ends with the process, however that ends, and leaves no file.

    Raises FolderTakenError where another run has the folder, before anything in it is touched; InputError as
    `prepare_folder` does.
    """
    try:
        new = [path for path in (out, *out.parents) if not path.exists()]
        private_folder(out)
        for path in new:  # a power cut takes a folder whose name is not synced, with all that is in it
            sync_folder(path.parent)
        handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InputError(f"output folder {out}: {reason_of(error)}: give another --out") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTakenError(
                f"another run is writing to the output folder {out}: give another --out, or wait until it has ended"
            ) from None
        except OSError as error:  # a network's file system may know no locks
            caution(log, "%s cannot be locked (%s): start no second run into it", out, reason_of(error))
        yield prepare_folder(out, specs)
    finally:
        os.close(handle)


def prepare_folder(out: Path, specs: Iterable[SinkSpec] = ()) -> Path:
    """Make the output folder, and move what an earlier run left there into ``earlier-N``.

    A board that lost power restarts with the same command: nothing of before may be overwritten.

    Raises InputError where the folder cannot be made or written.
    """
    try:
        private_folder(out)
        # a link that leads nowhere is there, too: what is written to it would come to be where it leads
        left = [path for name in _written(specs) if os.path.lexists(path := out / name)]
        if left:
            n = 1
            while os.path.lexists(out / f"earlier-{n}"):
                n += 1
            private_folder(out / f"earlier-{n}")
            for path in left:
                path.rename(out / f"earlier-{n}" / path.name)
    except OSError as error:
        raise InputError(f"output folder {out}: {reason_of(error)}: give another --out") from None
    if not _writable(out):
        raise InputError(f"output folder {out} cannot be written: give another --out or fix its permissions")
    return out


@contextmanager
def without_new_folders(files: Iterable[Path]) -> Iterator[None]:
    """Where the block raises, folders that were made for ``files`` are gone again, if they are empty.

    Raises InputError where one cannot be made.
    """
    with ExitStack() as stack:
        for path in files:
            try:
                stack.enter_context(folders_made(path.parent))
            except OSError as error:
                raise InputError(f"{path}: {reason_of(error)}: give another file") from None
        yield


def check_file(path: Path) -> None:
    """Raises InputError where no file can be written at ``path``; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}: give another file") from None
    if path.is_dir() or not _writable(path.parent):
        raise InputError(f"{path} cannot be written: give another file")


def _written(specs: Iterable[SinkSpec]) -> set[str]:
    """Names of all that a run can leave in its folder: with every known sink, and with ``specs``."""
    every = (*known_specs(), *specs)
    return {
        *(REPORT, RECORDING, SHEET, CLOCK, START, REVIEW, MISSED, *OF_COVERAGE, *OF_REPORT, COMPARED),
        *(spec.file for spec in every if spec.file),
        *(name for spec in every for name in spec.beside),
    }


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)
