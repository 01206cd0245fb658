"""Minimal filtering is convolution."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize(
    ("changed", "gains"),
    [
        ({}, True),
        ({"in_channels": 127}, False),
        ({"out_channels": 127}, False),
        ({"kernel_size": (3, 1), "padding": (1, 0)}, False),
        ({"kernel_size": 5, "padding": 1}, False),
        ({"stride": 2}, False),
        ({"padding": 0}, False),
        ({"dilation": 2}, False),
        ({"groups": 2}, False),
        ({"padding_mode": "reflect"}, False),
    ],
)
def test_which_convolutions_gain(changed: dict[str, Any], gains: bool) -> None:
    like = {"in_channels": 128, "out_channels": 128, "kernel_size": 3, "padding": 1, **changed}
    net = nn.Sequential(nn.Sequential(nn.Conv2d(**like)))
    use_winograd(net)
    assert isinstance(net[0][0], WinogradConv2d) is gains


@pytest.mark.parametrize(("height", "width", "tiles"), [(28, 36, 63), (32, 32, 64), (29, 29, 64), (28, 33, 63)])
def test_from_64_tiles_on(height: int, width: int, tiles: int) -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1).requires_grad_(False)
    filtered = WinogradConv2d(conv)
    x = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(0))
    expected = conv(x)
    assert torch.allclose(filtered(x), expected, atol=1e-5)
    asked: list[int] = []
    hook = conv.register_forward_hook(lambda *_: asked.append(1))
    filtered(x)
    hook.remove()
    assert bool(asked) is (tiles < 64)
