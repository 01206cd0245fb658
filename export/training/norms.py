"""Frozen batch norms of a backbone that starts from nothing: measured once on the data, then kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
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
