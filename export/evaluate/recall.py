"""How many objects of each size and contrast are found, by score, in which pictures: ``recall.json`` of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.measure.average_precision import Float64, Judged, found_at
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.normalisers import Normalisers
from edge.model.recall import CONTRASTS, EDGES_PX, FILE, SCORES, ByContrast, ClassRecall, Pictures, RecallJson
from edge.system.files import reason_of, write_whole
from edge.thermal.contrast import differences, spreads
from edge.thermal.sharpness import grey_range, sharpness
from export.data.dataset import LabelledSet, read_grey

MIN_IOU = 0.5
FLAT, BLURRED, NOISY = 5, 2, 98  # percentiles of the frames' ranges of grey and sharpness: beyond them nothing is said


@dataclass(frozen=True)
class StandsOut:
    """Of the true boxes (M,) of one frame: by how many ``grey`` levels they stand out, and their ``contrast``, both
    without sign. See `edge.thermal.contrast`.
    """

    grey: Float64
    contrast: Float64


def looked_at(
    data: LabelledSet, normalisers: Normalisers, size: tuple[int, int]
) -> tuple[list[StandsOut], Pictures | None]:
    """Of each frame of ``data``, read again: in its own pixels, as the engine sees its grey, each frame on its own; and
    what they are like, of no frame None. ``size``: width and height of the model's input.
    """
    found, ranges, sharp = [], [], []
    for frame in data.frames:
        picture = read_grey(frame, normalisers)
        grey = np.abs(differences(picture, frame.boxes))
        found.append(StandsOut(grey, grey / spreads(picture, frame.boxes)))
        ranges.append(grey_range(picture))
        sharp.append(sharpness(picture, min(size[0] / frame.width, size[1] / frame.height)))
    known = [one for one in sharp if not np.isnan(one)]
    if not known:
        return found, None
    low, high = (round(float(one), 4) for one in np.percentile(known, (BLURRED, NOISY)))
    return found, Pictures(round(float(np.percentile(ranges, FLAT)), 2), (low, high))


def recall_by_size(
    judged: Sequence[Judged], stands_out: Sequence[StandsOut], classes: Sequence[str], scores: Sequence[float]
) -> dict[str, ClassRecall]:
    """Of each class true objects and those found, by size and score, and also by contrast; matched as AP50 by size is.

    ``judged``: boxes in pixels of the model's input.
    """
    return {name: _of_class(judged, stands_out, label, scores) for label, name in enumerate(classes)}


def _of_class(
    judged: Sequence[Judged], stands_out: Sequence[StandsOut], label: int, scores: Sequence[float]
) -> ClassRecall:
    mine = [one.true_labels == label for one in judged]
    contrast = _joined([one.contrast[kept] for one, kept in zip(stands_out, mine, strict=True)])
    grey = _joined([one.grey[kept] for one, kept in zip(stands_out, mine, strict=True)])
    size, at = np.full(len(contrast), -1), np.zeros(len(contrast))  # of each object: its bin, the score it is found at
    for i, (low, high) in enumerate(pairwise(EDGES_PX)):
        # an area of the upper edge belongs to the next size
        area = low**2, float(np.nextafter(high**2, 0))
        found = _joined([found_at(one, label, MIN_IOU, area) for one in judged])
        size[~np.isnan(found)], at[~np.isnan(found)] = i, found[~np.isnan(found)]

    def counted(which: npt.NDArray[np.bool_]) -> tuple[int, tuple[int, ...]]:
        """How many these are, and how many of them are found at each score."""
        scored = at[which]
        return len(scored), tuple(int(np.count_nonzero((scored > 0) & (scored >= score))) for score in scores)

    by_size = [counted(size == i) for i in range(len(EDGES_PX) - 1)]
    column = np.searchsorted(CONTRASTS, contrast, side="right") - 1
    both = [[counted((size == i) & (column == j)) for j in range(len(CONTRASTS))] for i in range(len(EDGES_PX) - 1)]
    by_contrast = (
        ByContrast(
            round(float(np.median(grey)), 1),
            tuple(tuple(n for n, _ in row) for row in both),
            tuple(tuple(found for _, found in row) for row in both),
        )
        if len(grey)
        else None
    )
    return ClassRecall(tuple(n for n, _ in by_size), tuple(found for _, found in by_size), by_contrast)


def _joined(arrays: Sequence[Float64]) -> Float64:
    return np.concatenate([*arrays, np.zeros(0)])


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
    normalisers = Normalisers(bundle.normalise_8bit, bundle.normalise_16bit)
    stands_out, pictures = looked_at(data, normalisers, (bundle.width, bundle.height))
    judged = in_model_pixels(data, judged, bundle.width, bundle.height)
    scores = tuple(sorted({*SCORES, bundle.score_threshold, *bundle.thresholds.values}))
    table = RecallJson(
        format=3,
        model_onnx=bundle.files[ONNX_CPU],
        labels=_name(data),
        frames=len(judged),
        path=path,
        min_iou=MIN_IOU,
        scores=scores,
        edges_px=EDGES_PX,
        contrasts=CONTRASTS,
        classes=recall_by_size(judged, stands_out, data.classes, scores),
        pictures=pictures,
    )
    file = bundle.path / FILE
    try:
        write_whole(file, msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    except OSError as error:
        raise InputError(f"{file} cannot be written ({reason_of(error)})") from None
    return (
        f"{file}: recall by size and contrast of {', '.join(data.classes)}, from {len(judged)} frames; edge run "
        "--coverage uses it"
    )


def _name(data: LabelledSet) -> str:
    """The folders that the frames lie in, without what is above them: paths of this machine say nothing elsewhere."""
    folders = sorted({"/".join(frame.path.resolve().parts[-3:-1]) for frame in data.frames})
    return ", ".join(folders[:3]) + (", ..." if len(folders) > 3 else "")
