"""A call into the engine that never returns: nothing in its thread can end it, so it is seen from another one.

loop, stuck in a driver          watchdog's thread: too long, or asked to stop meanwhile?
-> all that was found is closed on the disk, the report written -> `give_up`
"""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Callable

from edge.seams import Closing
from edge.system.signals import STOPS

HUNG_S = 30.0  # no model that is worth flying takes as long for a frame
STOP_S = 1.5  # who asks a process to stop is answered within 2 s, whatever it does
LOOK_S = 0.2


class Watchdog(Closing):
    """Watches one loop until it is closed.

    A call that keeps Python's interpreter lock while it hangs keeps this thread waiting, too.
    """

    def __init__(
        self,
        busy_since: Callable[[], float | None],
        hung: Callable[[str], None],
        limit_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``busy_since``: when the call that the loop is in began, seconds of ``clock``; None: in none.

        ``hung``: called once, in the watchdog's thread, where that was over ``limit_s`` seconds ago (default: 30), or
        where a signal asked to stop and the call did not return for 1.5 s, nor for twice as long as the longest one
        before: a slow engine does not hang. It gets a line that says which. ``clock``: pass another one in tests.
        """
        self._busy_since, self._hung, self._clock = busy_since, hung, clock
        self._limit_s = HUNG_S if limit_s is None else limit_s
        self._ended = threading.Event()
        self._ear, self._mouth = socket.socketpair()
        self._before: int | None = None
        if threading.current_thread() is threading.main_thread():  # stuck, it runs no handler: this hears at once
            self._mouth.setblocking(False)
            before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            if before == -1:
                self._before = before
            else:  # a program of others listens there, such as asyncio
                signal.set_wakeup_fd(before)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching. May be called twice."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._before is not None:
            signal.set_wakeup_fd(self._before)
        if threading.current_thread() is not self._thread:
            self._thread.join()
            self._ear.close()
            self._mouth.close()

    def _watch(self) -> None:
        asked: float | None = None
        before: float | None = None
        longest_s = 0.0  # of the calls that returned, to the next look
        while not self._ended.is_set():
            if self._heard() and asked is None:
                asked = self._clock()
            since, now = self._busy_since(), self._clock()
            if before is not None and since != before:
                longest_s = max(longest_s, now - before)
            before = since
            if since is None:
                continue
            patience_s = max(STOP_S, 2 * longest_s)
            if asked is not None and since < asked and now - asked >= STOP_S and now - since >= patience_s:
                self._hung(f"asked to stop, but the engine has not answered for {now - since:.1f} s")
                return
            if now - since >= self._limit_s:
                self._hung(f"the engine has not answered for {self._limit_s:g} s")
                return

    def _heard(self) -> bool:
        """Wait a moment; whether a signal to stop came meanwhile."""
        if not select.select([self._ear], [], [], LOOK_S)[0]:
            return False
        return any(number in STOPS for number in self._ear.recv(64))
