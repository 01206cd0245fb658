"""Counting what was found against what is there: matches, misses, false alarms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.data import Float32

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def iou(a: Float32, b: Float32) -> Float64:
    """(N, M) intersection over union of (N, 4) and (M, 4) xyxy boxes of positive area."""
    a64, b64 = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    overlap = np.clip(np.minimum(a64[..., 2:], b64[..., 2:]) - np.maximum(a64[..., :2], b64[..., :2]), 0, None)
    inter = overlap.prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (a64, b64)]
    return np.asarray(inter / (areas[0] + areas[1] - inter))


def match(
    overlaps: Float64,
    least: float,
    order: Iterable[int] | None = None,
    allowed: Bool | None = None,
    preferred: Bool | None = None,
) -> Int64:
    """Greedy one-to-one matching: each row in turn takes the free column that it overlaps most.

    ``overlaps``: (N, M) float64. ``least``: overlap from which a pair counts; one that is no number never does.
    ``order``: rows as they take their turn, those left out get none; by default 0 .. N - 1. ``allowed``: (N, M) bool,
    which pairs may be; by default all. ``preferred``: (M,) bool, columns that are taken before all others, whatever
    their overlap; by default all are alike. Of equal overlaps the first column is taken.

    Returns (N,) int64: the column of each row, -1 = none.
    """
    fits = overlaps >= least if allowed is None else allowed & (overlaps >= least)
    groups = [np.ones(overlaps.shape[1], bool)] if preferred is None else [preferred, ~preferred]
    partner = np.full(len(overlaps), -1, np.int64)
    free = np.ones(overlaps.shape[1], bool)
    for i in range(len(overlaps)) if order is None else order:
        for group in groups:
            could = fits[i] & free & group
            if could.any():
                partner[i] = np.argmax(np.where(could, overlaps[i], -np.inf))
                free[partner[i]] = False
                break
    return partner


def match_best_first(rows: Int64, columns: Int64, overlaps: Float64) -> list[tuple[int, int]]:
    """Greedy one-to-one matching that is the same whichever side is called the rows: of all pairs the one that overlaps
    most goes first.

    ``rows``, ``columns``: (K,) int64 from 0, the pairs that may be; ``overlaps``: (K,) float64 of each. Of equal ones
    the pair whose numbers come first. Returns the pairs that are, in the order of their rows.
    """
    taken: dict[int, int] = {}
    free = set(columns.tolist())
    order = np.lexsort((np.abs(rows - columns), rows + columns, -overlaps))
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken and column in free:
            taken[row] = column
            free.remove(column)
    return sorted(taken.items())


@dataclass
class Tally:
    """Found, missed and false by class name; add frame after frame.

    A detection matches the free true box of its class with the highest IoU, if that is at least
    ``min_iou``; detections take their turn by falling score (the PASCAL VOC rule). A detection
    over an ignored true box (IoU >= ``min_iou``, or more than half of the detection inside it)
    counts neither way.
    """

    min_iou: float = 0.5
    found: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        boxes: Float32,
        scores: Float32,
        names: Sequence[str],
        true_boxes: Float32,
        true_names: Sequence[str],
        ignored: Sequence[bool] | None = None,
    ) -> None:
        """Book one frame. Boxes are (N, 4) xyxy in the same pixels; names decide what may match."""
        skip = np.zeros(len(true_names), bool) if ignored is None else np.asarray(ignored, bool)
        overlaps = iou(boxes, true_boxes)
        same = np.array([[name == true for true in true_names] for name in names], bool).reshape(overlaps.shape)
        partner = match(overlaps, self.min_iou, np.argsort(-scores, kind="stable").tolist(), same & ~skip)
        for i, name in enumerate(names):
            if partner[i] >= 0:
                self._count(self.found, name)
            elif not (skip.any() and self._over(boxes[i], true_boxes[skip], overlaps[i, skip])):
                self._count(self.false, name)
        for j in np.flatnonzero(~skip & ~np.isin(np.arange(len(skip)), partner)).tolist():
            self._count(self.missed, true_names[j])

    def recall(self, name: str | None = None) -> float | None:
        """Found / (found + missed), of one class or of all; None where there was nothing to find."""
        return _ratio(self._sum(self.found, name), self._sum(self.missed, name))

    def precision(self, name: str | None = None) -> float | None:
        """Found / (found + false), of one class or of all; None where nothing was detected."""
        return _ratio(self._sum(self.found, name), self._sum(self.false, name))

    def to_json(self) -> dict[str, dict[str, float | int | None]]:
        """Counts, recall and precision by class, and for ``all``."""
        names = sorted({*self.found, *self.missed, *self.false})
        rows: dict[str, dict[str, float | int | None]] = {}
        for name in [*names, None]:
            rows[name or "all"] = {
                "found": self._sum(self.found, name),
                "missed": self._sum(self.missed, name),
                "false": self._sum(self.false, name),
                "recall": self.recall(name),
                "precision": self.precision(name),
            }
        return rows

    def _over(self, box: Float32, regions: Float32, overlaps: Float64) -> bool:
        inner = np.clip(np.minimum(box[2:], regions[:, 2:]) - np.maximum(box[:2], regions[:, :2]), 0, None)
        return bool((overlaps >= self.min_iou).any() or (inner.prod(-1) > 0.5 * (box[2:] - box[:2]).prod()).any())

    @staticmethod
    def _count(counts: dict[str, int], name: str) -> None:
        counts[name] = counts.get(name, 0) + 1

    @staticmethod
    def _sum(counts: dict[str, int], name: str | None) -> int:
        return sum(counts.values()) if name is None else counts.get(name, 0)


def _ratio(hits: int, others: int) -> float | None:
    return hits / (hits + others) if hits + others else None
