"""What detector a state dict is of: what its shapes tell, and what a preset and the caller add to that.

Read from the shapes are body, depth, pyramid, channels, anchors a cell, head width and classes. What they do not tell
(anchor sizes, sampling, thresholds, mean and std) comes from the architecture's preset and from settings: see
`export.detector.assumed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from edge.errors import InputError
from export.detector.configuration import Configuration, preset
from export.detector.pyramid import LAYERS, PyramidName

_BLOCKS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}

# fields of `Configuration` that shapes tell
TOLD = (
    "body",
    "pyramid",
    "returned_layers",
    "channels",
    "classes",
    "representation_size",
    "fpn_norm",
    "rpn_convs",
    "head_convs",
)


@dataclass(frozen=True)
class Shapes:
    """``told``: fields of `Configuration`, by name. ``anchors_per_cell``: of the RPN. ``cells``: of a pooled region.
    ``channels``: that the first convolution takes.
    """

    told: Mapping[str, Any]
    anchors_per_cell: int
    cells: int
    channels: int

    @classmethod
    def of_configuration(cls, c: Configuration) -> Shapes:
        """Those that a detector of this configuration has."""
        told = {name: getattr(c, name) for name in TOLD}
        return cls(told, c.anchors_per_cell, math.prod(c.roi_size), len(c.image_mean))

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Shapes:
        """Those of a state dict. Raises InputError where they are of no Faster R-CNN."""
        for key in ("rpn.head.cls_logits.weight", "roi_heads.box_predictor.cls_score.weight"):
            if key not in state:
                raise InputError(f"the checkpoint has no {key}: expected the state dict of a torchvision Faster R-CNN")
        for part in ("mask", "keypoint"):
            if any(key.startswith(f"roi_heads.{part}_") for key in state):
                raise InputError(f"the checkpoint has a {part} head, which the graph cannot carry: expected boxes only")
        body = _body(state)
        pyramid, layers, channels = _pyramid(state, body)
        width = _shape(state, "roi_heads.box_predictor.cls_score.weight", 2)
        told: dict[str, Any] = {
            "body": body,
            "pyramid": pyramid,
            "returned_layers": layers,
            "channels": channels,
            "classes": width[0] - 1,
            "representation_size": width[1],
            "fpn_norm": "backbone.fpn.inner_blocks.0.1.weight" in state,
            "rpn_convs": max(1, _count(state, "rpn.head.conv.{}.0.weight")),
            "head_convs": _count(state, "roi_heads.box_head.{}.0.weight"),
        }
        per_cell = _shape(state, "rpn.head.cls_logits.weight", 4)[0]
        cells = _pooled_values(state, channels, told["head_convs"])
        return cls(told, per_cell, cells, _shape(state, _first_convolution(body), 4)[1])

    def likely(self) -> str:
        """Name of the preset that has these shapes. Raises InputError where none has, or several have."""
        return _guess(self.told, self.anchors_per_cell, self.cells)

    def configuration(self, arch: str | None = None, **settings: Any) -> Configuration:
        """The detector that has these shapes. ``arch``: preset to start from; None = told by ``settings`` (its
        ``name``) or by the shapes. ``settings``: fields of `Configuration` that are known.

        Raises InputError where more than one configuration would fit, or ``settings`` contradict the shapes.
        """
        base = preset(arch or settings.get("name") or self.likely())
        for name, value in self.told.items():
            if name in settings and _plain(settings[name]) != value:
                raise InputError(f"{name} {settings[name]} was given, the checkpoint has {value}")
        if base.body != self.told["body"]:
            body = self.told["body"]
            raise InputError(f"architecture {base.name} has the body {base.body}, the checkpoint {body}")
        found = base.changed(**{**settings, **self.told, "name": base.name})
        found = found.changed(
            image_mean=_per_channel("--mean", found.image_mean, self.channels),
            image_std=_per_channel("--std", found.image_std, self.channels),
        )
        if found.anchors_per_cell != self.anchors_per_cell:
            raise InputError(
                f"the checkpoint has {self.anchors_per_cell} anchors a cell, {base.name} with sizes "
                f"{found.anchor_sizes} and ratios {found.aspect_ratios} has {found.anchors_per_cell}: give "
                "--anchor-sizes and --aspect-ratios as in training"
            )
        rows, columns = found.roi_size
        if rows * columns != self.cells:
            raise InputError(
                f"the checkpoint's box head takes {self.cells} cells a region, {base.name} pools {rows}x{columns}: "
                f"give --roi-size ROWSxCOLUMNS with a product of {self.cells}"
            )
        return found


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _body(state: Mapping[str, Tensor]) -> str:
    if "backbone.body.0.0.weight" in state:
        return "mobilenet_v3_large"
    counts = tuple(_count(state, f"backbone.body.layer{i}.{{}}.conv1.weight") for i in (1, 2, 3, 4))
    used = counts[: counts.index(0)] if 0 in counts else counts  # layers that no pyramid reads are not there
    bottleneck = "backbone.body.layer1.0.conv3.weight" in state
    for (blocks, kind), depth in _BLOCKS.items():
        if used and blocks[: len(used)] == used and kind == bottleneck and not any(counts[len(used) :]):
            return f"resnet{depth}"
    raise InputError(
        f"the checkpoint's backbone has {counts} blocks in layer1..layer4: expected ResNet 18, 34, 50, 101 or 152, "
        "or MobileNetV3-Large, each with a feature pyramid"
    )


def _pyramid(state: Mapping[str, Tensor], body: str) -> tuple[PyramidName, tuple[int, ...], int]:
    """Its name, the layers that it reads where the name does not say, and its channels."""
    if "backbone.inner_blocks.0.0.weight" in state:
        return "conv1", (), _shape(state, "backbone.inner_blocks.0.0.weight", 4)[0]
    if "backbone.fpn.inner_blocks.0.0.weight" not in state:
        raise InputError(
            "the checkpoint has no feature pyramid (backbone.fpn.* or backbone.inner_blocks.*): not supported"
        )
    count = _count(state, "backbone.fpn.inner_blocks.{}.0.weight")
    shapes = [_shape(state, f"backbone.fpn.inner_blocks.{i}.0.weight", 4) for i in range(count)]
    channels, inside = shapes[0][0], [shape[1] for shape in shapes]
    if body == "mobilenet_v3_large":
        if count != 2:
            raise InputError(
                f"the checkpoint's pyramid over {body} has {count} levels: expected 2, or give "
                "--model PACKAGE.MODULE:FUNCTION"
            )
        return "last2", (), channels
    last = "conv2" if body in ("resnet18", "resnet34") else "conv3"
    # channels of Layer1, twice as many in each that follows
    first = _shape(state, f"backbone.body.layer1.0.{last}.weight", 4)[0]
    layers = tuple(i + 1 for outside in inside for i in range(4) if outside == first << i)
    if len(layers) != count or list(layers) != sorted(set(layers)):
        raise InputError(
            f"the checkpoint's pyramid reads maps of {', '.join(map(str, inside))} channels: expected those of "
            f"{body}'s layer1..layer4"
        )
    if layers == LAYERS["layer1"]:
        return "layer1", (), channels
    return ("classic", (), channels) if layers == LAYERS["classic"] else ("fpn", layers, channels)


def _pooled_values(state: Mapping[str, Tensor], channels: int, convs: int) -> int:
    key = f"roi_heads.box_head.{convs + 1}.weight" if convs else "roi_heads.box_head.fc6.weight"
    if key not in state:
        raise InputError(f"the checkpoint has no {key}: expected torchvision's TwoMLPHead or FastRCNNConvFCHead")
    return _shape(state, key, 2)[1] // channels


def _guess(read: Mapping[str, Any], per_cell: int, pooled: int) -> str:
    """The preset that has these shapes."""
    body = read["body"]
    if body.startswith("resnet") and (per_cell, pooled) == (15, 80):
        return f"frc_{body}_fpn"
    if body.startswith("resnet") and (per_cell, pooled) == (3, 49):
        second = body == "resnet50" and read["fpn_norm"]
        return f"fasterrcnn_{body}_fpn{'_v2' if second else ''}"
    if body == "mobilenet_v3_large":
        raise InputError(
            "the shapes do not tell which MobileNet detector this is: give --arch fasterrcnn_mobilenet_v3_large_fpn "
            "or --arch fasterrcnn_mobilenet_v3_large_320_fpn"
        )
    raise InputError(
        f"the checkpoint ({body}, {per_cell} anchors a cell, {pooled} cells a region) is no known architecture: give "
        f"--arch, for instance fasterrcnn_{body}_fpn (torchvision's defaults) or frc_{body}_fpn (the paper's), and "
        "what differs from it"
    )


def _first_convolution(body: str) -> str:
    return "backbone.body.0.0.weight" if body == "mobilenet_v3_large" else "backbone.body.conv1.weight"


def _shape(state: Mapping[str, Tensor], key: str, axes: int) -> tuple[int, ...]:
    """Of a weight that every detector of this kind has. Raises InputError where it is missing, or no such weight."""
    if key not in state:
        raise InputError(f"the checkpoint has no {key}: expected the state dict of a torchvision Faster R-CNN, whole")
    shape = tuple(state[key].shape)
    if len(shape) != axes or 0 in shape:
        raise InputError(
            f"{key} in the checkpoint has the shape {list(shape)}: expected {axes} sizes of at least 1; save it again"
        )
    return shape


def _count(state: Mapping[str, Tensor], form: str) -> int:
    n = 0
    while form.format(n) in state:
        n += 1
    return n


def _per_channel(option: str, values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """One value for each input channel of the first convolution."""
    if len(set(values)) == 1:
        return values[:1] * channels
    if len(values) != channels:
        raise InputError(f"the first convolution takes {channels} channels, {option} has {values}: give {channels}")
    return values
