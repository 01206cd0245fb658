"""Are two sets of detections of one frame the same: each box with its partner, and what has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.data import Float32, RawDetections
from edge.measure.matching import iou, match
from edge.model.thresholds import Thresholds

# object areas, px^2: Lyu et al. 2024 call up to 187 small and from 408 on large
SIZES = ("small", "medium", "large")
SIZE_LIMITS = (187.0, 408.0)


@dataclass(frozen=True)
class Pairs:
    """Detections of a reference and their partners in another detector's answer.

    ``iou``, ``score_change``: (M,) float64 of each pair, the change is other - reference. ``size``: (M,) int, index
    into `SIZES` by the reference's area. ``lost``: (3,) int, reference detections without a partner, by size.
    ``new``: (3,) int, the other's without one.
    """

    iou: npt.NDArray[np.float64]
    score_change: npt.NDArray[np.float64]
    size: npt.NDArray[np.int64]
    lost: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]


def pair(reference: RawDetections, other: RawDetections, min_score: float | Thresholds, min_iou: float = 0.5) -> Pairs:
    """Pair detections of one class, best score first, each with the free one it overlaps most.

    Only what scores ``min_score`` (of its class) or more asks for a partner, and all rows can be one: a detection that
    falls below the threshold on one side has moved, it is not lost.
    """
    overlap = _overlaps(reference, other)
    least = Thresholds.of(min_score)
    asks = np.flatnonzero(least.shown(reference.scores, reference.labels))
    partner = match(overlap, min_iou, asks.tolist(), np.broadcast_to(other.scores > 0, overlap.shape))
    paired = asks[partner[asks] >= 0]
    chosen, areas = partner[paired], size_of(reference.boxes)
    lost = areas[asks[partner[asks] < 0]]
    # what asks on the other side, and has none to overlap here, be it taken or not
    best = np.where(reference.scores[:, None] > 0, overlap, -1.0).max(0, initial=-1.0)
    taken = np.isin(np.arange(len(other.scores)), partner)
    new = size_of(other.boxes)[least.shown(other.scores, other.labels) & ~taken & (best < min_iou)]
    return Pairs(
        overlap[paired, chosen],
        other.scores[chosen].astype(np.float64) - reference.scores[paired],
        areas[paired],
        np.bincount(lost, minlength=3),
        np.bincount(new, minlength=3),
    )


def join(pairs: list[Pairs]) -> Pairs:
    """The pairs of many frames as one."""
    empty = Pairs(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64))
    every = [empty, *pairs]
    return Pairs(
        np.concatenate([p.iou for p in every]),
        np.concatenate([p.score_change for p in every]),
        np.concatenate([p.size for p in every]),
        np.sum([p.lost for p in every], 0),
        np.sum([p.new for p in every], 0),
    )


def size_of(boxes: Float32) -> npt.NDArray[np.int64]:
    """(N,) index into `SIZES` of (N, 4) xyxy boxes, frame pixels."""
    side = boxes[:, 2:].astype(np.float64) - boxes[:, :2]
    return np.asarray(np.digitize(side.prod(1), SIZE_LIMITS, right=True), np.int64)


def _overlaps(reference: RawDetections, other: RawDetections) -> npt.NDArray[np.float64]:
    """(N, M) IoU, 0 between different labels and for rows without a detection."""
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.nan_to_num(iou(reference.boxes, other.boxes))
    return np.where(reference.labels[:, None] == other.labels[None], overlap, 0.0)
