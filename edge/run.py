"""One run: open everything, stream, hand the results to the sinks, and end with a report, always."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.announce import announce
from edge.bundle import Bundle
from edge.camera import Camera, open_camera
from edge.camera.reconnect import Reconnecting
from edge.camera.recording import Replay
from edge.camera.streams import without_password
from edge.camera.tapped import Tapped
from edge.deadline import Deadline
from edge.engine import Engine, open_engine
from edge.files import write_whole
from edge.health import HealthLog
from edge.host import host_facts, power_facts, versions
from edge.live import LiveView
from edge.meter import Meter
from edge.records import CameraError, EdgeError, InputError, Result, SinkError
from edge.sinks import Background, JsonlSink, Recorder, Verifier, VideoSink
from edge.stream import stream
from edge.thermal.normalise import NormaliseSpec

RECORDING = "recording"
WRITTEN = ("detections.jsonl", "report.json", "video.mkv", RECORDING)  # in the output folder
DEFAULT_VIDEO_FPS = 10.0  # of sources that do not tell theirs
GRACE_S = 1.0  # a time limit waits so long for a result; then the camera is taken to be away


@dataclass(frozen=True)
class RunSettings:
    """What to run. ``frames``, ``seconds``: stop after so many results or seconds, None = never.

    ``reconnect_s``: how long to look for a camera that is lost, seconds; None = for ever, 0 = not at all.

    ``record``: every frame of the camera to ``out / "recording"``, of at most ``record_budget`` bytes.
    ``normalise``: how raw frames become grey, where not as the bundle says: see `Bundle.seen_through`.
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
            bundle = bundle.seen_through(settings.normalise, settings.override_normalise)
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
        found_again = camera if isinstance(camera, Reconnecting) else None
        verifier = _verifier(settings, camera, engine)
        if isinstance(camera, Replay) and camera.path.resolve().is_relative_to((settings.out / RECORDING).resolve()):
            raise InputError(f"the source {camera.path} lies in --out {settings.out}: give another --out")
        out = prepare_folder(settings.out)
        recorder = None
        if settings.record:
            recorder = Recorder.behind(camera, out / RECORDING, settings.record_budget)
            stack.callback(recorder.close)
            camera = Tapped(camera, recorder.write)
        announce(engine, settings.backend, settings.quiet)
        return _Run(settings, camera, engine, out, found_again, recorder, verifier).go(watch)


def _verifier(settings: RunSettings, camera: Camera, engine: Engine) -> Verifier | None:
    """The comparison that was asked for, its replay set to the frames that the flight looked at."""
    if settings.verify is None:
        return None
    if not isinstance(camera, Replay):
        raise InputError(f"--verify compares replays, and the source is {settings.source!r}: give --source rec:FOLDER")
    if settings.policy == "latest":
        raise InputError("--verify needs every frame that the flight looked at: leave --policy latest out")
    verifier = Verifier(settings.verify, engine.bundle.classes)
    camera.only(verifier.seqs)
    return verifier


class _Run:
    """The state of one run."""

    def __init__(
        self,
        settings: RunSettings,
        camera: Camera,
        engine: Engine,
        out: Path,
        found_again: Reconnecting | None,
        recorder: Recorder | None,
        verifier: Verifier | None,
    ) -> None:
        self._settings, self._camera, self._engine, self._out = settings, camera, engine, out
        self._found_again, self._recorder, self._verifier = found_again, recorder, verifier
        self._policy = settings.policy or ("latest" if camera.live and verifier is None else "every")
        self._classes = engine.bundle.classes
        self._meter = Meter()
        self._counts = dict.fromkeys(self._classes, 0)
        self._last: Result | None = None
        self._unconverged = self._overflowed = self._shutter = 0
        self._health = HealthLog()
        self._started = datetime.now(timezone.utc)
        self._jsonl = Background(JsonlSink(out / "detections.jsonl", self._classes), depth=1000, lossless=True)
        self._video: Background | None = None
        if settings.video:
            fps = camera.fps or DEFAULT_VIDEO_FPS
            sink = VideoSink(out / "video.mkv", self._classes, fps, camera.live)
            self._video = Background(sink, depth=8, lossless=self._policy == "every")

    def go(self, watch: Callable[[Result], None] | None) -> dict[str, Any]:
        error: EdgeError | None = None
        try:
            ended = self._loop(watch)
        except KeyboardInterrupt:
            ended = "interrupted"
        except EdgeError as caught:
            error, ended = caught, "failed"
        self._jsonl.close()
        if self._video:
            self._video.close()
        if self._recorder:
            self._recorder.close()
        for sink in (self._jsonl, self._video, self._recorder):
            error = error or (sink.error if sink else None)
        report = self._report("failed" if error else ended, error)
        if self._verifier and not error and (error := self._verifier.error(report)):
            report.update(ended="failed", error=str(error))
        write_report(self._out / "report.json", report)
        if error:
            raise error
        return report

    def _loop(self, watch: Callable[[Result], None] | None) -> str:
        # nothing comes from a camera that is away, so its time limit needs a clock of its own
        limit = self._settings.seconds if self._found_again else None
        with Deadline(limit and limit + GRACE_S, self._camera.close) as deadline:
            try:
                return self._results(watch, deadline)
            except CameraError:
                if deadline.passed:
                    return "time limit"
                raise

    def _results(self, watch: Callable[[Result], None] | None, deadline: Deadline) -> str:
        settings, first = self._settings, None
        total = settings.frames or self._camera.frames
        results = stream(self._camera, self._engine, policy=self._policy, threshold=settings.threshold)
        with closing(results), LiveView(self._meter, self._counts, total, settings.quiet, self._recorder) as view:
            for result in results:
                self._book(result)
                for line in self._health.add(result):
                    view.say(line)
                view.update(result)
                if watch:
                    watch(result)
                if first is None:
                    first = result.t_result
                    deadline.start()
                if settings.frames is not None and self._meter.results >= settings.frames:
                    return "frame limit"
                if settings.seconds is not None and result.t_result - first >= settings.seconds:
                    return "time limit"
        if self._verifier:
            self._verifier.end_of_source()
        return "end of source"

    def _book(self, result: Result) -> None:
        self._last = result
        self._meter.add(result)
        self._unconverged += not result.converged
        self._overflowed += not result.finite
        self._shutter += not result.inferred
        for label in result.detections.labels:
            self._counts[self._classes[label]] += 1
        self._jsonl.write(result)
        if self._jsonl.error:
            raise self._jsonl.error  # detections that reach no disk are worth nothing: say so now
        if self._video:
            self._video.write(result)
        if self._verifier:
            self._verifier.write(result)

    def _report(self, ended: str, error: EdgeError | None) -> dict[str, Any]:
        meter, bundle, settings = self._meter, self._engine.bundle, self._settings
        fps = meter.fps
        return {
            "frames": meter.results,
            "fps": None if fps is None else round(fps, 3),
            "dropped": self._last.dropped if self._last else 0,
            "duplicates": self._last.duplicates if self._last else 0,
            "frozen_seconds": round(self._last.frozen_s, 3) if self._last else 0.0,
            "latency_ms": meter.latency_ms,
            "stages_ms": meter.stages_ms,
            "detections": self._counts,
            "shutter_frames": self._shutter,
            "health": self._health.report(),
            "unconverged": self._unconverged,
            "overflowed": self._overflowed,
            "ended": ended,
            "error": None if error is None else str(error),
            "backend": self._engine.backend,
            "engine": self._engine.description,
            "engine_chosen": self._engine.chosen,
            "engine_notes": list(self._engine.notes),
            "model": bundle.name,
            "model_files": dict(bundle.files),
            "normalise": {"8bit": bundle.normalise_8bit.to_json(), "16bit": bundle.normalise_16bit.to_json()},
            "threshold": bundle.score_threshold if settings.threshold is None else settings.threshold,
            "source": without_password(settings.source),
            "camera": self._camera.description,
            "reconnects": self._found_again and self._found_again.report(),  # None: a source that is not lost
            "policy": self._policy,
            "video": None if self._video is None else {"file": "video.mkv", "skipped": self._video.skipped},
            "recording": None if self._recorder is None else self._recorder.report(),
            "verify": None if self._verifier is None else self._verifier.report(self._engine.backend),
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round((datetime.now(timezone.utc) - self._started).total_seconds(), 3),
            "host": host_facts(),
            "power": power_facts(),
            "versions": versions(self._engine.versions),
        }


def prepare_folder(out: Path) -> Path:
    """Make the output folder, and move what an earlier run left there into ``earlier-N``.

    A board that lost power restarts with the same command: nothing of before may be overwritten.

    Raises InputError where the folder cannot be made or written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        left = [path for name in WRITTEN if (path := out / name).exists()]
        if left:
            n = 1
            while (out / f"earlier-{n}").exists():
                n += 1
            (out / f"earlier-{n}").mkdir()
            for path in left:
                path.rename(out / f"earlier-{n}" / path.name)
    except OSError as error:
        raise InputError(f"output folder {out}: {error.strerror}: give another --out") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError(f"output folder {out} cannot be written: give another --out or mend its permissions")
    return out


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON, whole. Raises SinkError where that fails."""
    try:
        write_whole(path, (json.dumps(report, indent=2) + "\n").encode())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {error.strerror}") from None
