"""The ladder in a run: a thread looks at the board once a second, and does what `edge.health.ladder` says."""

from __future__ import annotations

import logging
import shutil
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.data import Result
from edge.health.ladder import EVERY, Change, Ladder, Rung
from edge.health.strain import EVENTS_S, Limits, Measured, troubles
from edge.seams import Closing
from edge.system.budget import DEGRADE_JOIN_S as JOIN_S
from edge.system.sensors import Sensors

PERIOD_S = 1.0
RECENT_S = 2.0  # of results: what their age is told from
LEAST = 3  # results for that
MOST_STEPS = 200  # in the report: 46 kB of the room that is kept for it
MEMORY = Path("/proc/meminfo")

STEPS = {  # name in the report, what stops
    Rung.SLOWER: ("lower rate", "frames are taken half as often"),
    Rung.BETWEEN: ("detect less", f"every {EVERY}rd frame is searched, tracks go on in between"),
    Rung.PICTURES: ("no pictures", "video and pictures stop"),
    Rung.RECORDING: ("no recording", "the recording stops"),
}

log = logging.getLogger(__name__)


def in_words(given_up: Mapping[str, str]) -> tuple[str, ...]:
    """What `Degrader.given_up` says, each with what it means for a flight."""
    means = dict(STEPS.values())
    return tuple(f"{name}: {means[name]} ({because})" for name, because in given_up.items())


class Degrader(Closing):
    """Looks from `start` until it is closed.

    ``apply``: called in its thread with what is given up, after each step. ``tell``: with a line of at most 50
    characters, for links. ``sensors``, ``memory``, ``clock``: other ones in tests.
    """

    def __init__(
        self,
        rungs: Collection[Rung],
        limits: Limits,
        out: Path,
        apply: Callable[[frozenset[Rung]], None],
        tell: Callable[[str], None],
        sensors: Sensors | None = None,
        memory: Path = MEMORY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ladder, self._limits, self._out = Ladder(rungs if limits.degrade else ()), limits, out
        self._apply, self._tell, self._clock, self._memory = apply, tell, clock, memory
        self._sensors = sensors or Sensors()
        self._trips = self._sensors.limits().trips
        self._events: deque[tuple[float, int]] = deque()
        self._results: deque[tuple[float, float]] = deque(maxlen=256)  # when, and how old
        self._steps: list[dict[str, Any]] = []
        self._more = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, result: Result) -> None:
        """A result of a live camera."""
        self._results.append((result.t_result, result.latency_ms / 1e3))

    def start(self) -> None:
        """Begin to look."""
        if self._limits.degrade:
            self._thread = threading.Thread(target=self._work, name="degrade", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Look no more. May be called twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def look(self) -> Change | None:
        """Once, now; done and said."""
        t = self._clock()
        change = self._ladder.look(t, troubles(self._measured(t), self._limits))
        if change is not None:
            self._do(change)
        return change

    def given_up(self) -> dict[str, str]:
        """What is given up now, by its name in the report, in the ladder's order, and because of what; from any
        thread.
        """
        return {STEPS[rung][0]: because for rung, because in sorted(self._ladder.taken.copy().items())}

    def report(self) -> dict[str, Any]:
        """For report.json, see `edge.app.degrade.report_json.Degraded`."""
        seconds = {STEPS[rung][0]: round(s, 1) for rung, s in self._ladder.seconds().items()}
        return {"steps": list(self._steps), "more": self._more, "seconds": seconds}

    def _work(self) -> None:
        while not self._over.wait(PERIOD_S):
            try:
                self.look()
            except Exception:  # whatever a board's files hold: the flight must not end with this thread unseen
                log.exception("degrade: what the board is like cannot be told any more; nothing more is given up")
                return

    def _do(self, change: Change) -> None:
        name, stops = STEPS[change.rung]
        trouble = change.trouble
        if change.down:
            log.warning("degrade: %s: %s; %s, detections go on", name, trouble.seen, stops)
        else:
            log.warning("degrade: %s ends: %s", name, trouble.seen)
        if len(self._steps) < MOST_STEPS:
            self._steps.append(
                {
                    "t": round(change.t, 3),
                    "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "step": name,
                    "begins": change.down,
                    "because": trouble.because,
                    "value": round(trouble.value, 3),
                    "limit": round(trouble.limit, 3),
                }
            )
        else:
            self._more += 1
        self._apply(frozenset(self._ladder.taken))
        self._tell(f"{name} {'because of' if change.down else 'ends:'} {trouble.because}")

    def _measured(self, t: float) -> Measured:
        return Measured(
            self._sensors.celsius(),
            self._trips,
            self._recent_events(t),
            available(self._memory),
            _free(self._out),
            *self._age(),
        )

    def _recent_events(self, t: float) -> int | None:
        count = self._sensors.over_current_events()
        if count is None:
            return None
        self._events.append((t, count))
        while self._events[0][0] < t - EVENTS_S:
            self._events.popleft()
        return max(count - self._events[0][1], 0)

    def _age(self) -> tuple[float | None, float | None]:
        """Of the middle one of the newest results, and seconds from one to the next."""
        known = list(self._results)
        newest = [one for one in known if one[0] >= known[-1][0] - RECENT_S]
        if len(newest) < LEAST:
            return None, None
        return statistics.median(age for _, age in newest), (newest[-1][0] - newest[0][0]) / (len(newest) - 1)


def available(meminfo: Path) -> int | None:
    """Bytes that programs can still have; None where the system does not tell."""
    try:
        for line in meminfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
