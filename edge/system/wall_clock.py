"""UTC beside the monotonic clock: whether the machine's is to be trusted, what the difference is, and when it jumps."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Literal, NamedTuple

EARLIEST = datetime(2026, 1, 1, tzinfo=timezone.utc)  # this program is not older: a clock before it was never set
JUMP_S = 0.05  # in a second: more is no slewing
TIME_ERROR = 5  # of adjtimex(2): not synchronised
APART_S = 0.002  # two clocks that were read further apart do not belong together
TRIES = 5

State = Literal["synchronised", "unsynchronised", "unset"]
By = Literal["system", "autopilot"]


class Relation(NamedTuple):
    """``t``: seconds of the monotonic clock. ``utc_s``: the same moment, seconds since 1970; None: nobody knows.
    ``state``: ``synchronised`` is to be trusted; ``unset``: the date cannot be. ``by``: who says it. ``jump_s``: so far
    the machine's clock was set since the look before, None: it was not.
    """

    t: float
    utc_s: float | None
    state: State
    by: By
    jump_s: float | None

    @property
    def utc(self) -> str | None:
        """ISO 8601, milliseconds; None where nobody knows."""
        if self.utc_s is None:
            return None
        return datetime.fromtimestamp(self.utc_s, timezone.utc).isoformat(timespec="milliseconds")


class WallClock:
    """Looked at now and then by one thread. ``autopilot``: UTC less the monotonic clock as GPS time tells it, seconds,
    None where nothing does: asked where the machine's own clock is not synchronised.
    """

    def __init__(
        self,
        autopilot: Callable[[], float | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        kept: Callable[[], bool | None] | None = None,
    ) -> None:
        self._autopilot, self._clock, self._wall = autopilot, clock, wall
        self._kept = kept or synchronised
        self._before: float | None = None  # the difference of the machine's clocks at the last look
        self._told: tuple[State, By, float | None] | None = None

    def look(self) -> Relation | None:
        """What is new since the last look: the first time, a jump, another state, a drift; None where nothing is."""
        t, wall = self._both()
        offset: float | None = wall - t
        assert offset is not None
        moved = 0.0 if self._before is None else offset - self._before
        self._before = offset
        state: State = "unset" if wall < EARLIEST.timestamp() else "synchronised" if self._kept() else "unsynchronised"
        by: By = "system"
        if state != "synchronised" and (told := self._autopilot()) is not None:
            state, by, offset = "synchronised", "autopilot", told
        elif state == "unset":
            offset = None
        jump_s = moved if abs(moved) > JUMP_S else None
        if jump_s is None and self._told is not None and self._told[:2] == (state, by):
            known = self._told[2]
            if offset is None or known is None or abs(offset - known) <= JUMP_S:
                return None
        self._told = state, by, offset
        return Relation(t, None if offset is None else t + offset, state, by, jump_s)

    def _both(self) -> tuple[float, float]:
        """Both clocks at one moment; a thread may be stopped between them."""
        for _ in range(TRIES):
            t, wall, after = self._clock(), self._wall(), self._clock()
            if after - t <= APART_S:
                break
        return (t + after) / 2, wall


def synchronised() -> bool | None:
    """What the kernel says of its clock; None where it cannot be asked."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state = int(call(ctypes.create_string_buffer(512)))  # a struct timex of zeros asks and sets nothing
    return None if state < 0 else state != TIME_ERROR
