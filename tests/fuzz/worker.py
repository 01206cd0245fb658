"""The process that runs the cases of one target: a crash, a bomb or a hang ends this one, and the parent goes on.

``python -m tests.fuzz.worker TARGET BEGIN CASES SEED FOLDER [guided]``; what it has to tell goes to ``FOLDER/told``,
a line of JSON each, and which case it is at to ``FOLDER/at``.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import resource
import struct
import sys
import time
import warnings
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.fuzz.watched import Outcome, Watch

AT = struct.Struct("<QdII")  # number of the case, when it began (monotonic); since the last line: accepted, refused
MOST_MORE = 3 << 30  # bytes of address space above what the start takes: a bomb ends this process, not the machine
TOGETHER, TOGETHER_BYTES = 64, 8 << 20  # cases whose memory is looked at once
TELL_S = 0.5
MOST_SORTS = 100_000  # kinds of refusals that are told apart


class Case(NamedTuple):
    """One that is done, until its memory has been looked at."""

    number: int
    data: bytes
    outcome: Outcome


class Told:
    """Adds up cases, and tells the parent of them now and then."""

    def __init__(self, at: mmap.mmap, out: IO[str], failed: Path) -> None:
        self._at, self._out, self._failed = at, out, failed
        self._sorts: set[str] = set()
        self._start()

    def _start(self) -> None:
        self._accepted = self._refused = 0
        self._new: list[str] = []
        self._slowest, self._mb = 0.0, 0.0
        self._since = time.monotonic()

    def begin(self, number: int) -> None:
        AT.pack_into(self._at, 0, number, time.monotonic(), self._accepted, self._refused)

    def case(self, refused: str, seconds: float) -> None:
        """One that did not fail."""
        self._slowest = max(self._slowest, seconds)
        if not refused:
            self._accepted += 1
            return
        self._refused += 1
        if refused not in self._sorts and len(self._sorts) < MOST_SORTS:
            self._sorts.add(refused)
            self._new.append(refused)

    def not_after_all(self, refused: str) -> None:
        """A case that was told of, and failed by a closer look."""
        if refused:
            self._refused -= 1
        else:
            self._accepted -= 1

    def failure(self, number: int, data: bytes, kind: str, trace: str) -> None:
        name = f"{number}-{sha256(kind.encode()).hexdigest()[:8]}"
        self._failed.mkdir(exist_ok=True)
        (self._failed / name).write_bytes(data)
        self._out.write(json.dumps({"failure": kind, "trace": trace, "file": name}) + "\n")

    def together(self, number: int, mb: float, last: bool = False) -> None:
        """Several cases are done, with this much memory; ``number``: of the next."""
        self._mb = max(self._mb, mb)
        if last or time.monotonic() - self._since > TELL_S:
            said: dict[str, Any] = {"accepted": self._accepted, "refused": self._refused, "s": self._slowest}
            self._out.write(json.dumps(said | {"mb": self._mb, "sorts": self._new, "end": last}) + "\n")
            self._start()
            self.begin(number)


def main(name: str, begin: int, cases: int, seed: int, folder: Path, led: bool) -> None:
    alone(folder)
    with open(folder / "at", "r+b") as file:
        at = mmap.mmap(file.fileno(), 0)
    out = open(folder / "told", "a", buffering=1)  # noqa: SIM115 - to the end of the process
    faulthandler.enable(open(folder / "crash", "w"))  # noqa: SIM115
    from tests.fuzz import guided

    with guided.watched_imports() if led else nullcontext():
        from tests.fuzz.targets import TARGETS
        from tests.fuzz.watched import Watch

        target = next(t for t in TARGETS if t.name == name)
        seeds = target.seeds()
        watch = Watch(target, folder)
        for data in list(seeds.values())[:3]:  # what is imported and warmed up once does not count
            watch.warm_up(data)
    warnings.simplefilter("error")
    size = os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (size + MOST_MORE, size + MOST_MORE))
    told = Told(at, out, folder / "failed")
    several: list[Case] = []
    watch.begin()

    def run(number: int, data: bytes) -> bool:
        """Whether there are more cases to come."""
        told.begin(number)
        outcome = watch.case(data)
        if outcome.failure:
            told.failure(number, data, outcome.failure, outcome.trace)
        else:
            told.case(outcome.refused, outcome.seconds)
        several.append(Case(number, data, outcome))
        if len(several) == TOGETHER or sum(len(one.data) for one in several) > TOGETHER_BYTES or number == cases - 1:
            look_back(several, watch, told)
        if number < cases - 1:
            return True
        told.together(cases, 0.0, last=True)
        return False

    if led:
        guided.search(target, seeds, seed, folder, begin, run)
    for number in range(begin, cases):
        told.begin(number)  # a case may be hard to make, too
        run(number, target.case(seeds, seed, number))


def alone(folder: Path) -> None:
    """What this process does to itself before anything is imported."""
    os.environ["TMPDIR"] = str(folder)
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "8"  # as edge.camera.quiet: FFmpeg reads it when it makes the first seed
    for words in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[words] = "1"
    os.fsync = lambda _file: None  # no case outlives a power cut


def look_back(several: list[Case], watch: Watch, told: Told) -> None:
    """At the memory of all and at what was said to the terminal; where it is too much, at each of them."""
    failure, mb, said = watch.end()
    fine = [one for one in several if not one.outcome.failure]
    if failure and fine:
        looks = [(one, watch.look(one.data)) for one in fine]
        mb = max(outcome.mb for _, outcome in looks)
        found = [(one, outcome) for one, outcome in looks if outcome.failure]
        if not found:  # none of them alone
            largest = max(fine, key=lambda one: len(one.data))
            from tests.fuzz.watched import Outcome

            found = [(largest, Outcome(f"{failure}, several cases together", "", 0.0, mb, said))]
        for one, outcome in found:
            told.not_after_all(one.outcome.refused)
            told.failure(one.number, one.data, outcome.failure, outcome.trace)
    told.together(several[-1].number + 1, mb)
    several.clear()
    watch.begin()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]), "guided" in sys.argv[6:])  # type: ignore[arg-type, misc, call-arg]
