"""Whoever looks on while a run goes: a table on a screen, a web page, a program of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.app.report import Totals
from edge.data import Result
from edge.geo.coverage.coverage import Coverage
from edge.recording.recorder import Recorder
from edge.seams import Closing


@dataclass(frozen=True)
class Progress:
    """How far a run is; read it whenever it suits.

    ``totals``: of the results so far. ``frames``: how many there will be, None where nobody knows. ``recorder``: what
    keeps the raw frames, or None. ``coverage``: the map of what was searched, or None. ``given_up``: what the board is
    spared now, by the names of report.json's ``degraded``, and because of what; None: nobody knows.
    """

    totals: Totals
    frames: int | None
    recorder: Recorder | None
    coverage: Coverage | None = None
    given_up: Callable[[], Mapping[str, str]] | None = None


class Observer(Closing):
    """Called in the thread of the run: `begin` once, then with each result, `close` at the end, however that came.

    What a run has to say in words goes to `logging`.
    """

    def begin(self, progress: Progress) -> None:
        """Before the first result."""

    def __call__(self, result: Result) -> None:
        """After ``result`` was counted and handed to the sinks."""


class Watching(Observer):
    """The observers of a run as one; a plain function of a result is one as well."""

    def __init__(self, *watches: Callable[[Result], None] | None) -> None:
        self._watches = [watch for watch in watches if watch is not None]

    def begin(self, progress: Progress) -> None:
        for watch in self._watches:
            if isinstance(watch, Observer):
                watch.begin(progress)

    def __call__(self, result: Result) -> None:
        for watch in self._watches:
            watch(result)

    def close(self) -> None:
        for watch in self._watches:
            if isinstance(watch, Observer):
                watch.close()
