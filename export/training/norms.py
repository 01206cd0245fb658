"""Frozen batch norms in training: measured once on the data where a backbone starts from nothing, and at no cost.

Folded into the convolutions' weights at each step they save a pass over every map forward and two backward.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from edge.model.normalisers import Normalisers
from export.data.dataset import LabelledSet
from export.training.augment import Augmentation
from export.training.crops import Crops


def calibrate_norms(
    model: FasterRCNN, data: LabelledSet, normalisers: Normalisers | None = None, crops: int = 8, seed: int = 0
) -> None:
    """Set every frozen norm's mean and variance to those of its input on a few crops.

    A frozen norm as torch makes it (mean 0, variance 1) normalises nothing: over the blocks of a fresh
    ResNet the maps would grow by orders of magnitude. One forward pass does it, norm after norm.
    """
    pictures = Crops(data, model, Augmentation(), normalisers or Normalisers())
    grey = np.stack([pictures.draw(np.random.default_rng((seed, i))).pixels for i in range(crops)])
    mean, std = (torch.tensor(v)[:, None, None] for v in (model.transform.image_mean, model.transform.image_std))
    device = next(model.parameters()).device
    images = ((torch.from_numpy(grey)[:, None].float() / 255 - mean) / std).to(device)

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, FrozenBatchNorm2d)
        norm.running_mean.copy_(inputs[0].mean(dim=(0, 2, 3)))
        norm.running_var.copy_(inputs[0].var(dim=(0, 2, 3)).clamp(min=1e-6))

    hooks: list[Any] = [
        m.register_forward_pre_hook(measure) for m in model.modules() if isinstance(m, FrozenBatchNorm2d)
    ]
    with torch.no_grad():
        model.backbone(images)
    for hook in hooks:
        hook.remove()


def fold_frozen_norms(model: nn.Module) -> None:
    """Let every frozen batch norm of torchvision's ResNet act, in place, through the weights of the convolution
    before it. Parameters, their names and their gradients stay the same.
    """
    for block in list(model.modules()):
        if isinstance(block, (BasicBlock, Bottleneck, ResNet)) or hasattr(block, "conv1"):
            for i in (1, 2, 3):
                _fold(getattr(block, f"conv{i}", None), getattr(block, f"bn{i}", None))
            downsample = getattr(block, "downsample", None)
            if isinstance(downsample, nn.Sequential):
                _fold(downsample[0], downsample[1])


def _fold(conv: object, norm: object) -> None:
    if isinstance(conv, nn.Conv2d) and isinstance(norm, FrozenBatchNorm2d):
        conv.forward = _folded(conv, norm)  # type: ignore[method-assign, assignment]
        norm.forward = _same


def _folded(conv: nn.Conv2d, norm: FrozenBatchNorm2d) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        shift = norm.bias - norm.running_mean * scale
        return F.conv2d(x, conv.weight * scale[:, None, None, None], shift, conv.stride, cast(Any, conv.padding))

    return forward


def _same(x: Tensor) -> Tensor:
    return x
