"""FRC_ResNet{18,34,50,101,152}FPN: torchvision ``FasterRCNN`` objects in the paper's configuration.

Lyu et al. 2024, Ecological Informatics 79, 102383, doi 10.1016/j.ecoinf.2023.102383: Faster R-CNN for
small deer in UAV thermal images. The reference values below are those of its published code.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from torchvision.models import resnet
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from edge.records import InputError
from export.pyramid import PYRAMIDS, PyramidName, build_pyramid

DEPTHS = (18, 34, 50, 101, 152)
LEVELS = {"conv1": 5, "layer1": 5, "classic": 3}


@dataclass(frozen=True)
class Reference:
    """The reference configuration; field names and meanings are torchvision's.

    ``anchor_sizes``: pixels, on every level. ``roi_size``: (rows, columns) of a pooled region.
    ``sampling_ratio``: samples a bin and axis, -1 = adaptive. ``canonical_scale``, ``canonical_level``:
    a region of 640 x 640 pixels pools from stride 2^4, one of half the size from the level below.
    ``image_mean``, ``image_std``: of frames scaled to 0..1. ``min_size``, ``max_size``: shorter and longer
    side of the detector's input, to which torchvision resizes.
    """

    channels: int = 256
    representation_size: int = 1024
    anchor_sizes: tuple[int, ...] = (4, 8, 16, 32, 64)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    roi_size: tuple[int, int] = (8, 10)
    sampling_ratio: int = -1
    canonical_scale: int = 640
    canonical_level: int = 4
    image_mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    image_std: tuple[float, ...] = (0.229, 0.224, 0.225)
    min_size: int = 512
    max_size: int = 640
    rpn_pre_nms_top_n_test: int = 1000
    rpn_post_nms_top_n_test: int = 1000
    rpn_nms_thresh: float = 0.7
    rpn_score_thresh: float = 0.0
    box_nms_thresh: float = 0.5
    box_score_thresh: float = 0.05
    box_detections_per_img: int = 100


def frc_resnet_fpn(
    depth: int,
    classes: int | Sequence[str],
    pyramid: PyramidName = "conv1",
    **reference_overrides: Any,
) -> FasterRCNN:
    """A Faster R-CNN in the paper's reference configuration, random weights, frozen batch norm.

    ``depth``: of the ResNet, one of `DEPTHS`. ``classes``: how many real classes, or their names; the
    background is added (torchvision label 0). ``reference_overrides``: any field of `Reference` and any
    argument of torchvision's ``FasterRCNN``.

    Raises InputError for another depth or pyramid, no classes, or an override of unknown name.
    """
    if depth not in DEPTHS:
        raise InputError(f"ResNet depth {depth!r}: wanted one of {', '.join(map(str, DEPTHS))}")
    if pyramid not in PYRAMIDS:
        raise InputError(f"pyramid {pyramid!r}: wanted one of {', '.join(PYRAMIDS)}")
    count = classes if isinstance(classes, int) else len(classes)
    if count < 1:
        raise InputError(f"{count} classes: wanted at least one besides the background")
    own = {f.name for f in fields(Reference)}
    reference = Reference(**{k: v for k, v in reference_overrides.items() if k in own})
    others = {k: v for k, v in reference_overrides.items() if k not in own}
    # torchvision swallows unknown names without a word
    unknown = sorted(set(others) - set(inspect.signature(FasterRCNN).parameters))
    if unknown:
        raise InputError(f"no such setting: {', '.join(unknown)}; wanted fields of Reference: {', '.join(sorted(own))}")

    body = getattr(resnet, f"resnet{depth}")(weights=None, norm_layer=FrozenBatchNorm2d)
    levels = LEVELS[pyramid]
    rows, columns = reference.roi_size
    arguments = asdict(reference)
    for name in ("anchor_sizes", "aspect_ratios", "roi_size", "sampling_ratio", "channels", "representation_size"):
        del arguments[name]
    scale, level = arguments.pop("canonical_scale"), arguments.pop("canonical_level")
    arguments.update(image_mean=list(reference.image_mean), image_std=list(reference.image_std))
    return FasterRCNN(
        build_pyramid(body, pyramid, reference.channels),
        rpn_anchor_generator=AnchorGenerator(
            (tuple(reference.anchor_sizes),) * levels, (tuple(reference.aspect_ratios),) * levels
        ),
        box_roi_pool=MultiScaleRoIAlign(
            [str(i) for i in range(levels - 1)],
            reference.roi_size,
            reference.sampling_ratio,
            canonical_scale=scale,
            canonical_level=level,
        ),
        box_head=TwoMLPHead(reference.channels * rows * columns, reference.representation_size),
        box_predictor=FastRCNNPredictor(reference.representation_size, count + 1),
        **(arguments | others),
    )
