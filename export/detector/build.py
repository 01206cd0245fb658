"""FRC_ResNet{18,34,50,101,152}FPN, and torchvision's stock detectors, as torchvision ``FasterRCNN`` objects.

Lyu et al. 2024, Ecological Informatics 79, 102383, doi 10.1016/j.ecoinf.2023.102383.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn
from torchvision.models import mobilenet_v3_large, resnet
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from edge.errors import InputError
from export.detector.configuration import DEPTHS, Configuration, preset, spread
from export.detector.pyramid import PYRAMIDS, PyramidName, build_pyramid, level_names

# what FasterRCNN takes under the same name
_PASSED_ON = [
    "min_size",
    "max_size",
    "fixed_size",
    "size_divisible",
    "bbox_reg_weights",
    "rpn_pre_nms_top_n_test",
    "rpn_post_nms_top_n_test",
    "rpn_nms_thresh",
    "rpn_score_thresh",
    "box_nms_thresh",
    "box_score_thresh",
    "box_detections_per_img",
]


def frc_resnet_fpn(
    depth: int,
    classes: int | Sequence[str],
    pyramid: PyramidName = "conv1",
    **reference_overrides: Any,
) -> FasterRCNN:
    """A Faster R-CNN in the paper's reference configuration: random weights, frozen batch norm.

    ``depth``: of the ResNet, one of `DEPTHS`. ``classes``: how many real classes, or their names; the
    background is added (torchvision label 0). ``pyramid``: one of `PYRAMIDS`. ``reference_overrides``: any field of
    `Configuration` and any argument of torchvision's ``FasterRCNN``.

    Raises InputError for another depth or pyramid, no classes, or an override of unknown name.
    """
    if depth not in DEPTHS:
        raise InputError(f"ResNet depth {depth!r}: expected one of {', '.join(map(str, DEPTHS))}")
    if pyramid not in PYRAMIDS:
        raise InputError(f"pyramid {pyramid!r}: expected one of {', '.join(PYRAMIDS)}")
    own = set(Configuration.__struct_fields__)
    ours = {k: v for k, v in reference_overrides.items() if k in own}
    others = {k: v for k, v in reference_overrides.items() if k not in own}
    count = classes if isinstance(classes, int) else len(classes)
    configuration = preset(f"frc_resnet{depth}_fpn").changed(**{"classes": count, "pyramid": pyramid} | ours)
    return build_detector(configuration, **others)


def build_detector(configuration: Configuration, **others: Any) -> FasterRCNN:
    """The detector of ``configuration``, random weights, frozen batch norm; keeps it as ``.configuration``.

    ``others``: further arguments of torchvision's ``FasterRCNN``, for training.

    Raises InputError where an argument is unknown or the body is.
    """
    c = configuration
    # torchvision swallows unknown names without a word
    unknown = sorted(set(others) - set(inspect.signature(FasterRCNN).parameters))
    if unknown:
        raise InputError(
            f"no such detector setting: {', '.join(unknown)}: expected a field of Configuration, or an "
            "argument of torchvision's FasterRCNN"
        )
    norm = partial(FrozenBatchNorm2d, eps=c.norm_eps)
    names = level_names(c.pyramid, c.returned_layers, c.last_level)
    sizes, ratios = spread(c.anchor_sizes, len(names)), spread(c.aspect_ratios, len(names))
    for what, by_level in (("anchor-sizes", sizes), ("aspect-ratios", ratios)):
        if len(by_level) != len(names):
            raise InputError(
                f"{what.replace('-', ' ')} for {len(by_level)} levels, the pyramid {c.pyramid} has {len(names)} "
                f"levels: give --{what} with ';' between as many, or one list for all"
            )
    if not set(c.featmap_names) & set(names):
        raise InputError(f"featmap_names {', '.join(c.featmap_names)}: expected some of {', '.join(names)}")
    model = FasterRCNN(
        build_pyramid(
            _body(c, norm), c.pyramid, c.channels, norm if c.fpn_norm else None, c.returned_layers, c.last_level
        ),
        rpn_anchor_generator=AnchorGenerator(sizes, ratios),
        rpn_head=RPNHead(c.channels, c.anchors_per_cell, c.rpn_convs),
        box_roi_pool=MultiScaleRoIAlign(
            list(c.featmap_names),
            c.roi_size,
            c.sampling_ratio,
            canonical_scale=c.canonical_scale,
            canonical_level=c.canonical_level,
        ),
        box_head=_box_head(c, norm),
        box_predictor=FastRCNNPredictor(c.representation_size, c.classes + 1),
        image_mean=list(c.image_mean),
        image_std=list(c.image_std),
        **{name: getattr(c, name) for name in _PASSED_ON},
        **others,
    )
    model.configuration = configuration
    return model


def _body(c: Configuration, norm: Any) -> nn.Module:
    if c.body == "mobilenet_v3_large":
        if (c.conv1_stride, c.maxpool, any(c.replace_stride_with_dilation)) != (2, True, False):
            raise InputError("conv1_stride, maxpool and replace_stride_with_dilation are of ResNets: leave them out")
        features: nn.Sequential = mobilenet_v3_large(weights=None, norm_layer=norm).features
        if len(c.image_mean) == 1:
            features[0] = nn.Sequential(_grey(features.get_submodule("0.0")), *list(features[0].children())[1:])
        return features
    if c.body not in {f"resnet{depth}" for depth in DEPTHS}:
        raise InputError(f"body {c.body!r}: expected resnet18 .. resnet152 or mobilenet_v3_large")
    dilation = list(c.replace_stride_with_dilation)
    try:
        body = getattr(resnet, c.body)(weights=None, norm_layer=norm, replace_stride_with_dilation=dilation)
    except NotImplementedError:
        raise InputError(
            f"replace_stride_with_dilation in {c.body}: expected resnet50 or deeper, as torchvision"
        ) from None
    assert isinstance(body, resnet.ResNet)
    if len(c.image_mean) == 1:
        body.conv1 = _grey(body.conv1)
    body.conv1.stride = (c.conv1_stride, c.conv1_stride)
    if not c.maxpool:
        body.maxpool = nn.Identity()
    return body  # type: ignore[no-any-return]


def _grey(conv: nn.Module) -> nn.Conv2d:
    """The same first convolution for one channel."""
    assert isinstance(conv, nn.Conv2d)
    kernel, stride, padding = conv.kernel_size, conv.stride, conv.padding
    return nn.Conv2d(1, conv.out_channels, kernel, stride, padding, bias=False)  # type: ignore[arg-type]


def _box_head(c: Configuration, norm: Any) -> nn.Module:
    rows, columns = c.roi_size
    if not c.head_convs:
        return TwoMLPHead(c.channels * rows * columns, c.representation_size)  # type: ignore[no-any-return]
    return FastRCNNConvFCHead(  # type: ignore[no-any-return]
        (c.channels, rows, columns),
        [c.channels] * c.head_convs,
        [c.representation_size],
        norm_layer=norm if c.fpn_norm else None,
    )
