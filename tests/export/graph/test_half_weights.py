"""Batch norms are folded where they follow their convolution, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import export.graph.half_weights as half_weights
from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.graph.half_weights import fold_norms, with_half_weights


class Misordered(nn.Module):
    """Norm after the ReLU, though registered behind the convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_mean.fill_(0.7)  # type: ignore[union-attr]

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"0": self.norm(torch.relu(self.conv(x) - 0.2))}


def test_norms_that_cannot_be_folded_are_told() -> None:
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16)
    model.backbone = Misordered().eval()
    with pytest.raises(InputError, match="does not follow its convolution: use --store fp16"):
        with_half_weights(model)


def test_a_folded_block_computes_the_same() -> None:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1)).eval()
    norm = block[1]
    for values in (norm.running_mean, norm.weight, norm.bias):
        nn.init.normal_(values)
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 3, 9, 9)
    with torch.no_grad():
        before = block(x)
        fold_norms(block)
        assert isinstance(block[1], nn.Identity)
        assert torch.allclose(block(x), before, atol=1e-5)


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"0": self.norm(self.conv(x))}


def test_weights_of_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounded from LARGE elements on: the head's second layer has 256, its first one more, the scores 48."""
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16)
    model.backbone = Plain()
    layer, scores = model.roi_heads.box_head.fc7, model.roi_heads.box_predictor.cls_score
    monkeypatch.setattr(half_weights, "LARGE", 256)
    with torch.no_grad():
        layer.weight[0, 0] = -65504
        layer.weight[0, 1] = scores.weight[0, 0] = 1 / 3
    found = with_half_weights(model)
    assert found.roi_heads.box_head.fc7.weight[0, :2].tolist() == [-65504, float(np.float16(1 / 3))]
    assert found.roi_heads.box_predictor.cls_score.weight[0, 0] == scores.weight[0, 0]
    assert isinstance(found.backbone.norm, nn.Identity)
    assert not found.training
    assert layer.weight[0, 1] == np.float32(1 / 3)
    with torch.no_grad():
        layer.weight[0, 0] = -65505
    with pytest.raises(InputError, match=r"weight roi_heads\.box_head\.fc7\.weight is beyond float16"):
        with_half_weights(model)
    monkeypatch.setattr(half_weights, "LARGE", 257)
    assert with_half_weights(model).roi_heads.box_head.fc7.weight[0, 1] == np.float32(1 / 3)


@pytest.mark.parametrize(
    "between",
    [
        (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(8)),
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        (nn.Linear(3, 4), nn.BatchNorm2d(4)),
    ],
)
def test_a_norm_that_is_not_of_its_convolution_stays(between: tuple[nn.Module, ...]) -> None:
    net = nn.Sequential(*between)
    fold_norms(net)
    assert isinstance(net[-1], nn.BatchNorm2d)
    assert net[0] is between[0]
