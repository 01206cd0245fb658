"""Weights between those of a model and of one that was trained from it: what the first knew stays, most of the new too.

Wortsman et al. 2022, Robust fine-tuning of zero-shot models (WiSE-FT), arXiv 2109.01903: along the straight line
between the two, what both can do hardly suffers, as long as the second was trained from the first and not for long.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.detector.replace_head import replace_head

_MAY_DIFFER = ("name", "classes", "rpn_pre_nms_top_n_test", "rpn_post_nms_top_n_test", "rpn_nms_thresh",
               "rpn_score_thresh", "box_nms_thresh", "box_score_thresh", "box_detections_per_img")  # fmt: skip
_ROWS = {"roi_heads.box_predictor.cls_score": 1, "roi_heads.box_predictor.bbox_pred": 4}  # a class


def average(before: FasterRCNN, after: FasterRCNN, part: float) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """State dict of a detector of the classes of ``after``, ``part`` of the way from ``before`` to it, above 1 beyond
    it; and the classes that ``before`` did not know, whose rows are those of ``after``. ``before`` is changed: it gets
    its classes.

    Raises InputError where one cannot have been trained from the other: another detector, or other frozen norms.
    """
    _check_alike(before, after)
    names: Sequence[str] = after.class_names
    kept = replace_head(before, names)
    new = [1 + i for i, name in enumerate(names) if name not in kept]
    own, goal = before.state_dict(), after.state_dict()
    mixed = {}
    for key, value in goal.items():
        mixed[key] = torch.lerp(own[key], value, part) if value.is_floating_point() else value
        width = _ROWS.get(key.rpartition(".")[0], 0)
        for row in new if width else ():
            mixed[key][width * row : width * (row + 1)] = value[width * row : width * (row + 1)]
    return mixed, tuple(names[row - 1] for row in new)


def _check_alike(before: FasterRCNN, after: FasterRCNN) -> None:
    if not before.class_names or not after.class_names:
        raise InputError("one does not name its classes: expected bundles, or what edge-export train wrote")
    first, second = (_facts(model) for model in (before, after))
    other = sorted(name for name in first if first[name] != second[name])
    if other:
        raise InputError(
            f"the two are other detectors, by their {', '.join(other)}: expected a model and one trained from it"
        )
    trained = {name for name, _ in after.named_parameters()}
    known = before.state_dict()
    for name, value in after.state_dict().items():
        if name not in trained and not torch.equal(known[name], value):
            raise InputError(
                f"the two have other frozen norms ({name}): expected a model and one trained from it. Those of "
                "a bundle are folded: where the training began with a checkpoint, give that as the first"
            )


def _facts(model: FasterRCNN) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(json.dumps(model.configuration.to_json()))
    return {name: value for name, value in facts.items() if name not in _MAY_DIFFER}
