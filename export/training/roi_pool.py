"""RoIAlign for training on a CPU: the same values and gradients as torchvision's, several times as fast.

torchvision's backward pass there adds up one number at a time, in one thread; it was a quarter of a training step.
A pooled bin is a weighted sum of map cells: forward is an embedding bag over the cells, backward one over the bins.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.ops import MultiScaleRoIAlign

from export.graph.stages.roi_align import bilinear_samples, levels_of


def use_bag_pooling(model: FasterRCNN) -> None:
    """Replace, in place, the RoIAlign of ``model`` where it can be: on a CPU, with a fixed sampling ratio."""
    pool = model.roi_heads.box_roi_pool
    if isinstance(pool, MultiScaleRoIAlign) and pool.sampling_ratio > 0:
        model.roi_heads.box_roi_pool = BagRoIAlign(pool)


class BagRoIAlign(nn.Module):
    """What ``pool`` (fixed sampling ratio) computes; what lies on another device than the CPU still goes through it.

    ``forward``: maps by name, (B, C, H_l, W_l) float32; boxes, for each image (N, 4) float32 xyxy network input pixels;
    (height, width) of each image, network input pixels -> (sum N, C, rows, columns) float32.
    """

    def __init__(self, pool: MultiScaleRoIAlign) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, maps: dict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]) -> Tensor:
        levels = [maps[name] for name in maps if name in self.pool.featmap_names]
        if levels[0].device.type != "cpu":
            return self.pool(maps, boxes, sizes)  # type: ignore[no-any-return]
        channels = levels[0].shape[1]
        table = torch.cat([m.permute(0, 2, 3, 1).reshape(-1, channels) for m in levels])  # (cells of all maps, C)
        pooled = _WeightedSum.apply(table, *self._cells(levels, boxes, max(height for height, _ in sizes)))
        return pooled.reshape(-1, *self.pool.output_size, channels).permute(0, 3, 1, 2)  # type: ignore[no-any-return]

    def _cells(self, levels: list[Tensor], boxes: list[Tensor], height: int) -> tuple[Tensor, Tensor]:
        """Rows of the table that each bin reads, (bins, K) int64, and how much of each, (bins, K) float32."""
        pool, proposals = self.pool, torch.cat(boxes)
        steps = [round(math.log2(m.shape[2] / height)) for m in levels]
        level = levels_of(proposals, steps[0] - steps[-1] + 1, -steps[0], pool.canonical_scale, pool.canonical_level)
        cells = torch.tensor([m.shape[2] * m.shape[3] for m in levels])
        start = len(levels[0]) * (cells.cumsum(0) - cells)
        image = torch.cat([torch.full((len(b),), i) for i, b in enumerate(boxes)])
        first = (start[level] + image * cells[level])[:, None, None]
        scaled = proposals * torch.tensor([2.0**step for step in steps])[level, None]
        rows, columns = torch.tensor([list(m.shape[2:]) for m in levels])[level].unbind(1)
        (down, across), ratio = pool.output_size, pool.sampling_ratio
        y, y_weight = bilinear_samples(scaled[:, 1], scaled[:, 3], rows.to(scaled.dtype), down, ratio, ratio)
        x, x_weight = bilinear_samples(scaled[:, 0], scaled[:, 2], columns.to(scaled.dtype), across, ratio, ratio)
        y = first + y * columns[:, None, None]
        at = y[:, :, None, :, None] + x[:, None, :, None, :]  # (R, down, across, 2 S, 2 S)
        weight = y_weight[:, :, None, :, None] * x_weight[:, None, :, None, :]
        return at.flatten(3).flatten(0, 2), weight.flatten(3).flatten(0, 2)


class _WeightedSum(torch.autograd.Function):
    """table (T, C), at (M, K) int64 rows of it, weight (M, K) -> (M, C): the weighted sum of those rows."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, at: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(at, weight)
        ctx.rows = len(table)
        return F.embedding_bag(at, table, mode="sum", per_sample_weights=weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        at, weight = ctx.saved_tensors
        flat = at.flatten()
        order = torch.argsort(flat)
        counts = torch.bincount(flat, minlength=ctx.rows)
        reader = torch.div(order, at.shape[1], rounding_mode="trunc")
        first = counts.cumsum(0) - counts
        weights = weight.flatten()[order]
        back = F.embedding_bag(reader, gradients[0].contiguous(), first, mode="sum", per_sample_weights=weights)
        return back, None, None
