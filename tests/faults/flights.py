"""Flights of ``edge`` with a fault in them, from the side of who looks on."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.seams import Closing
from tests.faults.hangar import Start
from tests.faults.shim import Disk, library
from tests.faults.turns import own_time
from tests.support.children import keep, popen

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.01


@dataclass(frozen=True)
class Ended:
    """How a flight ended. ``code``: None: it did not within its budget, and was killed. ``cpu_s``: of the flight."""

    code: int | None
    out: str
    err: str
    took_s: float
    cpu_s: float
    most_kb: int


class Flight:
    """One that is under way."""

    def __init__(self, hangar: Hangar, pid: int, said: Path, out: Path, pipes: tuple[int, ...] = ()) -> None:
        self.pid, self.out, self.begun, self._pipes = pid, out, time.monotonic(), pipes
        self._hangar, self._said, self._filled = hangar, said, 0

    def lines(self) -> int:
        """Frames in its detections.jsonl so far."""
        try:
            return max((self.out / "detections.jsonl").read_bytes().count(b"\n") - 1, 0)
        except FileNotFoundError:
            return 0

    def said(self) -> str:
        """Its standard error so far; "" where that is a pipe."""
        path = self._said / "err"
        return path.read_text(errors="replace") if path.is_file() else ""

    def until(self, so: Callable[[], bool], within_s: float = 60.0) -> bool:
        """Wait for something; False where it did not come, or the flight ended before."""
        last = time.monotonic() + within_s
        while not so():
            if time.monotonic() > last or not self.goes_on():
                return so()
            time.sleep(STEP_S)
        return True

    def goes_on(self) -> bool:
        """Whether its process lives, and has not ended."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except (OSError, IndexError):
            return False

    def send(self, number: signal.Signals) -> None:
        """A signal; nothing where it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def own_time(self, until: float | None = None) -> Callable[[float], float]:
        """See `tests.faults.turns`, of a flight that was started with them."""
        return own_time(self._said / "turns", until)

    def fill(self) -> None:
        """From now on its pipes take nothing, and are not closed."""
        for pipe in self._pipes:
            with suppress(BlockingIOError):
                while True:
                    os.write(pipe, b"-")

    def fill_most(self, left: int) -> None:
        """As `fill`, but for so many bytes, before anything was printed there."""
        for pipe in self._pipes:
            room = fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)  # a page, or what the system has for one
            os.write(pipe, b"-" * (room - left))
            self._filled = room - left

    def printed(self) -> int:
        """Bytes that came into the last of its pipes since `fill_most`."""
        there = bytearray(4)
        fcntl.ioctl(self._pipes[-1], termios.FIONREAD, there)
        return int.from_bytes(there, sys.byteorder) - self._filled

    def end(self, within_s: float) -> Ended:
        """Wait for its end, counted from its start."""
        left = max(self.begun + within_s - time.monotonic(), 0.0)
        is_so = self._hangar.ask({"pid": self.pid, "within_s": left})
        took = time.monotonic() - self.begun
        if is_so["code"] is None:
            self.send(signal.SIGKILL)
            self._hangar.ask({"pid": self.pid, "within_s": 30.0})
        texts = [path.read_text(errors="replace") if path.is_file() else "" for path in self._files()]
        return Ended(is_so["code"], *texts, took, is_so["cpu_s"], is_so["most_kb"])

    def _files(self) -> tuple[Path, Path]:
        return self._said / "out", self._said / "err"


class Hangar(Closing):
    """The process that flights are forked from. ``no_disk``: why no fault of a disk can be made here, "" = it can."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edge-faults-")
        self.folder = Path(self._folder.name).resolve()
        self._flights = 0
        path, self.no_disk = library()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
        if path:
            environment["LD_PRELOAD"] = str(path)
        command = [sys.executable, "-m", "tests.faults.hangar"]
        self._process: subprocess.Popen[str] = popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        keep(self._process)  # for many tests

    def start(
        self,
        words: list[str],
        out: Path,
        disk: Disk | None = None,
        clock: tuple[float, float] | None = None,
        inside: tuple[str, float] | None = None,
        limits: dict[str, int] | None = None,
        stuck: tuple[str, ...] = (),
        turns: bool = False,
    ) -> Flight:
        """``edge WORDS``, which writes to ``out``; faults of a disk hold in the folder above. ``stuck``: of ``out`` and
        ``err``, its standard files, those that are pipes that nobody reads, see `Flight.fill`. ``turns``: for
        `Flight.own_time`.
        """
        self._flights += 1
        said = self.folder / f"said-{self._flights}"
        said.mkdir()
        pipes = []
        for name in stuck:
            os.mkfifo(said / name)
            pipes.append(os.open(said / name, os.O_RDWR | os.O_NONBLOCK))  # open to the end of this process
        asked = Start(words, str(said), str(out.parent), disk, clock, inside, limits or {}, turns)
        return Flight(self, self.ask(asdict(asked))["pid"], said, out, tuple(pipes))

    def fly(self, words: list[str], out: Path, within_s: float, **faults: Any) -> Ended:
        """`start`, and wait for the end."""
        return self.start(words, out, **faults).end(within_s)

    def place(self, name: str) -> Path:
        """A new folder of this name."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """One question to the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it, with all that was written. May be called twice."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(30)
            assert self._process.stdout is not None
            self._process.stdout.close()
        self._folder.cleanup()
