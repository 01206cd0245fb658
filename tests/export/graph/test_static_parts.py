"""The static detector between its stages: what it says of itself, and which settings reach them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

import export.graph.static as static
from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.graph.static import StaticDetector, Target


def stub(
    found: bool = True, settled: bool = True, complete: bool = True, logit: float = 0.0, delta: float = 0.0
) -> StaticDetector:
    detector = StaticDetector.__new__(StaticDetector)
    nn.Module.__init__(detector)
    seen: Any = detector.__dict__

    def flag(value: bool) -> Tensor:
        return torch.tensor([value])

    seen["image_input"] = lambda image: image + 1
    seen["backbone"] = lambda x: {"0": x}
    seen["proposals"] = lambda levels: (levels[0] * 2, flag(True), flag(settled), flag(found))
    seen["roi_head"] = lambda features, boxes: (torch.tensor([logit]), torch.tensor([delta]))
    seen["postprocess"] = lambda logits, deltas, boxes, valid: (boxes, logits, valid, flag(complete))
    return detector


@pytest.mark.parametrize(
    ("broken", "state"),
    [
        ({}, 1),
        ({"settled": False}, 0),
        ({"complete": False}, 0),
        ({"found": False}, -1),
        ({"logit": torch.inf}, -1),
        ({"delta": torch.nan}, -1),
        ({"settled": False, "found": False}, -1),
    ],
)
def test_what_the_graph_says_of_itself(broken: dict[str, Any], state: int) -> None:
    boxes, scores, labels, told = stub(**broken)(torch.tensor([2.0]))
    assert (told.tolist(), told.dtype) == ([state], torch.int32)
    assert boxes.tolist() == [[6.0]]
    assert (scores.shape, labels.tolist()) == ((1, 1), [[True]])


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_settings_reach_the_stages(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"min_size": 32, "max_size": 64, "rpn_pre_nms_top_n_test": 30, "rpn_post_nms_top_n_test": 9}
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16, **few)
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(static, "check_topk", lambda *counts: asked.append(counts))
    detector = StaticDetector(model, 32, 64, target, rounds=7, samples=3)
    native = target == "cpu"
    assert (detector.proposals.native, detector.roi_head.native, detector.postprocess.native) == (native,) * 3
    assert (detector.proposals.rounds, detector.postprocess.rounds, detector.roi_head.samples) == (7, 7, 3)
    assert detector.max_detections == 18
    assert asked == ([] if native else [(*detector.proposals.takes, 9, 18)])
    assert any(isinstance(m, FrozenBatchNorm2d) for m in detector.modules()) is native
    assert not any(m.training for m in detector.modules())
    assert not any(p.requires_grad for p in detector.backbone.parameters())
    assert (model.backbone.body.conv1.in_channels, model.training) == (3, True)  # a copy was changed


def test_features_that_overflow() -> None:
    model = frc_resnet_fpn(18, 1, "layer1", channels=8, representation_size=16, min_size=32, max_size=32)
    nn.init.constant_(model.backbone.fpn.layer_blocks[0][0].bias, torch.inf)  # of one map alone
    with pytest.raises(InputError, match="features of a white frame are not finite"):
        StaticDetector(model, 32, 32)


def test_frozen_norms_become_ordinary_ones_of_the_same_numbers() -> None:
    net = nn.Sequential(nn.Sequential(FrozenBatchNorm2d(3, eps=0.5)))
    for name, value in (("weight", 2.0), ("bias", 3.0), ("running_mean", 4.0), ("running_var", 0.75)):
        getattr(net[0][0], name).fill_(value)
    x = torch.rand(1, 3, 2, 2)
    expected = net(x)
    static._thaw_norms(net)
    assert isinstance(net[0][0], nn.BatchNorm2d)
    assert not net[0][0].training
    assert not net[0][0].weight.requires_grad
    assert torch.allclose(net(x), expected)
