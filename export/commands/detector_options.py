"""Options that say what detector a checkpoint is of: of onnx, train and eval."""

from __future__ import annotations

import argparse
from typing import Any

from export.detector.configuration import PRESETS

# option -> field of Configuration, for what a state dict does not tell
_SETTINGS: dict[str, tuple[str, type, str]] = {
    "--sampling-ratio": ("sampling_ratio", int, "RoIAlign samples a bin and axis, -1 = adaptive"),
    "--canonical-scale": ("canonical_scale", int, "side of a region that pools from the canonical level, px"),
    "--canonical-level": ("canonical_level", int, "log2 of the stride of that level"),
    "--min-size": ("min_size", int, "shorter side that torchvision resizes frames to"),
    "--max-size": ("max_size", int, "longer side that torchvision resizes frames to at most"),
    "--norm-eps": ("norm_eps", float, "epsilon of batch norm; 0 for torchvision's COCO weights of resnet50_fpn"),
    "--rpn-pre-nms": ("rpn_pre_nms_top_n_test", int, "best anchors a level that go into suppression"),
    "--rpn-post-nms": ("rpn_post_nms_top_n_test", int, "region proposals that come out of it"),
    "--rpn-nms": ("rpn_nms_thresh", float, "IoU above which region proposals are suppressed"),
    "--rpn-score": ("rpn_score_thresh", float, "objectness below which anchors are dropped"),
    "--nms": ("box_nms_thresh", float, "IoU above which detections of a class are suppressed"),
    "--graph-score": ("box_score_thresh", float, "score below which the graph drops detections"),
    "--max-detections": ("box_detections_per_img", int, "detections a frame"),
}


def add_detector_options(parser: argparse.ArgumentParser) -> None:
    """What the shapes of a checkpoint do not tell; defaults are the architecture's."""
    group = parser.add_argument_group("detector", "what a state dict does not tell (default: the architecture's)")
    group.add_argument("--arch", choices=PRESETS, help="default: told by the shapes")
    group.add_argument("--pyramid", choices=("conv1", "layer1", "classic"), help="checked against the shapes")
    group.add_argument("--channels", type=int, help="of the pyramid, checked against the shapes")
    group.add_argument("--mean", type=_floats, metavar="X[,X,X]", help="of training frames scaled to 0..1")
    group.add_argument("--std", type=_floats, metavar="X[,X,X]", help="of training frames scaled to 0..1")
    group.add_argument(
        "--anchor-sizes", type=_levels, metavar="4,8,...", help="px; levels apart with ';': 32;64;128;256;512"
    )
    group.add_argument("--aspect-ratios", type=_floats, metavar="0.5,1,2", help="height / width of anchors")
    group.add_argument("--roi-size", type=_size, metavar="ROWSxCOLUMNS", help="of a pooled region")
    for option, (field, kind, text) in _SETTINGS.items():
        group.add_argument(option, type=kind, dest=field, metavar=kind.__name__.upper(), help=text)


def detector_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Configuration` that were given."""
    fields = {field: getattr(arguments, field) for field, _, _ in _SETTINGS.values()}
    for name in ("pyramid", "channels", "anchor_sizes", "aspect_ratios", "roi_size"):
        fields[name] = getattr(arguments, name)
    fields |= {"image_mean": arguments.mean, "image_std": arguments.std}
    return {name: value for name, value in fields.items() if value is not None}


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _levels(text: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(word) for word in level.split(",")) for level in text.split(";"))


def _size(text: str) -> tuple[int, int]:
    rows, columns = (int(word) for word in text.split("x"))
    return rows, columns
