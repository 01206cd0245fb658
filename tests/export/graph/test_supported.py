"""What the graph would leave out is refused by the name of its part."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads

from edge.errors import InputError
from export.graph.static import StaticDetector
from export.parity.pairs import pair
from tests.support.random_detectors import eager, enliven, static, thermal_scene
from tests.support.users_detectors import own_transform, pooled, small


class _Heads(RoIHeads):
    def postprocess_detections(self, *arguments: Any) -> Any:
        return super().postprocess_detections(*arguments)


class _Coder(BoxCoder):
    def decode_single(self, rel_codes: Any, boxes: Any) -> Any:
        return super().decode_single(rel_codes * 2, boxes)


def changed(change: Callable[[FasterRCNN], Any]) -> FasterRCNN:
    model = small()
    change(model)
    return model


def _own_coder(model: FasterRCNN) -> None:
    model.roi_heads.box_coder = _Coder((10.0, 10.0, 5.0, 5.0))


def _patched_forward(model: FasterRCNN) -> None:
    model.forward = types.MethodType(lambda self, images: [], model)


def _batch_statistics(model: FasterRCNN) -> None:
    model.backbone.body.bn1 = nn.BatchNorm2d(64, track_running_stats=False)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (own_transform, r"transform \(_Blurred\) has its own normalize"),
        (lambda: changed(lambda m: setattr(m.roi_heads, "__class__", _Heads)), "its own postprocess_detections"),
        (lambda: changed(_own_coder), r"roi_heads.box_coder \(_Coder\) has its own decode_single"),
        (lambda: changed(_patched_forward), r"the model \(FasterRCNN\) has its own forward"),
        (lambda: changed(lambda m: m.rpn.register_forward_hook(lambda *_: None)), "rpn has a forward hook"),
        (
            lambda: changed(lambda m: m.backbone.body.conv1.register_forward_hook(lambda *_: None)),
            "backbone.body.conv1 has a forward hook",
        ),
        (lambda: changed(_batch_statistics), "bn1 is a batch norm without running statistics"),
        (lambda: pooled(["0", "2"]), "takes the maps 0, 2, which skip a level"),
        (lambda: pooled(["p2"]), "takes maps p2, and the backbone gives none"),
        (
            lambda: changed(lambda m: setattr(m.roi_heads.box_predictor, "bbox_pred", nn.Linear(64, 4))),
            "gives 4 box values for 3 classes",
        ),
        (lambda: nn.DataParallel(small()), r"DataParallel: expected a torchvision FasterRCNN; give its \.module"),
    ],
)
def test_what_the_graph_would_leave_out(model: Callable[[], Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        StaticDetector(model(), 64, 64)


class _Tall(TwoMLPHead):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flip(2))


def test_what_it_calls_as_it_is_may_be_anything() -> None:
    """A head of the user's own, a predictor that is a subclass, one map for all regions; and half precision."""
    model = pooled(["1"])
    model.roi_heads.box_head.__class__ = _Tall
    model.roi_heads.box_predictor.__class__ = type("Mine", (FastRCNNPredictor,), {})
    scene = thermal_scene(64, 96)
    expected = eager(enliven(model.eval(), scene).half().float(), scene)
    for target in ("cpu", "tensorrt"):
        found = static(StaticDetector(model.half(), 64, 96, target), scene)
        pairs = pair(expected, found, 0.06, min_iou=0.9)
        assert len(pairs.iou) > 5
        assert pairs.lost.sum() + pairs.new.sum() <= 0.02 * len(pairs.iou)
        assert np.abs(pairs.score_change).max() <= 1e-3
        model = model.float()
