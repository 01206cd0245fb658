"""What can be expressed with fixed shapes, asked before anything is traced."""

from __future__ import annotations

from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from edge.errors import InputError
from export.detector.configuration import MOST_SAMPLES

STRIDE = 32
LARGEST = (1024, 1280)
TOPK_LIMIT = 3840  # TensorRT 8.5 .. 11.1, NvInfer.h


def check_model(model: nn.Module) -> None:
    """Raises InputError naming the first part of ``model`` that is not torchvision's Faster R-CNN."""
    if not isinstance(model, FasterRCNN):
        raise InputError(f"the model is a {_name(model)}: expected a torchvision FasterRCNN")
    heads = model.roi_heads
    for what, part, expected in (
        ("transform", model.transform, GeneralizedRCNNTransform),
        ("rpn", model.rpn, RegionProposalNetwork),
        ("rpn.anchor_generator", model.rpn.anchor_generator, AnchorGenerator),
        ("roi_heads", heads, RoIHeads),
        ("roi_heads.box_roi_pool", heads.box_roi_pool, MultiScaleRoIAlign),
        ("roi_heads.box_predictor", heads.box_predictor, FastRCNNPredictor),
    ):
        if not isinstance(part, expected):
            raise InputError(f"{what} is a {_name(part)}: not supported, expected torchvision's {expected.__name__}")
    if heads.has_mask() or heads.has_keypoint():
        extra = "mask" if heads.has_mask() else "keypoint"
        raise InputError(f"the model has a {extra} head, which the graph cannot carry: expected boxes only")


def check_size(height: int, width: int) -> None:
    """Raises InputError where the frame size is no multiple of the pyramid's stride, or too large."""
    for what, pixels, most in (("height", height, LARGEST[0]), ("width", width, LARGEST[1])):
        if pixels < STRIDE or pixels % STRIDE or pixels > most:
            nearest = min(max(round(pixels / STRIDE), 1) * STRIDE, most)
            raise InputError(
                f"input {what} {pixels}: expected a multiple of {STRIDE} from {STRIDE} to {most}, for instance "
                f"{nearest}; frames of other sizes are letterboxed into it"
            )


def check_topk(*counts: int) -> None:
    """Raises InputError where one of the model's top-k is more than TensorRT takes."""
    if max(counts) > TOPK_LIMIT:
        raise InputError(
            f"the model keeps {max(counts)} boxes at a time, TensorRT's TopK takes {TOPK_LIMIT}: lower its "
            "rpn_pre_nms_top_n_test, rpn_post_nms_top_n_test or box_detections_per_img"
        )


def check_samples(samples: int) -> None:
    """Raises InputError where the bound of the RoIAlign samples is none."""
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(f"{samples} RoIAlign samples a bin and axis: expected 1..{MOST_SAMPLES}")


def _name(part: object) -> str:
    return type(part).__name__
