"""torchvision's four Faster R-CNN losses on training crops, with regions that count neither way.

What torchvision lacks: ignored regions (HIT-UAV's DontCare, objects cut by a crop's edge); and, for speed on a CPU, a
RoIAlign with a fast backward pass (`export.training.roi_pool`), the overlap of 100 000 anchors without arrays of pairs
of numbers, maps that lie channels last, and frozen norms at no cost: they are folded into the convolutions' weights at
each step, which saves a pass over every map forward and two backward. Parameters, their names and their gradients are
those of the plain model. Mixed precision, where the hardware has it, is for the products alone: boxes, regions and
losses stay float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from export.training.augment import Crop
from export.training.roi_pool import use_bag_pooling

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")


class DetectionLosses:
    """The losses of ``model`` (a torchvision ``FasterRCNN``, changed by this: for training only).

    ``mixed``: bfloat16 products in the backbone, the RPN's head and the box head; weights and gradients stay float32.
    """

    def __init__(self, model: FasterRCNN, mixed: bool = False) -> None:
        self._model = model.train().to(memory_format=torch.channels_last)
        self._ignored: list[Tensor] = []
        rpn, roi = model.rpn, model.roi_heads
        # fewer than torchvision's 2000 regions and 512 samples: a crop holds fewer objects than a photograph
        rpn._pre_nms_top_n["training"], rpn._post_nms_top_n["training"] = 500, 300
        roi.fg_bg_sampler.batch_size_per_image = 128
        rpn.box_similarity = overlap
        anchors_to, proposals_to = rpn.assign_targets_to_anchors, roi.assign_targets_to_proposals

        def anchors_but_ignored(anchors: list[Tensor], targets: Any) -> tuple[list[Tensor], list[Tensor]]:
            labels, boxes = anchors_to(anchors, targets)
            return self._without_ignored(labels, anchors), boxes

        def proposals_but_ignored(proposals: list[Tensor], *truth: Any) -> tuple[list[Tensor], list[Tensor]]:
            matched, labels = proposals_to(proposals, *truth)
            return matched, self._without_ignored(labels, proposals)

        rpn.assign_targets_to_anchors = anchors_but_ignored
        roi.assign_targets_to_proposals = proposals_but_ignored
        fold_frozen_norms(model)
        use_bag_pooling(model)
        if mixed:
            for part in (model.backbone, rpn.head, roi.box_head):
                part.forward = _bfloat16(part)

    def __call__(self, crops: Sequence[Crop]) -> dict[str, Tensor]:
        """Scalars by name of `LOSSES`; crops are of one size, at least one."""
        model = self._model
        device = next(model.parameters()).device
        grey = torch.from_numpy(np.stack([crop.pixels for crop in crops])).to(device)
        mean, std = (torch.tensor(v, device=device)[:, None, None] for v in (_mean(model), _std(model)))
        images = (grey[:, None].float() / 255 - mean) / std  # (B, 3, S, S)
        sizes = [(grey.shape[1], grey.shape[2])] * len(crops)
        targets = [
            {
                "boxes": torch.from_numpy(c.boxes).to(device),
                "labels": torch.from_numpy(c.labels + 1).to(device),
            }
            for c in crops
        ]
        self._ignored = [torch.from_numpy(c.ignored).to(device) for c in crops]
        maps = model.backbone(images)
        proposals, rpn_losses = model.rpn(ImageList(images, sizes), maps, targets)
        _, head_losses = model.roi_heads(maps, proposals, sizes, targets)
        return {**rpn_losses, **head_losses}

    def _without_ignored(self, labels: list[Tensor], boxes: list[Tensor]) -> list[Tensor]:
        """Labels (N,) of each image, with -1 (not sampled) where a background box lies mostly in an ignored
        region.
        """
        kept = []
        for label, box, regions in zip(labels, boxes, self._ignored, strict=True):
            if len(regions):
                inside = _inside(box, regions).amax(dim=1) > 0.5
                label = torch.where(inside & (label == 0), torch.full_like(label, -1), label)
            kept.append(label)
        return kept


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """(N, M) intersection over union of (N, 4) and (M, 4) float32 xyxy: torchvision's ``box_iou`` to the bit."""
    left, right = (v.t().contiguous() for v in (boxes, others))  # (4, N), (4, M)

    def length(axis: int) -> Tensor:
        low = torch.maximum(left[axis][:, None], right[axis])
        return torch.minimum(left[axis + 2][:, None], right[axis + 2]).sub_(low).clamp_(min=0)

    both = length(0).mul_(length(1))
    first, second = ((v[2] - v[0]) * (v[3] - v[1]) for v in (left, right))
    return both.div_((first[:, None] + second).sub_(both))


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether there are instructions for bfloat16 products: GPUs from Ampere on; CPUs with AVX-512 BF16 or AMX.
    Elsewhere they are emulated, and slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    ask = getattr(torch.cpu, "get_capabilities", None)  # an older torch cannot tell: float32 then
    capable = ask() if ask and device.type == "cpu" else {}
    return any(capable.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def _bfloat16(module: nn.Module) -> Callable[..., Any]:
    """The forward of ``module`` in mixed precision while it is trained; what it gives is float32."""
    plain = module.forward

    def forward(*inputs: Any) -> Any:
        with torch.autocast(next(module.parameters()).device.type, torch.bfloat16, enabled=module.training):
            return _float32(plain(*inputs))

    return forward


def _float32(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, dict):
        return {name: _float32(value) for name, value in output.items()}
    return type(output)(_float32(value) for value in output)


def _inside(boxes: Tensor, regions: Tensor) -> Tensor:
    """(N, M) part of each box's area that lies in each region."""
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=1e-6)
    return (high - low).clamp(min=0).prod(dim=2) / area[:, None]


def _mean(model: FasterRCNN) -> list[float]:
    return list(model.transform.image_mean)


def _std(model: FasterRCNN) -> list[float]:
    return list(model.transform.image_std)


def fold_frozen_norms(model: nn.Module) -> None:
    """Let every frozen batch norm of torchvision's ResNet act through the weights of the convolution before
    it.
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
