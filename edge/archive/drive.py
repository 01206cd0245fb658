"""Give out units until none is left: which may be tried again, which belong to others, what is said meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from edge.archive.claims import Looks, take_away
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.archive.work import Outcome, Places

WAIT_S = 5.0  # for a unit to come back, and between two looks at units that others work on
MOST_AGAIN = 1000  # units that failed and wait for the end: more are tried again at once, so that few are in memory
NAMED = 100  # of those that were given up; the reasons of all are on the disk


class Pool(Protocol):
    """Who detects. ``slots``: how many units may be given out now."""

    def submit(self, unit: Unit) -> None:
        """Give one out."""

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        """What came back; None: nothing within so many seconds. Raises EdgeError where no worker can do any."""

    def slots(self) -> int:
        """Now: workers come and go."""


@dataclass
class Tally:
    """Units by what became of them. ``given_up``: how many; ``left``: the first `NAMED` of them, with why. ``frames``,
    ``bytes``: of units done now.
    """

    units: int = 0
    there: int = 0
    done: int = 0
    elsewhere: int = 0
    frames: int = 0
    bytes: int = 0
    given_up: int = 0
    left: list[tuple[Unit, str]] = field(default_factory=list)

    @property
    def over(self) -> int:
        """Of which nothing more comes."""
        return self.there + self.done + self.given_up


class Drive:
    """Every unit of a job until it is done or left.

    ``units``: read as they are given out; only those at work are in memory. ``folder``: of the job. A unit that failed
    comes again behind the others, and is left after `Tries`' most. One that another run works on is looked at again
    until it is there, or abandoned. ``tell``: called with each change. ``clock``: seconds.
    """

    def __init__(
        self,
        units: Iterator[Unit],
        folder: Path,
        pool: Pool,
        tell: Callable[[Tally], None] = lambda _tally: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._units, self._folder, self._pool, self._tell, self._clock = units, folder, pool, tell, clock
        self._again: deque[Unit] = deque()
        self._others: deque[Unit] = deque()
        self._looks, self._looked = Looks(clock), clock()
        self._out, self._more = 0, True
        self.tally = Tally()

    def run(self) -> Tally:
        """To the end. Raises what the pool raises."""
        while True:
            self._give_out()
            if not (self._out or self._others or self._again or self._more):
                return self.tally
            came = self._pool.next(WAIT_S)  # also where nothing comes: who waits sees that it lives
            if came:
                self._out -= 1
                self._take(*came)
            if self._others and self._clock() - self._looked >= WAIT_S:
                self._looked = self._clock()
                self._look_at_others()
            self.tally.elsewhere = len(self._others)
            self._tell(self.tally)

    def _give_out(self) -> None:
        while self._out < self._pool.slots():
            if (unit := self._next()) is None:
                return
            self._pool.submit(unit)
            self._out += 1

    def _next(self) -> Unit | None:
        """The next unit of which something is to be done; those of which nothing is are counted."""
        while self._more and len(self._again) < MOST_AGAIN:
            unit = next(self._units, None)
            if unit is None:
                self._more = False
                break
            self.tally.units += 1
            if (before := _known(unit, self._folder)) is None:
                return unit
            _count(self.tally, unit, before)
            self._tell(self.tally)
        return self._again.popleft() if self._again else None

    def _take(self, unit: Unit, outcome: Outcome) -> None:
        if outcome.state == "failed":
            self._again.append(unit)
        elif outcome.state == "taken":
            self._others.append(unit)
        else:
            _count(self.tally, unit, outcome)

    def _look_at_others(self) -> None:
        for _ in range(len(self._others)):
            unit = self._others.popleft()
            claim = Places.of(self._folder, unit.sha256).claim
            if self._looks.abandoned(claim):
                take_away(claim)
                self._again.append(unit)
            else:
                self._others.append(unit)


def _known(unit: Unit, folder: Path) -> Outcome | None:
    """What became of it before, where nothing is to be done."""
    places = Places.of(folder, unit.sha256)
    if places.result.is_dir():
        return Outcome(unit.sha256, "there")
    tries = Tries(places.tries)
    if tries.over and not places.claim.exists():
        return Outcome(unit.sha256, "left", tries.reason)
    return None


def _count(tally: Tally, unit: Unit, outcome: Outcome) -> None:
    if outcome.state == "left":
        tally.given_up += 1
        if len(tally.left) < NAMED:
            tally.left.append((unit, outcome.why))
    elif outcome.state == "done":
        tally.done += 1
        tally.frames += outcome.frames
        tally.bytes += unit.bytes
    else:
        tally.there += 1
