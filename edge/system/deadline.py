"""When a run shall end although nothing happens: somebody says so, or its time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Deadline(threading.Event):
    """An event that is set by `set`, by the caller's ``stop``, and ``seconds`` after the last `start`.

    The caller's event is looked at and never set: it may end several runs.
    """

    def __init__(
        self,
        seconds: float | None,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins to count. ``seconds``: None = never. ``clock``: seconds; pass another one in tests."""
        super().__init__()
        self._seconds, self._stop, self._clock = seconds, stop, clock
        self._started = clock()

    def start(self) -> None:
        """Begin to count anew."""
        self._started = self._clock()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._seconds is not None and self._clock() - self._started >= self._seconds

    def is_set(self) -> bool:
        """Whether it was set, ``stop`` was, or the time is over."""
        return super().is_set() or (self._stop is not None and self._stop.is_set()) or self.passed

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most ``timeout`` seconds; returns whether it is."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set() and (end is None or time.monotonic() < end):
            super().wait(0.05)
        return self.is_set()
