"""RoIAlign over a feature pyramid with fixed shapes (He et al. 2017, as torchvision's ``aligned=False``).

`pool_gather` reads each corner of each sample with a Gather from the flattened pyramid: no plugin, no
data-dependent shape, all levels in one pass. `pool_native` is ONNX ``RoiAlign`` on each level's own regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import roi_align

from export.graph.precision import half

SAMPLES = 2
STRIP_PX = 16.0  # input pixels: as high as a small object


def levels_of(boxes: Tensor, levels: int, finest: int, canonical_scale: int, canonical_level: int) -> Tensor:
    """(R,) int64 pyramid level of each (R, 4) xyxy box, 0 = finest (Lin et al. 2017, eq. 1).

    floor(canonical_level + log2(sqrt(area) / canonical_scale) + 1e-6) - finest, clamped to 0..levels - 1, as
    torchvision; written with comparisons: the same in every back end, and no logarithm of an empty box.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    side = torch.sqrt(size[:, 0] * size[:, 1])
    level = torch.zeros_like(side, dtype=torch.int64)
    for k in range(finest + 1, finest + levels):
        level = level + (side >= canonical_scale * 2.0 ** (k - canonical_level - 1e-6)).to(torch.int64)
    return level


def pool_gather(
    maps: Sequence[Tensor],
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    size: tuple[int, int],
    ratio: int,
    most: int = SAMPLES,
) -> Tensor:
    """Pool (R, 4) xyxy boxes (network input pixels) from the maps of their levels.

    ``maps``: (1, C, H_l, W_l) each. ``levels``: (R,) int64. ``scales``: map pixels an input pixel, by level.
    ``size``: rows and columns of the pooled region. ``ratio``: samples a bin and axis; 0 or less = adaptive,
    ceil(bin length). ``most``: bound of the adaptive samples: exact where a bin is at most that many map pixels
    long, that many evenly spaced samples beyond.
    Returns (R, rows * columns, C) in the type of the maps.
    """
    starts = [0]
    for m in maps:
        starts.append(starts[-1] + int(m.shape[2]) * int(m.shape[3]))
    start = torch.tensor(starts[:-1])[levels]
    extents = boxes.new_tensor([[int(n) for n in m.shape[2:]] for m in maps])[levels]  # (R, 2) height, width
    pyramid = torch.cat([m[0].flatten(1) for m in maps], 1).t()  # (sum H W, C)
    scaled = boxes * boxes.new_tensor(list(scales))[levels, None]
    rows, row_weights = bilinear_samples(scaled[:, 1], scaled[:, 3], extents[:, 0], size[0], ratio, most)
    columns, column_weights = bilinear_samples(scaled[:, 0], scaled[:, 2], extents[:, 1], size[1], ratio, most)
    rows = start[:, None, None] + rows * extents[:, 1].to(torch.int64)[:, None, None]

    # one bin reads 2 S x 2 S map cells; summed one by one, so that no (R, bins, 4 S S, C) is ever held
    pooled = torch.zeros(1, dtype=boxes.dtype)
    for i in range(rows.shape[2]):
        for j in range(columns.shape[2]):
            at = (rows[:, :, None, i] + columns[:, None, :, j]).flatten(1)  # (R, bins)
            weight = (row_weights[:, :, None, i] * column_weights[:, None, :, j]).flatten(1)
            part = pyramid[at] * half(weight[:, :, None])
            pooled = pooled + part if i + j else part
    return pooled


def bilinear_samples(
    low: Tensor, high: Tensor, extent: Tensor, bins: int, ratio: int, most: int
) -> tuple[Tensor, Tensor]:
    """Map cells that the bins of one axis of a region read, and how much of each.

    ``low``, ``high``: (R,) float32 ends of the region, map pixels. ``extent``: (R,) float32 cells of the map.
    ``bins``: of the axis. ``ratio``, ``most``: as in `pool_gather`.
    Returns cells (R, bins, 2 S) int64 and weights (R, bins, 2 S) float32 for S samples a bin: the lower
    neighbours of all samples, then the upper ones.
    """
    bin_length = (high - low).clamp(min=1.0) / bins  # (R,)
    if ratio > 0:
        most, count = ratio, torch.full_like(bin_length, float(ratio))
    else:
        count = torch.ceil(bin_length).clamp(max=float(most))
    sample = torch.arange(most, dtype=low.dtype)
    first = low[:, None] + torch.arange(bins, dtype=low.dtype) * bin_length[:, None]  # (R, bins)
    step = (sample + 0.5) * (bin_length / count)[:, None]  # (R, S)
    at = first[:, :, None] + step[:, None, :]  # (R, bins, S)
    limit = extent[:, None, None]
    # a sample more than one cell outside counts as zero, and so does one beyond the region's own count
    used = (at >= -1.0) & (at <= limit) & (sample < count[:, None])[:, None, :]
    weight = used.to(low.dtype) / count[:, None, None]
    at = torch.minimum(at.clamp(min=0.0), limit - 1)
    below = at.floor()
    above = torch.minimum(below + 1, limit - 1)
    part = at - below
    cells = torch.cat((below, above), 2).to(torch.int64)
    return cells, torch.cat((weight * (1 - part), weight * part), 2)


def pool_native(
    maps: Sequence[Tensor],
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    size: tuple[int, int],
    ratio: int,
) -> tuple[Tensor, Tensor]:
    """Pool each box from the map of its level only; arguments as in `pool_gather`.

    Boxes of a level go one after the other from left to right, strip by strip. ONNX Runtime reads a few cells of every
    channel for each; those of its neighbour it then finds in the processor's cache: 0.7 of the time of boxes in order
    of their scores.

    Returns pooled (R, C, rows, columns) in order of level and place, and (R,) int64: where box i is in it.
    """
    beside = _by_place(boxes)
    levels = levels[beside]
    members = [beside[torch.nonzero(levels == i)[:, 0]] for i in range(len(maps))]
    order = torch.cat(members)
    parts = []
    for features, at, scale in zip(maps, members, scales, strict=True):
        regions = torch.cat((torch.zeros_like(boxes[at, :1]), boxes[at]), 1)  # image 0, x1, y1, x2, y2
        parts.append(roi_align(features, regions, list(size), scale, max(ratio, 0)))
    return torch.cat(parts), torch.zeros_like(order).scatter(0, order, torch.arange(len(boxes)))


def _by_place(boxes: Tensor) -> Tensor:
    """(R,) int64: the order of (R, 4) xyxy boxes strip by strip, in each from left to right.

    By whole numbers, which have an order whatever the box: one that is no number has no place, but stays one of them.
    """
    left, top = boxes[:, 0].to(torch.int64), (boxes[:, 1] / STRIP_PX).to(torch.int64)
    return torch.argsort(top * 65536 + left)
