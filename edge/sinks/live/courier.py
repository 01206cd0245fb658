"""Store and forward: messages wait while a link is away, and nobody waits for them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any, Protocol

from edge.seams import Closing
from edge.system.budget import COURIER_S as GRACE_S
from edge.system.files import reason_of

MOST = 1000  # messages that wait
RATE_HZ = 10.0  # messages a second: radios in the field carry little
RECENT_S = 30.0  # what went out so shortly before a link broke goes again: TCP took it, but nobody knows who read it
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0  # between two tries
LAST_DELAY_S, LAST_PAUSE_S = 0.2, 0.01  # then it is in a hurry
TEND_S = 1.0  # how often a link is looked after while nothing goes out

log = logging.getLogger(__name__)


class Sends(Protocol):
    """A link: `edge.sinks.live.link.Link`, or one that does the same. Each raises OSError. `tend` looks after it while
    nothing is sent; True: it was looked at, and is there.
    """

    def send(self, data: bytes) -> None: ...
    def tend(self) -> bool | None: ...
    def close(self) -> None: ...


class Courier(Closing):
    """Sends messages over ``link`` in a thread of its own, the oldest first.

    A message with the key of one that still waits takes its place: what is told of a thing is what is known last.
    ``sent``, ``dropped``: messages so far; those beyond ``most`` push the oldest out. ``reconnects``: how often the
    link was there again after it was away; ``error``: why it was away last. ``name``: in the log.
    """

    def __init__(self, link: Sends, name: str, most: int = MOST, rate_hz: float = RATE_HZ) -> None:
        self._link, self._name, self._most, self._pause_s = link, name, most, 1 / rate_hz
        self._waiting: dict[str, bytes] = {}  # in the order in which they came
        self._recent: deque[tuple[float, str, bytes]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self.sent = self.dropped = self.reconnects = 0
        self.away, self.error = False, ""
        self._why: set[str] = set()  # that were told since the link was away
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Messages that have not gone out."""
        return len(self._waiting)

    def report(self, to: str, refused: int = 0) -> dict[str, Any]:
        """For report.json. ``to``: the address; ``refused``: of ``sent``, those that the other side did not want."""
        with self._changed:
            return {
                "to": to,
                "sent": self.sent - refused,
                "waiting": self.waiting,
                "dropped": self.dropped,
                "refused": refused,
                "reconnects": self.reconnects,
                "away": self.away,
                "error": self.error or None,
            }

    def put(self, key: str, data: bytes) -> None:
        """Hand a message over; returns at once."""
        with self._changed:
            self._waiting[key] = data
            if len(self._waiting) > self._most:
                del self._waiting[next(iter(self._waiting))]
                self.dropped += 1
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, for at most a second; says what did not go out. May be called twice."""
        if self._closing:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(GRACE_S)
        if lost := self.waiting + self.dropped:
            log.warning("%s: %d messages were sent, %d were not: the link was away", self._name, self.sent, lost)

    def _work(self) -> None:
        end, delay = float("inf"), FIRST_DELAY_S
        tried = False  # at once, and also in a run that is over sooner: a broker is to hear of it
        while True:
            with self._changed:
                if not self._waiting and not self._closing and tried:
                    self._changed.wait(TEND_S)
                if self._closing:
                    end = min(end, time.monotonic() + GRACE_S)
                if self._closing and ((tried and not self._waiting) or time.monotonic() > end):
                    break
                key, data = next(iter(self._waiting.items()), ("", None))
            tried = True
            try:
                if data is not None:
                    self._link.send(data)
                there = data is not None or self._link.tend()
            except OSError as error:
                self._link.close()
                self._away(error)
                self._rest(delay, LAST_DELAY_S)
                delay = min(2 * delay, LONGEST_DELAY_S)
                continue
            if there:
                delay = FIRST_DELAY_S
                self._here()
            if data is not None:
                self._gone(key, data)
                self._rest(self._pause_s, LAST_PAUSE_S)
        self._link.close()

    def _gone(self, key: str, data: bytes) -> None:
        now = time.monotonic()
        with self._changed:
            self.sent += 1
            if self._waiting.get(key) is data:
                del self._waiting[key]
            self._recent.append((now, key, data))
            while self._recent[0][0] < now - RECENT_S or len(self._recent) > self._most:
                self._recent.popleft()

    def _away(self, error: OSError) -> None:
        why = reason_of(error)
        with self._changed:
            if why not in self._why:  # each reason once
                log.warning("%s cannot be reached (%s): messages wait, and it is tried again", self._name, why)
            self._why.add(why)
            self.away, self.error = True, why
            now = time.monotonic()
            again = {key: data for t, key, data in self._recent if now - t <= RECENT_S}
            self._recent.clear()
            self._waiting = {**again, **self._waiting}  # the newer of two is the one that waits

    def _here(self) -> None:
        if self.away:
            self.away = False
            self._why.clear()
            self.reconnects += 1
            log.warning("%s is back", self._name)

    def _rest(self, seconds: float, at_the_end_s: float) -> None:
        """Wait; where the end has come, no longer than ``at_the_end_s``."""
        begin = time.monotonic()
        with self._changed:
            while True:
                longest = min(seconds, at_the_end_s) if self._closing else seconds
                if (left := begin + longest - time.monotonic()) <= 0:
                    return
                self._changed.wait(left)
