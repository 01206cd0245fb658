"""Who works on a unit: a file that only one can make, renewed meanwhile. Whoever dies leaves one that grows old.

Ages are measured on the looker's own clock, between two looks: those of several machines may differ by years.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edge.system.declared import decoded
from edge.system.files import read_limited, read_text_or_none

RENEW_S = 10.0
LEASE_S = 60.0  # not renewed for so long: its worker is dead, or cut off
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
Text = Annotated[str, Meta(max_length=256)]


class Claim(Struct, frozen=True):
    """``boot``: of the machine, as two may have one name. ``begun``: clock ticks at which the process began."""

    host: Text
    boot: Text | None
    pid: int
    begun: Text | None

    @classmethod
    def own(cls) -> Claim:
        """This process."""
        return cls(socket.gethostname()[:256], read_text_or_none(BOOT_ID), os.getpid(), _begun(os.getpid()))

    def dead(self) -> bool:
        """Whether that is certain: of this machine, and its process is gone."""
        if self.boot is None or self.boot != read_text_or_none(BOOT_ID):
            return False
        return _begun(self.pid) != self.begun


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether the claim at ``path`` was got; renewed until the block ends, and given back. Raises OSError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        yield False
        return
    done = threading.Event()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(Claim.own()))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    renewing = threading.Thread(target=_renew, args=(path, done), name="claim", daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        done.set()
        renewing.join()
        path.unlink(missing_ok=True)


def _renew(path: Path, done: threading.Event) -> None:
    while not done.wait(RENEW_S):
        try:
            os.utime(path)
        except OSError:  # taken away, as this process was held for too long: its result is then the second one
            return


class Looks:
    """What was seen of others' claims. ``clock``: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[int, float]] = {}

    def abandoned(self, path: Path) -> bool:
        """Whether its worker is gone: dead on this machine, or not renewed between looks `LEASE_S` apart."""
        try:
            renewed = path.stat().st_mtime_ns
            whose = decoded(read_limited(path, 4096), Claim)
        except FileNotFoundError:
            self._seen.pop(path, None)
            return True
        except (OSError, ValueError):  # being written, or cut off: it grows old as any other
            whose = None
        if whose is not None and whose.dead():
            self._seen.pop(path, None)
            return True
        before = self._seen.get(path)
        if before is None or before[0] != renewed:
            self._seen[path] = (renewed, self._clock())
            return False
        return self._clock() - before[1] >= LEASE_S


def take_away(path: Path) -> None:
    """Remove an abandoned claim; of several who do so at once, one does. Raises OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    aside.unlink(missing_ok=True)


def _begun(pid: int) -> str | None:
    """When a process of this machine began, in clock ticks since its boot (proc(5), field 22); None: it is gone."""
    stat = read_text_or_none(Path(f"/proc/{pid}/stat"))
    if stat is None:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
