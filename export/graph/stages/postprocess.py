"""From class logits and box deltas to final detections: torchvision's ``postprocess_detections``, fixed shapes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from export.graph.stages.boxes import at_least, clip_to_image, decode
from export.graph.stages.nms import suppress_native, suppress_unrolled
from export.graph.stages.step import Step
from export.graph.stages.top import best

CANDIDATES = 1000
_MIN_SIDE = 1e-2  # network input pixels, torchvision's


class Postprocess(nn.Module):
    """Threshold, suppress within each class, keep the best.

    ``proposals``: R. ``size``: (height, width) of the picture in network input pixels. ``ratio``: (x, y) frame pixels
    a network input pixel. ``native``: ONNX ``NonMaxSuppression`` on all pairs of region and class; otherwise the
    best `CANDIDATES` pairs go through unrolled suppression. ``count``: K, rows that come out.

    ``forward``: logits (R, classes + 1), deltas (R, 4 (classes + 1)), proposals (R, 4), valid (R,) ->
    boxes (K, 4) float32 xyxy frame pixels, scores (K,) float32 descending, labels (K,) int32 with 0 = first real
    class, converged (1,) bool: False where suppression had not settled or candidates were left out that could
    have been shown.
    """

    def __init__(
        self,
        heads: RoIHeads,
        proposals: int,
        size: tuple[int, int],
        ratio: tuple[float, float],
        native: bool,
        rounds: int,
    ) -> None:
        super().__init__()
        self.coder = heads.box_coder
        self.score_threshold, self.threshold = heads.score_thresh, heads.nms_thresh
        self.classes: int = heads.box_predictor.cls_score.out_features - 1
        self.proposals, self.size, self.ratio = proposals, size, ratio
        self.native, self.rounds = native, rounds
        self.suppress, self.best = Step(suppress_unrolled), Step(best)
        self.count = min(heads.detections_per_img, proposals * self.classes)
        self.candidates = max(self.count, min(proposals * self.classes, CANDIDATES))

    def forward(
        self, logits: Tensor, deltas: Tensor, proposals: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        per_class = deltas.reshape(self.proposals, -1, 4)[:, 1:]  # (R, C, 4); the first is the background
        boxes = decode(per_class, proposals[:, None], self.coder.weights, self.coder.bbox_xform_clip)
        boxes = clip_to_image(boxes, self.size)
        scores = logits.softmax(-1)[:, 1:]  # (R, C)
        usable = valid[:, None] & (scores > self.score_threshold) & at_least(boxes, _MIN_SIDE)
        pick = self._pick_native if self.native else self._pick_unrolled
        chosen, score, label, converged = pick(boxes, scores, usable)
        shown = score >= 0  # all others carry -1
        chosen = torch.where(shown[:, None], chosen * chosen.new_tensor(self.ratio * 2), torch.zeros_like(chosen))
        label = torch.where(shown, label, torch.zeros_like(label)).to(torch.int32)
        return chosen, score.clamp(min=0.0), label, converged

    def _pick_native(self, boxes: Tensor, scores: Tensor, usable: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        keep = suppress_native(boxes.transpose(0, 1), scores.t(), usable.t(), self.threshold).t()
        best, at = torch.where(keep, scores, torch.full_like(scores, -1.0)).flatten().topk(self.count)
        return boxes.flatten(0, 1)[at], best, at % self.classes, torch.ones(1, dtype=torch.bool)

    def _pick_unrolled(self, boxes: Tensor, scores: Tensor, usable: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        ordering = torch.where(usable, scores, torch.full_like(scores, -1.0)).flatten()
        top, at = self.best(ordering, self.candidates)
        region = torch.div(at, self.classes, rounding_mode="trunc")
        label = at - region * self.classes
        candidates = boxes.flatten(0, 1)[at]
        keep, converged = self.suppress(candidates[None], (top >= 0)[None], self.threshold, label[None], self.rounds)
        greatest, place = self.best(torch.where(keep[0], top, torch.full_like(top, -1.0)), self.count)
        # candidates left out score no more than those taken: they matter only if too few survived
        complete = (usable.to(torch.int32).sum().reshape(1) <= self.candidates) | (greatest[-1:] >= 0)
        return candidates[place], greatest, label[place], converged & complete
