"""ResNets that are narrow: for tests in which the width of the network is not the matter.

A ResNet18 has eleven million weights; to draw, save, hash and read them takes longer than all else that is tested.
Narrow everywhere (`narrow_resnets`), or inside the blocks alone (`narrow_resnet`) where what goes from block to block,
and so the pyramid, must be as wide as in torchvision's. Every name is the same: the program takes it for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from torch import nn
from torchvision.models import resnet

LESS = 8  # times fewer channels
INSIDE = 16  # channels between the two convolutions of a block; torchvision's blocks have 64 to 512


class NarrowResNet(resnet.ResNet):  # type: ignore[misc]
    """The same blocks under the same names."""

    def _make_layer(self, block: Any, planes: int, *more: Any, **named: Any) -> nn.Sequential:
        layer: nn.Sequential = super()._make_layer(block, planes // LESS, *more, **named)
        return layer


@contextmanager
def narrow() -> Iterator[None]:
    """Inside, all ResNets that torchvision builds, and so this package, are narrow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resnet, "ResNet", NarrowResNet)
        yield


@pytest.fixture
def narrow_resnets() -> Iterator[None]:
    """Those that a test builds, with an eighth of the channels."""
    with narrow():
        yield


class NarrowBlock(resnet.BasicBlock):  # type: ignore[misc]
    """torchvision's block, with its own ``forward`` and `INSIDE` channels between its convolutions."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        nn.Module.__init__(self)
        assert (groups, base_width, dilation) == (1, 64, 1)
        self.conv1, self.bn1 = resnet.conv3x3(inplanes, INSIDE, stride), norm_layer(INSIDE)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = resnet.conv3x3(INSIDE, planes), norm_layer(planes)
        self.downsample, self.stride = downsample, stride


@pytest.fixture
def narrow_resnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision builds ResNet18 and 34 of such blocks, whoever asks for one."""
    monkeypatch.setattr(resnet, "BasicBlock", NarrowBlock)
