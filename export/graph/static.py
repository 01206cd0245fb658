"""StaticDetector: a torchvision ``FasterRCNN`` with fixed shapes, from uint8 pixels to final boxes.

The stages are torchvision's, in its order, with its numbers. What it filters away stays here as a row marked
not valid, so that no shape depends on the picture.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from export.graph.precision import half, within_half
from export.graph.stages.input import ImageInput
from export.graph.stages.nms import ROUNDS
from export.graph.stages.postprocess import Postprocess
from export.graph.stages.proposals import Proposals
from export.graph.stages.roi_align import SAMPLES
from export.graph.stages.roi_head import RoIHead
from export.graph.stages.winograd import use_winograd
from export.graph.supported import check_model, check_samples, check_size, check_topk

Target = Literal["cpu", "tensorrt"]


class StaticDetector(nn.Module):
    """The same detector as ``model``, for one frame of ``height`` x ``width`` pixels; ``model`` stays as it is.

    ``target``: "tensorrt" = unrolled suppression and Gather RoIAlign, no data-dependent shape, no plugin; "cpu" = for
    ONNX Runtime, with ``NonMaxSuppression`` and ``RoiAlign`` inside. Same outputs, same numbers.
    ``rounds``: of the unrolled suppression. ``samples``: bound of adaptive RoIAlign samples a bin and axis
    ("tensorrt" only), exact for regions of up to ``samples`` map pixels a bin.

    ``forward``: image (1, H, W, 1) uint8 grey -> boxes (1, K, 4) float32 xyxy frame pixels, scores (1, K) float32
    descending, labels (1, K) int32 with 0 = first real class, converged (1,) int32: 1 = the suppression had settled,
    0 = it had not, -1 = numbers overflowed (`within_half` of `export.graph.precision`). K = detections an image of
    ``model``; rows past the last detection are zero.

    Raises InputError where the size is no multiple of 32, a part of the model is none of torchvision's, or a top-k
    of the model is beyond TensorRT, ``samples`` is out of 1..16, or its weights overflow.
    """

    def __init__(
        self,
        model: FasterRCNN,
        height: int,
        width: int,
        target: Target = "tensorrt",
        rounds: int = ROUNDS,
        samples: int = SAMPLES,
    ) -> None:
        super().__init__()
        check_model(model)
        check_size(height, width)
        check_samples(samples)
        model = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
        native = target == "cpu"
        self.image_input = ImageInput(model.transform, height, width)
        self.image_input.take_grey(model.backbone)
        self.backbone = model.backbone
        size, padded = self.image_input.size, self.image_input.padded
        with torch.no_grad():
            features = self.backbone(torch.ones(1, self.image_input.channels, *padded))
        if not all(torch.isfinite(f).all() for f in features.values()):
            raise InputError("the model's features of a white frame are not finite: its weights overflow, take others")
        self.proposals = Proposals(model.rpn, list(features.values()), size, padded, native, rounds)
        self.roi_head = RoIHead(model.roi_heads, features, size, native, samples)
        self.postprocess = Postprocess(
            model.roi_heads, self.proposals.count, size, self.image_input.ratio, native, rounds
        )
        if native:
            use_winograd(self)
        else:
            check_topk(*self.proposals.takes, self.proposals.count, self.postprocess.candidates)
            _thaw_norms(self)
        self.eval()  # the exporter puts everything back into the mode of the whole

    @property
    def max_detections(self) -> int:
        """K, the rows of the outputs."""
        return int(self.postprocess.count)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features = self.backbone(half(self.image_input(image)))
        proposals, valid, settled, found = self.proposals(list(features.values()))
        logits, deltas = self.roi_head(features, proposals)
        boxes, scores, labels, complete = self.postprocess(logits, deltas, proposals, valid)
        state = (settled & complete).to(torch.int32)
        finite = found & within_half(logits, deltas)
        return boxes[None], scores[None], labels[None], torch.where(finite, state, torch.full_like(state, -1))


def _thaw_norms(module: nn.Module) -> None:
    """Make frozen batch norms ordinary ones, in place: those the exporter folds into their convolutions."""
    for name, child in module.named_children():
        if isinstance(child, FrozenBatchNorm2d):
            norm = nn.BatchNorm2d(len(child.weight), eps=child.eps)
            norm.load_state_dict(child.state_dict(), strict=False)
            setattr(module, name, norm.eval().requires_grad_(False))
        else:
            _thaw_norms(child)
