"""``report.json``: what the results of a run sum up to, and what ran it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.app.output import WRITTEN
from edge.camera import Camera
from edge.camera.options import without_password
from edge.data import Result, class_name
from edge.engine import Engine
from edge.errors import SinkError
from edge.health.scene import HealthLog
from edge.measure.meter import Meter
from edge.system.files import write_whole


class Totals:
    """Adds up the results of one run. ``meter``: how fast they came; ``detections``: how many, by class name."""

    def __init__(self, classes: Sequence[str], warmup: int = 1) -> None:
        """``warmup``: results that do not count for speed, see `Meter`."""
        self.meter = Meter(warmup)
        self.detections = dict.fromkeys(classes, 0)
        self._classes = tuple(classes)
        self._dropped = self._duplicates = self._lost = 0
        self._shutter = self._shutter_inferred = self._unconverged = self._overflowed = 0
        self._frozen_s = 0.0
        self._health = HealthLog()

    def add(self, result: Result) -> list[str]:
        """Book one result; returns what a person should be told with it, a line each."""
        self.meter.add(result)
        self._dropped, self._duplicates, self._lost = result.dropped, result.duplicates, result.lost
        self._frozen_s = result.frozen_s
        self._shutter += not result.inferred
        self._shutter_inferred += "ffc_inferred" in result.frame.flags
        self._unconverged += not result.converged
        self._overflowed += not result.finite
        for label in result.detections.labels:
            name = class_name(self._classes, label)
            self.detections[name] = self.detections.get(name, 0) + 1
        return self._health.add(result)

    def to_json(self) -> dict[str, Any]:
        """The figures as they stand in a report."""
        fps = self.meter.fps
        return {
            "frames": self.meter.results,
            "fps": None if fps is None else round(fps, 3),
            "dropped": self._dropped,
            "duplicates": self._duplicates,
            "lost": self._lost,
            "frozen_seconds": round(self._frozen_s, 3),
            "latency_ms": self.meter.latency_ms,
            "stages_ms": self.meter.stages_ms,
            "detections": self.detections,
            "shutter_frames": self._shutter,
            "shutter_inferred": self._shutter_inferred,
            "health": self._health.report(),
            "unconverged": self._unconverged,
            "overflowed": self._overflowed,
        }


def origin(engine: Engine, source: str, camera: Camera) -> dict[str, Any]:
    """What computed, with what model, and what delivered the frames; without passwords."""
    bundle = engine.bundle
    return {
        "backend": engine.backend,
        "engine": engine.description,
        "engine_chosen": engine.chosen,
        "engine_notes": list(engine.notes),
        "model": bundle.name,
        "model_files": dict(bundle.files),
        "normalise": {"8bit": bundle.normalise_8bit.to_json(), "16bit": bundle.normalise_16bit.to_json()},
        "source": without_password(source),
        "camera": camera.description,
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON, whole. Raises SinkError where that fails."""
    try:
        write_whole(path, (json.dumps(report, indent=2) + "\n").encode())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {error.strerror}") from None


def summary(report: dict[str, Any], out: Path) -> list[str]:
    """The report of a run into the folder ``out`` in a few lines, for a person."""
    latency, fps = report["latency_ms"], report["fps"]
    speed = "" if fps is None else f", {fps:.1f} frames/s"
    delay = "" if not latency else f", latency p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms"
    found = ", ".join(f"{n} {name}" for name, n in report["detections"].items() if n) or "nothing"
    lines = [
        f"{report['frames']} frame{'s' * (report['frames'] != 1)} ({report['ended']}){speed}{delay}, "
        f"{report['dropped']} dropped, {report['duplicates']} repeated",
        f"found: {found} (score {report['threshold']:g} or more)",
        f"engine: {report['engine']}; source: {report['camera']}",
        f"written: {', '.join(name for name in WRITTEN if (out / name).is_file())} in {out}",
    ]
    if (lost := report["reconnects"]) and lost["outages"]:
        lines.append(f"camera lost: {lost['outages']}x, {lost['lost_seconds']:.1f} s in all")
    if report["overflowed"]:
        lines.append(
            f"WARNING: in {report['overflowed']} frame(s) the network's numbers overflowed: what it found there is "
            "not all that is there"
        )
    if (video := report["video"]) and video["skipped"]:
        lines.append(f"video: {video['skipped']} results are not in it: the encoder was too slow, or it stopped")
    if kept := report["recording"]:
        lines.append(
            f"recorded: {kept['frames']} frames, {kept['bytes'] / 1e6:.1f} MB, in {out / kept['folder']}; "
            f"{kept['dropped']} left out, {kept['frames_removed']} removed again to make room"
        )
    if compared := report["verify"]:
        lines.append(f"verified: {compared['verdict']}")
    return lines
