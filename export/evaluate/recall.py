"""How many objects of each size are found, by score: ``recall.json`` of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np

from edge.errors import InputError
from edge.measure.average_precision import Judged, rank
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.recall import EDGES_PX, FILE, SCORES, ClassRecall, RecallJson
from edge.system.files import reason_of, write_whole
from export.data.dataset import LabelledSet

MIN_IOU = 0.5


def recall_by_size(judged: Sequence[Judged], classes: Sequence[str], scores: Sequence[float]) -> dict[str, ClassRecall]:
    """Of each class true objects and those found, by size and score; matched as AP50 by size is.

    ``judged``: boxes in pixels of the model's input.
    """
    return {name: _of_class(judged, label, scores) for label, name in enumerate(classes)}


def _of_class(judged: Sequence[Judged], label: int, scores: Sequence[float]) -> ClassRecall:
    boxes, found = [], []
    for low, high in pairwise(EDGES_PX):
        # an area of the upper edge belongs to the next size
        ranking = rank(judged, label, MIN_IOU, (low**2, float(np.nextafter(high**2, 0))))
        boxes.append(ranking.total)
        found.append(tuple(int(ranking.hits[ranking.scores >= score].sum()) for score in scores))
    return ClassRecall(tuple(boxes), tuple(found))


def in_model_pixels(data: LabelledSet, judged: Sequence[Judged], width: int, height: int) -> list[Judged]:
    """``judged`` of the frames of ``data``, in pixels of a model's input of this size."""
    scaled = []
    for frame, one in zip(data.frames, judged, strict=True):
        scale = np.float32(min(width / frame.width, height / frame.height))
        boxes, truth, ignored = one.boxes * scale, one.true_boxes * scale, one.ignored * scale
        scaled.append(replace(one, boxes=boxes, true_boxes=truth, ignored=ignored))
    return scaled


def set_recall(folder: str, data: LabelledSet, judged: Sequence[Judged], path: str) -> str:
    """Write ``recall.json`` into the bundle; returns what was done.

    ``path``: what looked at the frames. Raises InputError where it cannot be written.
    """
    bundle = Bundle.load(folder)
    judged = in_model_pixels(data, judged, bundle.width, bundle.height)
    scores = tuple(sorted({*SCORES, bundle.score_threshold}))
    table = RecallJson(
        format=1,
        model_onnx=bundle.files[ONNX_CPU],
        labels=_name(data),
        frames=len(judged),
        path=path,
        min_iou=MIN_IOU,
        scores=scores,
        edges_px=EDGES_PX,
        classes=recall_by_size(judged, data.classes, scores),
    )
    file = bundle.path / FILE
    try:
        write_whole(file, msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    except OSError as error:
        raise InputError(f"{file} cannot be written ({reason_of(error)})") from None
    return (
        f"{file}: recall by size of {', '.join(data.classes)}, from {len(judged)} frames; edge run --coverage uses it"
    )


def _name(data: LabelledSet) -> str:
    """The folders that the frames lie in, without what is above them: paths of this machine say nothing elsewhere."""
    folders = sorted({"/".join(frame.path.resolve().parts[-3:-1]) for frame in data.frames})
    return ", ".join(folders[:3]) + (", ..." if len(folders) > 3 else "")
