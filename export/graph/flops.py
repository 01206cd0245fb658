"""Parameters and floating-point operations of a detector, part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from export.graph.static import StaticDetector


@dataclass(frozen=True)
class Cost:
    """``parameters``: how many; ``gflops``: 1e9 multiplications and additions for one frame."""

    parameters: int
    gflops: float


def cost_by_part(detector: StaticDetector) -> dict[str, Cost]:
    """What backbone, pyramid, proposals and RoI head cost; convolutions and linear layers as written.

    ``detector``: of target "tensorrt"; the other one's 3x3 convolutions are no longer plain ones.
    """
    body: nn.Module = detector.backbone.body
    roi_head = detector.roi_head
    image = torch.zeros(1, detector.image_input.channels, *detector.image_input.padded)
    counts: dict[nn.Module, float] = {}
    watched = [m for m in detector.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [m.register_forward_hook(_add_to(counts)) for m in watched]
    try:
        with torch.no_grad():
            features: dict[str, Tensor] = detector.backbone(image)
            detector.proposals.head(list(features.values()))
            channels = next(iter(features.values())).shape[1]
            rows, columns = roi_head.pooled_size
            pooled = torch.zeros(1, channels, rows, columns)
            roi_head.predictor(roi_head.head(pooled))
    finally:
        for hook in hooks:
            hook.remove()

    def part(*modules: nn.Module, times: int = 1) -> Cost:
        inside = {m for module in modules for m in module.modules()}
        parameters = {id(p): p for module in modules for p in module.parameters()}
        return Cost(
            sum(p.numel() for p in parameters.values()),
            sum(n for m, n in counts.items() if m in inside) * times / 1e9,
        )

    whole, inner = part(detector.backbone), part(body)
    return {
        "backbone": inner,
        "pyramid": Cost(whole.parameters - inner.parameters, whole.gflops - inner.gflops),
        "proposals": part(detector.proposals.head),
        "RoI head": part(roi_head.head, roi_head.predictor, times=detector.proposals.count),
    }


def _add_to(counts: dict[nn.Module, float]) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            each = module.in_channels // module.groups * math.prod(module.kernel_size)
        else:
            each = inputs[0].shape[-1]
        counts[module] = counts.get(module, 0.0) + 2.0 * each * output.numel()

    return hook
