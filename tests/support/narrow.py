"""ResNets with an eighth of the channels: for tests in which the width of the network is not the matter.

A ResNet18 has eleven million weights; to draw, save, hash and read them takes longer than all else that is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from torch import nn
from torchvision.models import resnet

LESS = 8


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
    """Those that a test builds."""
    with narrow():
        yield
