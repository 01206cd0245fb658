"""What can be expressed with fixed shapes, asked before anything is traced."""

from __future__ import annotations

from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from edge.errors import InputError
from export.detector.configuration import MOST_SAMPLES

STRIDE = 32
LARGEST = (1024, 1280)
TOPK_LIMIT = 3840  # TensorRT 8.5 .. 11.1, NvInfer.h


def check_model(model: nn.Module) -> None:
    """Raises InputError naming the first part of ``model`` that the graph would not compute as torchvision does.

    The graph calls backbone, heads and predictor as they are, whatever they do. The steps between them it does itself
    from the numbers of the parts: those must be torchvision's own, unchanged.
    """
    if not isinstance(model, FasterRCNN):
        inside = next((name for name, part in model.named_modules() if isinstance(part, FasterRCNN)), "")
        hint = f"; give its .{inside}" if inside else ""
        raise InputError(f"the model is a {_name(model)}: expected a torchvision FasterRCNN{hint}")
    heads = model.roi_heads
    for what, part, expected in (
        ("the model", model, FasterRCNN),
        ("transform", model.transform, GeneralizedRCNNTransform),
        ("rpn", model.rpn, RegionProposalNetwork),
        ("rpn.anchor_generator", model.rpn.anchor_generator, AnchorGenerator),
        ("rpn.box_coder", model.rpn.box_coder, BoxCoder),
        ("roi_heads", heads, RoIHeads),
        ("roi_heads.box_roi_pool", heads.box_roi_pool, MultiScaleRoIAlign),
        ("roi_heads.box_predictor", heads.box_predictor, FastRCNNPredictor),
        ("roi_heads.box_coder", heads.box_coder, BoxCoder),
    ):
        if not isinstance(part, expected):
            raise InputError(f"{what} is a {_name(part)}: not supported, expected torchvision's {expected.__name__}")
        if part is heads.box_predictor or part is model.rpn.anchor_generator:
            continue  # called as they are
        for changed in _changed(part, expected):
            raise InputError(
                f"{what} ({_name(part)}) has its own {changed}, which the graph would leave out: expected "
                f"torchvision's {expected.__name__} as it is"
            )
        if isinstance(part, nn.Module):
            _check_hooks(what, part)
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d | nn.modules.batchnorm._BatchNorm | FrozenBatchNorm2d):
            _check_hooks(name, part)  # convolutions and norms are rewritten
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is None:
            raise InputError(
                f"{name} is a batch norm without running statistics, which depends on all frames of a batch: expected "
                "one with track_running_stats=True"
            )
    if heads.has_mask() or heads.has_keypoint():
        extra = "mask" if heads.has_mask() else "keypoint"
        raise InputError(f"the model has a {extra} head, which the graph cannot carry: expected boxes only")
    scores, deltas = heads.box_predictor.cls_score.out_features, heads.box_predictor.bbox_pred.out_features
    if deltas != 4 * scores:
        raise InputError(
            f"roi_heads.box_predictor gives {deltas} box values for {scores} classes: expected 4 a class, {4 * scores}"
        )


def check_pooled(names: list[str], pool: MultiScaleRoIAlign, steps: list[int]) -> None:
    """Raises InputError where RoIAlign has no map for a level that regions are sent to.

    ``names``: of the maps it pools from. ``steps``: log2 of their scales.
    """
    if not names:
        raise InputError(
            f"roi_heads.box_roi_pool takes maps {', '.join(pool.featmap_names)}, and the backbone gives none of these"
        )
    if steps[0] - steps[-1] + 1 > len(names):
        raise InputError(
            f"roi_heads.box_roi_pool takes the maps {', '.join(names)}, which skip a level, and torchvision then gives "
            "regions of some sizes no features at all: expected maps that follow each other"
        )


def _changed(part: object, expected: type) -> list[str]:
    """Methods of ``expected`` that ``part`` does otherwise, by its class or patched in."""
    own = {name for cls in expected.__mro__ if cls.__module__.startswith("torchvision") for name in vars(cls)}
    methods = sorted(n for n in own if callable(getattr(expected, n)) and n not in ("__init__", "__repr__"))
    patched = [n for n in methods if n in vars(part)]
    return patched + [n for n in methods if getattr(type(part), n) is not getattr(expected, n)]


def _check_hooks(what: str, part: nn.Module) -> None:
    if part._forward_hooks or part._forward_pre_hooks:
        raise InputError(f"{what} has a forward hook, which the graph would leave out: expected none, remove it")


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
