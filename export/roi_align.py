"""RoIAlign over a feature pyramid with fixed shapes (He et al. 2017, as torchvision's ``aligned=False``).

`pool_gather` reads each corner of each sample with one Gather from the flattened pyramid: no plugin, no
data-dependent shape. `pool_native` is ONNX ``RoiAlign`` on each level's own regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import roi_align

from export.precision import half


def levels_of(boxes: Tensor, k_min: int, k_max: int, canonical_scale: int, canonical_level: int) -> Tensor:
    """(R,) int64 pyramid level of each (R, 4) xyxy box, 0 = finest (Lin et al. 2017, eq. 1).

    floor(level0 + log2(sqrt(area) / scale0) + 1e-6) clamped to k_min..k_max, as torchvision, written with
    comparisons: the same in every back end, and no logarithm of an empty box.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    side = torch.sqrt(size[:, 0] * size[:, 1])
    level = torch.zeros_like(side, dtype=torch.int64)
    for k in range(k_min + 1, k_max + 1):
        level = level + (side >= canonical_scale * 2.0 ** (k - canonical_level - 1e-6)).to(torch.int64)
    return level


def pool_gather(
    maps: Sequence[Tensor], boxes: Tensor, levels: Tensor, scales: Sequence[float], size: tuple[int, int],
    ratio: int, most: int,
) -> Tensor:
    """Pool (R, 4) xyxy boxes (input pixels) from the maps of their levels.

    ``maps``: (1, C, H_l, W_l) each. ``scales``: map pixels a input pixel, by level. ``size``: rows, columns of
    the pooled region. ``ratio``: samples a bin and axis; 0 or less = adaptive, ceil(bin size). ``most``: bound of
    the adaptive samples: exact where a bin is at most that many map pixels, evenly spaced samples beyond.
    Returns (R, rows * columns, C).
    """
    heights = boxes.new_tensor([m.shape[2] for m in maps])[levels]
    widths = boxes.new_tensor([m.shape[3] for m in maps])[levels]
    starts = [0]
    for m in maps:
        starts.append(starts[-1] + m.shape[2] * m.shape[3])
    start = torch.tensor(starts[:-1])[levels]
    pyramid = torch.cat([m[0].flatten(1) for m in maps], 1).t()  # (sum H W, C)
    scaled = boxes * boxes.new_tensor(list(scales))[levels, None]
    rows, row_weights = _samples(scaled[:, 1], scaled[:, 3], heights, size[0], ratio, most)
    columns, column_weights = _samples(scaled[:, 0], scaled[:, 2], widths, size[1], ratio, most)
    rows = start[:, None, None] + rows * widths[:, None, None].to(torch.int64)

    pooled: Tensor | None = None
    bins = size[0] * size[1]
    for i in range(rows.shape[2]):
        for j in range(columns.shape[2]):
            at = (rows[:, :, None, i] + columns[:, None, :, j]).reshape(-1, bins)  # (R, bins)
            weight = (row_weights[:, :, None, i] * column_weights[:, None, :, j]).reshape(-1, bins, 1)
            part = pyramid[at] * half(weight)
            pooled = part if pooled is None else pooled + part
    assert pooled is not None
    return pooled


def _samples(
    low: Tensor, high: Tensor, extent: Tensor, bins: int, ratio: int, most: int
) -> tuple[Tensor, Tensor]:
    """Map cells that one axis of a region reads, and their weights.

    ``low``, ``high``: (R,) float32 ends of the region, map pixels. ``extent``: (R,) float32 cells of the map.
    Returns cells (R, bins, 2 S) int64 and weights (R, bins, 2 S) float32, S samples a bin: the lower
    neighbours of all samples, then the upper ones.
    """
    length = (high - low).clamp(min=1.0)
    bin_length = length / bins
    if ratio > 0:
        most = ratio
        count = torch.full_like(length, float(ratio))
    else:
        count = torch.ceil(bin_length).clamp(max=float(most))
    sample = torch.arange(most, dtype=low.dtype)
    bin_start = low[:, None] + torch.arange(bins, dtype=low.dtype) * bin_length[:, None]  # (R, bins)
    step = (sample + 0.5) * (bin_length / count)[:, None]  # (R, S)
    at = bin_start[:, :, None] + step[:, None, :]  # (R, bins, S)
    limit = extent[:, None, None]
    used = (at >= -1.0) & (at <= limit) & (sample < count[:, None])[:, None, :]
    share = used.to(low.dtype) / count[:, None, None]
    at = at.clamp(min=0.0)
    below = torch.minimum(at.floor(), limit - 1)
    above = torch.minimum(below + 1, limit - 1)
    part = torch.where(below >= limit - 1, torch.zeros_like(at), at - below)
    cells = torch.cat((below, above), 2).to(torch.int64)
    return cells, torch.cat((share * (1 - part), share * part), 2)


def pool_native(
    maps: Sequence[Tensor], boxes: Tensor, levels: Tensor, scales: Sequence[float], size: tuple[int, int], ratio: int
) -> tuple[Tensor, Tensor]:
    """Pool each box from the map of its level only.

    Arguments as in `pool_gather`. Returns pooled (R, C, rows, columns) in order of level, and (R,) int64 where to
    find box i in it.
    """
    if len(maps) == 1:
        return _roi_align(maps[0], boxes, scales[0], size, ratio), torch.arange(len(boxes))
    members = [torch.nonzero(levels == i)[:, 0] for i in range(len(maps))]
    parts = [
        _roi_align(m, boxes[at], scale, size, ratio) for m, at, scale in zip(maps, members, scales, strict=True)
    ]
    order = torch.cat(members)
    return torch.cat(parts), torch.zeros_like(order).scatter(0, order, torch.arange(len(boxes)))


def _roi_align(features: Tensor, boxes: Tensor, scale: float, size: tuple[int, int], ratio: int) -> Tensor:
    rois = torch.cat((torch.zeros_like(boxes[:, :1]), boxes), 1)
    return roi_align(features, rois, list(size), scale, max(ratio, 0))
