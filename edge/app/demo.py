"""A simulated flight through the real pipeline, scored against what the simulator knows to be there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.app.after.report import write_flight_report
from edge.app.observer import Watching
from edge.app.output import REPORT, SHEET
from edge.app.report import write_report
from edge.app.run import Given, opened
from edge.app.settings import MODEL, RunSettings
from edge.data import Result, class_name
from edge.errors import SinkError
from edge.measure.matching import Tally
from edge.model.bundle import Bundle
from edge.sim.truth import SimulatedFrame
from edge.sinks import draw
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.files import reason_of, write_private

FRAMES = 48
FPS = 6  # not 30: as many frames show a longer flight
SHEET_ROWS, SHEET_COLUMNS = 2, 3
LEAST_FRAMES = 2  # in which a body must be for a track of it
LEAST_VISIBLE = 0.5  # bodies of which less than this is in the frame are ignored


@dataclass(frozen=True)
class DemoSettings:
    """What to show. ``frames``: how many to fly; ``seed``: which flight."""

    out: Path
    model: str = str(MODEL)
    frames: int = FRAMES
    seed: int = 7
    backend: str = "auto"


class Scorer:
    """Scores results against the simulator's truth, and keeps pictures for a contact sheet.

    A simulated deer is a Deer, or an Animal where the model has no such class. Bodies of a kind that it has no class
    for are ignored, like bodies of which less than half is in the frame: found or not, they change no figure.
    """

    def __init__(self, classes: tuple[str, ...], frames: int) -> None:
        self.tally = Tally()
        self.pictures: list[npt.NDArray[np.uint8]] = []
        self._classes = classes
        self._known = {name.lower(): name for name in classes}
        if "animal" in self._known:
            self._known.setdefault("deer", self._known["animal"])
        expected = SHEET_ROWS * SHEET_COLUMNS
        self._shown = {round((i + 0.5) * frames / expected) for i in range(expected)}
        self._seen = 0
        self._there: dict[str, Counter[int]] = {}

    def __call__(self, result: Result) -> None:
        """Book one result."""
        frame, found = result.frame, result.detections
        if isinstance(frame, SimulatedFrame) and result.inferred:
            truth = frame.truth
            names = [self._known.get(name, name) for name in truth.names]
            ignored = [
                name not in self._classes or visible < LEAST_VISIBLE
                for name, visible in zip(names, truth.visible, strict=True)
            ]
            labels = [class_name(self._classes, label) for label in found.labels]
            if truth.bodies is not None:
                for name, visible, body in zip(names, truth.visible, truth.bodies, strict=True):
                    if visible >= LEAST_VISIBLE:
                        self._there.setdefault(name, Counter())[int(body)] += 1
            self.tally.add(found.boxes, found.scores, labels, truth.boxes, names, ignored)
        if self._seen in self._shown:
            self.pictures.append(draw(result, self._classes, truth=True))
        self._seen += 1

    def counted(self, counts: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Of each class the count of ``counts.json`` beside how many there really were: bodies that stood in two frames
        or more, at least half to be seen.
        """
        shown = {name: row for name, row in counts.items() if row["tracks"] or name in self._there}
        return {name: {**row, "really": self._bodies(name)} for name, row in shown.items()}

    def unknown(self) -> dict[str, int]:
        """Bodies that the model has no class for, counted alike: it takes some of them for something else."""
        return {name: n for name in sorted(self._there) if name not in self._classes and (n := self._bodies(name))}

    def _bodies(self, name: str) -> int:
        return sum(frames >= LEAST_FRAMES for frames in self._there.get(name, Counter()).values())


def demo(settings: DemoSettings, watch: Callable[[Result], None] | None = None) -> dict[str, Any]:
    """Fly ``settings.frames`` simulated 16-bit frames; returns the report, with ``score`` and ``counted`` in it.

    ``watch``: see `edge.app.run.run`.

    ``settings.out`` then holds what a run writes, ``video.mkv``, ``map.png``, ``tracks.geojson``,
    ``coverage.geojson``, ``coverage.png``, ``contact_sheet.png`` (detections are boxes, the truth is
    marked with white corners), ``report.html`` and ``tracks.csv``.

    Raises what `edge.app.run.run` raises.
    """
    classes = Bundle.load(settings.model).classes
    scorer = Scorer(classes, settings.frames)
    run_settings = RunSettings(
        source=f"sim:frames={settings.frames},seed={settings.seed},fps={FPS},live=0",
        model=settings.model,
        out=settings.out,
        backend=settings.backend,
        outputs=("video", "map", "geojson"),
        coverage="",
    )
    with opened(
        run_settings, Given(watch=Watching(scorer, watch))
    ) as loop:  # nobody else's folder until the sheet is in it
        return _scored(loop.run(), scorer, settings)


def _scored(report: dict[str, Any], scorer: Scorer, settings: DemoSettings) -> dict[str, Any]:
    """The report with what the truth says, written; and the sheet."""
    report["score"] = scorer.tally.to_json()
    report["counted"] = scorer.counted(json.loads((settings.out / COUNTS).read_text()))
    report["unknown"] = scorer.unknown()
    write_report(settings.out / REPORT, report)
    if scorer.pictures:
        save_picture(settings.out / SHEET, contact_sheet(scorer.pictures))
    write_flight_report([settings.out])
    return report


def contact_sheet(pictures: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Pictures of one size, (H, W, 3) uint8 BGR, side by side in rows; black where there are too few."""
    gap = 4
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // SHEET_COLUMNS)
    sheet = np.zeros((rows * (height + gap) - gap, SHEET_COLUMNS * (width + gap) - gap, 3), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = (i // SHEET_COLUMNS) * (height + gap), (i % SHEET_COLUMNS) * (width + gap)
        sheet[y : y + height, x : x + width] = picture
    return sheet


def save_picture(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Encode by the file's ending and write whole. Raises SinkError where either fails."""
    done, data = cv2.imencode(path.suffix, image)
    if not done:
        raise SinkError(f"OpenCV cannot encode {path.name}")
    try:
        write_private(path, data.tobytes())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}") from None
