"""A bundle as a checkpoint: the weights back out of its graph, to train further from or to export anew.

edge-export train --from models/hituav-r18 --data deer --out run

Only bundles of ``--store shared`` can be read back: their graph for TensorRT holds every weight under the
name of its parameter. Batch norms were folded into the convolutions; they come back as the identity with the
folded shift, so that the detector computes the same and has the parameters that torchvision expects.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, WEIGHTS, Bundle
from export.detector.configuration import Configuration

# prefixes in the graph -> in torchvision's Faster R-CNN; "regions" is what the RoI head was called before
PARTS = {
    "backbone.": "backbone.",
    "proposals.head.": "rpn.head.",
    "roi_head.head.": "roi_heads.box_head.",
    "roi_head.predictor.": "roi_heads.box_predictor.",
    "regions.head.": "roi_heads.box_head.",
    "regions.predictor.": "roi_heads.box_predictor.",
}


def is_bundle(path: Path) -> bool:
    """Whether ``path`` is a bundle's folder, and no checkpoint file."""
    return (path / "model.json").is_file()


def weights_of(bundle: Bundle) -> dict[str, Tensor]:
    """float32 weights by torchvision's names, as the graphs hold them: batch norms folded, some layers reordered.

    Raises InputError where the bundle does not say what detector it is of, or lacks a graph.
    """
    for name in (ONNX_FP16, ONNX_CPU):
        if name not in bundle.files:
            raise _unreadable(bundle, f"it holds no {name}")
    if WEIGHTS not in bundle.files:
        raise _unreadable(bundle, "its graphs hold their own weights, --store fp32 or fp16")
    if not bundle.architecture:
        raise _unreadable(bundle, "its model.json does not say its architecture")
    found = _weights(bundle.file(ONNX_FP16))
    exact = _weights(bundle.file(ONNX_CPU))  # small tensors stay float32 there
    return found | {name: v for name, v in exact.items() if name in found and v.shape == found[name].shape}


def as_trained(
    bundle: Bundle, found: Mapping[str, Tensor], model: FasterRCNN, configuration: Configuration
) -> dict[str, Tensor]:
    """State dict of ``model``, the detector of ``configuration``, from what `weights_of` found in its bundle.

    Raises InputError where a weight is missing, as in a bundle not made with ``--store shared``.
    """
    state: dict[str, Tensor] = model.state_dict()
    norms = dict(_norms(model))
    for key, expected in state.items():
        part, _, name = key.rpartition(".")
        if part in norms:
            norm, convolution = norms[part]
            if f"{convolution}.bias" not in found:  # the exporter stores equal tensors once, under one of their names
                raise _unreadable(bundle, f"its graph has no {convolution}.bias")
            state[key] = _identity(name, expected, norm.eps, found[f"{convolution}.bias"])
        elif key in found:
            state[key] = _undone(key, found[key], expected, math.prod(configuration.roi_size))
        else:
            raise _unreadable(bundle, f"its graph has no {key}")
        if state[key].shape != expected.shape:
            raise _unreadable(bundle, f"{key} is {tuple(state[key].shape)} there, expected {tuple(expected.shape)}")
    return state


def _weights(path: Path) -> dict[str, Tensor]:
    """float32 tensors by the name of torchvision's parameter."""
    graph = onnx.load(str(path)).graph
    found = {}
    for tensor in graph.initializer:
        name = tensor.name.removesuffix(".half")
        part = next((p for p in PARTS if name.startswith(p)), None)
        if part is not None:
            value = numpy_helper.to_array(tensor).astype(np.float32)
            found[PARTS[part] + name[len(part) :]] = torch.from_numpy(value)
    return found


def _norms(model: nn.Module) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Name of each batch norm, with it and the name of the convolution registered right before it."""
    for prefix, module in model.named_modules():
        last: str | None = None
        for name, child in module.named_children():
            path = f"{prefix}.{name}" if prefix else name
            if isinstance(child, nn.BatchNorm2d | FrozenBatchNorm2d) and last is not None:
                yield path, (child, last)
            last = path if isinstance(child, nn.Conv2d) else None


def _identity(name: str, expected: Tensor, eps: float, shift: Tensor) -> Tensor:
    """``name`` of a norm that multiplies by 1 and adds ``shift``."""
    if name == "bias":
        return shift
    if name == "running_var":
        return torch.full_like(expected, 1 - eps)
    return torch.ones_like(expected) if name == "weight" else torch.zeros_like(expected)


def _undone(key: str, value: Tensor, expected: Tensor, pixels: int) -> Tensor:
    """Undoes what the export does to two layers: `export.graph.stages.input`, `export.graph.stages.roi_head`."""
    if key.endswith("conv1.weight") and value.ndim == 4 and value.shape[1] == 1 and expected.shape[1] > 1:
        # was summed over channels that are equal
        return value.expand(-1, expected.shape[1], -1, -1) / expected.shape[1]
    if key == "roi_heads.box_head.fc6.weight":
        return value.reshape(len(value), pixels, -1).transpose(1, 2).reshape(len(value), -1)
    return value


def _unreadable(bundle: Bundle, why: str) -> InputError:
    return InputError(
        f"bundle {bundle.path} cannot be read back ({why}): expected one exported with --store shared, or give the "
        "checkpoint that it was exported from; such a bundle comes of it by edge-export onnx --checkpoint CHECKPOINT "
        "--out BUNDLE --store shared"
    )
