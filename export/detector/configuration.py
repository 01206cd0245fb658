"""What a detector is, in numbers and names: enough to build it again.

Lyu et al. 2024, Ecological Informatics 79, 102383, doi 10.1016/j.ecoinf.2023.102383: the defaults are the
reference configuration of the paper's published code. The four stock detectors of torchvision are presets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from edge.errors import InputError
from export.detector.pyramid import PyramidName

MOST_SAMPLES = 16  # a bin and axis; the graph for TensorRT grows with their square
DEPTHS = (18, 34, 50, 101, 152)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Configuration:
    """A Faster R-CNN; names and meanings are torchvision's where it has them.

    ``name``: preset, one of `PRESETS`. ``body``: resnet18 .. resnet152 or mobilenet_v3_large. ``channels``: of every
    pyramid level. ``fpn_norm``: batch norm in the pyramid and in the head's convolutions. ``rpn_convs``,
    ``head_convs``: 3x3 convolutions of the RPN and of the box head. ``anchor_sizes``: pixels, one tuple a level, or a
    single one for every level; ``aspect_ratios``: height / width, all for each size. ``roi_size``: (rows, columns) of a
    pooled region. ``sampling_ratio``: samples a bin and axis, -1 = adaptive. ``canonical_scale``,
    ``canonical_level``: a region of 640 x 640 pixels pools from stride 2^4, one of half the side from the level
    below. ``image_mean``, ``image_std``: of frames scaled to 0..1. ``min_size``, ``max_size``: shorter and longer side
    to which torchvision resizes the frame.
    """

    name: str = "frc_resnet18_fpn"
    body: str = "resnet18"
    pyramid: PyramidName = "conv1"
    classes: int = 1
    channels: int = 256
    fpn_norm: bool = False
    rpn_convs: int = 1
    head_convs: int = 0
    representation_size: int = 1024
    anchor_sizes: tuple[tuple[int, ...], ...] = ((4, 8, 16, 32, 64),)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    roi_size: tuple[int, int] = (8, 10)
    sampling_ratio: int = -1
    canonical_scale: int = 640
    canonical_level: int = 4
    norm_eps: float = 1e-5
    image_mean: tuple[float, ...] = IMAGENET_MEAN
    image_std: tuple[float, ...] = IMAGENET_STD
    min_size: int = 512
    max_size: int = 640
    rpn_pre_nms_top_n_test: int = 1000
    rpn_post_nms_top_n_test: int = 1000
    rpn_nms_thresh: float = 0.7
    rpn_score_thresh: float = 0.0
    box_nms_thresh: float = 0.5
    box_score_thresh: float = 0.05
    box_detections_per_img: int = 100

    @property
    def anchors_per_cell(self) -> int:
        return len(self.anchor_sizes[0]) * len(self.aspect_ratios)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``model.json`` and for checkpoints."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Configuration:
        """Raises InputError where a name is unknown or a value cannot be one."""
        return Configuration().changed(**values)

    def changed(self, **values: Any) -> Configuration:
        """A copy with other values; lists become tuples, one flat list of anchor sizes is for every level.

        Raises InputError where a name is unknown or a value cannot be one.
        """
        known = {f.name for f in fields(self)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"no such detector setting: {', '.join(unknown)}; expected {', '.join(sorted(known))}")
        clean = {name: _tuple(value) for name, value in values.items()}
        sizes = clean.get("anchor_sizes")
        if isinstance(sizes, tuple) and not any(isinstance(s, tuple) for s in sizes):
            clean["anchor_sizes"] = (sizes,)
        for name, value in clean.items():
            usual = getattr(Configuration(), name)
            if not _alike(value, usual):
                raise InputError(f"{name} {value!r}: expected something like {usual!r}")
        new = replace(self, **clean)
        _check(new)
        return new


def preset(name: str) -> Configuration:
    """The configuration of an architecture.

    Raises InputError for a name that is none of `PRESETS`.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"architecture {name!r}: expected one of {', '.join(PRESETS)}")
    return PRESETS[name]


_STOCK = Configuration(
    body="resnet50",
    pyramid="layer1",
    anchor_sizes=((32,), (64,), (128,), (256,), (512,)),
    roi_size=(7, 7),
    sampling_ratio=2,
    canonical_scale=224,
    min_size=800,
    max_size=1333,
)
_MOBILE = replace(
    _STOCK,
    body="mobilenet_v3_large",
    pyramid="last2",
    anchor_sizes=((32, 64, 128, 256, 512),),
    rpn_score_thresh=0.05,
)
PRESETS = {f"frc_resnet{d}_fpn": Configuration(f"frc_resnet{d}_fpn", f"resnet{d}") for d in DEPTHS} | {
    c.name: c
    for c in (
        replace(_STOCK, name="fasterrcnn_resnet50_fpn"),
        replace(_STOCK, name="fasterrcnn_resnet50_fpn_v2", fpn_norm=True, rpn_convs=2, head_convs=4),
        replace(_MOBILE, name="fasterrcnn_mobilenet_v3_large_fpn"),
        replace(
            _MOBILE,
            name="fasterrcnn_mobilenet_v3_large_320_fpn",
            min_size=320,
            max_size=640,
            rpn_pre_nms_top_n_test=150,
            rpn_post_nms_top_n_test=150,
        ),
    )
}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(v) for v in value) if isinstance(value, list | tuple) else value


def _alike(value: Any, usual: Any) -> bool:
    """Of the same type, and finite; a whole number may stand for another one."""
    if isinstance(usual, tuple):
        return isinstance(value, tuple) and len(value) > 0 and all(_alike(v, usual[0]) for v in value)
    if isinstance(usual, float):
        return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is type(usual)


def _check(c: Configuration) -> None:
    if c.classes < 1:
        raise InputError(f"{c.classes} classes: expected at least one besides the background")
    same = len(c.image_mean) == len(c.image_std) and len(c.image_mean) in (1, 3)
    if not same or min(c.image_std) <= 0:
        raise InputError(
            f"image mean {c.image_mean} and std {c.image_std}: expected 1 or 3 values each, the std above 0"
        )
    if min(min(sizes) for sizes in c.anchor_sizes) < 1 or min(c.aspect_ratios) <= 0:
        raise InputError(
            f"anchors of {c.anchor_sizes} pixels and ratios {c.aspect_ratios}: expected 1 or more, above 0"
        )
    if len({len(sizes) for sizes in c.anchor_sizes}) != 1:
        raise InputError(f"anchor sizes {c.anchor_sizes}: expected equally many, at least one, on every level")
    if len(c.roi_size) != 2 or min(c.roi_size) < 1:
        raise InputError(f"RoI size {c.roi_size}: expected rows and columns, 1 or more")
    for name in ("rpn_nms_thresh", "rpn_score_thresh", "box_nms_thresh", "box_score_thresh"):
        if not 0 <= getattr(c, name) <= 1:
            raise InputError(f"{name} {getattr(c, name)}: expected 0..1")
    for name in (
        "rpn_pre_nms_top_n_test",
        "rpn_post_nms_top_n_test",
        "box_detections_per_img",
        "channels",
        "canonical_scale",
        "min_size",
        "max_size",
    ):
        if getattr(c, name) < 1:
            raise InputError(f"{name} {getattr(c, name)}: expected 1 or more")
    if c.norm_eps < 0:
        raise InputError(f"norm_eps {c.norm_eps}: expected 0 or more")
    if c.sampling_ratio > MOST_SAMPLES:
        raise InputError(f"sampling_ratio {c.sampling_ratio}: expected 1..{MOST_SAMPLES}, or -1 for adaptive sampling")
