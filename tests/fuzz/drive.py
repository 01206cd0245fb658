"""Runs the cases of a target in a process of its own, starts another where that dies, and adds up what it tells."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.fuzz.guided import LAST
from tests.fuzz.target import KEPT, Target
from tests.fuzz.watched import MOST_S, MOST_WAIT_S, ROOT
from tests.fuzz.worker import AT
from tests.support.children import popen

STUCK_S = 8.0  # of the processor's time, in C, where no alarm is heard
STUCK_WAIT_S = 240.0  # of the clock's, on a busy machine
MOST_KEPT = 10_000  # bytes of a file that is kept in the repository
MOST_OF_A_KIND = 3  # files of one failure that are kept
MOST_CRASHES = 20
LARGE = ROOT / "build" / "fuzz"


@dataclass
class Sum:
    """Of one target. ``sorts``: of refusals, by their messages without values. ``failures``: cases by kind. ``files``:
    of each kind those that were kept, ``traces``: one.
    """

    name: str
    accepted: int = 0
    refused: int = 0
    sorts: set[str] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    files: dict[str, list[Path]] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    slowest_s: float = 0.0
    most_mb: float = 0.0

    @property
    def cases(self) -> int:
        return self.accepted + self.refused + sum(self.failures.values())

    def add(self, said: dict[str, Any]) -> None:
        """A line of the worker: a failure, or several cases that did not fail."""
        if "failure" in said:
            self.failures[said["failure"]] += 1
            self.traces.setdefault(said["failure"], said["trace"])
            return
        self.accepted += said["accepted"]
        self.refused += said["refused"]
        self.sorts.update(said["sorts"])
        self.slowest_s, self.most_mb = max(self.slowest_s, said["s"]), max(self.most_mb, said["mb"])


def fuzz(target: Target, cases: int, seed: int, keep: bool, led: bool, tell: Callable[[str], None]) -> Sum:
    """Run ``cases`` of a target. ``keep``: store what failed in the repository. ``led``: by atheris. ``tell``: hears
    how far it is.
    """
    total, begin, crashes = Sum(target.name), 0, 0
    start = time.monotonic()
    while begin < cases and crashes < MOST_CRASHES:
        shm = Path("/dev/shm")
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=shm if shm.is_dir() else None) as name:
            folder = Path(name)
            (folder / "at").write_bytes(bytes(AT.size))
            died = _work(target, begin, cases, seed, led, folder, total, tell)
            _keep(target.name, folder, total, keep)
            if not died:
                break
            number, _, accepted, refused = AT.unpack((folder / "at").read_bytes())
            total.accepted, total.refused = total.accepted + accepted, total.refused + refused
            case = (folder / LAST).read_bytes() if led else target.case(target.seeds(), seed, number)
            total.failures[died] += 1
            total.traces.setdefault(died, (folder / "crash").read_text()[:4000] if (folder / "crash").exists() else "")
            _store(target.name, died, case, total, keep)
            begin, crashes = number + 1, crashes + 1
    total.seconds = time.monotonic() - start
    return total


def _work(target: Target, begin: int, cases: int, seed: int, led: bool, folder: Path, total: Sum, tell: Any) -> str:
    """Run a worker to its end; "" or what it died of."""
    numbers = [str(number) for number in (begin, cases, seed)]
    words = [sys.executable, "-B", "-m", "tests.fuzz.worker", target.name, *numbers, str(folder), *["guided"] * led]
    with open(folder / "err", "wb") as err:
        process = popen(words, stdout=subprocess.DEVNULL, stderr=err, cwd=ROOT)
    read, ended, said_at = 0, False, time.monotonic()
    seen, then = -1, 0.0
    try:
        while True:
            over = process.poll() is not None
            told = folder / "told"
            if told.exists():
                with told.open("rb") as file:
                    file.seek(read)
                    data = file.read()
                whole = data[: data.rfind(b"\n") + 1]
                read += len(whole)
                for line in whole.splitlines():
                    said = json.loads(line)
                    total.add(said)
                    ended = ended or said.get("end", False)
                    if "file" in said:
                        total.files.setdefault(said["failure"], []).append(folder / "failed" / said["file"])
            if over:
                break
            number, began, _, _ = AT.unpack((folder / "at").read_bytes())
            if number != seen or not began:
                seen, then = number, _cpu_s(process.pid)
            elif _cpu_s(process.pid) - then > STUCK_S or time.monotonic() - began > STUCK_WAIT_S:
                return "hangs where no signal is heard"
            if time.monotonic() - said_at > 10:
                said_at = time.monotonic()
                tell(f"{target.name}: {total.cases} of {cases}, {sum(total.failures.values())} failures")
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if ended:
        return ""
    if not AT.unpack((folder / "at").read_bytes())[1]:
        raise RuntimeError(f"{target.name} does not start: {(folder / 'err').read_text()[-3000:]}")
    return f"the process died ({process.returncode})"


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def _keep(name: str, folder: Path, total: Sum, keep: bool) -> None:
    for kind, files in list(total.files.items()):
        here = [file for file in files if file.parent.parent == folder]
        total.files[kind] = [file for file in files if file.parent.parent != folder]
        for file in sorted(here, key=lambda f: f.stat().st_size)[:MOST_OF_A_KIND]:
            _store(name, kind, file.read_bytes(), total, keep)


def _store(name: str, kind: str, case: bytes, total: Sum, keep: bool) -> None:
    """Small ones into the repository, where the tests replay them; others into build/, to be looked at."""
    files = total.files.setdefault(kind, [])
    if len(files) >= MOST_OF_A_KIND:
        return
    folder = (KEPT if keep and len(case) < MOST_KEPT else LARGE) / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / sha256(case).hexdigest()[:12]
    file.write_bytes(case)
    files.append(file)


def clean() -> None:
    """What earlier runs left in build/."""
    shutil.rmtree(LARGE, ignore_errors=True)


assert STUCK_S > MOST_S
assert STUCK_WAIT_S > MOST_WAIT_S
