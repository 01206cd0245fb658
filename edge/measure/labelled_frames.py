"""Labelled frames of a COCO file, as a bench needs them: what is not plain COCO is refused, and nothing is guessed.

`export.data` reads many more forms, and says what it assumed; ``edge-export data check`` writes what is read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from edge.data import Float32, TemperatureScale
from edge.errors import InputError
from edge.measure.matching import Int64
from edge.system.declared import declared, json_file
from edge.system.files import reason_of

MOST_BYTES = 1 << 30  # of the file: COCO's own largest has 470 MB
PLAIN = "edge-export data check writes a cleaned.json that can be read"


class _Temperature(Struct):
    gain: float
    offset: float = 0.0


class _Category(Struct):
    id: int
    name: str


class _Image(Struct):
    id: int
    file_name: str | None = None
    filename: str | None = None  # HIT-UAV's key
    temperature: _Temperature | None = None
    proposed: bool = False


class _Box(Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height
    iscrowd: bool | int = 0
    ignore: bool | int = 0
    proposed: bool = False
    attributes: Any = None  # a labelling tool's


class _Coco(Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Box] | None = None
    annotation: list[_Box] | None = None  # HIT-UAV's key
    info: Any = None


@dataclass(frozen=True)
class Labelled:
    """One picture and what is in it: ``boxes`` (N, 4) float32 xyxy in its pixels, ``labels`` (N,) int64 of the
    detector's classes, ``ignored`` (M, 4) regions that count neither way.
    """

    path: Path
    boxes: Float32
    labels: Int64
    ignored: Float32
    temperature: TemperatureScale | None

    def clipped(self, width: int, height: int) -> Labelled:
        """Boxes clipped to the picture, without those of which nothing is left and those that come twice."""
        limit = np.array([width, height] * 2, np.float32)
        boxes, regions = self.boxes.clip(0, limit), self.ignored.clip(0, limit)
        keys = [(label, *box) for label, box in zip(self.labels.tolist(), self.boxes.tolist(), strict=True)]
        kept = [i for i, key in enumerate(keys) if key not in keys[:i] and (boxes[i, 2:] > boxes[i, :2]).all()]
        regions = regions[(regions[:, 2:] > regions[:, :2]).all(1)]
        return Labelled(self.path, boxes[kept], self.labels[kept], regions, self.temperature)


def read_labelled(annotations: Path, folder: Path, classes: tuple[str, ...]) -> tuple[list[Labelled], list[str]]:
    """The pictures in the file's order, and those of ``classes``, a detector's, that the file has too. Names of classes
    are compared whatever their case; boxes of others are left out, those marked iscrowd or ignore, and those of
    DontCare, become ignored regions.

    Raises InputError where the file cannot be read, is not plain COCO, or has no class of the detector.
    """
    try:
        coco = declared(json_file(annotations, MOST_BYTES), _Coco)
    except OSError as error:
        raise InputError(f"annotations {annotations} cannot be read ({reason_of(error)}): give COCO's JSON") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError(f"annotations {annotations}: {error}: expected plain COCO; {PLAIN}") from None
    boxes = coco.annotations or coco.annotation or []
    if _unchecked(coco, boxes):
        raise InputError(
            f"annotations {annotations} hold proposals of a model that nobody has checked, and accuracy measured on "
            f"them would be its own opinion: correct them in a labelling tool first; {PLAIN}"
        )
    known = {name.casefold(): label for label, name in enumerate(classes)}
    label_of = {category.id: known.get(category.name.strip().casefold()) for category in coco.categories}
    crowds = {category.id for category in coco.categories if category.name.strip().casefold() == "dontcare"}
    both = [name for label, name in enumerate(classes) if label in label_of.values()]
    if not both:
        there = ", ".join(category.name for category in coco.categories) or "none"
        raise InputError(
            f"annotations {annotations} have the classes {there}, the model {', '.join(classes)}: expected one or more "
            "of the same name"
        )
    rows: dict[int, list[_Box]] = {image.id: [] for image in coco.images}
    if len(rows) < len(coco.images) or len(label_of) < len(coco.categories):
        raise InputError(f"annotations {annotations} give one id to two images or categories; {PLAIN}")
    for box in boxes:
        if box.image_id not in rows or box.category_id not in label_of:
            raise InputError(
                f"annotations {annotations}: a box is of image {box.image_id} and category {box.category_id}, of which "
                f"one is not listed; {PLAIN}"
            )
        rows[box.image_id].append(box)
    frames = [_labelled(annotations, image, rows[image.id], folder, label_of, crowds) for image in coco.images]
    return frames, both


def _unchecked(coco: _Coco, boxes: list[_Box]) -> bool:
    """Whether something in it is a model's, and no person's: it says so itself."""
    if isinstance(coco.info, dict) and "no person has checked it" in str(coco.info.get("description")):
        return True
    kept = [b.attributes.get("proposed") for b in boxes if isinstance(b.attributes, dict)]  # by a labelling tool
    said = [*(image.proposed for image in coco.images), *(box.proposed for box in boxes)]
    return any(said) or any(str(mark).lower() == "true" for mark in kept)


def _labelled(
    annotations: Path, image: _Image, rows: list[_Box], folder: Path, label_of: dict[int, int | None], crowds: set[int]
) -> Labelled:
    name = image.filename if image.file_name is None else image.file_name
    if not name:
        raise InputError(f"annotations {annotations}: image {image.id} has no file_name; {PLAIN}")
    kept: list[tuple[float, ...]] = []
    labels, regions = [], []
    for box in rows:
        x, y, width, height = box.bbox
        label, corners = label_of[box.category_id], (x, y, x + width, y + height)
        if box.iscrowd or box.ignore or box.category_id in crowds:
            regions.append(corners)
        elif label is not None:
            kept.append(corners)
            labels.append(label)
    told = image.temperature
    return Labelled(
        folder / name,
        np.array(kept, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(regions, np.float32).reshape(-1, 4),
        None if told is None else TemperatureScale(told.gain, told.offset),
    )
