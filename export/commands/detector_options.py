"""Options that say what detector a checkpoint is of: of onnx, train and eval; and where torch computes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch

from edge.errors import InputError
from export.detector.assumed import OPTIONS, Setting, ask_for_rest, likely_preset, settings_of
from export.detector.checkpoint import Checkpoint
from export.detector.configuration import PRESETS, Configuration
from export.detector.from_shapes import Shapes


def add_device_option(parser: argparse.ArgumentParser, of: str = "") -> None:
    """``of``: what the option belongs to, in words that begin its help."""
    parser.add_argument("--device", help=f"{of}where to compute: cpu or cuda (default: {_usual_device()} here)")


def device_of(arguments: argparse.Namespace) -> torch.device:
    """That of ``--device``, or the GPU where there is one. Raises InputError where it cannot be used."""
    name = arguments.device or _usual_device()
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0]
        raise InputError(f"--device {name} cannot be used ({why}): expected cpu, or cuda") from None
    return device


def _usual_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def add_detector_options(parser: argparse.ArgumentParser) -> None:
    """What the shapes of a checkpoint do not tell."""
    group = parser.add_argument_group(
        "detector",
        "settings that weights do not tell, named as in torchvision; needed if the checkpoint does not hold them",
    )
    group.add_argument(
        "--arch",
        choices=PRESETS,
        help="known architecture, with its usual settings (default: told by the weights' shapes)",
    )
    group.add_argument(
        "--assume-rest",
        action="store_true",
        help="take what neither the checkpoint nor an option tells from the preset of --arch; it is printed",
    )
    group.add_argument(
        "--weights-of",
        metavar="NAME",
        help="which weights, where the file holds several: model_ema, teacher, ... (default: those that are no EMA)",
    )
    group.add_argument(
        "--pyramid",
        choices=("conv1", "layer1", "classic", "fpn"),
        help="which pyramid; compared with the weights' shapes. fpn: torchvision's, on the layers of --returned-layers",
    )
    group.add_argument(
        "--returned-layers",
        type=_layers,
        metavar="1,2,3",
        help="of --pyramid fpn: which of the ResNet's layers 1 to 4; those above the last are not there: 1,2,3 has no "
        "layer4; compared with the weights' shapes",
    )
    group.add_argument(
        "--representation-size",
        type=_whole,
        metavar="N",
        help="channels of the box head's two layers; compared with the weights' shapes",
    )
    group.add_argument(
        "--channels", type=_whole, metavar="N", help="channels of the pyramid; compared with the weights' shapes"
    )
    for field, (kind, metavar, text) in _KINDS.items():
        group.add_argument(OPTIONS[field], type=kind, dest=field, metavar=metavar, help=text)


def detector_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Configuration` that were given."""
    fields = {name: getattr(arguments, name) for name in (*_SHAPES, *_KINDS)}
    given = {name: value for name, value in fields.items() if value is not None}
    if given.get("fixed_size") == ():
        given["fixed_size"] = None
    return given


def asked_settings(
    arguments: argparse.Namespace, checkpoint: Checkpoint, configuration: Configuration
) -> list[Setting]:
    """Every setting of the checkpoint's detector with its origin.

    Raises InputError where one is known to nobody, and ``--assume-rest`` was not said.
    """
    settings = settings_of(configuration, checkpoint.state, checkpoint.settings, detector_settings(arguments))
    likely = "" if checkpoint.bundle else likely_preset(Shapes.of_state(checkpoint.state))
    ask_for_rest(checkpoint.path, settings, arguments.assume_rest, likely, checkpoint.counts_batches)
    return settings


def _whole(text: str) -> int:
    return int(_one(text, int, "a whole number, for instance 2"))


def _number(text: str) -> float:
    return float(_one(text, float, "a number, for instance 0.5"))


def _layers(text: str) -> tuple[int, ...]:
    return tuple(
        _one(word, int, "whole numbers with ',' between them, for instance 1,2,3", text) for word in _words(text)
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(
        _one(word, float, "numbers with ',' between them, for instance 0.5,1,2", text) for word in _words(text)
    )


def _levels(text: str) -> tuple[tuple[float, ...], ...]:
    expected = "numbers with ',' between them, and ';' between pyramid levels, for instance 4,8,16 or '32;64;128'"
    return tuple(tuple(_one(w, _int_or_float, expected, text) for w in _words(level)) for level in text.split(";"))


def _size(text: str) -> tuple[int, ...]:
    sides = tuple(
        _one(word, int, "two whole numbers with 'x' between them, for instance 7x7", text)
        for word in text.replace(",", "x").lower().split("x")
    )
    if len(sides) != 2:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected two whole numbers with 'x' between them, for instance 7x7"
        )
    return sides


def _size_or_none(text: str) -> tuple[int, ...]:
    return () if text == "none" else _size(text)


def _flag(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected yes or no")
    return text == "yes"


def _flags(text: str) -> tuple[bool, ...]:
    return tuple(_flag(word) for word in _words(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _int_or_float(word: str) -> float:
    try:
        return int(word)
    except ValueError:
        return float(word)


def _one(word: str, kind: Callable[[str], Any], expected: str, whole: str | None = None) -> Any:
    try:
        return kind(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word if whole is None else whole!r}: expected {expected}") from None


_SHAPES = ("pyramid", "returned_layers", "representation_size", "channels")  # fields that weights tell, too
# field of Configuration -> how its option is read
_KINDS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "min_size": (_whole, "N", "shorter side that torchvision resizes frames to, px"),
    "max_size": (_whole, "N", "longer side that torchvision resizes frames to at most, px"),
    "fixed_size": (
        _size_or_none,
        "WIDTHxHEIGHT",
        "size that all frames are resized to, in place of these two, px; or none",
    ),
    "size_divisible": (_whole, "N", "sides are then padded to a multiple of this"),
    "image_mean": (_numbers, "X[,X,X]", "mean grey level of the training frames, 0..1"),
    "image_std": (_numbers, "X[,X,X]", "standard deviation of their grey levels, 0..1"),
    "anchor_sizes": (_levels, "4,8,...", "px; levels apart with ';': 32;64;128;256;512"),
    "aspect_ratios": (_levels, "0.5,1,2", "height / width of anchors; levels apart with ';'"),
    "roi_size": (_size, "ROWSxCOLUMNS", "of a pooled region"),
    "sampling_ratio": (_whole, "N", "RoIAlign samples a bin and axis, -1 = adaptive"),
    "canonical_scale": (_whole, "N", "side of a region that pools from the canonical level, px"),
    "canonical_level": (_whole, "N", "log2 of the stride of that level"),
    "featmap_names": (_words, "0,1,...", "maps of the pyramid that regions are pooled from"),
    "bbox_reg_weights": (_numbers, "X,X,X,X", "divisors of the box head's dx, dy, dw, dh"),
    "norm_eps": (_number, "X", "epsilon of batch norm; 0 where training began with torchvision's COCO_V1 detector"),
    "conv1_stride": (_whole, "N", "stride of the ResNet's first convolution"),
    "maxpool": (_flag, "yes|no", "whether the ResNet has its max pooling after that"),
    "replace_stride_with_dilation": (_flags, "no,no,yes", "in the ResNet's layer2, layer3, layer4"),
    "last_level": (_flag, "yes|no", "whether the pyramid has a subsampled map above the others"),
    "rpn_pre_nms_top_n_test": (_whole, "N", "best anchors a level that go into suppression"),
    "rpn_post_nms_top_n_test": (_whole, "N", "region proposals that come out of it"),
    "rpn_nms_thresh": (_number, "X", "IoU above which region proposals are suppressed"),
    "rpn_score_thresh": (_number, "X", "objectness below which anchors are dropped"),
    "box_nms_thresh": (_number, "X", "IoU above which detections of a class are suppressed"),
    "box_score_thresh": (_number, "X", "score below which the graph drops detections"),
    "box_detections_per_img": (_whole, "N", "detections a frame"),
}
