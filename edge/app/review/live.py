"""The review of a flight that goes on: its newest frames are at hand, its folder is there once a run has begun."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.app.review.answers import Answers
from edge.app.review.pictures import RecentFrames
from edge.data import Result
from edge.errors import InputError
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec


class LiveReview:
    """``behind``: a run's sink that gives it results. From any thread."""

    def __init__(self) -> None:
        self._frames = RecentFrames()
        self._mutex = threading.Lock()
        self._folder: Path | None = None
        self._answers: Answers | None = None

    def behind(self, spec: SinkSpec) -> SinkSpec:
        """The same sink of a run, and each result of it is noted here."""
        return replace(spec, make=lambda to: self._begun(spec, to))

    def answers(self) -> Answers:
        """Of the run. Raises InputError as long as none has begun."""
        with self._mutex:
            if self._folder is None:
                raise InputError("no frame was searched yet: there is nothing to review")
            if self._answers is None:
                self._answers = Answers(self._folder, self._frames)
            return self._answers

    def _begun(self, spec: SinkSpec, to: SinkContext) -> Sink:
        sink = spec.make(to)
        with self._mutex:
            self._folder = to.path
        return _Noted(sink, self._frames)


class _Noted(Sink):
    """A sink, and beside it the newest frames."""

    def __init__(self, sink: Sink, frames: RecentFrames) -> None:
        self._sink, self._frames = sink, frames

    def write(self, result: Result) -> None:
        self._frames.write(result)
        self._sink.write(result)

    def idle(self) -> None:
        self._sink.idle()

    def notice(self, text: str) -> None:
        self._sink.notice(text)

    def link_report(self) -> dict[str, Any] | None:
        return self._sink.link_report()

    def close(self) -> None:
        self._sink.close()
