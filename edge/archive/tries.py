"""How often a unit was begun, and what came of it: a few lines a unit, append-only and forced to the disk."""

from __future__ import annotations

import errno
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edge.archive.limit import why_ended
from edge.system.declared import decoded
from edge.system.files import open_regular

MOST = 2  # tries of a unit, then it is left
MAX_LINE = 64 << 10
LONGEST = 2000  # characters of a reason
DIED = "its worker died at it"


class Line(Struct, frozen=True):
    """``what``: ``begun``, or ``failed`` with the reason. ``stopped``: what was begun last was ended with its run, and
    does not count. ``again``: tries of before do not count any more.
    """

    what: Annotated[str, Meta(pattern="^(begun|failed|stopped|again)$")]
    utc: str
    host: str
    pid: int
    why: str = ""


class Tries:
    """Of one unit. ``ended``: where `edge.archive.limit` says why this process was ended at it, as it cannot itself.

    Raises OSError as the file system gives it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.ended = path, path.with_suffix(f".{os.uname().nodename}.{os.getpid()}.ended")
        self.begun = self.failed = 0
        self.why = ""
        self._told: list[str] = []  # by those, and not yet in the file
        self._last: Line | None = None  # of those that begin, where nothing came of it
        self._line = 0, -1  # where the last one that was written begins and ends
        try:
            with open_regular(path) as file:
                for line in iter(lambda: file.readline(MAX_LINE), b""):
                    try:
                        self._count(decoded(line, Line))
                    except ValueError:  # cut off
                        continue
        except FileNotFoundError:
            pass
        if self.begun > self.failed:
            self._told = [why for said in self._all_ended() if (why := why_ended(said))][: self.begun - self.failed]
            for why in self._told:
                self._count(Line("failed", "", "", 0, why))

    @property
    def over(self) -> bool:
        """Whether it is to be left: it failed as often as it may, or took its workers with it."""
        return self.begun >= MOST

    @property
    def reason(self) -> str:
        """Why it is left, in words."""
        died = self.begun - self.failed
        if not died:
            return self.why
        often = {1: DIED, 2: f"{DIED}, twice"}.get(died, f"{DIED}, {died} times")
        return f"{often}; before that: {self.why}" if self.why else often

    def begin(self) -> None:
        """Said before anything that could kill the process."""
        told, self._told = self._told, []
        for why in told:
            self._append("failed", why, counted=True)
        if self.begun:
            self._forget_ended()
        self._append("begun")

    def withdraw(self) -> None:
        """It was begun last, by this object, and does not count: also a full disk can take the line back."""
        before, after = self._line
        if self._path.stat().st_size == after:  # else another one has it now
            os.truncate(self._path, before)
            self.begun -= 1

    def fail(self, why: str) -> None:
        """It came back with an error."""
        self._append("failed", why[:LONGEST].encode("utf-8", "backslashreplace").decode())  # a name that is no UTF-8

    def stopped(self) -> None:
        """Its run ended the process that was at it, which says nothing of the unit; nothing where none was."""
        last = self._last
        if last and last.host == socket.gethostname() and not Path(f"/proc/{last.pid}").exists():
            self._append("stopped")
            self._forget_ended()

    def again(self) -> None:
        """Forget what was tried."""
        self._append("again")
        self._forget_ended()

    def _all_ended(self) -> list[Path]:
        return sorted(self._path.parent.glob(f"{self._path.stem}.*.ended"))

    def _forget_ended(self) -> None:
        for said in self._all_ended():
            said.unlink(missing_ok=True)

    def _append(self, what: str, why: str = "", counted: bool = False) -> None:
        """``counted``: it was, when this was read."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = Line(what, now, socket.gethostname(), os.getpid(), why)
        data = msgspec.json.encode(line) + b"\n"
        self._path.parent.mkdir(exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # what a power cut left unfinished stays a line of its own
            self._line = size, size + len(data)
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(handle)
        finally:
            os.close(handle)
        if not counted:
            self._count(line)

    def _count(self, line: Line) -> None:
        self._last = line if line.what == "begun" else None
        if line.what == "again":
            self.begun, self.failed, self.why = 0, 0, ""
        elif line.what == "begun":
            self.begun += 1
        elif line.what == "stopped":
            self.begun = max(0, self.begun - 1)
        else:
            self.failed += 1
            self.why = line.why
