"""One file of weights for both graphs of a bundle: half the room, and the two cannot drift apart.

    fold batch norm, round to float16 -> trace twice -> the same numbers in both graphs -> ``model.weights``

TensorRT's graph uses the numbers as they lie in the file. The graph for the CPU wants some in another order
(minimal filtering, pixels after channels) and all in float32: it carries a Transpose and a Cast for each, which ONNX
Runtime computes once, when it loads the graph.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, external_data_helper, helper, numpy_helper
from torch import nn
from torch.nn.utils import fuse_conv_bn_weights
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from export.graph.supported import check_model

# elements of a tensor worth sharing; biases, norms and a grey first convolution stay in the graphs
LARGE = 16384
_PAGE = 4096  # so that a file mapped into memory has each tensor at the start of a page
_CHANGE = 1e-3  # of the largest feature: far above float32 rounding, far below a norm folded into the wrong place
_HALF_MOST = float(np.finfo(np.float16).max)

Shape = tuple[int, ...]


def with_half_weights(model: FasterRCNN) -> FasterRCNN:
    """A copy of ``model`` without batch norms, its large weights rounded to float16: both graphs hold it exactly.

    Raises InputError where a batch norm does not follow its convolution, or a weight is beyond float16.
    """
    check_model(model)
    model = copy.deepcopy(model).eval().requires_grad_(False)
    sample = torch.rand(1, len(model.transform.image_mean), 64, 64, generator=torch.Generator().manual_seed(0))
    before = model.backbone(sample)
    fold_norms(model)
    for name, after in model.backbone(sample).items():
        if not torch.allclose(after, before[name], rtol=0, atol=_CHANGE * float(before[name].abs().max())):
            raise InputError("a batch norm of this model does not follow its convolution: use --weights fp16")
    for name, weight in model.named_parameters():
        if weight.numel() >= LARGE:
            if float(weight.abs().max()) > _HALF_MOST:
                raise InputError(f"weight {name} is beyond float16 once its batch norm is folded in: train further")
            weight.copy_(weight.half())
    return model


def fold_norms(module: nn.Module) -> None:
    """Fold, in place, each batch norm into the convolution registered right before it."""
    last: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        folded = _folded(last[1], child) if last and isinstance(child, nn.BatchNorm2d | FrozenBatchNorm2d) else None
        if last and folded is not None:
            setattr(module, last[0], folded)
            setattr(module, name, nn.Identity())
        fold_norms(child)
        last = (name, child) if isinstance(child, nn.Conv2d) else None


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> nn.Conv2d | None:
    """None where the norm is not of this convolution, or has no statistics of its own."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None or len(mean) != conv.out_channels:
        return None
    folded = copy.deepcopy(conv)
    folded.weight, folded.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
    )
    return folded.requires_grad_(False)


def share_weights(cpu: onnx.ModelProto, typed: onnx.ModelProto) -> None:
    """Make ``cpu`` compute its large weights, in place, from the very tensors that ``typed`` holds in float16.

    What has no counterpart there is stored as float16 of its own, if that loses nothing.
    """
    masters: dict[bytes, list[npt.NDArray[np.float16]]] = {}
    for tensor in typed.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16 and math.prod(tensor.dims) >= LARGE:
            values = numpy_helper.to_array(tensor)
            masters.setdefault(_same_numbers(values), []).append(values)
    nodes: list[onnx.NodeProto] = []
    extra: list[onnx.TensorProto] = []
    for tensor in cpu.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < LARGE:
            continue
        expected = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = expected.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), expected):
            continue
        name, shape = tensor.name, half.shape
        for master in masters.get(_same_numbers(half), []):
            way = _way(master, half)
            if way is not None:
                tensor.CopyFrom(numpy_helper.from_array(master, f"{name}.stored"))
                nodes += _reordered(name, master.shape, way, shape, extra)
                break
        else:
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.stored"))
            nodes.append(helper.make_node("Cast", [f"{name}.stored"], [name], f"{name}.cast", to=TensorProto.FLOAT))
    cpu.graph.initializer.extend(extra)
    kept = list(cpu.graph.node)
    del cpu.graph.node[:]
    cpu.graph.node.extend(nodes + kept)


def move_weights(graphs: Mapping[str, onnx.ModelProto], file: str) -> bytes:
    """Take the large float16 tensors out of ``graphs``, in place; returns the content of ``file``, each only once."""
    content, places = bytearray(), dict[bytes, int]()
    for graph in graphs.values():
        for tensor in graph.graph.initializer:
            if tensor.data_type != TensorProto.FLOAT16 or math.prod(tensor.dims) < LARGE:
                continue
            data = numpy_helper.to_array(tensor).tobytes()
            if data not in places:
                content += bytes(-len(content) % _PAGE)
                places[data] = len(content)
                content += data
            tensor.raw_data = data
            external_data_helper.set_external_data(tensor, file, places[data], len(data))
            tensor.ClearField("raw_data")
    return bytes(content)


def _same_numbers(values: npt.NDArray[np.float16]) -> bytes:
    """Equal for tensors of the same numbers in whatever order."""
    return np.sort(values.view(np.uint16), axis=None).tobytes()


def _way(master: npt.NDArray[np.float16], expected: npt.NDArray[np.float16]) -> tuple[Shape, Shape] | None:
    """Reshape and permutation that make ``expected`` of ``master``, None where there is none of the known ones."""
    for shape, order in _ways(master.shape):
        if np.array_equal(master.reshape(shape).transpose(order).reshape(expected.shape), expected):
            return shape, order
    return None


def _ways(shape: Shape) -> Iterator[tuple[Shape, Shape]]:
    yield shape, tuple(range(len(shape)))
    if len(shape) == 2:
        yield shape, (1, 0)
        rows, columns = shape
        for pixels in range(2, columns):  # first layer of a head: pixels before channels
            if columns % pixels == 0:
                yield (rows, pixels, columns // pixels), (0, 2, 1)
    if len(shape) == 4:
        yield shape, (2, 3, 1, 0)  # kernel of minimal filtering


def _reordered(
    name: str, stored: Shape, way: tuple[Shape, Shape], expected: Shape, extra: list[onnx.TensorProto]
) -> Iterator[onnx.NodeProto]:
    """Nodes from ``name``.stored to ``name``."""
    shape, order = way
    steps: list[tuple[str, dict[str, Any], Shape | None]] = []
    if shape != stored:
        steps.append(("Reshape", {}, shape))
    if order != tuple(range(len(order))):
        steps.append(("Transpose", {"perm": list(order)}, None))
    if tuple(shape[i] for i in order) != expected:
        steps.append(("Reshape", {}, expected))
    steps.append(("Cast", {"to": TensorProto.FLOAT}, None))
    value = f"{name}.stored"
    for i, (operator, attributes, target) in enumerate(steps):
        result = name if i == len(steps) - 1 else f"{name}.{i}"
        inputs = [value]
        if target is not None:
            inputs.append(f"{name}.shape{i}")
            extra.append(numpy_helper.from_array(np.array(target, np.int64), inputs[1]))
        yield helper.make_node(operator, inputs, [result], f"{name}.{operator.lower()}{i}", **attributes)
        value = result
