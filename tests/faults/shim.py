"""The library that stands between a flight and the C library, `disk.c`, compiled once for a source."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.children import run_child

SOURCE = Path(__file__).with_name("disk.c")
ONCE, ON = 0, 1
ANY, GROWING, BODIES = 0, 1, 2


@dataclass(frozen=True)
class Disk:
    """What a flight's disk does below a folder. ``nth``: the call that fails, from 1, 0 = none; ``on``: all from it on.

    ``which``: the calls that are counted and fail: each of them, those that need room, those on the data of files.
    ``log``: a file that gets every call, with its data; "" = none.
    """

    nth: int = 0
    error: int = errno.ENOSPC
    on: bool = False
    which: int = ANY
    log: str = ""


def library() -> tuple[Path | None, str]:
    """The compiled library, or None and why there is none."""
    if not shutil.which("gcc"):
        return None, "no C compiler: apt install gcc"
    data = SOURCE.read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thermal-edge"
    path = cache / f"faults-{hashlib.sha256(data).hexdigest()[:16]}.so"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache, prefix=".faults-", delete=False) as part:
            command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wno-nonnull-compare", "-shared", "-fPIC"]
            done = run_child([*command, "-o", part.name, SOURCE, "-ldl", "-lpthread"], capture_output=True, text=True)
        if done.returncode:
            Path(part.name).unlink()
            return None, f"{SOURCE.name} does not compile here: {done.stderr.strip().splitlines()[0]}"
        Path(part.name).rename(path)
    return path, ""


def arm(folder: str, disk: Disk | None, clock: tuple[float, float] | None) -> None:
    """In a process that has the library: from now on its disk below ``folder`` is ``disk``; its wall clock is wrong by
    ``clock[0]`` seconds, ``clock[1]`` seconds from now on.
    """
    this = ctypes.CDLL(None)
    if clock:
        this.faults_clock(ctypes.c_double(clock[0]), ctypes.c_double(clock[1]))
    if disk:
        numbers = ctypes.c_long(disk.nth), disk.error, int(disk.on), disk.which
        this.faults_arm(folder.encode(), disk.log.encode(), *numbers)
