"""ResNet18 and 34 with blocks that are narrow inside: a twentieth of the weights to draw, to train and to write.

What goes from block to block is as wide as in torchvision's, and every name is the same: the program takes it for one.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn
from torchvision.models import resnet

INSIDE = 16  # channels between the two convolutions of a block; torchvision's blocks have 64 to 512


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
