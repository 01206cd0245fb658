"""Where flights start: a process that has loaded ``edge run`` once, and forks into each flight.

    python -m tests.faults.hangar

A line of JSON on standard input is a `Start` or a `Wait`; the answer is a line of JSON. What is forked is the whole
command, in a process of its own that begins before its first word was read.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any

from tests.faults.shim import Disk, arm
from tests.faults.turns import note_turns


@dataclass(frozen=True)
class Start:
    """``words``: behind ``edge``. ``said``: the folder that gets ``out`` and ``err``. ``below``: where ``disk`` holds.
    ``turns``: it has a file of `tests.faults.turns` beside what it said.

    ``clock``: the wall clock is wrong by so many seconds, so many seconds after the start. ``inside``: a fault of
    `tests.faults.inside`, with its number. ``limits``: names and values of setrlimit(2), without RLIMIT_.
    """

    words: list[str]
    said: str
    below: str
    disk: Disk | None = None
    clock: tuple[float, float] | None = None
    inside: tuple[str, float] | None = None
    limits: dict[str, int] = field(default_factory=dict)
    turns: bool = False


def serve() -> int:
    """Until the input ends. Returns an exit code in the hangar and in every flight."""
    main = _load()
    gc.freeze()  # no flight looks through, and so copies, what all have
    for line in sys.stdin:
        asked = json.loads(line)
        if "words" not in asked:
            _answer(_wait(**asked))
            continue
        disk = asked.pop("disk")
        start = Start(**asked, disk=Disk(**disk) if disk else None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from Python 3.12 on of threads: the libraries' sleep
            flight = os.fork()
        if not flight:
            return _fly(start, main)
        _answer({"pid": flight})
    return 0


def _fly(start: Start, main: Any) -> int:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, number in (("out", 1), ("err", 2)):
        file = os.open(os.path.join(start.said, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    # as a process has them that begins like this: of the hangar's they may be files, and pipes here
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
    if start.inside:
        from tests.faults.inside import inject

        inject(*start.inside)
    for name, value in start.limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        value += _taken() if name == "AS" else 0
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
    if start.turns:
        note_turns(os.path.join(start.said, "turns"))
    if start.disk or start.clock:
        arm(start.below, start.disk, start.clock and (start.clock[0], start.clock[1]))
    sys.argv = ["edge", *start.words]
    code: int = main()
    return code


def _taken() -> int:
    """Bytes of address space that this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _wait(pid: int, within_s: float) -> dict[str, Any]:
    flight = os.pidfd_open(pid)
    try:
        over, _, _ = select.select([flight], [], [], within_s)
    finally:
        os.close(flight)
    if not over:
        return {"code": None, "cpu_s": 0.0, "most_kb": 0}
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "cpu_s": used.ru_utime + used.ru_stime, "most_kb": used.ru_maxrss}


def _answer(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _load() -> Any:
    """The command, with all that a flight here loads, and what a simulated flight is drawn from."""
    import edge.sim.camera
    from tests.support import grounds

    edge.sim.camera.build_ground = grounds.drawn_once
    edge.sim.camera.place_bodies = grounds.placed_once

    import edge.app.run
    import edge.engine.null
    import edge.engine.ort
    import edge.recording.replay
    import tests.faults.inside  # noqa: F401
    from edge.commands.main import main

    return main


if __name__ == "__main__":
    sys.exit(serve())
