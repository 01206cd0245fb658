"""What does not come back is seen from another thread: the loop's, or that of a sink, of the recording.

looks ten times a second: at its state for too long, or asked to stop meanwhile?
-> a sink, the recording: left behind, said in a line; the loop goes on
-> the loop, stuck in a driver or a disk: all that was found is closed on the disk, the report written -> ``give_up``
"""

from __future__ import annotations

import logging
import math
import signal
import socket
import threading
import time
from collections.abc import Callable

from edge.app.watch.guard import Guard
from edge.app.watch.manager import Manager
from edge.seams import Closing
from edge.system.activity import Activity
from edge.system.budget import CAMERA_STOP_S, CLOSE_S, HUNG_S, KEEP_S, KEEP_STOP_S, LATE_S, LOOK_S, STOP_S
from edge.system.files import readable
from edge.system.signals import STOPS

SAY_S = 0.2  # a line must not wait for a terminal that hangs

log = logging.getLogger(__name__)


class Watchdog(Closing):
    """Watches ``loop`` and whatever else it is told to `watch`, until it is closed.

    ``keep``: called where the loop hangs, with the line on it and how many seconds there are, in a thread that may
    hang as well; returns whether all that was found is on the disk. ``figures``: results so far, and frames dropped.
    Both are set once there is something.

    A call that keeps Python's interpreter lock while it hangs keeps this thread waiting, too: that is what a `Guard` is
    for.
    """

    def __init__(
        self,
        loop: Activity,
        give_up: Callable[[], None] | None = None,
        limit_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        manager: Manager | None = None,
        guarded: bool = False,
    ) -> None:
        """``give_up``: called once, in the watchdog's thread, where the loop was at one thing for over ``limit_s``
        seconds (default: 30), or where a signal asked to stop and it did not end that for 0.8 s, nor for twice as long
        as the longest time before: a slow engine does not hang. ``clock``: pass another one in tests.
        """
        self._loop, self._give_up, self._clock, self._manager = loop, give_up, clock, manager
        self._limit_s = HUNG_S if limit_s is None else limit_s
        self._others: dict[Activity, Callable[[str], None]] = {}
        self.keep: Callable[[str, float], bool] | None = None
        self.figures: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._hurried: float | None = None  # since when the run ends as a disk hangs: others may hang on it, too
        self._told: float | None = None  # since when the loop waits, where that was said
        self._ended = threading.Event()
        self._ear, self._mouth = socket.socketpair()
        self._before: int | None = None
        self._guard: Guard | None = None
        if threading.current_thread() is threading.main_thread():  # stuck, it runs no handler: this hears at once
            self._mouth.setblocking(False)
            before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            if before == -1:
                self._before = before
                self._guard = Guard(self._ear) if guarded else None
            else:  # a program of others listens there, such as asyncio
                signal.set_wakeup_fd(before)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def watch(self, activity: Activity, leave: Callable[[str], None]) -> None:
        """From now on, also this thread. ``leave``: called with a line where it hangs; it is not watched any more."""
        self._others = {**self._others, activity: leave}

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
        self.stopping("it is over")
        if self._guard:
            self._guard.close()

    def _watch(self) -> None:
        asked: float | None = None
        looked, floor = time.monotonic(), self._clock()  # nothing counts from before the floor
        while not self._ended.is_set():
            if self._heard() and asked is None:
                asked = self._clock()
            before, looked, t = looked, time.monotonic(), self._clock()
            if looked - before > LATE_S:  # SIGSTOP, or a machine that was busy with others
                floor = t
            for activity, leave in self._others.items():  # first: the loop may wait for one of them
                if line := self._hangs(activity, t, asked, floor):
                    self._others = {one: how for one, how in self._others.items() if one is not activity}
                    leave(line)
            if line := self._hangs(self._loop, t, asked, floor):
                self._end(line, KEEP_S if asked is None else KEEP_STOP_S)
                return
            self._tell(t, asked)

    def _hangs(self, activity: Activity, t: float, asked: float | None, floor: float) -> str:
        """What is said where this one does not come back; "" where it may still."""
        now = activity.now
        if now is None:
            return ""
        state, began = now.state, now.since if math.isinf(now.seen) else now.seen
        age = t - max(began, floor)
        stop_s = CAMERA_STOP_S if math.isinf(now.seen) else STOP_S
        stop_s = max(stop_s, 2 * activity.longest.get(state.doing, 0.0))
        if asked is not None and began < asked and t - max(asked, floor) >= STOP_S and age >= stop_s:
            return f"asked to stop, but {state.hung} for {t - began:.1f} s"
        if math.isinf(now.seen):
            return ""
        limit_s = self._limit_s if state.limit_s is None else state.limit_s
        ends = self._hurried if asked is None else asked
        if ends is not None and began >= ends:
            limit_s = min(limit_s, CLOSE_S)
        if ends is not None and not now.waiting and now.seen > now.since:  # it comes on, but has no time for all of it
            whole = t - max(now.since, ends, floor)
            if whole >= CLOSE_S:
                return f"{state.hung} for {CLOSE_S:g} s"
        return f"{state.hung} for {limit_s:g} s" if age >= limit_s else ""

    def hurry(self) -> None:
        """The run ends, as something essential was left behind: what begins from now on has less time."""
        self._hurried = self._clock()

    def stopping(self, why: str) -> None:
        """Tell the service manager that the run ends."""
        if self._manager:
            self._manager.stopping(why)

    def _tell(self, t: float, asked: float | None) -> None:
        """Say that the loop lives, and that it waits for long."""
        now = self._loop.now
        doing = now.state.doing if now else "between two things"
        if self._guard:
            self._guard.beat(f"{'!' * (asked is not None)}{doing}")
        if self._manager:
            self._manager.look(self._loop, *self.figures())
        if now and now.waiting and t - now.since >= self._limit_s and now.since != self._told:
            self._told = now.since
            say(logging.WARNING, f"{now.state.hung} for {self._limit_s:g} s; the run waits for it")

    def _end(self, line: str, within_s: float) -> None:
        """The loop does not return: keep what was found, in a thread that may hang as well, and give up."""
        found = "nothing was looked at yet"
        if keep := self.keep:
            kept: list[bool] = []
            keeper = threading.Thread(target=lambda: kept.append(keep(line, within_s)), name="end", daemon=True)
            keeper.start()
            keeper.join(within_s)
            found = "what was found so far is on the disk" if kept == [True] else "the disk did not take the last of it"
        say(logging.ERROR, f"{line}: {found}; start the program again")
        self.stopping(line)
        if self._give_up:
            self._give_up()

    def _heard(self) -> bool:
        """Wait a moment; whether a signal to stop came meanwhile."""
        if not readable(self._ear.fileno(), LOOK_S):
            return False
        stop = any(number in STOPS for number in self._ear.recv(64, socket.MSG_PEEK))
        if stop and self._guard:  # before it is taken: the guard, too, is to know of it
            self._guard.beat("!ending")
        self._ear.recv(64)
        return stop


def say(level: int, line: str) -> None:
    """Log a line, and do not wait for whoever listens: a terminal may be what hangs."""
    speaker = threading.Thread(target=log.log, args=(level, "%s", line), name="say", daemon=True)
    speaker.start()
    speaker.join(SAY_S)
