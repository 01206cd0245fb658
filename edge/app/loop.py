"""The loop of one run: results to the sinks, until something ends it; and then, however it ended, the report."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.app.mounting import MountingWatch
from edge.app.observer import Observer, Progress
from edge.app.output import REPORT
from edge.app.report import Totals, origin, source_line, write_report
from edge.app.settings import RunSettings
from edge.app.sinks import Sinks
from edge.app.watchdog import Watchdog
from edge.data import Filter, Result
from edge.errors import EdgeError, EngineError, SinkError
from edge.geo.coverage.coverage import Coverage
from edge.geo.placing import Placing
from edge.pipeline import Stream, stream
from edge.pose.attach import Posed
from edge.recording.recorder import Recorder
from edge.recording.verify import Verifier
from edge.seams import Camera, Engine
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.deadline import Deadline
from edge.system.host import host_facts, power_facts, versions
from edge.system.signals import finishing, stopping
from edge.track.follower import Follower

CLOSE_S = 5.0  # sinks that take longer are left behind, if the engine hangs
GRACE_S = 1.0  # a time limit waits so long for a result; then the camera is taken to be away

log = logging.getLogger(__name__)


@dataclass
class Loop:
    """One run, all its parts open; they stay the caller's to close, but the sinks and the recorder.

    ``may_wait``: the camera's `read` may wait without an end, so that a time limit needs a clock of its own.
    """

    settings: RunSettings
    out: Path
    policy: str
    camera: Camera
    engine: Engine
    sinks: Sinks
    recorder: Recorder | None
    posed: Posed | None
    placing: Placing
    coverage: Coverage | None
    verifier: Verifier | None
    observer: Observer
    stop: threading.Event | None
    may_wait: bool
    give_up: Callable[[], None] | None = None
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._totals = Totals(self.engine.bundle.classes)
        self._filter = Filter(self.settings.threshold)
        self._started = datetime.now(timezone.utc)
        self._stream: Stream | None = None
        self._mounting = MountingWatch(self.out / COUNTS, self.placing)

    def run(self) -> dict[str, Any]:
        """Run to the end; returns the report. Raises what ended it early, after the report was written."""
        error: Exception | None = None
        seconds = self.settings.seconds
        deadline = Deadline(seconds + GRACE_S if seconds and self.may_wait else None, self.stop)
        with (
            stopping(deadline) as heard,
            Watchdog(self._busy_since, self._hung),
        ):  # between two results: what was counted is written, too
            try:
                ended = self._results(deadline, heard)
            except KeyboardInterrupt:
                ended = "interrupted"
            except Exception as caught:  # also a fault of this program: it is raised again, but not before the report
                error, ended = caught, "failed"
            with finishing():
                return self._end(ended, error)

    def _results(self, deadline: Deadline, heard: Callable[[], bool]) -> str:
        """Take results until the end; returns what it was. ``heard``: whether a signal has set ``deadline``."""
        settings, totals, first = self.settings, self._totals, None
        self.observer.begin(Progress(totals, self._coming(), self.recorder, self.coverage))
        lowest = self._filter.lowest(self.engine.bundle.score_threshold)
        results = stream(
            self.camera,
            self.engine,
            policy=self.policy,
            filter=self._filter,
            stop=deadline,
            follow=None if self.camera.independent else Follower(lowest, self.placing),
            locate=self.placing,
        )
        self._stream = results
        with self.observer, results:
            for result in results:
                self._take(result)
                if first is None:
                    first = result.t_result
                    deadline.start()
                if settings.frames is not None and totals.meter.results >= settings.frames:
                    return "frame limit"
                if settings.seconds is not None and result.t_result - first >= settings.seconds:
                    return "time limit"
        if heard():
            return "interrupted"
        if deadline.is_set():
            return "time limit" if deadline.passed else "stopped"
        if self.verifier:
            self.verifier.end_of_source()
        return "end of source"

    def _take(self, result: Result) -> None:
        """Count one result, hand it on, and say what there is to say."""
        if self._totals.meter.results == 0:
            log.info("%s", source_line(self.camera, result.frame, self.engine))
        for line in self._totals.add(result):
            log.warning("%s", line)
        self.sinks.write(result)
        if self.verifier:
            self.verifier.write(result)
        for error in self._errors():
            if str(error) not in self._told:
                self._told.add(str(error))
                log.warning("%s; the flight goes on", error)
        self._mounting.note(result)
        self.observer(result)

    def _coming(self) -> int | None:
        """How many results there will be at most, None where nobody knows."""
        return min((n for n in (self.settings.frames, self.camera.frames) if n is not None), default=None)

    def _errors(self) -> list[EdgeError]:
        """Why sinks and the recording stopped."""
        recorder = self.recorder
        return [*self.sinks.errors, *([recorder.error] if recorder and recorder.error else [])]

    def _busy_since(self) -> float | None:
        return self._stream.busy_since if self._stream else None

    def _hung(self, line: str) -> None:
        """The engine does not return: keep what was found, in a thread that may hang as well, and give up."""
        log.error("%s: what was found so far is on the disk; start the program again", line)
        closer = threading.Thread(target=self._end_hung, args=(line,), name="end", daemon=True)
        closer.start()
        closer.join(CLOSE_S)
        if self.give_up:
            self.give_up()

    def _end_hung(self, line: str) -> None:
        with suppress(EdgeError):  # it was said
            self._end("failed", EngineError(line))

    def _end(self, ended: str, error: Exception | None) -> dict[str, Any]:
        self.sinks.close()
        if self.recorder:
            self.recorder.close()
        error = error or next(iter(self._errors()), None)
        if not error:
            self._mounting.finish()
        report = self._report("failed" if error else ended, error)
        if self.verifier and not error and (error := self.verifier.error(report)):
            report.update(ended="failed", error=str(error))
        try:
            write_report(self.out / REPORT, report)
        except SinkError as unwritten:
            error = error or unwritten  # what came first is the cause
        if error:
            raise error
        return report

    def _report(self, ended: str, error: Exception | None) -> dict[str, Any]:
        engine, camera, sinks = self.engine, self.camera, self.sinks.report()
        video = sinks.get("video")
        return {
            **self._totals.to_json(),
            "ended": ended,
            "error": None if error is None else str(error) or repr(error),
            **origin(engine, self.settings.source_text, camera),
            "threshold": self._filter.lowest(engine.bundle.score_threshold),
            "reconnects": camera.outages(),  # None: a source that is not looked for
            "policy": self.policy,
            "video": video and {key: video[key] for key in ("file", "skipped", "error")},
            "sinks": sinks,
            "links": self.sinks.links(),
            "pose": self.posed and self.posed.report(),
            "position": {**self.placing.report(), "alignment": self._mounting.report()},
            "coverage": self.coverage and self.coverage.report(),
            "recording": self.recorder and self.recorder.report(),
            "verify": self.verifier and self.verifier.report(engine.backend),
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(timezone.utc) - self._started).total_seconds(), 3),
            "host": host_facts(),
            "power": power_facts(),
            "versions": versions(engine.versions),
        }
