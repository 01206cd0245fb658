"""One run: open everything, stream, hand the results to the sinks, and end with a report, always."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.app.output import DETECTIONS, RECORDING, REPORT, VIDEO, check_folder, prepare_folder
from edge.app.report import Totals, origin, write_report
from edge.camera import Camera, choose_policy, open_camera
from edge.camera.live.tee import Tee
from edge.commands.announce import announce
from edge.commands.live_table import LiveView
from edge.data import Result
from edge.engine import Engine, open_engine
from edge.errors import CameraError, InputError, SinkError
from edge.model.bundle import Bundle
from edge.pipeline import stream
from edge.recording.recorder import Recorder
from edge.recording.verify import Verifier
from edge.sinks import Background, JsonlSink, VideoSink
from edge.system.deadline import Deadline
from edge.system.host import host_facts, power_facts, versions
from edge.system.signals import finishing
from edge.thermal.normalise import NormaliseSpec

DEFAULT_VIDEO_FPS = 10.0  # of sources that do not tell theirs
GRACE_S = 1.0  # a time limit waits so long for a result; then the camera is taken to be away


@dataclass(frozen=True)
class RunSettings:
    """What to run. ``frames``, ``seconds``: stop after so many results or seconds, None = never.

    ``reconnect_s``: how long to look for a camera that is lost, seconds; None = for ever, 0 = not at all.

    ``record``: every frame of the camera to ``out / "recording"``, of at most ``record_budget`` bytes.
    ``normalise``: how raw frames become grey, where not as the bundle says: see `Bundle.with_normaliser`.
    ``verify``: a flight's detections.jsonl, to compare a replay (``rec:``) with.
    ``trust_engine``, ``zero_copy``, ``spin``: see `edge.engine.open_engine`.
    """

    source: str
    model: str
    out: Path
    frames: int | None = None
    seconds: float | None = None
    policy: str | None = None
    backend: str = "auto"
    threshold: float | None = None
    normalise: NormaliseSpec | None = None
    override_normalise: bool = False
    video: bool = False
    record: bool = False
    record_budget: int | None = None
    verify: Path | None = None
    reconnect_s: float | None = None
    trust_engine: bool = False
    zero_copy: bool = False
    spin: bool = False
    quiet: bool = False


def run(settings: RunSettings, watch: Callable[[Result], None] | None = None) -> dict[str, Any]:
    """Run until the source ends, a limit is reached or Ctrl-C; returns the report, which is also written.

    ``settings.out`` then holds ``detections.jsonl``, ``report.json`` and perhaps ``video.mkv`` and
    ``recording/``; what an earlier run left there is moved aside, never overwritten. ``watch`` is called
    with every result.

    Raises InputError before anything was started. Raises CameraError, EngineError, SinkError or ReplayError
    after what had been detected is on the disk and the report, which names the error, is written.
    """
    with ExitStack() as stack:
        bundle = Bundle.load(settings.model)
        if settings.normalise:
            bundle = bundle.with_normaliser(settings.normalise, settings.override_normalise)
        engine = stack.enter_context(
            open_engine(
                bundle,
                settings.backend,
                trust_engine=settings.trust_engine,
                zero_copy=settings.zero_copy,
                spin=settings.spin,
            )
        )
        camera = stack.enter_context(open_camera(settings.source, settings.reconnect_s))
        verifier = _verifier(settings, camera, engine)
        policy = choose_policy(camera, "every" if verifier else settings.policy)
        check_folder(settings.out, settings.source, settings.video)
        out = prepare_folder(settings.out)
        recorder = None
        if settings.record:
            recorder = Recorder.behind(camera, out / RECORDING, settings.record_budget)
            stack.callback(recorder.close)
            camera = Tee(camera, recorder.write)
        announce(engine, settings.backend, settings.quiet)
        return _Run(settings, policy, camera, engine, out, recorder, verifier).go(watch)


def _verifier(settings: RunSettings, camera: Camera, engine: Engine) -> Verifier | None:
    """The comparison that was asked for, its replay set to the frames that the flight looked at."""
    if settings.verify is None:
        return None
    if settings.policy == "latest":
        raise InputError("--verify needs every frame that the flight looked at: leave --policy latest out")
    if not settings.source.lower().startswith("rec:"):
        raise InputError(f"--verify compares replays, and the source is {settings.source!r}: give --source rec:FOLDER")
    verifier = Verifier(settings.verify, engine.bundle.classes)
    camera.select(verifier.seqs)
    return verifier


class _Run:
    """The state of one run."""

    def __init__(
        self,
        settings: RunSettings,
        policy: str,
        camera: Camera,
        engine: Engine,
        out: Path,
        recorder: Recorder | None,
        verifier: Verifier | None,
    ) -> None:
        self._settings, self._policy, self._camera, self._engine = settings, policy, camera, engine
        self._out, self._recorder, self._verifier = out, recorder, verifier
        classes = engine.bundle.classes
        self._totals = Totals(classes)
        self._started = datetime.now(timezone.utc)
        self._jsonl = Background(JsonlSink(out / DETECTIONS, classes), depth=1000, lossless=True)
        self._video: Background | None = None
        if settings.video:
            sink = VideoSink(out / VIDEO, classes, camera.fps or DEFAULT_VIDEO_FPS, camera.live)
            self._video = Background(sink, depth=8, lossless=policy == "every")
        self._told: set[str] = set()

    def go(self, watch: Callable[[Result], None] | None) -> dict[str, Any]:
        error: Exception | None = None
        try:
            ended = self._loop(watch)
        except KeyboardInterrupt:
            ended = "interrupted"
        except Exception as caught:  # also a fault of this program: it is raised again, but not before the report
            error, ended = caught, "failed"
        with finishing():
            self._jsonl.close()
            if self._video:
                self._video.close()
            if self._recorder:
                self._recorder.close()
            error = error or next((sink.error for sink in self._sinks if sink.error), None)
            report = self._report("failed" if error else ended, error)
            if self._verifier and not error and (error := self._verifier.error(report)):
                report.update(ended="failed", error=str(error))
            try:
                write_report(self._out / REPORT, report)
            except SinkError as unwritten:
                error = error or unwritten  # what came first is the cause
        if error:
            raise error
        return report

    @property
    def _sinks(self) -> list[Background | Recorder]:
        return [sink for sink in (self._jsonl, self._video, self._recorder) if sink]

    def _loop(self, watch: Callable[[Result], None] | None) -> str:
        # nothing comes from a camera that is away, so its time limit needs a clock of its own
        limit = self._settings.seconds if self._camera.waits_for_return else None
        with Deadline(limit and limit + GRACE_S, self._camera.close) as deadline:
            try:
                return self._results(watch, deadline)
            except CameraError:
                if deadline.passed:
                    return "time limit"
                raise

    def _results(self, watch: Callable[[Result], None] | None, deadline: Deadline) -> str:
        settings, totals, first = self._settings, self._totals, None
        coming = min((n for n in (settings.frames, self._camera.frames) if n is not None), default=None)
        view = LiveView(totals, coming, settings.quiet, self._recorder)
        results = stream(self._camera, self._engine, policy=self._policy, threshold=settings.threshold)
        with closing(results), view:
            for result in results:
                for line in (*totals.add(result), *self._write(result)):
                    view.say(line)
                view.update(result)
                if watch:
                    watch(result)
                if first is None:
                    first = result.t_result
                    deadline.start()
                if settings.frames is not None and totals.meter.results >= settings.frames:
                    return "frame limit"
                if settings.seconds is not None and result.t_result - first >= settings.seconds:
                    return "time limit"
        if self._verifier:
            self._verifier.end_of_source()
        return "end of source"

    def _write(self, result: Result) -> list[str]:
        """Hand one result to the sinks; returns a line for each one that has just stopped."""
        self._jsonl.write(result)
        if self._jsonl.error:
            raise self._jsonl.error  # detections that reach no disk are worth nothing: say so now
        if self._video:
            self._video.write(result)
        if self._verifier:
            self._verifier.write(result)
        stopped = {str(sink.error) for sink in self._sinks if sink.error} - self._told
        self._told |= stopped
        return [f"{error}; the flight goes on" for error in stopped]

    def _report(self, ended: str, error: Exception | None) -> dict[str, Any]:
        engine, settings, video = self._engine, self._settings, self._video
        lowest = engine.bundle.score_threshold if settings.threshold is None else settings.threshold
        return {
            **self._totals.to_json(),
            "ended": ended,
            "error": None if error is None else str(error) or repr(error),
            **origin(engine, settings.source, self._camera),
            "threshold": lowest,
            "reconnects": self._camera.outages(),  # None: a source that is not looked for
            "policy": self._policy,
            "video": video and {"file": VIDEO, "skipped": video.skipped, "error": video.error and str(video.error)},
            "recording": self._recorder and self._recorder.report(),
            "verify": self._verifier and self._verifier.report(engine.backend),
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(timezone.utc) - self._started).total_seconds(), 3),
            "host": host_facts(),
            "power": power_facts(),
            "versions": versions(engine.versions),
        }
