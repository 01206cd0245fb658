"""Cases, watched: what each raised, how long it took, how much memory, and what it touched outside its folder.

What costs little is looked at in every case: exceptions, time, writes, processes and connections. Memory and what was
said to the terminal are looked at once for several cases; `Watch.look` tells which of them it was.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.fuzz.folder import CaseFolder
from tests.fuzz.target import Target

ROOT = Path(__file__).resolve().parents[2]
MOST_S = 2.0  # of the processor's time, which is the same on a busy machine
MOST_WAIT_S = 60.0  # of the clock's: a case that waits for something
MOST_MB = 300.0
MOST_SAID = 2000  # bytes that libraries below may write to the terminal
TICK_S, WAIT_TICK_S = 0.25, 5.0  # between two looks at the clock
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1}
_PATHS |= {"os.truncate": 0, "os.chmod": 0, "os.chown": 0, "os.utime": 0}
_IN_A_FOLDER = ("os.remove", "os.rmdir")
_NEVER = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system"})
_NEVER |= {"os.exec", "os.posix_spawn", "os.fork"}
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s:,;()]*[\d/\\][^\s:,;()]*|[^ -~]+")


class Hang(BaseException):
    """It computed for more than `MOST_S`, or waited for more than `MOST_WAIT_S`."""


@dataclass(frozen=True)
class Outcome:
    """``failure``: "" where it was accepted, or refused as is documented; else its kind in a few words. ``refused``:
    where and by which message, without its values. ``seconds``, ``mb``: what it took; ``trace``: of a failure.
    """

    failure: str
    refused: str
    seconds: float
    mb: float = 0.0
    trace: str = ""


class Guard:
    """Hears what the interpreter does with files, processes and the network, while a case runs in ``folder``."""

    def __init__(self) -> None:
        self.folder = ""
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        if event == "open":
            if isinstance(args[2], int) and args[2] & _WRITES:
                self._look(event, args[0])
        elif event in _PATHS:
            self._look(event, args[_PATHS[event]], args[1] if event in _IN_A_FOLDER else -1)
        elif event in _NEVER:
            self.seen.append(f"{event} {args[:2]!r}"[:200])

    def _look(self, event: str, path: Any, folder: int = -1) -> None:
        """``folder``: the handle of that in which ``path`` is a name, as `shutil.rmtree` gives it; -1: none."""
        if isinstance(path, int):
            return
        where = os.fsdecode(path)
        if folder >= 0:
            where = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), where)
        if not where.startswith(self.folder) or "/.." in where:
            where = os.path.abspath(where)
            if not where.startswith((self.folder, "/dev/")):  # of a device that was asked for
                self.seen.append(f"{event} {where}"[:200])


class Watch:
    """Runs cases of a target in a folder below ``folder``. For one thread of a process, which lends it two timers."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = CaseFolder(folder / "case", target.beside())
        self._guard = Guard()
        self._on = False
        self._began, self._began_cpu = 0.0, 0.0
        self._mb, self._said = _reset_peak(), _said_bytes()
        for timer, number, every in (
            (signal.ITIMER_PROF, signal.SIGPROF, TICK_S),
            (signal.ITIMER_REAL, signal.SIGALRM, WAIT_TICK_S),
        ):
            signal.signal(number, self._tick)
            signal.setitimer(timer, every, every)

    def warm_up(self, data: bytes) -> None:
        """A case that imports, and whatever else is done once, takes as long as it takes."""
        with suppress(*self._target.raises):
            self._target.act(self._folder.ready(), data)

    def case(self, data: bytes) -> Outcome:
        """Run it; nothing is told of its memory."""
        folder = self._folder.ready()
        failure = refused = trace = ""
        self._began, self._began_cpu = time.monotonic(), time.process_time()
        try:
            self._guard.folder, self._on = str(folder), True
            try:
                self._target.act(folder, data)
            finally:
                self._on, self._guard.folder = False, ""
        except self._target.raises as error:
            message = str(error)
            refused = _sort(error, message)
            if not message.strip():
                failure = f"no message, {_place(error)}"
        except Hang as error:
            failure, trace = f"{error}, {_place(error)}", _traced(error)
        except MemoryError as error:
            failure, trace = f"MemoryError, {_place(error)}", _traced(error)
        except (Exception, SystemExit) as error:
            failure, trace = f"{type(error).__name__}, {_place(error)}", _traced(error)
        seconds = time.process_time() - self._began_cpu
        if self._guard.seen:
            if not failure:
                failure, trace = f"outside: {self._guard.seen[0].split()[0]}", "\n".join(self._guard.seen[:20])
            self._guard.seen.clear()
        if not failure and seconds > MOST_S:
            failure = "slow, in C"
        return Outcome(failure, refused, seconds, 0.0, trace)

    def look(self, data: bytes) -> Outcome:
        """Run it, with a look at its memory and at what it said to the terminal."""
        self.begin()
        outcome = self.case(data)
        failure, mb, trace = self.end()
        return replace(outcome, failure=outcome.failure or failure, mb=mb, trace=outcome.trace or trace)

    def begin(self) -> None:
        """From here on memory and terminal count."""
        self._mb, self._said = _reset_peak(), _said_bytes()

    def end(self) -> tuple[str, float, str]:
        """Since `begin`: a failure or "", the memory in MB, and what was said."""
        mb = _peak_mb() - self._mb
        if mb > MOST_MB:
            return "memory", mb, ""
        if _said_bytes() > self._said:
            said = _said_since(self._said)
            if b"\x1b" in said or len(said) > MOST_SAID:
                return "writes to the terminal", mb, said[:500].decode(errors="replace")
        return "", mb, ""

    def _tick(self, _number: int, _frame: object) -> None:
        if not self._on:
            return
        if time.process_time() - self._began_cpu > MOST_S:
            self._on = False
            raise Hang("slow")
        if time.monotonic() - self._began > MOST_WAIT_S:
            self._on = False
            raise Hang("waits")


def _sort(error: BaseException, message: str) -> str:
    """What kind of refusal it is: the line that raised it, and its words without values."""
    at, line = error.__traceback__, 0
    while at is not None:
        line, at = at.tb_lineno, at.tb_next
    return f"{line} {_VALUES.sub('#', message[:400])[:100]}"


def _place(error: BaseException | None) -> str:
    """The innermost line of ours that it went through."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    ours = [f for f in frames if "/edge/" in f.filename or "/export/" in f.filename]
    ours = [f for f in ours if "/tests/" not in f.filename] or [f for f in frames if "watched" not in f.filename]
    if not ours:
        return "in a reader"
    last = ours[-1]
    return f"{os.path.relpath(last.filename, ROOT)}:{last.lineno} {last.name}"


def _traced(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-4000:]


def _said_bytes() -> int:
    """How much stands in the file of standard error; 0 where that is none."""
    status = os.fstat(2)
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _said_since(begin: int) -> bytes:
    with open("/proc/self/fd/2", "rb") as file:
        file.seek(begin)
        return file.read(1 << 20)


def _reset_peak() -> float:
    """Forget the highest memory so far; what is held now, MB."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _peak_mb()


def _peak_mb() -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1000 for line in file if line.startswith("VmHWM"))
