"""When a process got its turn: a thread of it that only sleeps writes down how late it was woken.

On a machine that is busy with others every thread of a process stands still now and then; what it promises "within a
second" it promises of the time in which it does not. A thread of Python, as those of a flight: it waits for the
interpreter as they do.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

EACH_S = 0.02
PAIR = struct.Struct("=2d")


def note_turns(path: str) -> None:
    """From now on, into this file: when it was woken, and how late, seconds; as long as the process lives."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def work() -> None:
        before = time.monotonic()
        while True:
            time.sleep(EACH_S)
            before, after = time.monotonic(), before
            os.write(file, PAIR.pack(before, max(before - after - EACH_S, 0.0)))

    threading.Thread(target=work, name="turns", daemon=True).start()


def own_time(path: Path, until: float | None = None) -> Callable[[float], float]:
    """Monotonic seconds to seconds of the process, which stand still where it had no turn. ``until``: when it was
    killed: it was not woken any more since the last time.
    """
    data = path.read_bytes()
    pairs = [PAIR.unpack_from(data, at) for at in range(0, len(data) - PAIR.size + 1, PAIR.size)]
    if until is not None and pairs and pairs[-1][0] < until:
        pairs.append((until, max(until - pairs[-1][0] - EACH_S, 0.0)))
    return of_turns(pairs)


def of_turns(pairs: list[tuple[float, float]]) -> Callable[[float], float]:
    """The same of what the file holds."""
    woken, late = np.array(pairs, np.float64).reshape(-1, 2).T
    lost = np.cumsum(late)
    times = np.ravel(np.column_stack([woken - late, woken]))
    without = np.ravel(np.column_stack([lost - late, lost]))
    return lambda t: t - float(np.interp(t, times, without)) if times.size else t
