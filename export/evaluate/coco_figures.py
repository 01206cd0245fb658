"""COCO's own figures, by faster-coco-eval: what a paper or another tool prints for the same detections.

They differ from `export.evaluate.evaluate.figures` where COCO's rules do. It counts at most 100 detections of a class
and frame, the best ones; its crowds take up detections of their own class alone; objects are put into size ranges by
the ``area`` in the file, that of their mask; other ignored regions (DontCare, --ignore-classes) do not exist for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from edge.errors import InputError
from edge.measure.average_precision import Judged
from export.data.dataset import LabelledSet
from export.data.json_file import read_json
from export.evaluate.classes import ClassChoice

NAMES = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip
_PIP = "pip install 'thermal-edge[coco]'"


class _Category(Struct):
    id: int
    name: str | int | float


class _Image(Struct):
    id: int
    file_name: str | None = None
    filename: str | None = None  # HIT-UAV's key


class _Box(Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float | None = None
    iscrowd: bool | int | None = 0


class _Coco(Struct):
    categories: list[_Category]
    images: list[_Image]
    annotations: list[_Box] | None = None
    annotation: list[_Box] | None = None


def check_installed() -> None:
    """Raises InputError where faster-coco-eval is missing."""
    try:
        import faster_coco_eval  # noqa: F401
    except ImportError:
        raise InputError(f"--coco needs faster-coco-eval, which is not installed: {_PIP}") from None


def coco_truth(annotations: Path, images: Path, data: LabelledSet, choice: ClassChoice) -> list[dict[str, Any]]:
    """COCO's annotations of the frames and classes of ``data``, as the file that it was read from has them: boxes xywh,
    ``image_id`` the frame's place in ``data``, ``category_id`` the label.

    Raises InputError where a frame is not in the file, or an image is there twice.
    """
    content = read_json(annotations, _Coco, "annotations", "expected COCO's images, annotations and categories")
    label_of = {name.casefold(): label for label, name in enumerate(data.classes)}
    labels = {c.id: label_of.get(choice.called(str(c.name)).casefold()) for c in content.categories}
    paths = {image.id: images / (image.file_name or image.filename or "") for image in content.images}
    index = {frame.path: i for i, frame in enumerate(data.frames)}
    place = {number: index[path] for number, path in paths.items() if path in index}
    if sorted(place.values()) != list(range(len(data))):
        raise InputError(
            f"--coco: the images of {annotations} are not one to one the frames that are evaluated: "
            "edge-export data check writes a cleaned.json whose are"
        )
    rows: list[dict[str, Any]] = []
    for box in content.annotations or content.annotation or []:
        label = labels.get(box.category_id)
        if label is None or box.image_id not in place:
            continue
        width, height = box.bbox[2:]
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": place[box.image_id],
                "category_id": label,
                "bbox": list(box.bbox),
                "area": width * height if box.area is None else box.area,
                "iscrowd": int(bool(box.iscrowd)),
            }
        )
    return rows


def coco_figures(
    judged: Sequence[Judged], classes: Sequence[str], truth: list[dict[str, Any]]
) -> dict[str, float | None]:
    """COCO's twelve figures of boxes by `NAMES`, 0..1, None where there is nothing to find.

    ``truth``: as `coco_truth` gives it; of ``judged`` only the detections are used.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    reference = COCO(
        {
            "info": {},
            "images": [{"id": i} for i in range(len(judged))],
            "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
            "annotations": truth,
        }
    )
    found = [
        {"image_id": i, "category_id": int(label), "bbox": [x1, y1, x2 - x1, y2 - y1], "score": float(score)}
        for i, frame in enumerate(judged)
        for (x1, y1, x2, y2), score, label in zip(
            frame.boxes.astype(float).tolist(), frame.scores, frame.labels, strict=True
        )
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = COCOeval_faster(reference, reference.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    values = [float(value) for value in run.stats[: len(NAMES)]]
    return {name: None if value < 0 else value for name, value in zip(NAMES, values, strict=True)}
