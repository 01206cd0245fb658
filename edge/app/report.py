"""``report.json``: what the results of a run sum up to, and what ran it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.data import Frame, Result, class_name
from edge.engine.tiled import TiledEngine, tiling_of
from edge.errors import SinkError, without_password
from edge.health.conditions import HealthLog, Line
from edge.health.polarity import AT_FIRST, NOT_IN_EACH
from edge.measure.histogram import METHOD
from edge.measure.meter import Meter
from edge.measure.percentiles import RULE
from edge.model.tiling import whole
from edge.seams import Camera, Engine
from edge.system.files import Room, reason_of, write_private
from edge.system.text import without_passwords

log = logging.getLogger(__name__)


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
        self._between = 0
        self._health = HealthLog()

    @property
    def dropped(self) -> int:
        """Frames that came and were not looked at."""
        return self._dropped

    @property
    def between(self) -> int:
        """Results for which the engine was not asked, as the board was in trouble."""
        return self._between

    def add(self, result: Result) -> list[Line]:
        """Book one result; returns what a person should be told with it."""
        self.meter.add(result)
        self._dropped, self._duplicates, self._lost = result.dropped, result.duplicates, result.lost
        self._frozen_s = result.frozen_s
        self._shutter += result.frame.shutter_closed
        self._between += not result.inferred and not result.frame.shutter_closed
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
            "percentiles": f"{METHOD}; {RULE}",
            "detections": self.detections,
            "shutter_frames": self._shutter,
            "shutter_inferred": self._shutter_inferred,
            "health": self._health.report(),
            "unconverged": self._unconverged,
            "overflowed": self._overflowed,
        }


def announce(engine: Engine, backend: str) -> None:
    """Log which engine computes and what a person should know of it; the reports carry it too.

    ``backend``: what was asked for.
    """
    if backend == "auto" and engine.chosen:
        log.info("backend auto takes %s. Why: %s", engine.description, engine.chosen)
    if tiling := tiling_of(engine):
        log.info("tiles: %s", tiling.in_words())
    for note in engine.notes:
        log.warning("note: %s", note)


def source_line(camera: Camera, frame: Frame, engine: Engine) -> str:
    """What is looked at, and what becomes of it for the model, in a line."""
    tiling, bundle = tiling_of(engine), engine.bundle
    plan = (tiling.plan if tiling else whole)(frame.width, frame.height, bundle.width, bundle.height)
    line = f"source: {without_password(camera.description)}; {plan.in_words()}"
    if camera.independent and frame.pixels.dtype == np.uint8 and (camera.frames or AT_FIRST + 1) > AT_FIRST:
        line += f"; {NOT_IN_EACH}"
    return line


def origin(engine: Engine, source: str | None, camera: Camera) -> dict[str, Any]:
    """What computed, with what model, and what delivered the frames.

    ``source``: None for a camera that was made elsewhere.
    """
    bundle = engine.bundle
    return {
        "backend": engine.backend,
        "engine": engine.description,
        "engine_chosen": engine.chosen,
        "engine_notes": list(engine.notes),
        "tiling": engine.report() if isinstance(engine, TiledEngine) else None,
        "model": bundle.name,
        "model_files": dict(bundle.files),
        "normalise": {"8bit": bundle.normalise_8bit.to_json(), "16bit": bundle.normalise_16bit.to_json()},
        "source": source or camera.description or type(camera).__name__,
        "camera": camera.description,
    }


def write_report(path: Path, report: dict[str, Any], room: Room | None = None) -> None:
    """Write a report as JSON, whole, with every password in it hidden. Raises SinkError where that fails.

    ``room``: space that was kept for it, where the disk is full.
    """
    data = (json.dumps(without_passwords(report), indent=2) + "\n").encode()
    try:
        write_private(path, data)
    except OSError as error:
        if room is None or not room.write(data):
            raise SinkError(f"cannot write {path}: {reason_of(error)}") from None
