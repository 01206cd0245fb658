"""From pyramid to region proposals: torchvision's ``RegionProposalNetwork`` with fixed shapes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork

from edge.errors import InputError
from export.graph.precision import full, within_half
from export.graph.stages.boxes import at_least, clip_to_image, decode
from export.graph.stages.nms import suppress_native, suppress_unrolled
from export.graph.stages.step import Step
from export.graph.stages.top import best, best_of_map


class Proposals(nn.Module):
    """Region proposals of one image.

    ``maps``: the pyramid of any input, for its shapes. ``size``, ``padded``: (height, width) of the
    picture and of the network input that holds it. ``native``: ONNX ``NonMaxSuppression`` instead of rounds.
    ``count``: R, how many come out.

    ``forward``: maps (1, C, H_l, W_l) -> boxes (R, 4) float32 xyxy network input pixels, best first; valid (R,)
    bool; converged (1,) bool; finite (1,) bool: the head's scores and the deltas taken are numbers.
    """

    def __init__(
        self,
        rpn: RegionProposalNetwork,
        maps: list[Tensor],
        size: tuple[int, int],
        padded: tuple[int, int],
        native: bool,
        rounds: int,
    ) -> None:
        super().__init__()
        self.head = rpn.head
        self.coder = rpn.box_coder
        self.threshold, self.score_threshold, self.min_size = rpn.nms_thresh, rpn.score_thresh, rpn.min_size
        self.size, self.native, self.rounds = size, native, rounds
        self.top, self.suppress, self.best = Step(best_of_map), Step(suppress_unrolled), Step(best)
        self.per_cell: list[int] = rpn.anchor_generator.num_anchors_per_location()
        cells = [int(m.shape[2] * m.shape[3]) for m in maps]
        anchors = rpn.anchor_generator(ImageList(torch.zeros(1, 1, *padded), [size]), maps)[0]
        self._keep_anchors(anchors, cells)
        most = rpn._pre_nms_top_n["testing"]
        self.takes = [min(most, n * a) for n, a in zip(cells, self.per_cell, strict=True)]
        self.count = min(rpn._post_nms_top_n["testing"], sum(self.takes))

    def _keep_anchors(self, anchors: Tensor, cells: list[int]) -> None:
        """As the shapes of one cell and the points of the grid: 200 kB of constants where the boxes are 7 MB."""
        levels = torch.split(anchors, [n * a for n, a in zip(cells, self.per_cell, strict=True)])
        for i, (level, a) in enumerate(zip(levels, self.per_cell, strict=True)):
            grid = level.reshape(-1, a, 4)
            shapes, points = grid[0], grid[:, 0] - grid[0, 0]
            if not torch.equal(points[:, None] + shapes, grid):
                raise InputError(
                    f"anchors of level {i} are not one cell's, shifted: expected torchvision's AnchorGenerator"
                )
            self.register_buffer(f"shapes_{i}", shapes)  # (A, 4) xyxy about the cell's point
            self.register_buffer(f"points_{i}", points)  # (H W, 4) x, y, x, y

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        widest = max(self.takes)
        logits, deltas, anchors, seen = [], [], [], []
        for i, (score_map, delta_map) in enumerate(zip(*self.head(maps), strict=True)):
            # anchors of a cell run fastest, as in torchvision; logits order as their sigmoids do
            if self.native:
                scores = full(score_map[0]).permute(1, 2, 0).flatten()  # (H W A,)
                top, at = scores.topk(self.takes[i])
                seen.append(scores)
            else:
                top, at = self.top(score_map[0], self.takes[i])
            cell = torch.div(at, self.per_cell[i], rounding_mode="trunc")
            shape = at - cell * self.per_cell[i]
            cells = delta_map.shape[2] * delta_map.shape[3]
            # read where they lie, (A, 4, H, W): only these few are expected
            place = (4 * shape[:, None] + torch.arange(4)) * cells + cell[:, None]
            taken = full(delta_map.flatten()[place])
            anchor = self.get_buffer(f"points_{i}")[cell] + self.get_buffer(f"shapes_{i}")[shape]
            seen.append(taken)
            missing = widest - self.takes[i]
            logits.append(F.pad(top, (0, missing)))
            deltas.append(F.pad(taken, (0, 0, 0, missing)))
            anchors.append(F.pad(anchor, (0, 0, 0, missing)))  # of no size: not valid
        every = torch.stack(deltas)
        boxes = decode(every, torch.stack(anchors), self.coder.weights, self.coder.bbox_xform_clip)
        scores = torch.stack(logits)
        if not self.native:
            seen = [scores, every]  # what is no number is among the best: seen here, at once
        return *self._select(scores, boxes), within_half(*seen)

    def _select(self, logits: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Suppress within each level, then take the best of all; (L, N) and (L, N, 4), best first in each level."""
        boxes = clip_to_image(boxes, self.size)
        scores = logits.sigmoid()
        valid = at_least(boxes, self.min_size) & (scores >= self.score_threshold)
        if self.native:
            keep = suppress_native(boxes, scores, valid, self.threshold)
            converged = torch.ones(1, dtype=torch.bool)
        else:
            keep, converged = self.suppress(boxes, valid, self.threshold, None, self.rounds)
        ordering = torch.where(keep, scores, torch.full_like(scores, -1.0)).flatten()
        greatest, at = ordering.topk(self.count) if self.native else self.best(ordering, self.count)
        return boxes.flatten(0, 1)[at], greatest >= 0, converged
