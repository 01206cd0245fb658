"""What a detector is, in numbers and names: enough to build it again.

Lyu et al. 2024, Ecological Informatics 79, 102383, doi 10.1016/j.ecoinf.2023.102383: the defaults are the
reference configuration of the paper's published code. Torchvision's stock detectors are presets, and its defaults over
a ResNet of every depth (``FasterRCNN(resnet_fpn_backbone("resnet18", ...), classes)``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from edge.errors import InputError
from export.detector.pyramid import PyramidName

MOST_SAMPLES = 16  # a bin and axis; the graph for TensorRT grows with their square
DEPTHS = (18, 34, 50, 101, 152)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_LARGEST = sys.float_info.max  # neither infinity nor what is no number is at most this
# what a field may be, and how that is said to a person
_Text = Annotated[str, Meta(description="a name")]
_Flag = Annotated[bool, Meta(description="true or false")]
_Whole = Annotated[int, Meta(description="a whole number")]
_Count = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
_CountOrNone = Annotated[int, Meta(ge=0, description="a whole number, 0 or more")]
_Part = Annotated[float, Meta(ge=0, le=1, description="0..1")]
_Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
_Above0 = Annotated[float, Meta(gt=0, le=_LARGEST)]
_Pixels = (
    Annotated[int, Meta(ge=1)] | Annotated[float, Meta(gt=0, le=_LARGEST)]
)  # a whole number stays one in model.json
_Sizes = Annotated[tuple[_Pixels, ...], Meta(min_length=1)]
_Ratios = Annotated[tuple[_Above0, ...], Meta(min_length=1)]


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Faster R-CNN; names and meanings are torchvision's where it has them.

    ``name``: preset, one of `PRESETS`. ``body``: resnet18 .. resnet152 or mobilenet_v3_large. ``channels``: of every
    pyramid level. ``fpn_norm``: batch norm in the pyramid and in the head's convolutions. ``rpn_convs``,
    ``head_convs``: 3x3 convolutions of the RPN and of the box head. ``anchor_sizes``: pixels, one tuple a level, or a
    single one for every level; ``aspect_ratios``: height / width, likewise, all for each size of the level.
    ``returned_layers``: of the ResNet, 1..4, below the pyramid "fpn". ``last_level``: a subsampled map above them.
    ``conv1_stride``, ``maxpool``: of the ResNet's first layers; ``replace_stride_with_dilation``: in Layer2..Layer4.
    ``roi_size``: (rows, columns) of a pooled region. ``featmap_names``: maps that regions are pooled from.
    ``sampling_ratio``: samples a bin and axis, -1 = adaptive. ``canonical_scale``, ``canonical_level``: a region of
    640 x 640 pixels pools from stride 2^4, one of half the side from the level below. ``bbox_reg_weights``: divisors of
    the box head's dx, dy, dw, dh. ``image_mean``, ``image_std``: of frames scaled to 0..1. ``min_size``, ``max_size``:
    shorter and longer side to which torchvision resizes the frame; ``fixed_size``: (width, height) in their place;
    ``size_divisible``: it then pads to a multiple of this.
    """

    name: _Text = "frc_resnet18_fpn"
    body: _Text = "resnet18"
    pyramid: Annotated[PyramidName, Meta(description="conv1, layer1, classic, fpn or last2")] = "conv1"
    classes: Annotated[int, Meta(ge=1, description="1 or more, besides the background")] = 1
    channels: _Count = 256
    fpn_norm: _Flag = False
    rpn_convs: _Count = 1
    head_convs: _CountOrNone = 0
    representation_size: _Count = 1024
    anchor_sizes: Annotated[
        tuple[_Sizes, ...],
        Meta(min_length=1, description="pixels above 0, in a list for each pyramid level or in one for all"),
    ] = ((4, 8, 16, 32, 64),)
    aspect_ratios: Annotated[
        tuple[_Ratios, ...],
        Meta(min_length=1, description="numbers above 0, in a list for each pyramid level or in one for all"),
    ] = ((0.5, 1.0, 2.0),)
    roi_size: Annotated[tuple[_Count, _Count], Meta(description="rows and columns, 1 or more")] = (8, 10)
    sampling_ratio: Annotated[
        int, Meta(le=MOST_SAMPLES, description=f"1..{MOST_SAMPLES}, or -1 for adaptive sampling")
    ] = -1
    canonical_scale: _Count = 640
    canonical_level: _Whole = 4
    norm_eps: Annotated[float, Meta(ge=0, le=_LARGEST, description="0 or more")] = 1e-5
    image_mean: Annotated[tuple[_Finite, ...], Meta(description="1 or 3 numbers")] = IMAGENET_MEAN
    image_std: Annotated[tuple[_Above0, ...], Meta(description="1 or 3 numbers above 0")] = IMAGENET_STD
    min_size: _Count = 512
    max_size: _Count = 640
    fixed_size: Annotated[tuple[_Count, _Count] | None, Meta(description="width and height, 1 or more, or none")] = None
    size_divisible: _Count = 32
    rpn_pre_nms_top_n_test: _Count = 1000
    rpn_post_nms_top_n_test: _Count = 1000
    rpn_nms_thresh: _Part = 0.7
    rpn_score_thresh: _Part = 0.0
    box_nms_thresh: _Part = 0.5
    box_score_thresh: _Part = 0.05
    box_detections_per_img: _Count = 100
    bbox_reg_weights: Annotated[tuple[_Above0, _Above0, _Above0, _Above0], Meta(description="4 numbers above 0")] = (
        10.0,
        10.0,
        5.0,
        5.0,
    )
    featmap_names: Annotated[
        tuple[_Text, ...], Meta(min_length=1, description="names of pyramid levels, finest first")
    ] = ("0", "1", "2", "3")
    returned_layers: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4)], ...], Meta(description="of 1, 2, 3, 4, in this order")
    ] = ()
    last_level: _Flag = True
    conv1_stride: _Count = 2
    maxpool: _Flag = True
    replace_stride_with_dilation: Annotated[tuple[_Flag, _Flag, _Flag], Meta(description="3 times true or false")] = (
        False,
        False,
        False,
    )

    @property
    def anchors_per_cell(self) -> int:
        return len(self.anchor_sizes[0]) * len(self.aspect_ratios[0])

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``model.json`` and for checkpoints."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Configuration:
        """Raises InputError where a name is unknown or a value cannot be one."""
        return Configuration().changed(**values)

    def changed(self, **values: Any) -> Configuration:
        """A copy with other values; lists become tuples, one flat list of anchor sizes or ratios is for every level.

        Raises InputError where a name is unknown or a value cannot be one.
        """
        unknown = sorted(set(values) - set(_EXPECTED))
        if unknown:
            known = ", ".join(sorted(_EXPECTED))
            raise InputError(f"no such detector setting: {', '.join(unknown)}; expected {known}")
        for name in ("anchor_sizes", "aspect_ratios"):
            flat = values.get(name)
            if isinstance(flat, list | tuple) and not any(isinstance(s, list | tuple) for s in flat):
                values[name] = (flat,)
        try:
            new = msgspec.convert(asdict(self) | values, Configuration)
        except msgspec.ValidationError as error:
            field = re.search(r"\$\.(\w+)", str(error))
            assert field is not None  # of the whole, only names can be wrong
            name = field[1]
            raise InputError(f"{name} {values.get(name)!r}: expected {_EXPECTED[name]}") from None
        except UnicodeEncodeError:  # half of a UTF-16 pair, which msgspec does not take for a text
            raise InputError(f"a detector setting holds a text that is none: {values!r:.300}: save it again") from None
        _check(new)
        return new


_EXPECTED: dict[str, str] = {
    name: hint.__metadata__[-1].description for name, hint in get_type_hints(Configuration, include_extras=True).items()
}


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
        *(replace(_STOCK, name=f"fasterrcnn_resnet{d}_fpn", body=f"resnet{d}") for d in DEPTHS),
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


def _check(c: Configuration) -> None:
    """What concerns more than one value. Raises InputError."""
    if len(c.image_mean) != len(c.image_std) or len(c.image_mean) not in (1, 3):
        raise InputError(f"image_mean {c.image_mean} and image_std {c.image_std}: expected 1 or 3 values each")
    sizes, ratios = c.anchor_sizes, c.aspect_ratios
    levels = max(len(sizes), len(ratios))
    if {len(sizes), len(ratios)} - {1, levels}:
        raise InputError(
            f"anchor_sizes for {len(sizes)} levels and aspect_ratios for {len(ratios)}: expected as many, or one"
        )
    if len({len(s) * len(r) for s, r in zip(spread(sizes, levels), spread(ratios, levels), strict=True)}) != 1:
        raise InputError(
            f"anchor_sizes {sizes} and aspect_ratios {ratios}: expected equally many anchors on every level"
        )
    if list(c.returned_layers) != sorted(set(c.returned_layers)) or bool(c.returned_layers) != (c.pyramid == "fpn"):
        raise InputError(
            f"{','.join(map(str, c.returned_layers)) or 'none'} given as returned_layers, --returned-layers: expected "
            f"some of 1, 2, 3, 4 in this order for the pyramid fpn, none for others (this is {c.pyramid})"
        )


def spread(by_level: tuple[Any, ...], levels: int) -> tuple[Any, ...]:
    """One entry a level, where a single one is for every level."""
    return by_level * levels if len(by_level) == 1 else by_level
