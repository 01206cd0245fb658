"""One case, watched: what it raised, how long it took, how much memory, and what it touched outside its folder."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.system.text import printable
from tests.fuzz.target import Target

ROOT = Path(__file__).resolve().parents[2]
MOST_S = 2.0  # of the processor's time, which is the same on a busy machine
MOST_WAIT_S = 60.0  # of the clock's: a case that waits for something
MOST_MB = 300.0
MOST_SAID = 2000  # bytes that libraries below may write to the terminal
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1}
_PATHS |= {"os.truncate": 0, "os.chmod": 0, "os.chown": 0, "os.utime": 0}
_NEVER = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system"})
_NEVER |= {"os.exec", "os.posix_spawn", "os.fork"}


class Hang(BaseException):
    """It computed for more than `MOST_S`, or waited for more than `MOST_WAIT_S`."""


@dataclass(frozen=True)
class Outcome:
    """``failure``: "" where it was accepted, or refused as is documented; else its kind in a few words. ``refused``: by
    which message. ``seconds``, ``mb``: what it took; ``trace``: of a failure.
    """

    failure: str
    refused: str
    seconds: float
    mb: float
    trace: str = ""


class Guard:
    """Hears what the interpreter does with files, processes and the network, while a case runs."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._allowed: tuple[str, ...] = ()
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def around(self, folder: Path) -> Iterator[None]:
        """Inside, what is written must lie in ``folder``."""
        self.seen.clear()
        self._folder = str(folder)
        try:
            yield
        finally:
            self._folder = None

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        if event in _NEVER:
            self.seen.append(f"{event} {args[:2]!r}"[:200])
        elif event == "open":
            if isinstance(args[2], int) and args[2] & _WRITES:
                self._look(event, args[0])
        elif event in _PATHS:
            self._look(event, args[_PATHS[event]])

    def _look(self, event: str, path: Any) -> None:
        if isinstance(path, int) or self._folder is None:
            return
        where = os.path.abspath(os.fsdecode(path))
        if not where.startswith((self._folder, "/dev/")):  # of a device that was asked for
            self.seen.append(f"{event} {where}"[:200])


def watch(target: Target, data: bytes, folder: Path, guard: Guard) -> Outcome:
    """Run a case in a new folder below ``folder``."""
    case = folder / "case"
    shutil.rmtree(case, ignore_errors=True)
    case.mkdir()
    timers = ((signal.ITIMER_PROF, signal.SIGPROF, MOST_S), (signal.ITIMER_REAL, signal.SIGALRM, MOST_WAIT_S))
    for _, number, _ in timers:
        signal.signal(number, _ring)
    before, said = _reset_peak(), _said_bytes()
    failure = refused = trace = ""
    start = time.process_time()
    try:
        for timer, _, seconds in timers:
            signal.setitimer(timer, seconds)
        try:
            with guard.around(case):
                target.act(case, data)
        finally:
            for timer, _, _ in timers:
                signal.setitimer(timer, 0)
    except target.raises as error:
        refused = printable(str(error)) or "without a word"
        if not str(error).strip():
            failure = f"no message, {_place(error)}"
    except Hang as error:
        failure, trace = f"{error}, {_place(error)}", _traced(error)
    except MemoryError as error:
        failure, trace = f"MemoryError, {_place(error)}", _traced(error)
    except (Exception, SystemExit) as error:
        failure, trace = f"{type(error).__name__}, {_place(error)}", _traced(error)
    seconds = time.process_time() - start
    mb = _peak_mb() - before
    if not failure and mb > MOST_MB:
        failure = "memory" + (f", {_place(None)}" if refused else ", accepted")
    if not failure and _said_bytes() > said and _harms(new := _said_since(said)):
        failure, trace = "writes to the terminal", new[:500].decode(errors="replace")
    if not failure and guard.seen:
        failure, trace = f"outside: {guard.seen[0].split()[0]}", "\n".join(guard.seen[:20])
    return Outcome(failure, refused, seconds, mb, trace)


def _ring(number: int, _frame: object) -> None:
    raise Hang("slow" if number == signal.SIGPROF else "waits")


def _place(error: BaseException | None) -> str:
    """The innermost line of ours that it went through."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    ours = [f for f in frames if "/edge/" in f.filename or "/export/" in f.filename]
    ours = ours or [f for f in frames if "/tests/" in f.filename and "watched" not in f.filename]
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


def _harms(said: bytes) -> bool:
    return b"\x1b" in said or len(said) > MOST_SAID


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
