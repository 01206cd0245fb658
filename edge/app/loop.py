"""The loop of one run: results to the sinks, until something ends it; and then, however it ended, the report."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from edge.app.clock.watch import ClockWatch
from edge.app.degrade.degrader import Degrader
from edge.app.mounting import MountingWatch
from edge.app.observer import Observer, Progress
from edge.app.output import REPORT
from edge.app.report import Totals, origin, source_line, write_report
from edge.app.retention.keeper import Keeper
from edge.app.settings import RunSettings
from edge.app.sinks import Sinks
from edge.app.watch.watchdog import Watchdog, say
from edge.data import Result
from edge.errors import EdgeError, SinkError
from edge.geo.coverage.coverage import Coverage
from edge.geo.placing import Placing
from edge.health.ladder import Rung, effort_of
from edge.model.thresholds import Filter
from edge.pipeline import Stream, stream
from edge.pose.attach import Posed
from edge.recording.recorder import Recorder
from edge.recording.verify import Verifier
from edge.seams import Camera, Engine
from edge.sinks.faint import NAME as FAINT
from edge.sinks.spare import Spare
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.activity import HANDING_ON, SHOWING, State, here
from edge.system.caution import CAUTION
from edge.system.deadline import Deadline
from edge.system.files import Room
from edge.system.host import host_facts, power_facts, versions
from edge.system.memory import memory_error
from edge.system.signals import finishing, stopping
from edge.system.text import without_passwords
from edge.track.follower import Follower
from edge.track.one_body import OneBody

SINKS_PART = 0.6  # of the time that there is to keep what was found; the rest is for the report
GRACE_S = 1.0  # a time limit waits so long for a result; then the camera is taken to be away

ENDING = State("ending the run", "the end of the run has not come")
REPORTING = State("writing the report", "the report has not been written")

log = logging.getLogger(__name__)


@dataclass
class Loop:
    """One run, all its parts open; they stay the caller's to close, but the sinks and the recorder.

    ``may_wait``: the camera's `read` may wait without an end, so that a time limit needs a clock of its own.
    ``watchdog``: watches it already. ``room``: is kept for the report. ``spare``: a second place for detections.
    ``keeper``: keeps room on the disk.
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
    watchdog: Watchdog
    clock: ClockWatch | None
    room: Room
    spare: Spare | None = None
    keeper: Keeper | None = None
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._totals = Totals(self.engine.bundle.classes)
        self._filter = Filter.of(self.settings.threshold)
        self._bodies = OneBody.of(self.engine.bundle)
        self._started, self._begun = datetime.now(timezone.utc), time.monotonic()
        self._activity = here()
        self.watchdog.keep, self.watchdog.figures = self._keep, self._figures
        for activity, leave, essential in self.sinks.threads():
            self.watchdog.watch(activity, partial(self._leave, leave, essential))
        if self.recorder:
            self.watchdog.watch(self.recorder.activity, partial(self._leave, self.recorder.leave, False))
        self._stop = threading.Event()
        self._mounting = MountingWatch(self.out / COUNTS, self.placing)
        self._stream: Stream | None = None
        self._degrader = Degrader(self._rungs(), self.settings.limits, self.out, self._give_up, self.sinks.notice)

    def run(self) -> dict[str, Any]:
        """Run to the end; returns the report. Raises what ended it early, after the report was written."""
        error: Exception | None = None
        seconds = self.settings.seconds
        deadline = Deadline(seconds + GRACE_S if seconds and self.may_wait else None, self.stop)
        self._stop = deadline
        with stopping(deadline) as heard:  # between two results: what was counted is written, too
            try:
                ended = self._results(deadline, heard)
            except KeyboardInterrupt:
                ended = "interrupted"
            except Exception as caught:  # also a fault of this program: it is raised again, but not before the report
                error, ended = memory_error(caught) or caught, "failed"
            with finishing():
                return self._end(ended, error)

    def _results(self, deadline: Deadline, heard: Callable[[], bool]) -> str:
        """Take results until the end; returns what it was. ``heard``: whether a signal has set ``deadline``."""
        settings, totals, first = self.settings, self._totals, None
        given_up = self._degrader.given_up
        self.observer.begin(Progress(totals, self._coming(), self.recorder, self.coverage, given_up))
        lowest = self._filter.lowest(self.engine.bundle.thresholds)
        faint = FAINT in settings.outputs
        results = stream(
            self.camera,
            self.engine,
            policy=self.policy,
            filter=self._filter,
            stop=deadline,
            follow=None if self.camera.independent else Follower(lowest, self.placing, faint, self._bodies),
            locate=self.placing,
        )
        self._stream = results
        self._degrader.start()
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
            log.warning("%s", line.text, extra={CAUTION: line.of_source})
        if self.camera.live:
            self._degrader.note(result)
        here().works(HANDING_ON)
        self.sinks.write(result)
        here().works(HANDING_ON)
        if self.verifier:
            self.verifier.write(result)
        for error in self._errors():
            if str(error) not in self._told:
                self._told.add(str(error))
                on_links = self.sinks.only_links
                log.warning(
                    "%s; %s", error, "detections go on over the links alone" if on_links else "the flight goes on"
                )
        self._mounting.note(result)
        here().works(SHOWING)
        self.observer(result)
        here().works(HANDING_ON)

    def _rungs(self) -> list[Rung]:
        """What this run can give up. Of files every frame is searched, however long it takes."""
        live, newest = self.camera.live, self.policy == "latest"
        there = {
            Rung.SLOWER: newest or not live,  # where every frame of a camera is taken, they would only grow old
            Rung.BETWEEN: live,
            Rung.PICTURES: self.sinks.heavy,
            Rung.RECORDING: self.recorder is not None,
        }
        return [rung for rung, is_there in there.items() if is_there]

    def _give_up(self, rungs: frozenset[Rung]) -> None:
        """Do without these, and with all others; called in the degrader's thread."""
        if self._stream:
            self._stream.effort = effort_of(rungs)
        self.sinks.rest(Rung.PICTURES in rungs)
        if self.recorder:
            self.recorder.rests = Rung.RECORDING in rungs

    def _coming(self) -> int | None:
        """How many results there will be at most, None where nobody knows."""
        return min((n for n in (self.settings.frames, self.camera.frames) if n is not None), default=None)

    def _errors(self) -> list[EdgeError]:
        """Why sinks and the recording stopped."""
        recorder = self.recorder
        moved = self.spare and self.spare.error
        return [
            *([moved] if moved else []),
            *self.sinks.errors,
            *([recorder.error] if recorder and recorder.error else []),
        ]

    def _figures(self) -> tuple[int, int]:
        return self._totals.meter.results, self._totals.dropped

    def _leave(self, leave: Callable[[str], None], essential: bool, line: str) -> None:
        """A thread of a sink or of the recording hangs; called by the watchdog."""
        error = f"{line}: check its disk, or what it sends to, and start the program again"
        self._told.add(error)
        leave(error)
        if essential:  # detections that reach no disk are worth nothing: the run ends, with this error
            self.watchdog.hurry()
            self._stop.set()
        else:
            say(logging.WARNING, f"{line}; the flight goes on without it")

    def _keep(self, line: str, within_s: float) -> bool:
        """The loop hangs: close what can be closed, and write the report; called in a thread of the watchdog's."""
        end = time.monotonic() + SINKS_PART * within_s
        self.sinks.close(SINKS_PART * within_s)
        if self.recorder:
            self.recorder.close(max(end - time.monotonic(), 0.0))
        moved = self.spare and self.spare.error  # what was moved is kept
        kept = all(error is moved for error in self._errors())
        with suppress(EdgeError):  # the watchdog says it
            self._end("failed", EdgeError(line))
        return kept

    def _end(self, ended: str, error: Exception | None) -> dict[str, Any]:
        self.watchdog.stopping(f"the run ends: {ended}")
        self._degrader.close()
        self.sinks.close()
        if self.recorder:
            self.recorder.close()
        here().works(ENDING)
        error = error or next(iter(self._errors()), None)
        if not error:
            self._mounting.finish()
        here().works(REPORTING)
        report: dict[str, Any] = without_passwords(self._report("failed" if error else ended, error))
        if self.verifier and not error and (error := self.verifier.error(report)):
            report.update(ended="failed", error=str(error))
        try:
            write_report(self.out / REPORT, report, self.room)
        except SinkError as unwritten:
            error = error or unwritten  # what came first is the cause
            if self.spare:
                with suppress(SinkError):
                    write_report(self.spare.path(REPORT), report)
        if error:
            raise error
        return report

    def _report(self, ended: str, error: Exception | None) -> dict[str, Any]:
        engine, camera, sinks = self.engine, self.camera, self.sinks.report()
        video, lowest = sinks.get("video"), self._filter.lowest(engine.bundle.thresholds)
        return {
            **self._totals.to_json(),
            "ended": ended,
            "error": None if error is None else str(error) or repr(error),
            **origin(engine, self.settings.source_text, camera),
            "model_signature": engine.bundle.signature,
            "threshold": lowest.least,
            "thresholds": lowest.to_json(),
            "one_body": self._bodies and self._bodies.report(),
            **self._activity.report(),
            "reconnects": camera.outages(),  # None: a source that is not looked for
            "policy": self.policy,
            "video": video and {key: video[key] for key in ("file", "skipped", "error")},
            "sinks": sinks,
            "links": self.sinks.links(),
            "pose": self.posed and self.posed.report(),
            "position": {**self.placing.report(), "alignment": self._mounting.report()},
            "coverage": self.coverage and self.coverage.report(),
            "spare": self.spare and self.spare.moved,
            "recording": self.recorder and self.recorder.report(),
            "verify": self.verifier and self.verifier.report(engine.backend),
            "keep_free": self.keeper and self.keeper.report(),
            "degraded": {**self._degrader.report(), "frames_between": self._totals.between},
            "mission": self.settings.mission and asdict(self.settings.mission),
            "started": self._started.isoformat(timespec="seconds"),
            "clock": self.clock and self.clock.report(),
            "seconds": round(time.monotonic() - self._begun, 3),
            "host": host_facts(),
            "power": power_facts(),
            "versions": versions(engine.versions),
        }
