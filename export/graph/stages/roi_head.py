"""From proposals to class logits and box deltas: RoIAlign and the box head, with fixed shapes."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads

from export.graph.precision import full
from export.graph.stages.roi_align import levels_of, pool_gather, pool_native
from export.graph.supported import check_pooled


class RoIHead(nn.Module):
    """torchvision's box head on what RoIAlign pools for each proposal.

    ``features``: the pyramid by name of any input, for its shapes. ``size``: (height, width) of the picture
    in network input pixels. ``native``: ONNX ``RoiAlign`` on data-dependent subsets instead of Gathers.
    ``samples``: bound of the adaptive samples a bin and axis, see `pool_gather`.

    ``forward``: maps by name, proposals (R, 4) float32 xyxy network input pixels -> logits (R, classes + 1) and
    deltas (R, 4 (classes + 1)), float32.
    """

    def __init__(
        self, heads: RoIHeads, features: dict[str, Tensor], size: tuple[int, int], native: bool, samples: int
    ) -> None:
        super().__init__()
        pool = heads.box_roi_pool
        self.head, self.predictor = heads.box_head, heads.box_predictor
        self.names = [name for name in features if name in pool.featmap_names]
        self.canonical = (pool.canonical_scale, pool.canonical_level)
        self.pooled_size, self.ratio = tuple(pool.output_size), pool.sampling_ratio
        self.native, self.samples = native, samples
        # torchvision takes each map's scale for a power of two, from its height
        steps = [round(math.log2(features[name].shape[2] / size[0])) for name in self.names]
        check_pooled(self.names, pool, steps)
        self.scales = [2.0**step for step in steps]
        self.finest = -steps[0]
        # more maps than steps between the first and the last: torchvision leaves the rest without proposals
        self.levels = steps[0] - steps[-1] + 1
        plain = isinstance(self.head, TwoMLPHead) and type(self.head).forward is TwoMLPHead.forward
        self.flat_head = not native and plain and "forward" not in vars(self.head)
        if self.flat_head:
            _pixels_before_channels(self.head.fc6, math.prod(self.pooled_size))

    def forward(self, features: dict[str, Tensor], proposals: Tensor) -> tuple[Tensor, Tensor]:
        maps = [features[name] for name in self.names]
        levels = levels_of(proposals, self.levels, self.finest, *self.canonical)
        arguments = (maps, proposals, levels, self.scales, self.pooled_size, self.ratio)
        if self.native:
            pooled, place = pool_native(*arguments)
            logits, deltas = self.predictor(self.head(pooled))
            return full(logits)[place], full(deltas)[place]
        pooled = pool_gather(*arguments, self.samples)  # (R, rows columns, C)
        if not self.flat_head:
            pooled = pooled.transpose(1, 2).reshape(len(proposals), -1, *self.pooled_size)
        logits, deltas = self.predictor(self.head(pooled))
        return full(logits), full(deltas)


def _pixels_before_channels(layer: nn.Linear, pixels: int) -> None:
    """Reorder the inputs of ``layer``, in place, from (C, pixels) to (pixels, C): no transpose of all pooled maps."""
    weight = layer.weight.detach().reshape(layer.out_features, -1, pixels)
    layer.weight = nn.Parameter(weight.transpose(1, 2).flatten(1).contiguous())
