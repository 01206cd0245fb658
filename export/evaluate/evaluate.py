"""How good is a detector: a checkpoint in eager torch, or a bundle by the code of `edge run`.

figures = evaluate(data, detect_with_bundle(engine))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import FasterRCNN

from edge.data import Float32, Frame, Int32
from edge.engine import Engine
from edge.engine.tiled import tiling_of
from edge.measure.average_precision import ALL, IOUS, Judged, rank
from edge.model.normalisers import Normalisers
from edge.model.thresholds import Thresholds
from edge.model.transform import Preprocessor, to_detections
from export.data.dataset import LabelledSet, sensor_frame
from export.evaluate.thresholds import best_mean_f1, threshold_rows

# px^2, both ends inside. Lyu et al. 2024 (doi 10.1016/j.ecoinf.2023.102383): each box is of one size, 187 is small
_ABOVE = [float(np.nextafter(edge, np.inf)) for edge in (187.0, 408.0)]
PAPER_SIZES = {"small": (0.0, 187.0), "medium": (_ABOVE[0], 408.0), "large": (_ABOVE[1], float("inf"))}
# COCO's own: a box on an edge is of both sizes
COCO_SIZES = {"small": (0.0, 1024.0), "medium": (1024.0, 9216.0), "large": (9216.0, float("inf"))}
FALSE_PER_FRAME = 0.1

# frame -> boxes (N, 4) float32 xyxy in its pixels, scores (N,) float32, labels (N,) int32 from 0
Detect = Callable[[Frame], tuple[Float32, Float32, Int32]]


def detect_with_model(model: FasterRCNN, normalisers: Normalisers) -> Detect:
    """Detection by the torch model, each frame on its own."""
    model = model.eval()
    channels = len(model.transform.image_mean)
    device = next(model.parameters()).device

    def detect(frame: Frame) -> tuple[Float32, Float32, Int32]:
        grey = normalisers.grey(frame.pixels, frame.temperature)
        image = torch.from_numpy(grey.copy()).to(device).float().div(255).expand(channels, -1, -1)
        with torch.inference_mode():
            found = {k: v.cpu().numpy() for k, v in model([image])[0].items()}
        return found["boxes"], found["scores"], (found["labels"] - 1).astype(np.int32)

    return detect


def detect_with_bundle(engine: Engine) -> Detect:
    """Detection as in flight, each frame as the first of a flight; every score that the graph gives."""

    def detect(frame: Frame) -> tuple[Float32, Float32, Int32]:
        _, image, letterbox = Preprocessor(engine.bundle, tiling=tiling_of(engine)).forward(frame)
        found = to_detections(engine.infer(image), letterbox, 0.0, frame)
        return found.boxes, found.scores, found.labels

    return detect


def only_classes(detect: Detect, known: Sequence[str], classes: Sequence[str]) -> Detect:
    """``detect`` of a detector of the classes ``known``, with labels of ``classes``; others are left out."""
    label_of = np.array([classes.index(name) if name in classes else -1 for name in known], np.int32)

    def detect_them(frame: Frame) -> tuple[Float32, Float32, Int32]:
        boxes, scores, labels = detect(frame)
        labels = label_of[labels]
        kept = labels >= 0
        return boxes[kept], scores[kept], labels[kept]

    return detect_them


def judge(data: LabelledSet, detect: Detect, tell: Callable[[int], None] = lambda _: None) -> list[Judged]:
    """Run ``detect`` on every frame; ``tell`` is given the number of frames done."""
    judged = []
    for i, frame in enumerate(data.frames):
        found = detect(sensor_frame(frame, i))
        judged.append(Judged(*found, frame.boxes, frame.labels, frame.ignored))
        tell(i + 1)
    return judged


def figures(
    judged: Sequence[Judged], classes: Sequence[str], bundle: float | Thresholds | None = None
) -> dict[str, Any]:
    """Everything that is reported, as plain values for JSON; None where a class or size does not occur.

    ``ap``, ``ap50``: means over classes. ``ap50_by_size``: by the paper's bins; ``..._by_class_and_size`` in
    full.
    ``best_f1``: over all classes, at IoU 0.5; ``best_mean_f1``: the mean of F1 over classes, see `best_mean_f1`.
    ``counting``: detections of the best F1's threshold and more, right and false, against true boxes, per frame.
    ``recall_at_1_false_in_10_frames``: for each class alone. ``thresholds``: by class, and all together, see
    `export.evaluate.thresholds`; ``bundle``: the scores from which the bundle shows detections, None for a checkpoint;
    where they differ, none of all together is the bundle's.
    """
    labels = {name: i for i, name in enumerate(classes)}
    ap = {n: _mean([rank(judged, i, float(t)).average_precision() for t in IOUS]) for n, i in labels.items()}
    alone = {n: rank(judged, i, 0.5) for n, i in labels.items()}
    ap50 = {n: ranking.average_precision() for n, ranking in alone.items()}
    paper, coco = (
        {n: {s: rank(judged, i, 0.5, area).average_precision() for s, area in sizes.items()} for n, i in labels.items()}
        for sizes in (PAPER_SIZES, COCO_SIZES)
    )
    ap_sizes = {
        s: _mean([rank(judged, i, float(t), area).average_precision() for i in labels.values() for t in IOUS])
        for s, area in PAPER_SIZES.items()
    }
    allowed = FALSE_PER_FRAME * len(judged)
    together = rank(judged, None, 0.5, ALL)
    best = together.best_f1()
    mean = best_mean_f1(alone)
    own = {n: None if bundle is None else Thresholds.of(bundle)[n] for n in classes}
    common = next(iter(own.values())) if len(set(own.values())) == 1 else None
    several = sum(ranking.total > 0 for ranking in alone.values()) > 1 and mean["f1"] > 0
    return {
        "images": len(judged),
        "boxes": {n: int(sum((f.true_labels == i).sum() for f in judged)) for n, i in labels.items()},
        "ap": _mean(list(ap.values())),
        "ap50": _mean(list(ap50.values())),
        "per_class_ap": ap,
        "per_class_ap50": ap50,
        "ap_by_size": ap_sizes,
        "ap50_by_size": {s: _mean([paper[n][s] for n in labels]) for s in PAPER_SIZES},
        "ap50_by_class_and_size": paper,
        "ap50_by_coco_size": {s: _mean([coco[n][s] for n in labels]) for s in COCO_SIZES},
        "recall_at_1_false_in_10_frames": {
            **{n: ranking.recall_at_false(allowed) for n, ranking in alone.items()},
            "all": together.recall_at_false(allowed),
        },
        "best_f1": best,
        "best_mean_f1": mean,
        "best_f1_by_class": {n: ranking.best_f1() for n, ranking in alone.items()},
        "counting": _counting(judged, classes, best["threshold"]),
        "thresholds": {
            **{n: threshold_rows(ranking, len(judged), own[n]) for n, ranking in alone.items()},
            "all": threshold_rows(together, len(judged), common, mean["threshold"] if several else None),
        },
        "sizes_px2": {"small": 187, "medium": 408},
    }


def _counting(judged: Sequence[Judged], classes: Sequence[str], threshold: float) -> dict[str, Any]:
    rows = {}
    for label, name in enumerate(classes):
        # without detections over ignored regions, as `rank` leaves them out
        ranked = [rank([frame], label, 0.5) for frame in judged]
        errors = [int((one.scores >= threshold).sum()) - one.total for one in ranked]
        rows[name] = {"bias": float(np.mean(errors)), "mean_absolute": float(np.mean(np.abs(errors)))}
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
