"""Batch norms are folded where they follow their convolution, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

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
