"""The autopilot's clock, which counts from its start, on the clock of the frames; and how far that is known.

Messages come late, out of order, or after a reboot; their own times are better than the times at which they came.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple, Protocol

import numpy as np

from edge.system.wall_clock import EARLIEST

WINDOW_S = 30.0  # the shortest delay of so many seconds tells the offset: clocks drift apart by a millisecond in it
REORDER_S = 1.0  # by how much a message may be older than one before it
EARLY_S, LATE_S = 5.0, 60.0  # delays that change by more than this are another clock's
AGREE_S = 1.0  # delays of a new clock differ by less
NEW_CLOCK = 3  # after so many messages that agree
CORRECTED_S = 0.3  # times that turn out to be wrong by more than this are not mixed with later ones
CLOCK_JUMPED = "the autopilot's clock jumped"
BIN_S = 10.0  # of a log: the shortest delay of each

LONGEST_ROUND_TRIP_S = 1.0
SYNC_WINDOW_S = 10.0
SYNC_OFF_S = 1.0  # TIMESYNC that is farther from the times of messages tells another clock
MOST_ASKED = 32

GPS_KEPT = 30  # half a minute of SYSTEM_TIME: one of them was hardly late
GPS_LEAST = 3  # a single one may be late, or wrong
GPS_STEP_S = 2.0  # what differs by more was set anew
LATEST_S = 4102444800.0  # 2100: a date after it is none


class Placing(NamedTuple):
    """What put samples at their times: what was added to the sender's own time, and how far that may be off, seconds;
    None = nobody knows.
    """

    offset_s: float = 0.0
    sigma_s: float | None = None


NOT_KNOWN = Placing()


class Clock(Protocol):
    """Seconds since the autopilot's start -> seconds of the clock on which messages arrive.

    ``restarts``: how often that clock began anew. ``corrections``: how often times of before turned out to be wrong.
    """

    @property
    def restarts(self) -> int: ...

    @property
    def corrections(self) -> int: ...

    def take(self, boot_s: float, arrival: float) -> tuple[float | None, str]:
        """When the message of ``boot_s`` was made, or None and why that is not known."""
        ...

    @property
    def offset(self) -> float:
        """What was added to the time of the newest message, seconds."""
        ...

    @property
    def sigma_s(self) -> float | None:
        """How far that may be off, seconds; None where nobody knows: the delay of the link is in it."""
        ...


class Sessions:
    """Which messages are of one start of the autopilot, by their delays."""

    def __init__(self) -> None:
        self.restarts = 0
        self._newest: float | None = None  # the highest time since its start
        self._odd: deque[float] = deque(maxlen=NEW_CLOCK)  # delays of the newest messages that make no sense

    def goes_on(self, boot_s: float, lag: float, usual: float) -> bool | None:
        """True: of the same start, with a delay not too far from the ``usual`` one. False: of a new start, which is
        counted. None: neither is known.
        """
        fits = self._newest is None or (boot_s >= self._newest - REORDER_S and usual - EARLY_S <= lag <= usual + LATE_S)
        if not fits:
            self._odd.append(lag)
            if len(self._odd) < NEW_CLOCK or max(self._odd) - min(self._odd) > AGREE_S:
                return None
            self._newest = None
            self.restarts += 1
        self._odd.clear()
        self._newest = boot_s if self._newest is None else max(boot_s, self._newest)
        return fits


class BootClock:
    """`Clock` of a live link. ``sync``: see `TimeSync`."""

    def __init__(self) -> None:
        self.corrections = 0
        self.sync = TimeSync()
        self._sessions = Sessions()
        self._lags: deque[tuple[float, float]] = deque()  # (arrival, delay), rising delays: the first is the shortest

    @property
    def restarts(self) -> int:
        return self._sessions.restarts

    def take(self, boot_s: float, arrival: float) -> tuple[float | None, str]:
        lag = arrival - boot_s
        if not math.isfinite(lag):
            return None, "a time that is not a number"
        usual = self._lags[0][1] if self._lags else lag
        goes_on = self._sessions.goes_on(boot_s, lag, usual)
        if goes_on is None:
            return None, CLOCK_JUMPED
        if not goes_on:
            self._lags.clear()
            self.sync.clear()
        elif lag < usual - CORRECTED_S and not self.synchronised:
            self.corrections += 1  # all messages before were late
        while self._lags and self._lags[-1][1] >= lag:
            self._lags.pop()
        self._lags.append((arrival, lag))
        while self._lags[0][0] < arrival - WINDOW_S:
            self._lags.popleft()
        return boot_s + self.offset, ""

    @property
    def synchronised(self) -> bool:
        """Whether TIMESYNC was answered, by the clock of the messages."""
        offset = self.sync.offset
        return offset is not None and bool(self._lags) and abs(self._lags[0][1] - offset) < SYNC_OFF_S

    @property
    def offset(self) -> float:
        """What is added to the autopilot's time; 0 before the first message."""
        if self.synchronised and self.sync.offset is not None:
            return self.sync.offset
        return self._lags[0][1] if self._lags else 0.0

    @property
    def sigma_s(self) -> float | None:
        return self.sync.sigma_s if self.synchronised else None


class Learning:
    """`Clock` that only writes down what comes, for a `LogClock`."""

    restarts = corrections = 0
    offset, sigma_s = 0.0, None

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def take(self, boot_s: float, arrival: float) -> tuple[float | None, str]:
        self.seen.append((boot_s, arrival))
        return None, ""


class LogClock:
    """`Clock` of a log, which knows the delays after a message as well as those before it."""

    corrections = 0
    sigma_s = None

    def __init__(self, seen: list[tuple[float, float]]) -> None:
        """``seen``: time since its start and arrival of every message, in the order in which they will be taken."""
        self.restarts = self._at = 0
        self.offset = 0.0
        self._sessions: list[int | None] = []
        sessions, usual, bins = Sessions(), math.inf, dict[tuple[int, int], float]()
        for boot_s, arrival in seen:
            lag = arrival - boot_s
            goes_on = sessions.goes_on(boot_s, lag, lag if math.isinf(usual) else usual)
            self._sessions.append(None if goes_on is None else sessions.restarts)
            if goes_on is not None:
                usual = min(usual, lag) if goes_on else lag
                key = sessions.restarts, int(arrival // BIN_S)
                bins[key] = min(bins.get(key, math.inf), lag)
        self._offsets = {n: _smooth({b: lag for (m, b), lag in bins.items() if m == n}) for n in {m for m, _ in bins}}

    def take(self, boot_s: float, arrival: float) -> tuple[float | None, str]:
        session = self._sessions[self._at]
        self._at += 1
        if session is None:
            return None, CLOCK_JUMPED
        self.restarts = session
        centres, lags = self._offsets[session]
        self.offset = float(np.interp(arrival, centres, lags))
        return boot_s + self.offset, ""


def _smooth(bins: dict[int, float]) -> tuple[list[float], list[float]]:
    """Middles of the bins in seconds, and the shortest delay of each with its neighbours."""
    lags = [min(bins.get(b + i, math.inf) for i in (-1, 0, 1)) for b in sorted(bins)]
    return [(b + 0.5) * BIN_S for b in sorted(bins)], lags


class TimeSync:
    """MAVLink's TIMESYNC: of the answers of the newest 10 s the one with the shortest round trip.

    ``answers``: that were taken. ``strange``: to questions that were not asked, or too late.
    """

    def __init__(self) -> None:
        self.answers = self.strange = 0
        self._asked: deque[int] = deque(maxlen=MOST_ASKED)
        self._found: deque[tuple[float, float, float]] = deque()  # when, round trip, offset

    def ask(self, now: float) -> int:
        """The ``ts1`` of a question that goes out at ``now``, nanoseconds."""
        self._forget(now)
        ns = int(now * 1e9)
        self._asked.append(ns)
        return ns

    def answer(self, ts1: int, tc1: int, now: float) -> None:
        """Take an answer: ``ts1`` is the question's, ``tc1`` the other side's time, both nanoseconds."""
        trip = now - ts1 / 1e9
        if ts1 not in self._asked or not 0 <= trip <= LONGEST_ROUND_TRIP_S:
            self.strange += 1
            return
        self._asked.remove(ts1)
        self.answers += 1
        self._found.append((now, trip, now - trip / 2 - tc1 / 1e9))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._found and self._found[0][0] < now - SYNC_WINDOW_S:
            self._found.popleft()

    def clear(self) -> None:
        """The other side's clock is a new one."""
        self._asked.clear()
        self._found.clear()

    @property
    def offset(self) -> float | None:
        """Our time less the other side's, seconds; None where no answer came in the newest 10 s."""
        return min(self._found, key=lambda found: found[1])[2] if self._found else None

    @property
    def sigma_s(self) -> float | None:
        """Half of the shortest round trip, seconds: the offset is off by at most that."""
        return min(found[1] for found in self._found) / 2 if self._found else None


class GpsTime:
    """UTC as the autopilot's SYSTEM_TIME tells it. Each message is late by what it took: the earliest of them count."""

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=GPS_KEPT)

    def take(self, utc_s: float, arrival: float) -> None:
        """One message. ``utc_s``: seconds since 1970, 0 before GPS has told it. ``arrival``: `time.monotonic`."""
        if not EARLIEST.timestamp() <= utc_s < LATEST_S:
            return
        if self._offsets and abs(utc_s - arrival - max(self._offsets)) > GPS_STEP_S:
            self._offsets.clear()  # it has been set since
        self._offsets.append(utc_s - arrival)

    @property
    def offset(self) -> float | None:
        """UTC less `time.monotonic`, seconds; None before three messages."""
        return max(self._offsets) if len(self._offsets) >= GPS_LEAST else None
