"""A detector's last layer for other classes: what it knows by name stays, what is new starts from nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

from edge.errors import InputError


def replace_head(model: FasterRCNN, classes: Sequence[str]) -> tuple[str, ...]:
    """Make ``model``, in place, a detector of ``classes``; returns those it knew already.

    The rows of the box predictor for the background and for classes of the same name, whatever its case, are kept. A
    model without names (``class_names`` is ()) is taken as it is where the number fits: its classes are then those of
    ``classes``, in this order.

    Raises InputError where it has no names and another number of classes.
    """
    known, old = tuple(model.class_names), model.roi_heads.box_predictor
    if known == tuple(classes):
        return known
    if not known:
        if old.cls_score.out_features == len(classes) + 1:
            return tuple(classes)
        raise InputError(
            f"the detector to start from has {old.cls_score.out_features - 1} classes without names, the frames have "
            f"{', '.join(classes)}: expected a bundle, or a checkpoint with a list of names under 'classes'; --classes "
            f"takes {old.cls_score.out_features - 1} of the frames' classes, in the detector's order"
        )
    new = FastRCNNPredictor(old.cls_score.in_features, len(classes) + 1)
    place = {name.casefold(): i + 1 for i, name in enumerate(known)}
    kept = tuple(name for name in classes if name.casefold() in place)
    rows = [(0, 0), *((classes.index(name) + 1, place[name.casefold()]) for name in kept)]
    with torch.no_grad():
        for to, of in rows:
            for layer, source, width in ((new.cls_score, old.cls_score, 1), (new.bbox_pred, old.bbox_pred, 4)):
                layer.weight[width * to : width * (to + 1)] = source.weight[width * of : width * (of + 1)]
                layer.bias[width * to : width * (to + 1)] = source.bias[width * of : width * (of + 1)]
    model.roi_heads.box_predictor = new
    model.configuration = model.configuration.changed(classes=len(classes))
    model.class_names = tuple(classes)
    return kept
