"""Any torchvision Faster R-CNN checkpoint -> detector.

What the shapes of a state dict tell is read from them: body, depth, pyramid, channels, anchors a cell, head
width, classes. What they do not tell (anchor sizes, sampling, thresholds, mean and std) comes from the
architecture's preset, the checkpoint's own ``detector`` entry, and the caller's settings, in this order.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import Bundle, sha256
from edge.model.normalisers import Normalisers
from export.detector.build import build_detector
from export.detector.configuration import Configuration, preset
from export.detector.from_bundle import checkpoint_of, is_bundle
from export.detector.pyramid import PyramidName

WRAPPERS = ("model", "state_dict", "model_state_dict")
CONFIGURATION = "detector"
RECORD = "training"  # what the training command says about itself
_COUNTER = "num_batches_tracked"  # of no use in evaluation
_BLOCKS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def load_detector(path: Path, arch: str | None = None, **settings: Any) -> FasterRCNN:
    """The detector of a checkpoint file, or of a bundle's folder (`export.detector.from_bundle`), in evaluation mode.

    It carries its `Configuration` as ``.configuration``; where the checkpoint has a ``classes`` entry, the names
    as ``.class_names``, otherwise (); and what `edge-export train` says of itself as ``.training_record``,
    otherwise {}. ``arch``: preset to start from; None = told by the shapes.
    ``settings``: fields of `Configuration` that the caller knows.

    Raises InputError where the file is no state dict, would run code when unpickled, or does not fit; the
    message names the setting to give.
    """
    content = _read(path)
    state, own = _state(path, content)
    configuration = configuration_of(state, arch, **{**own, **settings})
    model = build_detector(configuration).eval()
    _check_keys(path, model, state)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(f"checkpoint {path} does not fit {configuration.name}: {lines[-1].strip()}") from None
    record = content.get(RECORD)
    model.training_record = record if isinstance(record, dict) else {}  # other trainers keep a flag under this name
    names = content.get("classes", ())
    model.class_names = tuple(map(str, names)) if isinstance(names, list | tuple) else ()
    return model


def normalisers_of(model: object) -> Normalisers:
    """Those that a detector of `load_detector` was trained with; the defaults where its checkpoint does not say.

    Raises BundleError where this build does not know them.
    """
    said = getattr(model, "training_record", {}).get("normalise")
    return Normalisers.from_json(said) if said else Normalisers()


def digest_of(path: Path) -> str:
    """sha256 of a checkpoint file; of a bundle that of the checkpoint it was exported from."""
    return Bundle.load(path).checkpoint_sha256 if is_bundle(path) else sha256(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """State dict and ``detector`` settings of a checkpoint file; never runs code from it.

    The state dict may be wrapped, under one of `WRAPPERS`; the settings are those of `Configuration`, or none.

    Raises InputError where there is no file, it is none of torch's, holds more than plain values, or a weight
    is not finite.
    """
    return _state(path, _read(path))


def _read(path: Path) -> dict[str, Any]:
    if is_bundle(path):
        return checkpoint_of(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong becomes an error of ours
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {error.strerror}: expected a file of torch.save") from None
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code is None:
            raise InputError(f"checkpoint {path} is none of torch's: expected a file of torch.save") from None
        raise InputError(
            f"checkpoint {path} holds more than tensors and would run code when loaded ({code[1]}): expected a "
            "state dict; save it again with torch.save(model.state_dict(), ...)"
        ) from None
    except Exception as error:  # a broken archive raises half a dozen different classes
        what = str(error).split(". ")[0] if isinstance(error, RuntimeError) else type(error).__name__
        raise InputError(
            f"checkpoint {path} is broken or none of torch's ({what}): expected a file of torch.save"
        ) from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise InputError(f"checkpoint {path} holds a {kind}: expected a state dict, or a dict with one")
    return content


def _state(path: Path, content: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    settings = content.get(CONFIGURATION, {})
    wrapped = next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), content)
    state = {
        _modern(str(key)): value
        for key, value in wrapped.items()
        if isinstance(value, Tensor) and not str(key).endswith(_COUNTER)
    }
    if not state or not isinstance(settings, dict):
        names = ", ".join(repr(name) for name in WRAPPERS)
        raise InputError(f"checkpoint {path} holds no parameters: expected a state dict, plain or under {names}")
    for key, value in state.items():
        if not value.is_floating_point() or value.layout is not torch.strided:
            kind = f"{value.dtype} {value.layout}".replace("torch.", "")
            raise InputError(f"checkpoint {path}: {key} is {kind}: expected plain floating-point weights")
        if not torch.isfinite(value).all():
            raise InputError(f"checkpoint {path}: {key} is not finite: the training diverged, take another")
    return state, dict(settings)


def configuration_of(state: Mapping[str, Tensor], arch: str | None = None, **settings: Any) -> Configuration:
    """What detector a state dict is of.

    Raises InputError where the shapes are of no Faster R-CNN, more than one configuration would fit, or ``settings``
    contradict the shapes.
    """
    for key in ("rpn.head.cls_logits.weight", "roi_heads.box_predictor.cls_score.weight"):
        if key not in state:
            raise InputError(f"the checkpoint has no {key}: expected the state dict of a torchvision Faster R-CNN")
    for part in ("mask", "keypoint"):
        if any(key.startswith(f"roi_heads.{part}_") for key in state):
            raise InputError(f"the checkpoint has a {part} head, which the graph cannot carry: expected boxes only")
    body = _body(state)
    pyramid, channels = _pyramid(state, body)
    width = state["roi_heads.box_predictor.cls_score.weight"].shape
    read: dict[str, Any] = {
        "body": body,
        "pyramid": pyramid,
        "channels": channels,
        "classes": width[0] - 1,
        "representation_size": width[1],
        "fpn_norm": "backbone.fpn.inner_blocks.0.1.weight" in state,
        "rpn_convs": max(1, _count(state, "rpn.head.conv.{}.0.weight")),
        "head_convs": _count(state, "roi_heads.box_head.{}.0.weight"),
    }
    per_cell = state["rpn.head.cls_logits.weight"].shape[0]
    pooled = _pooled_values(state, channels, read["head_convs"])
    base = preset(arch or settings.get("name") or _guess(read, per_cell, pooled))
    _agree(read, settings, base)
    configuration = base.changed(**{**settings, **read, "name": base.name})
    channels_in = _first_convolution(state, body).shape[1]
    configuration = configuration.changed(
        image_mean=_per_channel("--mean", configuration.image_mean, channels_in),
        image_std=_per_channel("--std", configuration.image_std, channels_in),
    )
    if configuration.anchors_per_cell != per_cell:
        raise InputError(
            f"the checkpoint has {per_cell} anchors a cell, {base.name} with sizes {configuration.anchor_sizes} and "
            f"ratios {configuration.aspect_ratios} has {configuration.anchors_per_cell}: give --anchor-sizes and "
            "--aspect-ratios as in training"
        )
    rows, columns = configuration.roi_size
    if rows * columns != pooled:
        raise InputError(
            f"the checkpoint's box head takes {pooled} cells a region, {base.name} pools {rows}x{columns}: give "
            f"--roi-size ROWSxCOLUMNS with a product of {pooled}"
        )
    return configuration


def _body(state: Mapping[str, Tensor]) -> str:
    if "backbone.body.0.0.weight" in state:
        return "mobilenet_v3_large"
    counts = tuple(_count(state, f"backbone.body.layer{i}.{{}}.conv1.weight") for i in (1, 2, 3, 4))
    depth = _BLOCKS.get((counts, "backbone.body.layer1.0.conv3.weight" in state))
    if depth is None:
        raise InputError(
            f"the checkpoint's backbone has {counts} blocks in layer1..layer4: expected ResNet 18, 34, 50, 101 or 152, "
            "or MobileNetV3-Large, each with a feature pyramid"
        )
    return f"resnet{depth}"


def _pyramid(state: Mapping[str, Tensor], body: str) -> tuple[PyramidName, int]:
    if "backbone.inner_blocks.0.0.weight" in state:
        return "conv1", state["backbone.inner_blocks.0.0.weight"].shape[0]
    count = _count(state, "backbone.fpn.inner_blocks.{}.0.weight")
    if count:
        channels = state["backbone.fpn.inner_blocks.0.0.weight"].shape[0]
        if body == "mobilenet_v3_large" and count == 2:
            return "last2", channels
        if body != "mobilenet_v3_large" and count in (2, 4):
            return ("layer1" if count == 4 else "classic"), channels
        raise InputError(f"the checkpoint's pyramid over {body} has {count} levels: expected 4 (layer1) or 2 (classic)")
    raise InputError("the checkpoint has no feature pyramid (backbone.fpn.* or backbone.inner_blocks.*): not supported")


def _pooled_values(state: Mapping[str, Tensor], channels: int, convs: int) -> int:
    key = f"roi_heads.box_head.{convs + 1}.weight" if convs else "roi_heads.box_head.fc6.weight"
    if key not in state:
        raise InputError(f"the checkpoint has no {key}: expected torchvision's TwoMLPHead or FastRCNNConvFCHead")
    return int(state[key].shape[1]) // channels


def _guess(read: Mapping[str, Any], per_cell: int, pooled: int) -> str:
    """The preset that has these shapes."""
    if read["body"].startswith("resnet") and (per_cell, pooled) == (15, 80):
        return f"frc_{read['body']}_fpn"
    if (read["body"], read["pyramid"], per_cell, pooled) == ("resnet50", "layer1", 3, 49):
        return "fasterrcnn_resnet50_fpn_v2" if read["fpn_norm"] else "fasterrcnn_resnet50_fpn"
    if read["body"] == "mobilenet_v3_large":
        raise InputError(
            "the shapes do not tell which MobileNet detector this is: give --arch fasterrcnn_mobilenet_v3_large_fpn "
            "or --arch fasterrcnn_mobilenet_v3_large_320_fpn"
        )
    raise InputError(
        f"the checkpoint ({read['body']}, {per_cell} anchors a cell, {pooled} cells a region) is no known "
        f"architecture: give --arch, for instance frc_{read['body']}_fpn, and what differs from it"
    )


def _agree(read: Mapping[str, Any], settings: Mapping[str, Any], base: Configuration) -> None:
    for name, value in read.items():
        if name in settings and settings[name] != value:
            raise InputError(f"{name} {settings[name]} was given, the checkpoint has {value}")
    if base.body != read["body"]:
        raise InputError(f"architecture {base.name} has the body {base.body}, the checkpoint {read['body']}")


def _first_convolution(state: Mapping[str, Tensor], body: str) -> Tensor:
    return state["backbone.body.0.0.weight" if body == "mobilenet_v3_large" else "backbone.body.conv1.weight"]


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


def _modern(key: str) -> str:
    """Parameter names of torchvision before 0.13, and of DataParallel, in today's form."""
    key = key.removeprefix("module.")
    key = re.sub(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", key)
    return re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", key)


def _check_keys(path: Path, model: FasterRCNN, state: Mapping[str, Tensor]) -> None:
    expected = set(model.state_dict())
    for what, names in (
        ("lacks", expected - set(state)),
        ("has, besides the detector's parameters,", set(state) - expected),
    ):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise InputError(f"checkpoint {path} {what} {shown}: expected exactly the parameters of the architecture")
