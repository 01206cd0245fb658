"""Boxes of different classes on one body: which of them is followed, so that it is counted once.

A detector suppresses second boxes within a class only. Where it is unsure of the class, person or animal, it gives a
box of each; both are shown, and the one that is the surer of its class is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import Detections
from edge.measure.matching import iou
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds

OVERLAP = 0.4  # IoU from which two boxes are on one body
SUREST = 1e-6  # a score is taken for at most 1 - this, and at least this


class OneBody:
    """``bodies``: names of classes that may be mistaken for each other, such as (Person, Animal), as many groups as
    there are. ``classes``: of the model, by label.
    """

    def __init__(self, classes: Sequence[str], bodies: Sequence[Sequence[str]]) -> None:
        self._bodies = bodies
        self.left_out = 0
        """Boxes that were shown and not followed, so far; whoever follows the others adds them."""
        self._body = np.full(len(classes) + 1, -1)  # of each label the number of its group; the last: of others
        for number, names in enumerate(bodies):
            self._body[[classes.index(name) for name in names]] = number

    @classmethod
    def of(cls, bundle: Bundle) -> OneBody | None:
        """As the bundle says; None: it names no such classes."""
        return cls(bundle.classes, bundle.one_body) if bundle.one_body else None

    def report(self) -> dict[str, Any]:
        """For report.json."""
        return {"classes": [list(names) for names in self._bodies], "boxes": self.left_out}

    def followed(self, found: Detections, lowest: Thresholds) -> npt.NDArray[np.bool_] | None:
        """(N,) False for a box that lies on a surer one of another class of its group; None: there is no such box.

        Surer is what is further above the score from which its class is shown (``lowest``), as log odds.
        """
        body = self._body.take(found.labels, mode="clip")
        which = (body >= 0).nonzero()[0]
        if len(which) < 2:
            return None
        boxes, labels, body = found.boxes[which], found.labels[which], body[which]
        lies = (iou(boxes, boxes) >= OVERLAP) & (labels[:, None] != labels) & (body[:, None] == body)
        if not lies.any():
            return None
        sure = _log_odds(found.scores[which]) - _log_odds(lowest.of_each(labels))
        left = np.ones(len(which), bool)
        for i in np.argsort(-sure, kind="stable"):
            if left[i]:
                left &= ~lies[i]
        kept = np.ones(len(found), bool)
        kept[which] = left
        return kept


def _log_odds(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    likely = np.clip(scores.astype(np.float64), SUREST, 1 - SUREST)
    return np.asarray(np.log(likely / (1 - likely)))
