"""Minimal filtering is convolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from export.graph.stages.winograd import TILES, WinogradConv2d, use_winograd


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 46), (31, 35)])
@pytest.mark.parametrize("bias", [True, False])
def test_same_as_convolution(height: int, width: int, bias: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(12, 20, 3, padding=1, bias=bias)
    x = torch.randn(1, 12, height, width)
    with torch.no_grad():
        torch.testing.assert_close(WinogradConv2d(conv)(x), conv(x), rtol=0, atol=2e-5)


def test_small_maps_go_through_the_convolution_itself() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1)
    x = torch.randn(1, 4, 20, 20)
    assert TILES > (20 // 4) ** 2
    assert torch.equal(WinogradConv2d(conv)(x), conv(x))


def test_only_what_gains_is_replaced() -> None:
    layers = nn.Sequential(
        nn.Conv2d(128, 128, 3, padding=1),
        nn.Conv2d(128, 128, 3, padding=1, stride=2),
        nn.Conv2d(128, 128, 1),
        nn.Conv2d(64, 128, 3, padding=1),
        nn.Conv2d(128, 128, 3, padding=1, groups=2),
        nn.Conv2d(128, 128, 3, padding=2, dilation=2),
        nn.Sequential(nn.Conv2d(256, 128, 3, padding=1)),
    )
    use_winograd(layers)
    kinds = [isinstance(layer, WinogradConv2d) for layer in (*layers[:6], layers[6][0])]
    assert kinds == [True, False, False, False, False, False, True]
