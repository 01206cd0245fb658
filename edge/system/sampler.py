"""What this process and its machine did, second after second, in a thread of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.system.sensors import Reading, Sensors

PERIOD_S = 1.0
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """``t``: seconds of the monotonic clock. ``cpu_percent``: of one core, by this process, since the sample before;
    ``machine_percent``: of all cores, by everybody, None where the machine does not tell. ``rss_mib``: memory that this
    process has in RAM. ``reading``: clocks, temperatures, watts.
    """

    t: float
    cpu_percent: float
    machine_percent: float | None
    rss_mib: float
    reading: Reading

    def to_json(self) -> dict[str, Any]:
        """Flat: the reading's fields beside the others."""
        item = asdict(self)
        reading = item.pop("reading")
        return {**item, **reading}


class Sampler:
    """Takes a `Sample` each second from `start` until `stop`.

    Its thread sleeps between them: a sample costs a millisecond or some, most of it the power sensor's answer.
    """

    def __init__(
        self, sensors: Sensors, period_s: float = PERIOD_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sensors, self._period_s, self._clock = sensors, period_s, clock
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._before = (clock(), time.process_time(), _jiffies())

    def take(self) -> Sample:
        """One sample now, which is also kept."""
        (then, used, (busy, all_)), now = self._before, self._clock()
        self._before = (now, time.process_time(), _jiffies())
        passed, (busy_now, all_now) = now - then, self._before[2]
        sample = Sample(
            t=now,
            cpu_percent=round(100 * (self._before[1] - used) / passed, 1) if passed > 0 else 0.0,
            machine_percent=round(100 * (busy_now - busy) / (all_now - all_), 1) if all_now > all_ else None,
            rss_mib=round(_resident() / (1 << 20), 2),
            reading=self._sensors.read(),
        )
        self.samples.append(sample)
        return sample

    def start(self) -> None:
        """Begin, with times counted from now."""
        self._before = (self._clock(), time.process_time(), _jiffies())
        self._over.clear()
        self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> list[Sample]:
        """End; returns the samples since `start`, and forgets them. May be called twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        taken, self.samples = self.samples, []
        return taken

    def _work(self) -> None:
        due = self._clock()
        while True:
            due += self._period_s
            if self._over.wait(max(due - self._clock(), 0.0)):
                return
            self.take()


def _resident() -> int:
    """Bytes of this process in RAM."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _jiffies() -> tuple[int, int]:
    """Of all cores since the start of the machine: busy, and all."""
    try:
        first = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        times = [int(word) for word in first[:8]]  # user .. steal; what guests take is in user already
    except (OSError, ValueError):
        return 0, 0
    idle = sum(times[3:5])  # idle and waiting for a disk
    return sum(times) - idle, sum(times)
