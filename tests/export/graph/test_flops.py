"""Parameters and operations by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

from export.graph.flops import Cost, cost_by_part


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.fpn = nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"0": self.fpn(self.body(x))}


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Net()
        self.image_input: Any = SimpleNamespace(channels=1, padded=(8, 16))
        self.proposals: Any = nn.Module()
        self.proposals.count = 7
        self.proposals.head = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, groups=2))
        self.proposals.head.forward = lambda maps: [self.proposals.head[0](m) for m in maps]
        self.roi_head: Any = nn.Module()
        self.roi_head.pooled_size = (2, 3)
        self.roi_head.head = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
        self.roi_head.predictor = FastRCNNPredictor(5, 2)


def test_parameters_and_operations_by_hand() -> None:
    """A multiplication and an addition each: 2 x inputs x kernel x outputs; the RoI head once for each proposal."""
    costs = cost_by_part(Detector())  # type: ignore[arg-type]
    pixels = 8 * 16
    assert costs == {
        "backbone": Cost(36, 2 * 9 * 4 * pixels / 1e9),
        "pyramid": Cost(10, pytest.approx(2 * 4 * 2 * pixels / 1e9)),
        "proposals": Cost(20, 2 * 9 * 2 * pixels / 1e9),
        "RoI head": Cost(65 + 12 + 48, pytest.approx(7 * 2 * (12 * 5 + 5 * 2 + 5 * 8) / 1e9)),
    }
    assert list(costs) == ["backbone", "pyramid", "proposals", "RoI head"]


def test_no_hook_is_left_after_counting() -> None:
    detector: Any = Detector()
    first = cost_by_part(detector)
    assert not any(m._forward_hooks for m in detector.modules())
    assert cost_by_part(detector) == first
