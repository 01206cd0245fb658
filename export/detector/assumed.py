"""Where each setting of a detector comes from, and which of them nobody has said.

The weights of a detector do not tell its anchor sizes, its RoIAlign, its thresholds or the size that frames are resized
to, and with a wrong one it finds other things, with an exit code of 0. So what neither the weights nor the checkpoint's
own record nor an option says is asked for; a preset stands in only where the user says so (``--assume-rest``).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edge.errors import InputError
from export.detector.configuration import Configuration
from export.detector.from_shapes import TOLD, Shapes

# field of `Configuration` -> option, for what no weights tell, in the order in which it is asked for
OPTIONS = {
    "min_size": "--min-size",
    "max_size": "--max-size",
    "fixed_size": "--fixed-size",
    "size_divisible": "--size-divisible",
    "image_mean": "--mean",
    "image_std": "--std",
    "anchor_sizes": "--anchor-sizes",
    "aspect_ratios": "--aspect-ratios",
    "roi_size": "--roi-size",
    "sampling_ratio": "--sampling-ratio",
    "canonical_scale": "--canonical-scale",
    "canonical_level": "--canonical-level",
    "featmap_names": "--featmap-names",
    "bbox_reg_weights": "--bbox-reg-weights",
    "norm_eps": "--norm-eps",
    "conv1_stride": "--conv1-stride",
    "maxpool": "--maxpool",
    "replace_stride_with_dilation": "--replace-stride-with-dilation",
    "last_level": "--last-level",
    "rpn_pre_nms_top_n_test": "--rpn-pre-nms",
    "rpn_post_nms_top_n_test": "--rpn-post-nms",
    "rpn_nms_thresh": "--rpn-nms",
    "rpn_score_thresh": "--rpn-score",
    "box_nms_thresh": "--nms",
    "box_score_thresh": "--graph-score",
    "box_detections_per_img": "--max-detections",
}
WEIGHTS, RECORD, OPTION = "the weights", "the checkpoint", "your option"
_EPS = 1e-5  # torchvision's; its COCO_V1 detectors have 0
_SEEN = 1e-4  # of the layer's largest channel: above float32 rounding
_RESNETS = ("conv1_stride", "maxpool", "replace_stride_with_dilation")


@dataclass(frozen=True)
class Setting:
    """``field``: of `Configuration`. ``value``: as the option takes it. ``origin``: who says it, one of `WEIGHTS`,
    `RECORD` and `OPTION`, or "assumed" and the preset. ``option``: that changes it, "" where the weights tell.
    """

    field: str
    value: str
    origin: str
    option: str

    @property
    def assumed(self) -> bool:
        return self.origin.startswith("assumed")


def settings_of(
    c: Configuration, state: Mapping[str, Tensor], record: Mapping[str, Any], given: Mapping[str, Any]
) -> list[Setting]:
    """Every setting of the detector ``c``, and who says it.

    ``state``: its weights. ``record``: fields of `Configuration` that the checkpoint itself says; one of
    `edge-export train` says all, also those that later versions know. ``given``: fields that the user gave.
    """
    whole = {"name", "body", "min_size", "norm_eps"} <= set(record)
    found = [Setting(field, written(getattr(c, field)), WEIGHTS, "") for field in TOLD]
    for field, option in OPTIONS.items():
        if field in _RESNETS and not c.body.startswith("resnet"):
            continue
        if field in given:
            origin = OPTION
        elif whole or field in record:
            origin = RECORD
        elif field == "norm_eps" and c.norm_eps <= _EPS and not eps_matters(state):
            origin = WEIGHTS
        else:
            origin = f"assumed: {c.name}"
        found.append(Setting(field, written(getattr(c, field)), origin, option))
    return found


def ask_for_rest(
    path: Path, settings: list[Setting], accepted: bool, likely: str = "", counts_batches: bool = False
) -> None:
    """Raises InputError, naming the options, where something is assumed that the user has not ``accepted``.

    ``path``: the checkpoint. ``likely``: the preset that has its shapes, "" where that is not known. The epsilon of
    batch norm is asked for by itself: torchvision's own detectors have either. ``counts_batches``: the norms are none
    of torchvision's frozen ones, which alone may have 0.
    """
    assumed = [setting for setting in settings if setting.assumed]
    if not assumed:
        return
    name = assumed[0].origin.partition(": ")[2]
    if not accepted:
        rest = " ".join(f"{s.option} {shlex.quote(s.value)}" for s in assumed)
        other = f" (its shapes are those of {likely}: give --arch {likely})" if likely not in ("", name) else ""
        raise InputError(
            f"checkpoint {path} does not tell all of its detector, and a wrong guess would change what it finds "
            f"without a word. {name}{other} has {rest}: compare that with your program, give what differs and "
            "--assume-rest, or make the bundle from the program itself: edge-export onnx --model "
            f"PACKAGE.MODULE:FUNCTION --weights {path}"
        )
    if any(s.field == "norm_eps" for s in assumed) and not counts_batches:
        raise InputError(
            f"checkpoint {path}: some batch norms have a variance so small that their epsilon changes what is found, "
            "and the weights do not tell it: give --norm-eps 0 where training began with torchvision's detector of "
            "the weights COCO_V1, else --norm-eps 1e-5"
        )


def eps_matters(state: Mapping[str, Tensor]) -> bool:
    """Whether an epsilon of 0 in the batch norms gives other features than one of 1e-5."""
    for key, variance in state.items():
        layer, _, field = key.rpartition(".")
        weight = state.get(f"{layer}.weight")
        if field != "running_var" or weight is None or weight.shape != variance.shape:
            continue
        weight, variance = weight.double().abs(), variance.double().clamp(min=0)
        change = weight * (1 - torch.sqrt(variance / (variance + _EPS)))
        if float(change.max()) > _SEEN * float(weight.max()):
            return True
    return False


def likely_preset(shapes: Shapes) -> str:
    """Name of the preset that has these shapes, "" where none has, or several have."""
    try:
        return shapes.likely()
    except InputError:
        return ""


def written(value: Any) -> str:
    """As the option takes it: 4,8;16,32 for one of each level."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return ";".join(map(written, value))
    if isinstance(value, tuple):
        return ",".join(map(written, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
