"""MegaDetector's results, version 1.4 of the format: Timelapse and AddaxAI read them.

The description is at https://lila.science/megadetector-output-format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.data import class_name
from edge.measure.detections_lines import DetectionLine, FrameLine, Size
from edge.measure.kinds import kind_of
from edge.measure.read_detections import DetectionsFile, picture_name, searched, why_not_searched
from edge.system.files import written_private

NAME = "detections.megadetector.json"
FORMAT = "1.4"
KINDS = ("animal", "person", "vehicle")  # "1", "2", "3": as MegaDetector itself has them


class Categories:
    """The format's categories for a model's classes.

    A class that is an animal, a person or a vehicle has that category, and its own name as the classification where
    it says more; any other has a category of its own, from "4" on.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self.detection = {str(n): kind for n, kind in enumerate(KINDS, 1)}
        self.classification: dict[str, str] = {}
        self._of: dict[int, tuple[str, str | None]] = {}
        self.own: list[str] = []
        for label in range(len(classes)):
            self.of(label)

    def of(self, label: int) -> tuple[str, str | None]:
        """The category of a label, and its classification or None."""
        if label not in self._of:
            self._of[label] = self._new(class_name(self._classes, label))
        return self._of[label]

    def _new(self, name: str) -> tuple[str, str | None]:
        kind = kind_of(name)
        if kind is None:
            self.own.append(name)
            key = str(len(self.detection) + 1)
            self.detection[key] = name or "unnamed"  # none may be blank
            return key, None
        key = str(KINDS.index(kind) + 1)
        if name.lower() == kind:
            return key, None
        species = str(len(self.classification) + 1)
        self.classification[species] = name
        return key, species


def write_megadetector(detections: DetectionsFile, path: Path) -> str:
    """Write the file; returns what a person should know of it.

    A frame with a closed shutter is one that could not be processed (``failure``), not one without animals.

    Raises InputError as `DetectionsFile` does; OSError where it cannot be written.
    """
    categories = Categories(detections.first.classes)
    images = 0
    with written_private(path) as out:
        info = {"format_version": FORMAT, "detector": detections.first.model or "thermal-edge"}
        out.write(b'{"info":' + json.dumps(info).encode() + b',\n"images":[')
        for frame in detections:
            item = json.dumps(_image(frame, detections.size(frame), categories), separators=(",", ":"))
            out.write((b",\n" if images else b"\n") + item.encode())
            images += 1
        out.write(b'],\n"detection_categories":' + json.dumps(categories.detection).encode())
        out.write(b',\n"classification_categories":' + json.dumps(categories.classification).encode() + b"}\n")
    said = f"{path}: {images} images"
    if categories.own:
        said += f"; neither animal, person nor vehicle, so under their own names: {', '.join(categories.own)}"
    return said


def _image(frame: FrameLine, size: Size, categories: Categories) -> dict[str, Any]:
    item: dict[str, Any] = {"file": picture_name(frame)}
    if not searched(frame):
        return {**item, "failure": why_not_searched(frame), "detections": None}
    found = [_detection(one, size, categories) for one in frame.detections]
    # no longer required since 1.3; older readers look for it
    item["max_detection_conf"] = max((one["conf"] for one in found), default=0.0)
    return {**item, "detections": found}


def _detection(found: DetectionLine, size: Size, categories: Categories) -> dict[str, Any]:
    x1, y1, x2, y2 = found.box
    category, species = categories.of(found.label)
    left, top, right, bottom = (
        round(v, 6) for v in (x1 / size.width, y1 / size.height, x2 / size.width, y2 / size.height)
    )
    box = [left, top, round(right - left, 6), round(bottom - top, 6)]
    item = {"category": category, "conf": float(found.score), "bbox": box}
    return item if species is None else {**item, "classifications": [[species, float(found.score)]]}
