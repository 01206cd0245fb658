"""HOTA, IDF1, MOTA and id switches by TrackEval (MIT), which `make bench-tracking` installs beside."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.tracking.scenes import Step
from edge.measure.matching import iou

Given = list[tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]  # boxes and ids of each frame


@dataclass(frozen=True)
class Score:
    """What TrackEval says of one or more sequences. ``tracks``: ids given; ``objects``: in the truth."""

    hota: float
    idf1: float
    mota: float
    switches: float
    tracks: float
    objects: float
    ms: float = float("nan")


def score(sequences: Sequence[tuple[Sequence[Step], Given]]) -> Score:
    """Of all sequences together; switches, tracks and objects are sums. Raises ImportError where TrackEval is not."""
    with contextlib.redirect_stdout(io.StringIO()):
        from trackeval.metrics import CLEAR, HOTA, Identity

        metrics = {
            "hota": HOTA(),
            "clear": CLEAR({"PRINT_CONFIG": False}),
            "identity": Identity({"PRINT_CONFIG": False}),
        }
        data = [in_its_words(steps, given) for steps, given in sequences]
        total = {
            name: metric.combine_sequences({str(i): metric.eval_sequence(one) for i, one in enumerate(data)})
            for name, metric in metrics.items()
        }
    return Score(
        float(np.mean(total["hota"]["HOTA"])),
        float(total["identity"]["IDF1"]),
        float(total["clear"]["MOTA"]),
        float(total["clear"]["IDSW"]),
        sum(one["num_tracker_ids"] for one in data),
        sum(one["num_gt_ids"] for one in data),
    )


def in_its_words(steps: Sequence[Step], given: Given) -> dict[str, object]:
    """The dictionary that its metrics take: ids from 0 on without gaps, overlaps of each frame."""
    true_ids = numbered([step.true_ids for step in steps])
    ids = numbered([one for _, one in given])
    overlaps = [
        iou(step.true_boxes, boxes)
        if len(boxes) and len(step.true_boxes)
        else np.zeros((len(step.true_boxes), len(boxes)))
        for step, (boxes, _) in zip(steps, given, strict=True)
    ]
    return {
        "num_timesteps": len(steps),
        "num_gt_ids": len(np.unique(np.concatenate(true_ids))),
        "num_tracker_ids": len(np.unique(np.concatenate(ids))),
        "num_gt_dets": sum(map(len, true_ids)),
        "num_tracker_dets": sum(map(len, ids)),
        "gt_ids": true_ids,
        "tracker_ids": ids,
        "similarity_scores": overlaps,
    }


def numbered(ids: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
    """The same ids, counted from 0 on."""
    known = np.unique(np.concatenate(ids))
    return [np.searchsorted(known, one) for one in ids]
