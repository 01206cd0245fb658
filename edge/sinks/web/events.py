"""What happened, for whoever looks now or comes back later: a bounded ring, each event with a number."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NamedTuple

MOST = 500  # a flight of an hour has a hundred; each is some 200 bytes


class Event(NamedTuple):
    """``number``: from 1. ``kind``: found, condition, degrade, camera, link, sink. ``level``: info, warning, good."""

    number: int
    utc: str
    kind: str
    level: str
    text: str
    more: dict[str, Any]


class Missed(NamedTuple):
    """``events``: those after the number that was asked for, the oldest first. ``left_out``: older ones of them, that
    are not kept any more.
    """

    events: list[Event]
    left_out: int


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Events:
    """The last ``most`` events of one run; any thread adds and reads. ``run``: a word of this run alone, so that a
    number of another run is known for one.
    """

    def __init__(self, most: int = MOST, now: Callable[[], datetime] = _now) -> None:
        self._ring: deque[Event] = deque(maxlen=most)
        self._lock, self._now = threading.Lock(), now
        self.last = 0
        self.run = secrets.token_hex(4)

    def add(self, kind: str, level: str, text: str, **more: Any) -> None:
        """Something happened."""
        with self._lock:
            self.last += 1
            utc = self._now().isoformat(timespec="seconds")
            self._ring.append(Event(self.last, utc, kind, level, text, more))

    def after(self, number: int) -> Missed:
        """What came after the event of this number; 0 = all."""
        with self._lock:
            events = [event for event in self._ring if event.number > number]
            return Missed(events, self.last - max(number, 0) - len(events) if self.last > number else 0)

    def name(self, number: int) -> str:
        """By which a browser asks for what came after: ``Last-Event-ID``."""
        return f"{self.run}-{number}"

    def number(self, name: str) -> int:
        """The number in such a name; 0 where it is of another run, or none at all."""
        run, _, number = name.partition("-")
        good = run == self.run and number.isascii() and number.isdecimal() and len(number) < 10
        return min(int(number), self.last) if good else 0
