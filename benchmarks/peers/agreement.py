"""Does another detector find the same objects as ours? Only then its time is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.data import RawDetections
from export.parity.pairs import join, pair


@dataclass(frozen=True)
class Tolerance:
    """``iou``: least overlap of two boxes that are the same. ``score``: most that their scores may differ. ``missed``:
    part of the objects that may lack such a partner, on either side.
    """

    iou: float
    score: float
    missed: float

    def __str__(self) -> str:
        """In words."""
        return f"IoU {self.iou:g} and a score within {self.score:g} for {1 - self.missed:.0%} of the objects"


SAME = Tolerance(iou=0.9, score=0.01, missed=0.01)
# INT8 is a near detector, not the same: single scores move by tenths. What that costs in accuracy edge-export eval
# measures; here it is asked whether the two find the same objects at all
ROUNDED = Tolerance(iou=0.5, score=0.5, missed=0.05)


@dataclass(frozen=True)
class Agreement:
    """``objects``: that ours shows in all frames. ``found``: of these, by the other, with a box and a score within the
    tolerance. ``added``: shown by the other only. ``least_iou``, ``most_score``: least overlap and largest difference
    of the scores of all pairs, None where there is none. ``refused``: why it does not count as the same; None: it does.
    """

    objects: int
    found: int
    added: int
    least_iou: float | None
    most_score: float | None
    refused: str | None

    def __str__(self) -> str:
        """In a line."""
        said = f"finds {self.found} of {self.objects} objects, {self.added} others"
        return said if self.least_iou is None else f"{said}; least IoU {self.least_iou:.4f}"


def agreement(
    ours: Sequence[RawDetections], others: Sequence[RawDetections], threshold: float, tolerance: Tolerance
) -> Agreement:
    """Of the same frames, one by one. ``threshold``: score from which an object is shown.

    A score that crosses the threshold makes neither a lost nor a new object: its partner is there.
    """
    pairs = join([pair(a, b, threshold) for a, b in zip(ours, others, strict=True)])
    change = np.abs(pairs.score_change)
    objects, added = len(pairs.iou) + int(pairs.lost.sum()), int(pairs.new.sum())
    found = int(((pairs.iou >= tolerance.iou) & (change <= tolerance.score)).sum())
    refused = None
    if not objects:
        refused = "the frames hold no object, so that nothing could be compared"
    elif max(objects - found, added) > tolerance.missed * objects:
        refused = (
            f"it finds {found} of the {objects} objects of ours and {added} others: expected {tolerance}, and as few "
            "others"
        )
    return Agreement(
        objects,
        found,
        added,
        round(float(pairs.iou.min()), 4) if len(pairs.iou) else None,
        float(f"{change.max():.2g}") if len(change) else None,
        refused,
    )
