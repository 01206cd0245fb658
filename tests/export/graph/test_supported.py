"""What the graph would leave out is refused by the name of its part."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable
from types import SimpleNamespace
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
from export.graph.supported import check_model, check_pooled, check_samples, check_size, check_topk
from export.parity.pairs import pair
from tests.support.narrow import narrow
from tests.support.random_detectors import eager, enliven, static, thermal_scene
from tests.support.users_detectors import own_transform, pooled, small

pytestmark = pytest.mark.usefixtures("narrow_resnets")


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


@pytest.mark.parametrize(
    ("height", "width", "told"),
    [
        (32, 32, None),
        (1024, 1280, None),
        (512, 640, None),
        (1056, 640, "height 1056: expected a multiple of 32 from 32 to 1024, for instance 1024"),
        (512, 1312, "width 1312: expected a multiple of 32 from 32 to 1280, for instance 1280"),
        (1280, 1024, "height 1280"),
        (0, 640, "height 0: expected a multiple of 32 from 32 to 1024, for instance 32"),
        (512, 16, "width 16.*for instance 32"),
        (500, 640, "height 500.*for instance 512"),
        (495, 640, "height 495.*for instance 480"),
        (512, 648, "width 648.*for instance 640"),
    ],
)
def test_sizes_of_a_frame(height: int, width: int, told: str | None) -> None:
    if told is None:
        check_size(height, width)
        return
    with pytest.raises(InputError, match=told):
        check_size(height, width)


def test_most_boxes_and_samples() -> None:
    check_topk(3840, 1)
    with pytest.raises(InputError, match="keeps 3841 boxes"):
        check_topk(1, 3841)
    for fine in (1, 16):
        check_samples(fine)
    for wrong in (0, 17, -1):
        with pytest.raises(InputError, match=rf"{wrong} RoIAlign samples a bin and axis: expected 1\.\.16"):
            check_samples(wrong)


def test_levels_that_are_pooled_from() -> None:
    pool: Any = SimpleNamespace(featmap_names=["0", "1"])
    check_pooled(["0"], pool, [9])
    check_pooled(["0", "1"], pool, [-2, -3])
    check_pooled(["0", "1", "2"], pool, [-2, -3, -4])
    with pytest.raises(InputError, match="skip a level"):
        check_pooled(["0", "1"], pool, [-2, -4])
    with pytest.raises(InputError, match="takes maps 0, 1, and the backbone gives none"):
        check_pooled([], pool, [])


def test_three_maps_that_skip_a_level() -> None:
    pool: Any = SimpleNamespace(featmap_names=["0", "1", "2"])
    with pytest.raises(InputError, match="skip a level"):
        check_pooled(["0", "1", "2"], pool, [-2, -3, -5])


@pytest.fixture(scope="module")
def users() -> Any:
    with narrow():
        return small()


Change = Callable[[Any], Any]


def hooked(where: str, pre: bool = False) -> Change:
    def change(model: Any) -> None:
        part = model.get_submodule(where)
        register = part.register_forward_pre_hook if pre else part.register_forward_hook
        register(lambda *_: None)

    return change


def put(where: str, **values: Any) -> Change:
    def change(model: Any) -> None:
        for name, value in values.items():
            setattr(model.get_submodule(where), name, value)

    return change


EXTRA = nn.Identity()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("roi_heads", nms_thresh=0.4), None),
        (hooked("backbone.body.relu"), None),
        (hooked("roi_heads.box_head"), None),
        (hooked("transform", pre=True), "transform has a forward hook"),
        (hooked("roi_heads"), "roi_heads has a forward hook"),
        (hooked("backbone.body.bn1", pre=True), "backbone.body.bn1 has a forward hook"),
        (put("rpn", forward=lambda *_: None), r"rpn \(RegionProposalNetwork\) has its own forward"),
        (put("roi_heads", mask_roi_pool=EXTRA, mask_head=EXTRA, mask_predictor=EXTRA), "a mask head"),
        (
            put("roi_heads", keypoint_roi_pool=EXTRA, keypoint_head=EXTRA, keypoint_predictor=EXTRA),
            "a keypoint head",
        ),
        (put("roi_heads", box_predictor=EXTRA), "box_predictor is a Identity: not supported, expected torchvision's"),
        (put("roi_heads.box_predictor", bbox_pred=nn.Linear(64, 16)), "gives 16 box values for 3 classes.* 12"),
    ],
)
def test_which_parts_must_be_torchvisions(users: Any, change: Change, told: str | None) -> None:
    model = copy.deepcopy(users)
    change(model)
    if told is None:
        check_model(model)
        return
    with pytest.raises(InputError, match=told):
        check_model(model)


def test_what_is_no_detector() -> None:
    with pytest.raises(InputError, match=r"the model is a ReLU: expected a torchvision FasterRCNN$"):
        check_model(nn.ReLU())
