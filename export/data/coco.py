"""Labels as COCO has them, and as HIT-UAV does (keys ``annotation`` and ``filename``, ids from 0).

One key is ours: an image may carry ``"temperature": {"gain": K a count, "offset": K}``. The normaliser of flight
uses that scale where the camera gives one, so training must as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from edge.data import TemperatureScale
from edge.errors import InputError
from export.data.dataset import IGNORED, LabelledFrame, LabelledSet
from export.data.json_file import read_json

EXPECTED = "expected COCO's images, annotations and categories, each box with a known image_id and category_id"


class _Temperature(Struct):
    gain: float
    offset: float = 0.0


class _Category(Struct):
    id: int
    name: str | int | float


class _Image(Struct):
    id: int
    width: int
    height: int
    file_name: str | None = None
    filename: str | None = None
    temperature: _Temperature | None = None


class _Box(Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y of the top left corner, width, height
    iscrowd: bool | int | None = 0


class _Coco(Struct):
    categories: list[_Category]
    images: list[_Image]
    annotations: list[_Box] | None = None
    annotation: list[_Box] | None = None


def read_coco(annotations: str | Path, images: str | Path, ignore: Collection[str] = (IGNORED,)) -> LabelledSet:
    """Frames of a COCO file, or of HIT-UAV's own JSON; ``images``: the folder that file names are relative to.

    Classes named in ``ignore``, and COCO's ``iscrowd`` boxes, become ignored regions. Labels count up in the
    order of the category ids.

    Raises InputError where the file cannot be read, lacks a key, or names an unknown image or category.
    """
    source, folder = Path(annotations), Path(images)
    coco = read_json(source, _Coco, "annotations", EXPECTED)
    boxes = coco.annotation if coco.annotations is None else coco.annotations
    if boxes is None:
        raise InputError(f"annotations {source} have no 'annotations': {EXPECTED}")
    names = {c.id: str(c.name) for c in sorted(coco.categories, key=lambda c: c.id)}
    classes = tuple(name for name in names.values() if name not in ignore)
    label_of = {i: classes.index(name) if name not in ignore else None for i, name in names.items()}
    by_image: dict[int, list[_Box]] = {image.id: [] for image in coco.images}
    for i, box in enumerate(boxes):
        for what, number, known in (("image", box.image_id, by_image), ("category", box.category_id, names)):
            if number not in known:
                raise InputError(
                    f"annotations {source}: box {i} is of {what} {number}, which is not listed: {EXPECTED}"
                )
        by_image[box.image_id].append(box)
    frames = tuple(_frame(source, folder, image, by_image[image.id], label_of) for image in coco.images)
    if not classes or not frames:
        raise InputError(
            f"{source} holds {len(frames)} images and {len(classes)} classes: expected at least one of each"
        )
    return LabelledSet(classes, frames)


def _frame(
    source: Path, folder: Path, image: _Image, boxes: Sequence[_Box], label_of: Mapping[int, int | None]
) -> LabelledFrame:
    name = image.filename if image.file_name is None else image.file_name
    if name is None:
        raise InputError(f"annotations {source}: image {image.id} has no 'file_name': {EXPECTED}")
    kept, labels, ignored = [], [], []
    for box in boxes:
        x, y, w, h = box.bbox
        corners, label = (x, y, x + w, y + h), label_of[box.category_id]
        if label is None or box.iscrowd:
            ignored.append(corners)
        else:
            kept.append(corners)
            labels.append(label)
    scale = image.temperature
    return LabelledFrame(
        folder / name,
        image.width,
        image.height,
        np.array(kept, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(ignored, np.float32).reshape(-1, 4),
        TemperatureScale(scale.gain, scale.offset) if scale else None,
    )


def to_coco(data: LabelledSet, folder: Path | None = None) -> dict[str, Any]:
    """COCO's JSON, as `read_coco` reads it; ignored regions are ``iscrowd`` boxes of a category of their own.

    File names are relative to ``folder``, without one absolute.
    """
    ignore = len(data.classes)
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for i, frame in enumerate(data.frames):
        path = frame.path.relative_to(folder) if folder else frame.path.resolve()
        image = {"id": i, "file_name": path.as_posix(), "width": frame.width, "height": frame.height}
        if frame.temperature is not None:
            image["temperature"] = {"gain": frame.temperature.gain, "offset": frame.temperature.offset}
        images.append(image)
        groups = [(frame.boxes, frame.labels.tolist(), 0), (frame.ignored, [ignore] * len(frame.ignored), 1)]
        for corners, labels, crowd in groups:
            for (x1, y1, x2, y2), label in zip(corners.astype(np.float64).tolist(), labels, strict=True):
                w, h = x2 - x1, y2 - y1
                row = {"id": len(boxes) + 1, "image_id": i, "category_id": label, "bbox": [x1, y1, w, h]}
                boxes.append({**row, "area": w * h, "iscrowd": crowd})
    categories = [{"id": i, "name": name} for i, name in enumerate((*data.classes, IGNORED))]
    return {"images": images, "annotations": boxes, "categories": categories}
