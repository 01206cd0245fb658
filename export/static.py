"""StaticDetector: a torchvision ``FasterRCNN`` with fixed shapes, from uint8 pixels to final boxes.

The stages are torchvision's, in its order, with its numbers; what it filters away here stays as a row
that is marked not valid, so that no shape depends on the picture.
"""

from __future__ import annotations

import copy
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.poolers import _setup_scales

from edge.records import InputError
from export.boxes import at_least, clip_to_image, decode
from export.nms import suppress_native, suppress_unrolled
from export.precision import full, half
from export.roi_align import levels_of, pool_gather, pool_native

Target = Literal["cpu", "tensorrt"]
TOPK_LIMIT = 3840  # TensorRT 8.5 .. 11.1, NvInfer.h


class StaticDetector(nn.Module):
    """The same detector as ``model``, for one image of ``height`` x ``width`` pixels.

    ``target``: "tensorrt" = unrolled NMS and Gather RoIAlign, no data-dependent shape; "cpu" = with ONNX
    ``NonMaxSuppression`` and ``RoiAlign`` inside. Same outputs, same numbers.
    ``rounds``: of the unrolled NMS. ``samples``: bound of the adaptive RoIAlign samples a bin and axis.

    ``forward``: image (1, H, W, 1) uint8 grey -> boxes (1, K, 4) float32 xyxy input pixels, scores (1, K)
    float32 descending, labels (1, K) int32 with 0 = first real class, converged (1,) int32, 1 where the unrolled
    NMS had settled. K = detections an image of ``model``; rows past the last detection are zero.

    Raises InputError where the model holds what this cannot express, or K limits of TensorRT are passed.
    """

    def __init__(
        self,
        model: FasterRCNN,
        height: int,
        width: int,
        target: Target = "tensorrt",
        rounds: int = 16,
        samples: int = 2,
    ) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        if target == "tensorrt":
            thaw_norms(self.model)
        self.height, self.width, self.target = height, width, target
        self.rounds, self.samples = rounds, samples
        with torch.no_grad():
            self._measure()

    def _measure(self) -> None:
        """Run the convolutional part once: map sizes, anchors, scales."""
        model, rpn, roi = self.model, self.model.rpn, self.model.roi_heads
        size = (self.height, self.width)
        image = torch.zeros(1, 3, *size)
        features = model.backbone(image)
        images = ImageList(image, [size])
        maps = list(features.values())
        self.per_location = rpn.anchor_generator.num_anchors_per_location()
        self.level_sizes = [m.shape[2] * m.shape[3] * a for m, a in zip(maps, self.per_location, strict=True)]
        self._split_anchors(rpn.anchor_generator(images, maps)[0])
        pool = roi.box_roi_pool
        pooled = [features[name] for name in features if name in pool.featmap_names]
        self.scales, mapper = _setup_scales(pooled, [size], pool.canonical_scale, pool.canonical_level)
        self.k_range = (mapper.k_min, mapper.k_max)
        self.candidates = min(max(self.level_sizes), rpn._pre_nms_top_n["testing"])
        self.proposals = min(rpn._post_nms_top_n["testing"], sum(min(n, self.candidates) for n in self.level_sizes))
        self.classes = roi.box_predictor.cls_score.out_features - 1
        self.max_detections = min(roi.detections_per_img, self.proposals * self.classes)

    def _split_anchors(self, anchors: Tensor) -> None:
        """Keep the anchors as cell shapes and grid points: 200 kB of constants instead of 7 MB."""
        for i, (level, a) in enumerate(zip(anchors.split(self.level_sizes), self.per_location, strict=True)):
            grid = level.reshape(-1, a, 4)
            shapes, points = grid[0], (grid[:, 0] - grid[0, 0])
            if not torch.equal(points[:, None] + shapes, grid):
                raise InputError(f"anchors of level {i} are no shifted copies of one cell: not supported")
            self.register_buffer(f"anchor_shapes_{i}", shapes, persistent=False)  # (A, 4) xyxy about the grid point
            self.register_buffer(f"anchor_points_{i}", points, persistent=False)  # (H W, 4) xyxy

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features = self.model.backbone(half(self._normalise(image)))
        proposals, valid, settled = self._propose(list(features.values()))
        logits, deltas = self._look(features, proposals)
        boxes, scores, labels, sure = self._decide(logits, deltas, proposals, valid)
        converged = (settled & sure).to(torch.int32)
        return boxes[None], scores[None], labels[None], converged

    def _normalise(self, image: Tensor) -> Tensor:
        """(1, H, W, 1) uint8 -> (1, 3, H, W) float32, as the model's transform."""
        grey = image.to(torch.float32).permute(0, 3, 1, 2) / 255
        transform = self.model.transform
        mean, std = (grey.new_tensor(v)[:, None, None] for v in (transform.image_mean, transform.image_std))
        return cast(Tensor, (grey - mean) / std)

    def _propose(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Region proposals (R, 4) float32 xyxy pixels, best first, valid (R,) bool, settled (1,) bool."""
        rpn = self.model.rpn
        logit_maps, delta_maps = rpn.head(maps)
        best_logits, best_boxes = [], []
        for i, (logits, deltas, count) in enumerate(zip(logit_maps, delta_maps, self.level_sizes, strict=True)):
            # (1, A, H, W) -> (H W A,) and (1, A 4, H, W) -> (H W A, 4): anchors run fastest, as torchvision's
            score = full(logits[0]).permute(1, 2, 0).reshape(-1)
            per_anchor = full(deltas[0]).reshape(-1, 4, *deltas.shape[2:]).permute(2, 3, 0, 1).reshape(-1, 4)
            top, at = score.topk(min(self.candidates, count))  # the logits order as their sigmoids do
            place = torch.div(at, self.per_location[i], rounding_mode="trunc")
            shape = at - place * self.per_location[i]
            anchors = self.get_buffer(f"anchor_points_{i}")[place] + self.get_buffer(f"anchor_shapes_{i}")[shape]
            coder = rpn.box_coder
            best = decode(per_anchor[at], anchors, coder.weights, coder.bbox_xform_clip)
            missing = self.candidates - len(at)
            best_logits.append(nn.functional.pad(top, (0, missing), value=-1e4))
            best_boxes.append(nn.functional.pad(best, (0, 0, 0, missing)))
        boxes = clip_to_image(torch.stack(best_boxes), self.height, self.width)  # (L, N, 4)
        scores = torch.stack(best_logits).sigmoid()
        # padding rows are boxes of no size
        valid = at_least(boxes, rpn.min_size) & (scores >= rpn.score_thresh)
        if self.target == "cpu":
            keep, settled = suppress_native(boxes, scores, valid, rpn.nms_thresh), torch.ones(1, dtype=torch.bool)
        else:
            keep, settled = suppress_unrolled(boxes, valid, rpn.nms_thresh, self.rounds)
        ordering = torch.where(keep, scores, torch.full_like(scores, -1.0)).reshape(-1)
        top, at = ordering.topk(self.proposals)
        return boxes.reshape(-1, 4)[at], top >= 0, settled

    def _look(self, features: dict[str, Tensor], proposals: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (R, classes + 1) and box deltas (R, 4 (classes + 1)), float32."""
        roi = self.model.roi_heads
        pool = roi.box_roi_pool
        maps = [features[name] for name in features if name in pool.featmap_names]
        levels = levels_of(proposals, *self.k_range, pool.canonical_scale, pool.canonical_level)
        rows, columns = pool.output_size
        if self.target == "cpu":
            pooled, place = pool_native(maps, proposals, levels, self.scales, pool.output_size, pool.sampling_ratio)
            logits, deltas = roi.box_predictor(roi.box_head(pooled))
            return full(logits)[place], full(deltas)[place]
        flat = pool_gather(
            maps, proposals, levels, self.scales, pool.output_size, pool.sampling_ratio, self.samples
        )
        pooled = flat.transpose(1, 2).reshape(self.proposals, -1, rows, columns)
        logits, deltas = roi.box_predictor(roi.box_head(pooled))
        return full(logits), full(deltas)

    def _decide(
        self, logits: Tensor, deltas: Tensor, proposals: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Final boxes (K, 4), scores (K,), labels (K,) int32 and sure (1,) bool."""
        roi = self.model.roi_heads
        r, c = self.proposals, self.classes
        coder = roi.box_coder
        boxes = decode(deltas.reshape(r, c + 1, 4)[:, 1:], proposals[:, None], coder.weights, coder.bbox_xform_clip)
        boxes = clip_to_image(boxes, self.height, self.width)  # (R, C, 4)
        scores = logits.softmax(-1)[:, 1:]  # (R, C); column 0 is the background
        usable = valid[:, None] & (scores > roi.score_thresh) & at_least(boxes, 1e-2)
        if self.target == "cpu":
            keep = suppress_native(
                boxes.permute(1, 0, 2), scores.t(), usable.t(), roi.nms_thresh
            ).t()
            ordering = torch.where(keep, scores, torch.full_like(scores, -1.0)).reshape(-1)
            top, at = ordering.topk(self.max_detections)
            chosen, sure = boxes.reshape(-1, 4)[at], torch.ones(1, dtype=torch.bool)
            label = at % c
        else:
            chosen, top, label, sure = self._best_unrolled(boxes, scores, usable)
        shown = top > 0
        chosen = torch.where(shown[:, None], chosen, torch.zeros_like(chosen))
        label = torch.where(shown, label.to(torch.int32), torch.zeros_like(label, dtype=torch.int32))
        return chosen, top.clamp(min=0.0), label, sure

    def _best_unrolled(
        self, boxes: Tensor, scores: Tensor, usable: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        roi = self.model.roi_heads
        n = min(self.proposals * self.classes, 1000)
        ordering = torch.where(usable, scores, torch.full_like(scores, -1.0)).reshape(-1)
        top, at = ordering.topk(n)
        candidates = boxes.reshape(-1, 4)[at]
        label = at % self.classes
        keep, settled = suppress_unrolled(
            candidates[None], (top > 0)[None], roi.nms_thresh, self.rounds, groups=label[None]
        )
        best, place = torch.where(keep[0], top, torch.full_like(top, -1.0)).topk(self.max_detections)
        # with more usable candidates than n the result is still exact if enough of the first n survive
        enough = (best[-1:] > 0) | (usable.sum().reshape(1) <= n)
        return candidates[place], best, label[place], settled & enough


def thaw_norms(module: nn.Module) -> None:
    """Replace frozen batch norms by ordinary ones of the same values, which the exporter folds into convolutions."""
    for name, child in module.named_children():
        if isinstance(child, FrozenBatchNorm2d):
            norm = nn.BatchNorm2d(len(child.weight), eps=child.eps)
            norm.load_state_dict(child.state_dict(), strict=False)
            setattr(module, name, norm.eval())
        else:
            thaw_norms(child)
