"""Checks that run at the same time, each in a thread of its own, and are cut off at the end of one common time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from edge.errors import EdgeError

State = Literal["green", "yellow", "red"]
WORST: tuple[State, ...] = ("green", "yellow", "red")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. ``state``: green: ready; yellow: it flies, with less than was asked for; red: it
    does not. ``todo``: the command or act that changes it, "" where there is none. ``check``: which one found it.
    """

    name: str
    state: State
    value: str
    todo: str = ""
    check: str = ""


@dataclass(frozen=True)
class Check:
    """``run`` gives its lines as it finds them: what it found before it is cut off is kept. ``todo``: what to do
    where it is.
    """

    name: str
    run: Callable[[], Iterator[Line]]
    todo: str = ""


@dataclass(frozen=True)
class Looked:
    """``lines``: of all checks, in their order. ``cut_off``: names of those that did not end in time: their threads are
    still there. ``seconds``: how long each took, by its name.
    """

    lines: tuple[Line, ...]
    cut_off: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)


def worst(lines: Sequence[Line]) -> State:
    """The state of all together."""
    return max((line.state for line in lines), key=WORST.index, default="green")


def side_by_side(checks: Sequence[Check], budget_s: float, clock: Callable[[], float] = time.monotonic) -> Looked:
    """Run all of ``checks`` at once, for ``budget_s`` seconds at most; one that is not through then is red."""
    start = clock()
    running = [_Running(check, clock) for check in checks]
    for one in running:
        one.join(max(budget_s - (clock() - start), 0.0))
    lines, cut_off = list[Line](), list[str]()
    for one in running:
        found, ended = one.taken()
        lines += [replace(line, check=one.check.name) for line in found]
        if not ended:
            cut_off.append(one.check.name)
            why = f"no answer within {budget_s:.1f} s: cut off"
            lines.append(Line(one.check.name, "red", why, one.check.todo or "run it again", one.check.name))
    return Looked(tuple(lines), tuple(cut_off), {one.check.name: one.seconds for one in running})


class _Running:
    """One check in its thread."""

    def __init__(self, check: Check, clock: Callable[[], float]) -> None:
        self.check, self._clock = check, clock
        self._lines, self._lock = list[Line](), threading.Lock()
        self._started = clock()
        self._ended: float | None = None
        self._thread = threading.Thread(target=self._work, name=f"check {check.name}", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float:
        return round((self._ended or self._clock()) - self._started, 3)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def taken(self) -> tuple[list[Line], bool]:
        with self._lock:
            return list(self._lines), self._ended is not None

    def _work(self) -> None:
        try:
            for line in self.check.run():
                self._add(line)
        except EdgeError as error:
            self._add(Line(self.check.name, "red", str(error), self.check.todo))
        except Exception as error:  # a fault of ours, or of a driver: the other checks go on
            log.debug("check %s", self.check.name, exc_info=True)
            self._add(Line(self.check.name, "red", f"it failed: {error!r}", "report it, with --verbose"))
        with self._lock:
            self._ended = self._clock()

    def _add(self, line: Line) -> None:
        with self._lock:
            self._lines.append(line)
