"""COCO's average precision in numpy, and what an operator asks: at which threshold, how many missed, how many
false.

The matching and the 101-point average are those of pycocotools' COCOeval (Lin et al. 2014, arXiv 1405.0312):
within a frame and class, detections take their turn by falling score; each takes the free true box of highest
IoU. True boxes outside a size range, and ignored regions, are there to be matched, and what matches them is
neither right nor false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.measure.matching import Int64, iou, match

Float64 = npt.NDArray[np.float64]
IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
ALL = (0.0, float("inf"))


@dataclass(frozen=True)
class Judged:
    """One frame: what was found and what is there. Boxes are (N, 4) float32 xyxy in the same pixels, labels
    (N,) integers from 0, scores (N,) float32; ``ignored``: (M, 4) regions.
    """

    boxes: Float32
    scores: Float32
    labels: npt.NDArray[np.integer]
    true_boxes: Float32
    true_labels: Int64
    ignored: Float32


@dataclass(frozen=True)
class Ranking:
    """All detections of one class that count, best first. ``hits``: (N,) whether each is true. ``total``:
    true boxes.
    """

    scores: Float64
    hits: npt.NDArray[np.bool_]
    total: int

    def average_precision(self) -> float | None:
        """COCO's 101-point average; None where there is nothing to find."""
        if not self.total:
            return None
        if not len(self.hits):
            return 0.0
        tp = np.cumsum(self.hits)
        precision = tp / np.arange(1, len(tp) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(tp / self.total, RECALLS, side="left")
        return float(np.where(at < len(tp), envelope[np.minimum(at, len(tp) - 1)], 0.0).mean())

    def best_f1(self) -> dict[str, float]:
        """The score threshold of the highest F1, with F1, precision and recall there."""
        if not self.total or not len(self.hits):
            return {"threshold": 0.5, "f1": 0.0, "precision": 0.0, "recall": 0.0}
        tp = np.cumsum(self.hits)
        f1 = 2 * tp / (np.arange(1, len(tp) + 1) + self.total)
        i = int(np.argmax(np.where(self._last(), f1, -1.0)))
        return {
            "threshold": float(self.scores[i]),
            "f1": float(f1[i]),
            "precision": float(tp[i] / (i + 1)),
            "recall": float(tp[i] / self.total),
        }

    def score_at_false(self, allowed: float) -> float | None:
        """The lowest score of a detection as threshold at which at most ``allowed`` false detections are shown; None
        where these are too many at every one.
        """
        fitting = self.scores[(np.cumsum(~self.hits) <= allowed) & self._last()]
        return float(fitting[-1]) if len(fitting) else None

    def recall_at_false(self, allowed: float) -> float | None:
        """Recall at `score_at_false`; None with nothing to find."""
        if not self.total:
            return None
        lowest = self.score_at_false(allowed)
        return 0.0 if lowest is None else float(self.hits[self.scores >= lowest].sum() / self.total)

    def _last(self) -> npt.NDArray[np.bool_]:
        """(N,) whether it is the last of its score: a threshold cannot part equal scores."""
        return np.append(np.diff(self.scores) < 0, True) if len(self.scores) else np.zeros(0, bool)


def rank(frames: Sequence[Judged], label: int | None, min_iou: float, area: tuple[float, float] = ALL) -> Ranking:
    """Ranking of one class, or with None of all classes together, at one IoU and for boxes of an area range
    (px^2).
    """
    labels = sorted({int(v) for f in frames for v in (*f.labels, *f.true_labels)}) if label is None else [label]
    scores, hits, total = [], [], 0
    for frame in frames:
        for one in labels:
            s, h, counted, n = _match(frame, one, min_iou, area)
            scores.append(s[counted])
            hits.append(h[counted])
            total += n
    joined, hit = np.concatenate([*scores, np.zeros(0)]), np.concatenate([*hits, np.zeros(0, bool)])
    order = np.argsort(-joined, kind="stable")
    return Ranking(joined[order], hit[order], total)


def found_at(frame: Judged, label: int, min_iou: float, area: tuple[float, float] = ALL) -> Float64:
    """(M,) the score of the detection that takes each true box of a class, matched as in `rank`: 0 = none does; NaN =
    it is outside the area range.
    """
    _, scores, counts, partner = _taken(frame, label, min_iou, area)
    found = np.where(counts, 0.0, np.nan)
    hits = (partner >= 0) & np.append(counts, False)[partner]
    found[partner[hits]] = scores[hits]
    return found


def _taken(
    frame: Judged, label: int, min_iou: float, area: tuple[float, float]
) -> tuple[Float32, Float64, npt.NDArray[np.bool_], Int64]:
    """Boxes (N, 4) of one class, best first, their scores (N,); which true boxes (M,) are in the area range; and which
    true box each detection takes (N,), -1 = none.
    """
    mine = np.flatnonzero(frame.labels == label)
    mine = mine[np.argsort(-frame.scores[mine], kind="stable")]
    boxes, truth = frame.boxes[mine], frame.true_boxes[frame.true_labels == label]
    counts = _within(truth, area)
    # true boxes outside the range are taken only where none inside is left; COCO's slack for rounding
    partner = match(iou(boxes, truth), min_iou - 1e-10, preferred=counts)
    return boxes, frame.scores[mine].astype(np.float64), counts, partner


def _match(
    frame: Judged, label: int, min_iou: float, area: tuple[float, float]
) -> tuple[Float64, npt.NDArray[np.bool_], npt.NDArray[np.bool_], int]:
    """Scores (N,) descending, hits (N,), counted (N,) and the number of true boxes that count."""
    boxes, scores, counts, partner = _taken(frame, label, min_iou, area)
    hits = (partner >= 0) & np.append(counts, False)[partner]
    neither = np.where(partner >= 0, ~hits, (covered(boxes, frame.ignored) >= min_iou) | ~_within(boxes, area))
    return scores, hits, ~neither, int(counts.sum())


def _within(boxes: Float32, area: tuple[float, float]) -> npt.NDArray[np.bool_]:
    size = (boxes[:, 2:].astype(np.float64) - boxes[:, :2]).prod(axis=1)
    return np.asarray((size >= area[0]) & (size <= area[1]))


def covered(boxes: Float32, regions: Float32) -> Float64:
    """(N,) largest part of each box that lies in one of the regions; COCO's rule for crowds."""
    if not len(regions):
        return np.zeros(len(boxes))
    b, r = boxes[:, None].astype(np.float64), regions[None].astype(np.float64)
    inner = np.clip(np.minimum(b[..., 2:], r[..., 2:]) - np.maximum(b[..., :2], r[..., :2]), 0, None).prod(-1)
    return np.asarray((inner / (b[..., 2:] - b[..., :2]).prod(-1)).max(axis=1))
