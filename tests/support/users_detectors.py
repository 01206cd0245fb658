"""Detectors as torchvision's users build them, small, with random weights, and the files that they are saved as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision.models.detection as stock
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from tests.support.random_detectors import Grey, enliven, thermal_scene

HEIGHT, WIDTH = 96, 128  # of the frames: not the size that any of these resizes to
CLASSES = ["deer", "person"]
SIZES = ((32,), (64,), (128,), (256,), (512,))
# what a user who knows his model gives, beside what is special in it
SIZE = ("--min-size", "112", "--max-size", "160", "--assume-rest")
FEW = (*SIZE, "--rpn-pre-nms", "100", "--rpn-post-nms", "50")  # quick to export

State = dict[str, Tensor]


@dataclass(frozen=True)
class UsersDetector:
    """``build``: random weights, any mode. ``options``: of ``edge-export onnx``, as the refusal asks for them; None =
    the graph cannot carry it. ``asked``: an option that the refusal of the plain command names. ``saved``: what the
    user gives to torch.save, of the state dict. ``seed``: of its weights; with some, rounding
    alone moves what a detector finds.
    """

    build: Callable[[], FasterRCNN]
    options: tuple[str, ...] | None
    asked: str
    saved: Callable[[State], Any] = dict
    seed: int = 0

    def lively(self) -> FasterRCNN:
        """In evaluation mode, with detections in a thermal scene."""
        with torch.no_grad():
            model = enliven(self.build().eval(), scene(), self.seed)
            settle(model)
        return model

    def save(self, model: FasterRCNN, path: Path) -> Path:
        """Write its file."""
        torch.save(self.saved(model.state_dict()), path)
        return path


def scene(seed: int = 3) -> Grey:
    """(96, 128) uint8."""
    return thermal_scene(HEIGHT, WIDTH, seed)


def small(
    body: resnet.ResNet | None = None, layers: tuple[int, ...] = (1, 2, 3, 4), pool: int = 7, **settings: Any
) -> FasterRCNN:
    """ResNet18 with a pyramid of 32 channels and a small head; all else torchvision's default but the size."""
    body = body or resnet.resnet18(weights=None, norm_layer=FrozenBatchNorm2d)
    inside = [body.inplanes // 2 ** (4 - i) for i in layers]
    backbone = BackboneWithFPN(body, {f"layer{k}": str(i) for i, k in enumerate(layers)}, inside, 32)
    head = TwoMLPHead(32 * pool * pool, 64)
    predictor = FastRCNNPredictor(64, len(CLASSES) + 1)
    return FasterRCNN(
        backbone, box_head=head, box_predictor=predictor, **{"min_size": 112, "max_size": 160, **settings}
    )


def deep(name: str) -> FasterRCNN:
    """Another depth."""
    return small(getattr(resnet, name)(weights=None, norm_layer=FrozenBatchNorm2d))


def defaults() -> FasterRCNN:
    """Torchvision's defaults, each of them."""
    return FasterRCNN(resnet_fpn_backbone(backbone_name="resnet18", weights=None), len(CLASSES) + 1)


def stem(stride: int = 2, maxpool: bool = True) -> FasterRCNN:
    """A finer first map for small animals."""
    model = small()
    model.backbone.body.conv1.stride = (stride, stride)
    if not maxpool:
        model.backbone.body.maxpool = nn.Identity()
    return model


def settle(model: FasterRCNN) -> None:
    """Some channels of norms without an epsilon all but constant: https://github.com/pytorch/vision/issues/2599."""
    generator = torch.Generator().manual_seed(0)
    for norm in model.modules():
        if isinstance(norm, FrozenBatchNorm2d) and norm.eps == 0:
            chosen = torch.rand(norm.running_var.shape, generator=generator) < 0.04
            factor = (1e-6 / norm.running_var[chosen]).sqrt()
            norm.running_var[chosen] = 1e-6
            norm.weight[chosen] *= factor


def fine_tuned() -> FasterRCNN:
    """As after torchvision's ``fasterrcnn_resnet50_fpn(weights="COCO_V1")``: norms without an epsilon."""
    model = small(rpn_pre_nms_top_n_test=100, rpn_post_nms_top_n_test=50)
    for norm in model.modules():
        if isinstance(norm, FrozenBatchNorm2d):
            norm.eps = 0.0
    return model


def one_channel() -> FasterRCNN:
    """Grey frames as they are."""
    model = small(image_mean=[0.45], image_std=[0.2])
    model.backbone.body.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return model


def paper(**settings: Any) -> FasterRCNN:
    """The paper's published configuration, with a small pyramid and head."""
    model = small(
        pool=1,
        rpn_anchor_generator=AnchorGenerator(((4, 8, 16, 32, 64),) * 5, ((0.5, 1.0, 2.0),) * 5),
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], (8, 10), -1, canonical_scale=640, canonical_level=4),
        **{"min_size": 512, "max_size": 640, **settings},
    )
    model.roi_heads.box_head = TwoMLPHead(32 * 80, 64)
    return model


class _Blurred(GeneralizedRCNNTransform):  # type: ignore[misc]
    def normalize(self, image: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(super().normalize(image)[None], 3, 1, 1)[0]


def own_transform() -> FasterRCNN:
    """A transform that does more than torchvision's."""
    model = small()
    model.transform.__class__ = _Blurred
    return model


def anchors(sizes: Any = SIZES, ratios: Any = ((0.5, 1.0, 2.0),) * 5) -> FasterRCNN:
    """Other anchors."""
    return small(rpn_anchor_generator=AnchorGenerator(sizes, ratios))


def pooled(names: list[str], ratio: int = 2, **canonical: int) -> FasterRCNN:
    """Another RoIAlign."""
    return small(box_roi_pool=MultiScaleRoIAlign(names, 7, ratio, **canonical))


def prefixed(prefix: str) -> Callable[[State], State]:
    """Names as a wrapper saves them."""
    return lambda state: {f"{prefix}{name}": value for name, value in state.items()}


def with_raw_weights(state: State) -> dict[str, State]:
    """A moving average, as the detector has it, beside the raw weights, which find other things."""
    raw = {name: value + 0.02 * torch.randn_like(value) if value.ndim > 1 else value for name, value in state.items()}
    return {"model": raw, "model_ema": state}


NETWORKS = {
    "torchvision's defaults, resnet18": UsersDetector(defaults, ("--assume-rest",), "--canonical-scale 224"),
    "resnet34": UsersDetector(lambda: deep("resnet34"), SIZE, "--min-size 800"),
    "resnet50": UsersDetector(lambda: deep("resnet50"), SIZE, "fasterrcnn_resnet50_fpn has"),
    "resnet101": UsersDetector(lambda: deep("resnet101"), SIZE, "fasterrcnn_resnet101_fpn has"),
    "resnet152": UsersDetector(lambda: deep("resnet152"), SIZE, "fasterrcnn_resnet152_fpn has"),
    "epsilon 0, from COCO_V1": UsersDetector(fine_tuned, (*FEW, "--norm-eps", "0"), "--norm-eps"),
    "conv1 of stride 1": UsersDetector(lambda: stem(1), (*SIZE, "--conv1-stride", "1"), "--conv1-stride 2"),
    "no max pooling": UsersDetector(lambda: stem(2, False), (*SIZE, "--maxpool", "no"), "--maxpool yes"),
    "layer4 dilated, resnet50": UsersDetector(
        lambda: small(
            resnet.resnet50(weights=None, norm_layer=FrozenBatchNorm2d, replace_stride_with_dilation=[0, 0, 1])
        ),
        (*SIZE, "--replace-stride-with-dilation", "no,no,yes"),
        "--replace-stride-with-dilation no,no,no",
    ),
    "returned_layers 2, 3, 4": UsersDetector(
        lambda: small(layers=(2, 3, 4), rpn_anchor_generator=AnchorGenerator(SIZES[1:], ((0.5, 1.0, 2.0),) * 4)),
        (*SIZE, "--anchor-sizes", "64;128;256;512"),
        "--anchor-sizes",
    ),
    "box regression weights 1, 1, 1, 1": UsersDetector(
        lambda: small(bbox_reg_weights=(1.0, 1.0, 1.0, 1.0)),
        (*SIZE, "--bbox-reg-weights", "1,1,1,1"),
        "--bbox-reg-weights 10,10,5,5",
    ),
    "regions from one map": UsersDetector(
        lambda: pooled(["0"]), (*SIZE, "--featmap-names", "0"), "--featmap-names 0,1,2,3"
    ),
    "adaptive sampling, canonical scale 112": UsersDetector(
        lambda: pooled(["0", "1", "2", "3"], -1, canonical_scale=112),
        (*SIZE, "--sampling-ratio", "-1", "--canonical-scale", "112"),
        "--sampling-ratio 2",
    ),
    "aspect ratios by level": UsersDetector(
        lambda: anchors(ratios=((0.5, 1.0, 2.0), (0.7, 1.0, 1.4), (0.4, 1.0, 2.5), (0.5, 1.0, 2.0), (1.0, 2.0, 3.0))),
        (*SIZE, "--aspect-ratios", "0.5,1,2;0.7,1,1.4;0.4,1,2.5;0.5,1,2;1,2,3"),
        "--aspect-ratios 0.5,1,2",
    ),
    "anchors of half pixels": UsersDetector(
        lambda: anchors(((8.5,), (17.0,), (33.5,), (65.0,), (120.7,))),
        (*SIZE, "--anchor-sizes", "8.5;17;33.5;65;120.7"),
        "--anchor-sizes '32;64;128;256;512'",
    ),
    "fixed size": UsersDetector(
        lambda: small(fixed_size=(192, 160)), ("--fixed-size", "192x160", "--assume-rest"), "--fixed-size none"
    ),
    "other thresholds": UsersDetector(
        lambda: small(
            rpn_pre_nms_top_n_test=200,
            rpn_post_nms_top_n_test=100,
            rpn_nms_thresh=0.6,
            rpn_score_thresh=0.3,
            box_nms_thresh=0.3,
            box_score_thresh=0.2,
            box_detections_per_img=40,
        ),
        (
            *(*SIZE, "--rpn-pre-nms", "200", "--rpn-post-nms", "100", "--rpn-nms", "0.6", "--rpn-score", "0.3"),
            *("--nms", "0.3", "--graph-score", "0.2", "--max-detections", "40"),
        ),
        "--rpn-score 0 ",
    ),
    "one channel": UsersDetector(one_channel, (*SIZE, "--mean", "0.45", "--std", "0.2"), "--mean"),
    "own transform": UsersDetector(own_transform, None, "--model"),
    "resnet50_fpn_v2": UsersDetector(
        lambda: stock.fasterrcnn_resnet50_fpn_v2(
            weights=None,
            weights_backbone=None,
            num_classes=3,
            min_size=112,
            max_size=160,
            rpn_pre_nms_top_n_test=100,
            rpn_post_nms_top_n_test=50,
        ),
        FEW,
        "fasterrcnn_resnet50_fpn_v2 has",
    ),
    "mobilenet_v3_large_320": UsersDetector(
        lambda: stock.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=3),
        ("--arch", "fasterrcnn_mobilenet_v3_large_320_fpn", "--assume-rest"),
        "--arch fasterrcnn_mobilenet_v3_large_320_fpn",
        seed=1,  # with 0 torchvision's own float32 and float64 part by IoU 0.60
    ),
    "the paper's, frames of another size": UsersDetector(paper, ("--assume-rest",), "--min-size 512"),
    "the paper's, at the frames' size": UsersDetector(
        lambda: paper(min_size=96, max_size=128),
        ("--min-size", "96", "--max-size", "128", "--assume-rest"),
        "--max-size 640",
    ),
}
FILES = {
    "a moving average beside raw weights": UsersDetector(
        small, (*SIZE, "--weights-of", "model_ema"), "--min-size 800", with_raw_weights
    ),
    "Lightning": UsersDetector(
        small, SIZE, "--min-size 800", lambda s: {"state_dict": prefixed("model.")(s), "epoch": 3, "global_step": 9}
    ),
    "torch.compile": UsersDetector(small, SIZE, "--min-size 800", prefixed("_orig_mod.")),
    "DataParallel": UsersDetector(small, SIZE, "--min-size 800", prefixed("module.")),
}
EVERY = NETWORKS | FILES
