"""What a detector begins with that goes on from no other: a ResNet's weights, what fits of its teacher's, or none; and
what the data tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.data.dataset import LabelledSet, read_grey
from export.detector.checkpoint import read_checkpoint
from export.training.augment import Augmentation
from export.training.crops import Crops


def load_backbone(model: FasterRCNN, file: Path) -> None:
    """Take what ``file`` has of the model's ResNet; what it lacks stays. Raises InputError where it is no ResNet, or
    another.
    """
    state = read_checkpoint(file).state
    body = model.backbone.body
    known = {k: v for k, v in state.items() if k in body.state_dict()}
    if "conv1.weight" not in known:
        raise InputError(f"{file} holds no conv1.weight: expected a torchvision ResNet state dict")
    try:
        body.load_state_dict(known, strict=False)
    except RuntimeError as error:
        raise InputError(f"{file} does not fit: {str(error).splitlines()[1].strip()}") from None


def begin_as(model: FasterRCNN, other: FasterRCNN) -> list[str]:
    """Give ``model``, in place, every weight of ``other`` that has its name and shape; returns the parts, such as
    "roi_heads.box_head", that begin from nothing all the same.
    """
    own, known = model.state_dict(), other.state_dict()
    fits = {name: value for name, value in known.items() if name in own and own[name].shape == value.shape}
    model.load_state_dict(fits, strict=False)
    return sorted({".".join(name.split(".")[:2]) for name in own.keys() - fits.keys()})


def grey_statistics(data: LabelledSet, normalisers: Normalisers, frames: int = 100) -> tuple[float, float]:
    """Mean and standard deviation, 0..1, of up to ``frames`` normalised frames spread over the set."""
    sums = np.zeros(3)
    for frame in data.frames[:: max(1, len(data) // frames)]:
        grey = read_grey(frame, normalisers) / 255.0
        sums += grey.size, grey.sum(), np.square(grey).sum()
    mean = sums[1] / sums[0]
    return float(round(mean, 4)), float(round(max(np.sqrt(sums[2] / sums[0] - mean**2), 0.01), 4))


def calibrate_norms(
    model: FasterRCNN,
    data: LabelledSet,
    normalisers: Normalisers | None = None,
    crops: int = 8,
    seed: int = 0,
    crop: int = Augmentation.crop,
) -> None:
    """Set every frozen norm's mean and variance to those of its input on a few crops of ``crop`` px.

    A frozen norm as torch makes it (mean 0, variance 1) normalises nothing: over the blocks of a fresh
    ResNet the maps would grow by orders of magnitude. One forward pass does it, norm after norm.
    """
    pictures = Crops(data, model, Augmentation(crop=crop), normalisers or Normalisers())
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
