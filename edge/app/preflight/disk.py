"""Can results be written where they are to be, is there room for the planned time, does nobody else write there?"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

from edge.app.machine import LEAST_DISK_GB
from edge.app.preflight.plan import Measured, Plan
from edge.app.preflight.side_by_side import Line
from edge.app.retention.earlier import earlier_runs, room_of
from edge.app.retention.keep_free import KeepFree
from edge.app.retention.keeper import check_keep_free
from edge.app.settings import DEFAULT_LIMITS
from edge.errors import InputError
from edge.health.strain import Limits
from edge.system.files import reason_of

# what fills a disk: option, in words, and bytes of a frame
BULKY: dict[str, tuple[str, Callable[[Measured], float]]] = {
    "record": ("the recording", lambda of: of.frame_bytes),
    "video": ("the video", lambda of: of.video_bytes),
    "pictures": ("the pictures", lambda of: of.picture_bytes),
}
NOTHING = "no recording is asked for"
PROBE = 4 << 20  # bytes that are written, and removed
ROOM = "make room, name another outputs.folder, or set limits.record_budget or limits.keep_free"


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
    try:
        earlier = _of_earlier(plan)
    except InputError as error:
        return Line("disk", "red", f"{told}; {error}", "correct limits.keep_free")
    if options.get("keep_free"):
        told += f", {earlier / 1e9:.1f} GB of earlier runs go first"
    free += earlier
    names = [name for name in BULKY if options.get(name) or name in options.get("outputs", ())]
    measured = plan.measured(wait_s) if names else None
    if not names or measured is None or not measured.fps:
        least, why = (LEAST_DISK_GB, "the camera's rate is not known") if names else (LEAST_DISK_GB / 10, NOTHING)
        few = free < least * 1e9
        return Line("disk", "yellow" if few else "green", f"{told}; {why}", ROOM if few else "")
    rates = {name: measured.fps * BULKY[name][1](measured) for name in names}
    each = sum(rates.values())
    if each > rate:
        who = " and ".join(BULKY[name][0] for name in names)
        verb = "needs" if names in (["record"], ["video"]) else "need"
        return Line("disk", "red", f"{told}; {who} {verb} {each / 1e6:.1f} MB/s", "use a faster disk")
    takes = ", ".join(
        f"{BULKY[name][0]} {'take' if name == 'pictures' else 'takes'} {part * 60 / 1e6:.0f} MB a minute"
        for name, part in rates.items()
    )
    lasts = f"{told}; {takes}, so there is room for {free / each / 60:.0f} min"
    need, planned = _planned(rates, options)
    if need is None:
        todo = "limits.seconds or limits.record_budget says how much is planned"
        return Line("disk", "yellow", lasts + _rest(options, free, each), todo)
    few = need > free
    return Line(
        "disk", "red" if few else "green", f"{lasts}; {planned}{_rest(options, free, each)}", ROOM if few else ""
    )


def _planned(rates: dict[str, float], options: dict[str, Any]) -> tuple[float | None, str]:
    """Bytes that will be written, None = nobody says; and by what."""
    seconds, budget = options.get("seconds"), options.get("record_budget") or inf
    others = sum(rates.values()) - rates.get("record", 0.0)
    if seconds and budget >= rates.get("record", 0.0) * seconds:
        return sum(rates.values()) * seconds, f"{seconds / 60:.0f} min are planned"
    if seconds or (budget < inf and not others):
        return budget + others * (seconds or 0.0), f"{budget / 1e9:.1f} GB are its budget"
    return None, ""


def _rest(options: dict[str, Any], free: float, each: float) -> str:
    """When the run gives these up, see `edge.health.ladder`."""
    limits: Limits = options.get("limits", DEFAULT_LIMITS)
    if not limits.degrade:
        return ""
    after = max(free - limits.disk, 0) / each / 60
    return f"; after {after:.0f} min, below {limits.disk / 1e9:.1f} GB free, they stop and detections go on"


def _of_earlier(plan: Plan) -> int:
    """Bytes of earlier runs that this one may remove. Raises InputError for a limit that cannot be kept."""
    options = plan.options
    if not (text := options.get("keep_free")):
        return 0
    check_keep_free(KeepFree.parse(text), plan.out, options.get("limits", DEFAULT_LIMITS), shutil.disk_usage)
    with suppress(OSError):
        return room_of(earlier_runs(plan.out, options.get("flights")))
    return 0
