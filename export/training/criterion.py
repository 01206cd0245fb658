"""torchvision's four Faster R-CNN losses on training crops, with ignored regions: HIT-UAV's DontCare, and objects
that a crop's edge cuts off. What lies in one is neither object nor background.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import fastrcnn_loss
from torchvision.models.detection.rpn import concat_box_prediction_layers

from edge.data import Float32
from export.training.augment import Crop
from export.training.teacher import TEACHER_LOSSES, Teacher

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")

Targets = list[dict[str, Tensor]]


class DetectionCriterion:
    """The losses of ``model``, a torchvision ``FasterRCNN`` in training mode; nothing in it is changed.

    The steps are those of torchvision's ``RegionProposalNetwork.forward`` and ``RoIHeads.forward``, by its own
    functions; between the assignment of targets and the sampling, ignored regions are taken out. Where they cover all
    crops, nothing is left to sample: torchvision's means of no rows would be NaN, here the losses are 0.

    ``teacher``: its losses are added. ``names``: of all losses, in order.
    """

    def __init__(self, model: FasterRCNN, teacher: Teacher | None = None) -> None:
        self._model, self._teacher = model, teacher
        self.names = LOSSES + TEACHER_LOSSES if teacher else LOSSES

    def __call__(self, crops: Sequence[Crop]) -> dict[str, Tensor]:
        """Scalars by name of ``names``, of which the sum is to be minimised; crops are of one size, at least one."""
        device = next(self._model.parameters()).device
        grey = torch.from_numpy(np.stack([crop.pixels for crop in crops])).to(device)[:, None].float() / 255
        images = self._images(grey)
        targets = [
            {"boxes": torch.from_numpy(c.boxes).to(device), "labels": torch.from_numpy(c.labels + 1).to(device)}
            for c in crops
        ]
        ignored = [torch.from_numpy(_beyond(c.ignored, c.pixels.shape[0])).to(device) for c in crops]
        maps = self._model.backbone(images.tensors)
        proposals, rpn_losses = self._rpn(images, maps, targets, ignored)
        return {**rpn_losses, **self._roi_heads(grey, images, maps, proposals, targets, ignored)}

    def _images(self, grey: Tensor) -> ImageList:
        """Crops (B, 1, S, S) float32 0..1 as network input, (B, channels, S, S) float32."""
        transform = self._model.transform
        mean, std = (
            torch.tensor(v, device=grey.device)[:, None, None] for v in (transform.image_mean, transform.image_std)
        )
        return ImageList((grey - mean) / std, [(grey.shape[2], grey.shape[3])] * len(grey))

    def _rpn(
        self, images: ImageList, maps: dict[str, Tensor], targets: Targets, ignored: list[Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        rpn, features = self._model.rpn, list(maps.values())
        score_maps, delta_maps = rpn.head(features)
        anchors = rpn.anchor_generator(images, features)
        per_level = [m[0].numel() for m in score_maps]
        scores, deltas = concat_box_prediction_layers(score_maps, delta_maps)
        boxes = rpn.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
        proposals, _ = rpn.filter_proposals(boxes, scores, images.image_sizes, per_level)
        labels, truth = rpn.assign_targets_to_anchors(anchors, targets)
        labels = without_ignored(labels, anchors, ignored)
        if not any(bool((label >= 0).any()) for label in labels):
            return proposals, dict.fromkeys(LOSSES[:2], _nothing(rpn.head))
        losses = rpn.compute_loss(scores, deltas, labels, rpn.box_coder.encode(truth, anchors))
        return proposals, dict(zip(LOSSES[:2], losses, strict=True))

    def _roi_heads(
        self,
        grey: Tensor,
        images: ImageList,
        maps: dict[str, Tensor],
        proposals: list[Tensor],
        targets: Targets,
        ignored: list[Tensor],
    ) -> dict[str, Tensor]:
        heads = self._model.roi_heads
        boxes, classes = [t["boxes"] for t in targets], [t["labels"] for t in targets]
        proposals = heads.add_gt_proposals(proposals, boxes)
        matched, labels = heads.assign_targets_to_proposals(proposals, boxes, classes)
        labels = without_ignored(labels, proposals, ignored)
        chosen = heads.subsample(labels)
        if not any(len(rows) for rows in chosen):
            return dict.fromkeys(self.names[2:], _nothing(heads.box_predictor))
        proposals, labels, matched = (
            [v[i] for v, i in zip(of, chosen, strict=True)] for of in (proposals, labels, matched)
        )
        # without objects every row is background, whose deltas count in no loss
        truth = [(b if len(b) else b.new_zeros(1, 4))[i] for b, i in zip(boxes, matched, strict=True)]
        pooled = heads.box_roi_pool(maps, proposals, images.image_sizes)
        logits, deltas = heads.box_predictor(heads.box_head(pooled))
        losses = fastrcnn_loss(logits, deltas, labels, heads.box_coder.encode(truth, proposals))
        taught = self._teacher.losses(grey, proposals, labels, logits, deltas) if self._teacher else {}
        return dict(zip(LOSSES[2:], losses, strict=True)) | taught


def without_ignored(labels: list[Tensor], boxes: list[Tensor], ignored: list[Tensor]) -> list[Tensor]:
    """Labels (N,) of each image, with -1 (not sampled) where a background box lies mostly in an ignored region.

    ``boxes``: (N, 4) float32 xyxy of each image. ``ignored``: its regions, (M, 4) in the same pixels.
    """
    kept = []
    for label, box, regions in zip(labels, boxes, ignored, strict=True):
        if len(regions):
            inside = _inside(box, regions).amax(dim=1) > 0.5
            label = torch.where(inside & (label == 0), torch.full_like(label, -1), label)
        kept.append(label)
    return kept


def _beyond(regions: Float32, side: int) -> Float32:
    """Regions (M, 4) that reach the edge of a crop of that side go on behind it, as anchors there do."""
    low, high = regions[:, :2], regions[:, 2:]
    far = np.float32(side)
    return np.concatenate([np.where(low <= 0, -far, low), np.where(high >= far, 2 * far, high)], axis=1)


def _nothing(part: nn.Module) -> Tensor:
    """0 with gradients of 0; not finite where a weight of ``part`` is not: a training that diverged still shows."""
    return torch.stack([parameter.sum() * 0 for parameter in part.parameters()]).sum()


def _inside(boxes: Tensor, regions: Tensor) -> Tensor:
    """(N, M) part of each box's area that lies in each region."""
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=1e-6)
    return (high - low).clamp(min=0).prod(dim=2) / area[:, None]
