"""Can results be written where they are to be, is there room for the planned time, does nobody else write there?"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from edge.app.machine import LEAST_DISK_GB
from edge.app.preflight.plan import Plan
from edge.app.preflight.side_by_side import Line
from edge.system.files import reason_of

PROBE = 4 << 20  # bytes that are written, and removed
ROOM = "make room, name another outputs.folder, or set limits.record_budget"


def disk_lines(plan: Plan, wait_s: float) -> Iterator[Line]:
    """``wait_s``: how long the camera's rate is waited for."""
    folder = plan.out
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        yield Line("out folder", "red", f"{folder} is no folder", "name another outputs.folder")
        return
    if folder == plan.out and (taken := _taken(folder)):
        yield Line("out folder", "red", f"{folder}: {taken}", "wait until that run has ended, or name another folder")
        return
    try:
        rate = _probe(folder)
    except OSError as error:
        yield Line(
            "out folder", "red", f"{plan.out}: {reason_of(error)}", "fix its permissions, or name another folder"
        )
        return
    yield Line("out folder", "green", f"{plan.out} can be written")
    yield _room(plan, folder, rate, wait_s)


def _taken(folder: Path) -> str:
    """Why another run has the folder; "" = none has."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "another run is writing to it"
    except OSError:  # a network's file system may know no locks
        return ""
    finally:
        os.close(handle)
    return ""


def _probe(folder: Path) -> float:
    """Bytes a second of a file that is forced to the disk, and removed again. Raises OSError."""
    data = os.urandom(PROBE)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".preflight-") as file:
        start = time.monotonic()
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        return PROBE / max(time.monotonic() - start, 1e-6)


def _room(plan: Plan, folder: Path, rate: float, wait_s: float) -> Line:
    free, options = shutil.disk_usage(folder).free, plan.options
    told = f"{free / 1e9:.1f} GB free, it writes {rate / 1e6:.0f} MB/s"
    if not options.get("record"):
        few = free < LEAST_DISK_GB * 1e8
        return Line("disk", "yellow" if few else "green", f"{told}; no recording is asked for", ROOM if few else "")
    measured, seconds = plan.measured(wait_s), options.get("seconds")
    if measured is None or not measured.fps:
        few = free < LEAST_DISK_GB * 1e9
        return Line(
            "disk", "yellow" if few else "green", f"{told}; the camera's rate is not known", ROOM if few else ""
        )
    each = measured.fps * measured.frame_bytes
    if each > rate:
        return Line("disk", "red", f"{told}; the recording needs {each / 1e6:.1f} MB/s", "use a faster disk")
    budget = options.get("record_budget")
    minute, room = each * 60 / 1e6, free / each / 60
    lasts = f"{told}; the recording takes {minute:.0f} MB a minute, so there is room for {room:.0f} min"
    needs = [
        *([(each * seconds, f"{seconds / 60:.0f} min are planned")] if seconds else []),
        *([(float(budget), f"{budget / 1e9:.1f} GB are its budget")] if budget else []),
    ]
    if not needs:
        return Line("disk", "yellow", lasts, "limits.seconds or limits.record_budget says how much is planned")
    need, planned = min(needs)
    return Line("disk", "red" if need > free else "green", f"{lasts}; {planned}", ROOM if need > free else "")
