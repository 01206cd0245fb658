"""Why a bundle finds something else than the program that its weights are from: what the differences look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.measure.matching import iou, match
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds
from export.detector.assumed import OPTIONS
from export.parity.compare import Comparison

_CLOSE = 0.5  # IoU
_MOST_FACTORS, _MOST_FRAMES = 200, 10


@dataclass(frozen=True)
class Seen:
    """One picture. ``theirs``, ``ours``: detections in its pixels. ``range``: lowest and highest value that the user's
    model got. ``scale``: model pixels for one pixel of the picture, in x and y.
    """

    theirs: RawDetections
    ours: RawDetections
    range: tuple[float, float]
    scale: tuple[float, float]


def likely_causes(
    bundle: Bundle, settings: Mapping[str, Any], seen: Sequence[Seen], found: Comparison, least: Thresholds
) -> list[str]:
    """Lines, the most certain first. ``settings``: of the user's detector. ``least``: scores of what is compared."""
    causes = _settings_that_differ(bundle.architecture, settings)
    highest = max((s.range[1] for s in seen), default=1.0)
    if highest > 1.5:
        causes.append(f"your program gives the model values up to {highest:g}, the bundle 0..1: scale them by 1/255")
    if any(abs(s.scale[0] - 1) > 0.01 or abs(s.scale[1] - 1) > 0.01 for s in seen):
        causes.append(
            f"these frames are scaled by {seen[0].scale[0]:.3g} to the bundle's {bundle.width}x{bundle.height} before "
            "the model sees them: export it with --height and --width of the frames"
        )
    asked, paired = len(found.pairs.iou) + int(found.pairs.lost.sum()), len(found.pairs.iou)
    if asked and paired < 0.9 * asked:
        causes += _other_boxes(bundle, seen, least, asked, paired)
    elif asked and np.median(np.abs(found.pairs.score_change)) > 0.5 * found.tolerance.score:
        causes.append(
            "the boxes are the same and the scores shifted: mean or std of the frames (--mean, --std), or epsilon of "
            "batch norm (--norm-eps)"
        )
    elif not asked:
        causes.append("your program finds nothing in these frames: give frames with animals or persons in them")
    return causes


def _settings_that_differ(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    causes = []
    for name, value in theirs.items():
        if name in ours and not _equal(name, value, ours[name]):
            option = OPTIONS.get(name, "--" + name.replace("_", "-"))
            causes.append(f"{name} is {value} in your program, {ours[name]} in the bundle: export it with {option}")
    return causes


def _equal(name: str, theirs: Any, ours: Any) -> bool:
    if name in ("anchor_sizes", "aspect_ratios"):  # one tuple for every level may stand for all
        theirs, ours = ([list(level) for level in _levels(v)] for v in (theirs, ours))
        same_length = max(len(theirs), len(ours))
        theirs, ours = (v * same_length if len(v) == 1 else v for v in (theirs, ours))
    try:
        a, b = np.asarray(theirs, np.float64).ravel(), np.asarray(ours, np.float64).ravel()
    except (TypeError, ValueError):
        return bool(theirs == ours)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-5, atol=1e-9))


def _levels(value: Any) -> list[Any]:
    flat = not any(isinstance(level, list | tuple) for level in value)
    return [value] if flat else list(value)


def _other_boxes(bundle: Bundle, seen: Sequence[Seen], least: Thresholds, asked: int, paired: int) -> list[str]:
    """What is told where detections have no partner."""
    confusion: Counter[tuple[int, int]] = Counter()
    for s in seen:
        asks = np.flatnonzero(least.shown(s.theirs.scores, s.theirs.labels))
        partner = match(_overlap(s.theirs, s.ours), _CLOSE, asks.tolist())
        confusion.update((int(s.theirs.labels[i]), int(s.ours.labels[partner[i]])) for i in asks if partner[i] >= 0)
    moved = sum(count for (theirs, ours), count in confusion.items() if theirs != ours)
    if confusion.total() > 0.8 * asked and moved > 0.5 * confusion.total():
        mapping = {theirs: ours for (theirs, ours), _ in reversed(confusion.most_common())}
        names = [
            f"its label {theirs + 1} is {bundle.classes[ours]}" if 0 <= ours < len(bundle.classes) else ""
            for theirs, ours in sorted(mapping.items())
        ]
        order = ", ".join(filter(None, names))
        return [f"the boxes are the same and the classes are not ({order}): another order of --classes"]
    factor, pairs = _best_factor(seen, least)
    few = seen[:_MOST_FRAMES]
    plain = sum(_pairs_at(s, least, 1.0) for s in few)
    all_of_few = sum(int(least.shown(s.theirs.scores, s.theirs.labels).sum()) for s in few)
    if abs(factor - 1) > 0.02 and pairs > max(2 * plain, 0.5 * all_of_few):
        return [
            f"all boxes are scaled by {factor:.3g}: your program resizes frames before the model and its boxes are of "
            "that size (prepare() in the script), or the bundle's --height and --width are not those of the frames"
        ]
    return [
        f"{asked - paired} of {asked} detections of your program are not found: a setting that weights do not tell "
        "(size, anchors, canonical scale, sampling, epsilon); edge-export onnx --model package.module:function takes "
        "all of them from your program"
    ]


def _overlap(theirs: RawDetections, ours: RawDetections, factor: float = 1.0) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(iou(theirs.boxes * np.float32(factor), ours.boxes))


def _pairs_at(s: Seen, least: Thresholds, factor: float) -> int:
    """How many of their detections have a box of ours, theirs scaled by ``factor``; classes aside."""
    asks = np.flatnonzero(least.shown(s.theirs.scores, s.theirs.labels))
    return int((match(_overlap(s.theirs, s.ours, factor), _CLOSE, asks.tolist()) >= 0).sum())


def _best_factor(seen: Sequence[Seen], least: Thresholds) -> tuple[float, int]:
    """The scale by which most of their boxes lie on ours, of those that some best boxes suggest; and how many do."""
    few = seen[:_MOST_FRAMES]
    ratios: list[float] = []
    for s in few:
        theirs, ours = (d.boxes[np.argsort(-d.scores)[:5], 2:].sum(1) for d in (s.theirs, s.ours))
        ratios += (ours[None] / np.maximum(theirs[:, None], 1e-3)).ravel().tolist()
    candidates = sorted({round(r, 2) for r in ratios if 0.05 < r < 20})[:_MOST_FACTORS]
    counts = [(sum(_pairs_at(s, least, factor) for s in few), factor) for factor in candidates]
    pairs, factor = max(counts, default=(0, 1.0))
    return factor, pairs
