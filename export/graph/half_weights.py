"""A detector whose large weights are exact in float16: batch norms folded away, the rest rounded once.

So both graphs of a bundle can take them from one file (`export.graph.shared_weights`).
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_weights
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from export.graph.shared_weights import LARGE
from export.graph.supported import check_model

_CHANGE = 1e-3  # of the largest feature: far above float32 rounding, far below a norm folded into the wrong place
_HALF_MOST = float(np.finfo(np.float16).max)


def with_half_weights(model: FasterRCNN) -> FasterRCNN:
    """A copy of ``model`` without batch norms, its large weights rounded to float16: both graphs hold it exactly.

    Raises InputError where a batch norm does not follow its convolution, or a weight is beyond float16.
    """
    check_model(model)
    model = copy.deepcopy(model).eval().requires_grad_(False)
    sample = torch.rand(1, len(model.transform.image_mean), 64, 64, generator=torch.Generator().manual_seed(0))
    before = model.backbone(sample)
    fold_norms(model)
    for name, after in model.backbone(sample).items():
        if not torch.allclose(after, before[name], rtol=0, atol=_CHANGE * float(before[name].abs().max())):
            raise InputError("a batch norm of this model does not follow its convolution: use --store fp16")
    for name, weight in model.named_parameters():
        if weight.numel() >= LARGE:
            if float(weight.abs().max()) > _HALF_MOST:
                raise InputError(f"weight {name} is beyond float16 once its batch norm is folded in: train further")
            weight.copy_(weight.half())
    return model


def fold_norms(module: nn.Module) -> None:
    """Fold, in place, each batch norm into the convolution registered right before it."""
    last: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        folded = _folded(last[1], child) if last and isinstance(child, nn.BatchNorm2d | FrozenBatchNorm2d) else None
        if last and folded is not None:
            setattr(module, last[0], folded)
            setattr(module, name, nn.Identity())
        fold_norms(child)
        last = (name, child) if isinstance(child, nn.Conv2d) else None


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> nn.Conv2d | None:
    """None where the norm is not of this convolution, or has no statistics of its own."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None or len(mean) != conv.out_channels:
        return None
    folded = copy.deepcopy(conv)
    folded.weight, folded.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
    )
    return folded.requires_grad_(False)
