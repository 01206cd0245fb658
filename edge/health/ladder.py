"""The degrade ladder: what a run gives up, in which order, where its board is hot, weak, full or late; and how it comes
back.

    measured values -> `Trouble` each (edge.health.strain) -> Ladder.look(t, troubles) -> one `Change`, or none

It knows times and values only. Detections stand on no rung: whatever is given up, frames are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

SURE_S = 3.0  # a limit must be passed for so long: one reading may be wrong
DOWN_S = 10.0  # from any change to the next step down: what was given up needs time to help
UP_S = 30.0  # all must be well for so long, and nothing have changed, before something is taken up again
TIMES = 2.0  # the lower rate: frames are taken at intervals so many times as long
EVERY = 3  # the engine is asked for every third frame


class Rung(IntEnum):
    """What is given up, in this order."""

    SLOWER = 1
    BETWEEN = 2
    PICTURES = 3
    RECORDING = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that was measured against its limit.

    ``because``: its name. ``seen``: value and limit in words. ``over``: the limit is passed. ``clear``: it is well
    away from it; between the two nothing changes. ``rungs``: that help against it.
    """

    because: str
    seen: str
    value: float
    limit: float
    over: bool
    clear: bool
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One step. ``down``: it is given up; else it is taken up again. ``trouble``: because of what, as it is now."""

    t: float
    rung: Rung
    down: bool
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the pipeline works. ``times``: frames are taken at intervals so many times as long as usual.
    ``every``: the engine is asked for every n-th frame; tracks go on in between.
    """

    times: float = 1.0
    every: int = 1


FULL = Effort()


def effort_of(rungs: Collection[Rung]) -> Effort:
    """With these rungs given up."""
    return Effort(TIMES if Rung.SLOWER in rungs else 1.0, EVERY if Rung.BETWEEN in rungs else 1)


class Ladder:
    """The state of one run. ``rungs``: those that are something in it: without a recording none can be stopped.

    ``taken``: what is given up now, and by the name of what. One step at a time: down at the earliest `DOWN_S` after
    the change before, up `UP_S`. What was given up last in the order comes back first.
    """

    def __init__(self, rungs: Iterable[Rung] = tuple(Rung)) -> None:
        self._rungs = frozenset(rungs)
        self.taken: dict[Rung, str] = {}
        self._changed = -math.inf
        self._over: dict[str, float] = {}  # since when
        self._clear: dict[str, float] = {}
        self._seconds: dict[Rung, float] = {}
        self._looked: float | None = None

    def look(self, t: float, troubles: Iterable[Trouble]) -> Change | None:
        """Take what was measured at ``t``, seconds that never run back; returns the one step that follows, if any.

        A thing that is not among ``troubles`` was not measured: nothing begins or ends because of it.
        """
        self._book(t)
        now = {trouble.because: trouble for trouble in troubles}
        for since, holds in ((self._over, "over"), (self._clear, "clear")):
            for name in since.keys() - now.keys():
                del since[name]
            for name, trouble in now.items():
                if getattr(trouble, holds):
                    since.setdefault(name, t)
                else:
                    since.pop(name, None)
        return self._down(t, now) or self._up(t, now)

    def seconds(self) -> dict[Rung, float]:
        """How long each was given up, up to the last look; only those that were."""
        return dict(sorted(self._seconds.items()))

    def _book(self, t: float) -> None:
        passed = 0.0 if self._looked is None else max(t - self._looked, 0.0)
        self._looked = t
        for rung in self.taken:
            self._seconds[rung] = self._seconds.get(rung, 0.0) + passed

    def _down(self, t: float, now: Mapping[str, Trouble]) -> Change | None:
        if t - self._changed < DOWN_S:
            return None
        steps = [
            (rung, name)
            for name, since in self._over.items()
            if t - since >= SURE_S
            if (rung := self._next(now[name])) is not None
        ]
        if not steps:
            return None
        rung, name = min(steps)
        self.taken[rung] = name
        self._seconds.setdefault(rung, 0.0)
        self._changed = t
        return Change(t, rung, True, now[name])

    def _next(self, trouble: Trouble) -> Rung | None:
        free = (rung for rung in sorted(trouble.rungs) if rung in self._rungs and rung not in self.taken)
        return next(free, None)

    def _up(self, t: float, now: Mapping[str, Trouble]) -> Change | None:
        if t - self._changed < UP_S:
            return None
        needed = {rung for name in self._over for rung in now[name].rungs}
        well = [
            rung
            for rung, name in self.taken.items()
            if rung not in needed and t - self._clear.get(name, math.inf) >= UP_S
        ]
        if not well:
            return None
        rung = max(well)
        self._changed = t
        return Change(t, rung, False, now[self.taken.pop(rung)])
