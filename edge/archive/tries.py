"""How often a unit was begun, and what came of it: a few lines a unit, append-only and forced to the disk."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edge.system.declared import decoded
from edge.system.files import open_regular

MOST = 2  # tries of a unit, then it is left
MAX_LINE = 64 << 10
LONGEST = 2000  # characters of a reason
DIED = "its worker died at it"


class Line(Struct, frozen=True):
    """``what``: ``begun``, or ``failed`` with the reason. ``again``: tries of before do not count any more."""

    what: Annotated[str, Meta(pattern="^(begun|failed|again)$")]
    utc: str
    host: str
    pid: int
    why: str = ""


class Tries:
    """Of one unit. Raises OSError as the file system gives it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.begun = self.failed = 0
        self.why = ""
        try:
            with open_regular(path) as file:
                for line in iter(lambda: file.readline(MAX_LINE), b""):
                    try:
                        self._count(decoded(line, Line))
                    except ValueError:  # cut off
                        continue
        except FileNotFoundError:
            pass

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
        self._append("begun")

    def fail(self, why: str) -> None:
        """It came back with an error."""
        self._append("failed", why[:LONGEST].encode("utf-8", "backslashreplace").decode())  # a name that is no UTF-8

    def again(self) -> None:
        """Forget what was tried."""
        self._append("again")

    def _append(self, what: str, why: str = "") -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = Line(what, now, socket.gethostname(), os.getpid(), why)
        data = msgspec.json.encode(line) + b"\n"
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # what a power cut left unfinished stays a line of its own
            os.write(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._count(line)

    def _count(self, line: Line) -> None:
        if line.what == "again":
            self.begun, self.failed, self.why = 0, 0, ""
        elif line.what == "begun":
            self.begun += 1
        else:
            self.failed += 1
            self.why = line.why
