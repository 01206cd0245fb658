"""One file of weights for both graphs of a bundle: half the room, and the two cannot drift apart.

    fold batch norm, round to float16 -> trace twice -> the same numbers in both graphs -> ``model.weights``

The first step is `export.graph.half_weights`. TensorRT's graph uses the numbers as they lie in the file. The graph for
the CPU expects some in another order (minimal filtering, pixels after channels) and all in float32: it carries a
Transpose and a Cast for each, which ONNX Runtime computes once, when it loads the graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

# elements of a tensor worth sharing; biases, norms and a grey first convolution stay in the graphs
LARGE = 16384
_PAGE = 4096  # so that a file mapped into memory has each tensor at the start of a page

Shape = tuple[int, ...]


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
