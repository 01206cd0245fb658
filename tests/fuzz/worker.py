"""The process that runs the cases of one target: a crash, a bomb or a hang ends this one, and the parent goes on.

``python -m tests.fuzz.worker TARGET BEGIN CASES SEED FOLDER``; what it has to tell goes to ``FOLDER/told``, a line of
JSON each, and which case it is at to ``FOLDER/at``.
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
from pathlib import Path
from typing import Any

AT = struct.Struct("<QdI")  # number of the case, when it began (monotonic), bytes of it that follow
MOST_SHOWN = 64 << 10
MOST_MORE = 3 << 30  # bytes of address space above what the start takes: a bomb ends this process, not the machine


def main(name: str, begin: int, cases: int, seed: int, folder: Path) -> None:
    os.environ["TMPDIR"] = str(folder)
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "8"  # as edge.camera.quiet: FFmpeg reads it when it makes the first seed
    with open(folder / "at", "r+b") as file:
        at = mmap.mmap(file.fileno(), 0)
    told = open(folder / "told", "a", buffering=1)  # noqa: SIM115 - to the end of the process
    faulthandler.enable(open(folder / "crash", "w"))  # noqa: SIM115
    from tests.fuzz.targets import TARGETS
    from tests.fuzz.watched import Guard, watch

    target = next(t for t in TARGETS if t.name == name)
    seeds = target.seeds()
    guard = Guard()
    for data in list(seeds.values())[:3]:  # what is imported and warmed up once does not count
        watch(target, data, folder, guard)
    warnings.simplefilter("error")
    size = os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (size + MOST_MORE, size + MOST_MORE))

    def one(number: int, data: bytes, shown: bool = False) -> None:
        here = data[:MOST_SHOWN] if shown else b""
        at[: AT.size + len(here)] = AT.pack(number, time.monotonic(), len(here)) + here
        outcome = watch(target, data, folder, guard)
        said: dict[str, Any] = {"n": number, "s": round(outcome.seconds, 4), "mb": round(outcome.mb, 1)}
        if outcome.failure:
            said |= {"failure": outcome.failure, "trace": outcome.trace}
            name = f"{number}-{abs(hash(outcome.failure)) % 10**8}"
            (folder / "failed").mkdir(exist_ok=True)
            (folder / "failed" / name).write_bytes(data)
            said["file"] = name
        told.write(json.dumps(said | {"ok": not outcome.refused and not outcome.failure}) + "\n")

    mutations = cases if target.strategy is None else cases // 2
    for number in range(begin, mutations):
        one(number, target.case(seeds, seed, number))
    if target.strategy is not None and cases > mutations:
        _by_hypothesis(target.strategy(), max(begin, mutations), cases, seed, one)
    told.write(json.dumps({"end": True}) + "\n")


def _by_hypothesis(strategy: Any, begin: int, end: int, seed: int, one: Any) -> None:
    """Texts of a grammar; the numbers of the cases go on where the mutations ended."""
    import hypothesis
    from hypothesis import HealthCheck, Phase

    number = begin

    @hypothesis.seed(seed + begin)
    @hypothesis.settings(
        max_examples=end - begin,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @hypothesis.given(strategy)
    def run(text: str) -> None:
        nonlocal number
        if number < end:
            one(number, text.encode("utf-8", "surrogatepass"), True)
            number += 1

    run()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))  # type: ignore[arg-type, misc, call-arg]
