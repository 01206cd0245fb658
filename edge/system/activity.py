"""What a thread is at, and since when: set by the thread itself at each change, read by whoever watches it.

    here().works(INFERRING) -> ... -> here().waits(WAITING_FOR_A_FRAME) -> ...

Work must end in its time. Waiting is no fault: it is declared, and renewed where who waits can look up now and then.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class State(NamedTuple):
    """Something that a thread can be at.

    ``doing``: in words, as in "inferring". ``hung``: what is said where it does not end, in front of "for 30 s".
    ``limit_s``: how long it may take, seconds; None: as the watchdog says. ``start``: it belongs to the start of a run,
    which is not ready yet.
    """

    doing: str
    hung: str
    limit_s: float | None = None
    start: bool = False


class Now(NamedTuple):
    """The state of a thread. ``since``: when it began; ``seen``: when its thread last looked up, infinite where it
    cannot; both on the activity's clock, seconds. ``waiting``: whether it is declared to wait.
    """

    state: State
    since: float
    seen: float
    waiting: bool


class Activity:
    """Of one thread. ``now``: None while it is at nothing that could hang.

    ``waited``: seconds by what was waited for; ``longest``: the longest time that each other state took, seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._clock = name, clock
        self.now: Now | None = None
        self.waited: dict[str, float] = {}
        self.longest: dict[str, float] = {}

    def works(self, state: State) -> None:
        """It begins with this; said again, it begins anew."""
        t = self._clock()
        self._book(t)
        self.now = Now(state, t, t, False)

    def goes_on(self, state: State) -> None:
        """It works on this; said again, it still does, and comes on with it. After a stop all of it has a limit."""
        t, before = self._clock(), self.now
        if before is not None and before.state is state and not before.waiting:
            self.now = Now(state, before.since, t, False)
        else:
            self.works(state)

    def waits(self, state: State, renews: bool = True) -> None:
        """It waits for this; said again, it still does. ``renews``: it says so again in time."""
        t, before = self._clock(), self.now
        seen = t if renews else math.inf
        if before is not None and before.state is state:
            self.now = Now(state, before.since, seen, True)
            return
        self._book(t)
        self.now = Now(state, t, seen, True)

    def rests(self) -> None:
        """It is at nothing, and may be so for ever."""
        self._book(self._clock())
        self.now = None

    @contextmanager
    def meanwhile(self, state: State) -> Iterator[None]:
        """Inside, it works on this instead; then it begins anew with what it was at. What rests goes on to rest."""
        before = self.now
        if before is None:
            yield
            return
        self.works(state._replace(start=before.state.start))
        try:
            yield
        finally:
            t = self._clock()
            self._book(t)
            self.now = before._replace(since=t, seen=t if math.isfinite(before.seen) else before.seen)

    def report(self) -> dict[str, Any]:
        """For a report: the seconds of each wait, and the longest time at anything else, the present ones included."""
        waited, longest = dict(self.waited), dict(self.longest)
        if (now := self.now) is not None:
            doing, seconds = now.state.doing, self._clock() - now.since
            if now.waiting:
                waited[doing] = waited.get(doing, 0.0) + seconds
            else:
                longest[doing] = max(longest.get(doing, 0.0), seconds)
        stalled = max(longest, key=lambda doing: longest[doing], default=None)
        return {
            "waiting_seconds": {doing: round(seconds, 3) for doing, seconds in waited.items()},
            "longest_step": stalled and {"doing": stalled, "seconds": round(longest[stalled], 3)},
        }

    def _book(self, t: float) -> None:
        if (before := self.now) is None:
            return
        doing, seconds = before.state.doing, t - before.since
        if before.waiting:
            self.waited[doing] = self.waited.get(doing, 0.0) + seconds
        elif seconds > self.longest.get(doing, 0.0):
            self.longest[doing] = seconds


_local = threading.local()


def here() -> Activity:
    """The activity of this thread. Where nobody watches it, one that nobody reads."""
    try:
        found: Activity = _local.activity
    except AttributeError:
        found = _local.activity = Activity(threading.current_thread().name)
    return found


@contextmanager
def watched_here(activity: Activity) -> Iterator[Activity]:
    """Inside, ``activity`` is the one of this thread."""
    before = here()
    _local.activity = activity
    try:
        yield activity
    finally:
        _local.activity = before


# ---- the states of a run's loop; those of a sink have its name in them ----

INFERRING = State("inferring", "the engine has not answered")
WORKING = State("working on a frame", "the work on a frame has not ended")
READING = State("reading the source", "the source has given nothing, its file or disk does not answer,")
HANDING_ON = State("handing a result on", "a result could not be handed on")
SHOWING = State("showing a result", "the terminal, or the program that reads the output, has taken nothing")
WAITING_FOR_A_FRAME = State("waiting for a frame", "the camera has given nothing")
RESTING = State("resting, as the board is in trouble", "the next frame has not been taken")
