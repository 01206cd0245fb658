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

from edge.camera import Camera, open_camera
from edge.engine import Engine, open_engine
from edge.files import write_whole
from edge.health import HealthLog
from edge.host import host_facts, power_facts, versions
from edge.live import LiveView
from edge.meter import Meter
from edge.records import EdgeError, InputError, Result, SinkError
from edge.sinks import Background, JsonlSink, VideoSink
from edge.stream import stream

DEFAULT_VIDEO_FPS = 10.0  # of sources that do not tell theirs


@dataclass(frozen=True)
class RunSettings:
    """What to run. ``frames``, ``seconds``: stop after so many results or seconds, None = never."""

    source: str
    model: str
    out: Path
    frames: int | None = None
    seconds: float | None = None
    policy: str | None = None
    backend: str = "auto"
    threshold: float | None = None
    video: bool = False
    quiet: bool = False


def run(settings: RunSettings, watch: Callable[[Result], None] | None = None) -> dict[str, Any]:
    """Run until the source ends, a limit is reached or Ctrl-C; returns the report, which is also written.

    ``settings.out`` then holds ``detections.jsonl``, ``report.json`` and perhaps ``video.mkv``; what an
    earlier run left there is moved aside, never overwritten. ``watch`` is called with every result.

    Raises InputError before anything was started. Raises CameraError, EngineError or SinkError after
    what had been detected is on the disk and the report, which names the error, is written.
    """
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(settings.model, settings.backend))
        camera = stack.enter_context(open_camera(settings.source))
        out = prepare_folder(settings.out)
        return _Run(settings, camera, engine, out).go(watch)


class _Run:
    """The state of one run."""

    def __init__(self, settings: RunSettings, camera: Camera, engine: Engine, out: Path) -> None:
        self._settings, self._camera, self._engine, self._out = settings, camera, engine, out
        self._policy = settings.policy or ("latest" if camera.live else "every")
        self._classes = engine.bundle.classes
        self._meter = Meter()
        self._counts = dict.fromkeys(self._classes, 0)
        self._last: Result | None = None
        self._unconverged = self._shutter = 0
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
        error = error or self._jsonl.error or (self._video.error if self._video else None)
        report = self._report("failed" if error else ended, error)
        write_report(self._out / "report.json", report)
        if error:
            raise error
        return report

    def _loop(self, watch: Callable[[Result], None] | None) -> str:
        settings, first = self._settings, None
        total = settings.frames or self._camera.frames
        results = stream(self._camera, self._engine, policy=self._policy, threshold=settings.threshold)
        with closing(results), LiveView(self._meter, self._counts, total, settings.quiet) as view:
            for result in results:
                self._book(result)
                for line in self._health.add(result):
                    view.say(line)
                view.update(result)
                if watch:
                    watch(result)
                first = result.t_result if first is None else first
                if settings.frames is not None and self._meter.results >= settings.frames:
                    return "frame limit"
                if settings.seconds is not None and result.t_result - first >= settings.seconds:
                    return "time limit"
        return "end of source"

    def _book(self, result: Result) -> None:
        self._last = result
        self._meter.add(result)
        self._unconverged += not result.converged
        self._shutter += not result.inferred
        for label in result.detections.labels:
            self._counts[self._classes[label]] += 1
        self._jsonl.write(result)
        if self._jsonl.error:
            raise self._jsonl.error  # detections that reach no disk are worth nothing: say so now
        if self._video:
            self._video.write(result)

    def _report(self, ended: str, error: EdgeError | None) -> dict[str, Any]:
        meter, bundle, settings = self._meter, self._engine.bundle, self._settings
        fps = meter.fps
        return {
            "frames": meter.results,
            "fps": None if fps is None else round(fps, 3),
            "dropped": self._last.dropped if self._last else 0,
            "duplicates": self._last.duplicates if self._last else 0,
            "latency_ms": meter.latency_ms,
            "stages_ms": meter.stages_ms,
            "detections": self._counts,
            "shutter_frames": self._shutter,
            "health": self._health.report(),
            "unconverged": self._unconverged,
            "ended": ended,
            "error": None if error is None else str(error),
            "backend": self._engine.backend,
            "engine": self._engine.description,
            "model": bundle.name,
            "model_files": dict(bundle.files),
            "normalise": {"8bit": bundle.normalise_8bit.to_json(), "16bit": bundle.normalise_16bit.to_json()},
            "threshold": bundle.score_threshold if settings.threshold is None else settings.threshold,
            "source": settings.source,
            "camera": self._camera.description,
            "policy": self._policy,
            "video": None if self._video is None else {"file": "video.mkv", "skipped": self._video.skipped},
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
        left = [out / name for name in ("detections.jsonl", "report.json", "video.mkv") if (out / name).exists()]
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
