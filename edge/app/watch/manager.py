"""A run under a service manager: READY, STATUS, WATCHDOG and STOPPING, as its loop really is."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.system.activity import Activity, Now
from edge.system.budget import EXTEND_S
from edge.system.notify import Notify

STATUS_S = 1.0  # a line a second at most


class Manager:
    """Tells ``notify`` about one loop; called by the watchdog, a few times a second.

    READY comes once the loop takes frames or is in a declared wait: a camera that is missing does not hold a service
    up. While an engine is loaded, time is asked for. WATCHDOG comes only where the loop has gone on since the last one,
    or waits for something that it may wait for; so a manager ends what the watchdog itself could not.
    """

    def __init__(self, notify: Notify, clock: Callable[[], float] = time.monotonic) -> None:
        self._notify, self._clock = notify, clock
        self._ready = self._stopping = False
        self._results, self._status_at = 0, float("-inf")
        self._alive_at = self._extended_at = float("-inf")
        self._seen: Now | None = None  # the loop, as it was when the last sign of life was sent

    def look(self, activity: Activity, results: int, dropped: int) -> None:
        """``activity``: of the loop; ``results``, ``dropped``: so far."""
        t, now = self._clock(), activity.now
        if now is None:
            return
        if not self._ready and now.state.start and not now.waiting:
            if t - self._extended_at >= EXTEND_S / 3:
                self._notify.send(EXTEND_TIMEOUT_USEC=f"{EXTEND_S * 1e6:.0f}")
                self._extended_at = t
        elif not self._ready:
            self._ready = True
            self._notify.send(READY="1")
        self._sign_of_life(t, now)
        if t - self._status_at >= STATUS_S:
            rate = (results - self._results) / (t - self._status_at)
            self._status_at, self._results = t, results
            took_s = t - now.since
            doing = "detecting" if results and took_s < 1 else f"{now.state.doing} for {took_s:.0f} s"
            self._notify.send(STATUS=f"{doing}; {results} frames, {rate:.1f} frames/s, {dropped} dropped")

    def stopping(self, why: str) -> None:
        """The run ends; told once."""
        if self._stopping:
            return
        self._stopping = True
        self._notify.send(STOPPING="1", STATUS=why)

    def _sign_of_life(self, t: float, now: Now) -> None:
        every_s = self._notify.watchdog_s
        if every_s is None or t - self._alive_at < every_s / 4:
            return
        if now != self._seen or (now.waiting and now.seen > t):
            self._notify.send(WATCHDOG="1")
            self._alive_at, self._seen = t, now
