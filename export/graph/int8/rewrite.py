"""A float32 graph into one with QuantizeLinear and DequantizeLinear around the layers of a plan.

Activations are uint8 with a scale each, weights int8 with a scale for each output channel, biases int32. The graph says
which values are rounded to which numbers; ONNX Runtime makes integer kernels of that where it has them, and computes
the same in float32 where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graph.int8.layers import Plan
from export.graph.int8.ranges import Grid, short

# x86 without VNNI adds two products of bytes in 16 bits: 2 * 255 * 64 = 32640 fits, one step more does not. ONNX
# Runtime looks for weights beyond -64 .. 64, and only without such ones are its kernels there fast and right. Its own
# quantiser calls it reduce_range (onnxruntime.ai, "Quantize ONNX models"). Steps are the same on both sides of zero
WEIGHT_BITS = 7
_MOST_WEIGHT = 64
_MOST_BIAS = 2.0**30

Float32 = npt.NDArray[np.float32]


def quantised(model: onnx.ModelProto, plan: Plan, grids: Mapping[str, Grid]) -> onnx.ModelProto:
    """``model`` with the layers of ``plan`` in INT8. ``grids``: of each of `Plan.rounded`.

    Weights of a layer stand in the graph as they are, followed by the node that rounds them: ONNX Runtime does that
    once, when it loads the graph. So they can be shared with the other graphs of a bundle; `stored_weights` rounds
    those that are not.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    writer = _Writer(result, plan, grids)
    layers = set(plan.layers)
    nodes: list[onnx.NodeProto] = []
    for node in result.graph.node:
        if node.name in layers:
            nodes += writer.layer(node)
        else:
            for i, name in enumerate(node.input):
                if plan.rounded.get(name):
                    node.input[i] = writer.read(name, node.name, nodes)
        nodes.append(node)
        for name in node.output:
            if name in plan.rounded:
                nodes.append(writer.round(name))
    result.graph.initializer.extend(writer.constants.values())
    _replace(result.graph, nodes)
    return result


class _Writer:
    """Makes the nodes and constants; each name once."""

    def __init__(self, model: onnx.ModelProto, plan: Plan, grids: Mapping[str, Grid]) -> None:
        self._weights = {t.name: t for t in model.graph.initializer}
        self._plan, self._grids = plan, grids
        self._scales: dict[str, Float32] = {}  # of weights, by output channel
        self.constants: dict[str, onnx.TensorProto] = {}

    def layer(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """What stands before ``node``, which is changed to read it."""
        before: list[onnx.NodeProto] = []
        grids = [self._grid(name) for name in node.input[: 2 if node.op_type == "Add" else 1]]
        for i in range(len(grids)):
            node.input[i] = self.read(node.input[i], f"{node.name}.{i}", before)
        if node.op_type != "Add":
            weight, bias = node.input[1], node.input[2] if len(node.input) > 2 else ""
            node.input[1] = self._weight(weight, bias, grids[0].scale, node.name, before)
            if bias:
                node.input[2] = self._bias(bias, grids[0].scale * self._scales[weight], node.name, before)
        return before

    def round(self, name: str) -> onnx.NodeProto:
        """QuantizeLinear of an activation."""
        return helper.make_node("QuantizeLinear", [name, *self._numbers(name)], [f"{name}.u8"], f"{name}.quantise")

    def read(self, name: str, reader: str, nodes: list[onnx.NodeProto]) -> str:
        """DequantizeLinear of an activation, one for each reader: so ONNX Runtime takes it for that reader's own."""
        output = f"{name}.for.{reader}"
        nodes.append(_node("DequantizeLinear", [f"{name}.u8", *self._numbers(name)], output))
        return output

    def _grid(self, name: str) -> Grid:
        return self._grids[self._plan.same_scale.get(name, name)]

    def _numbers(self, name: str) -> tuple[str, str]:
        grid, of = self._grid(name), self._plan.same_scale.get(name, name)
        self._keep(f"{of}.scale", np.array(grid.scale, np.float32))
        self._keep(f"{of}.zero", np.array(grid.zero, np.uint8))
        return f"{of}.scale", f"{of}.zero"

    def _weight(self, name: str, bias: str, step: float, reader: str, nodes: list[onnx.NodeProto]) -> str:
        """Rounded for each reader anew: where layers share a weight, ONNX Runtime changes it for each."""
        scales = self._scales.setdefault(name, self._weight_scales(name, bias, step))
        output = f"{name}.for.{reader}"
        numbers = [f"{output}.scale", f"{output}.zero"]
        self._keep(numbers[0], scales)
        self._keep(numbers[1], np.zeros(len(scales), np.int8))
        nodes.append(_node("QuantizeLinear", [name, *numbers], f"{output}.s8", axis=0))
        nodes.append(_node("DequantizeLinear", [f"{output}.s8", *numbers], output, axis=0))
        return output

    def _weight_scales(self, name: str, bias: str, step: float) -> Float32:
        values = self._values(name)
        most = np.abs(values.reshape(len(values), -1)).max(1).astype(np.float64)
        scales = np.where(most > 0, most / _MOST_WEIGHT, 1.0)
        if bias:  # must be a 32-bit whole number of steps, also where all weights of a channel are next to nothing
            scales = np.maximum(scales, np.abs(self._values(bias)) / (step * _MOST_BIAS))
        return np.array([short(scale) for scale in scales], np.float32)

    def _bias(self, name: str, scale: Float32, reader: str, nodes: list[onnx.NodeProto]) -> str:
        steps = np.rint(self._values(name).astype(np.float64) / scale)
        own = f"{name}.of.{reader}"
        self._keep(f"{own}.s32", steps.clip(-(2.0**31), 2.0**31 - 1).astype(np.int32))
        self._keep(f"{own}.scale", scale.astype(np.float32))
        nodes.append(_node("DequantizeLinear", [f"{own}.s32", f"{own}.scale"], own, axis=0))
        return own

    def _values(self, name: str) -> Float32:
        return np.asarray(numpy_helper.to_array(self._weights[name]), np.float32)

    def _keep(self, name: str, values: npt.NDArray[Any]) -> None:
        self.constants.setdefault(name, numpy_helper.from_array(values, name))


def stored_weights(model: onnx.ModelProto) -> None:
    """Round the weights that the graph rounds when it is loaded, in place: a quarter of the room of float32."""
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    kept = []
    for node in graph.node:
        values = constants.get(node.input[0]) if node.op_type == "QuantizeLinear" else None
        if values is None or values.data_type != TensorProto.FLOAT:
            kept.append(node)
            continue
        weight = numpy_helper.to_array(values)
        scale = numpy_helper.to_array(constants[node.input[1]]).reshape(-1, *[1] * (weight.ndim - 1))
        steps = np.rint(weight / scale).clip(-_MOST_WEIGHT, _MOST_WEIGHT).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(steps, node.output[0]))
    _replace(graph, kept)


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Other nodes, and of the constants those that they use."""
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    constants = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(constants)


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], f"{output}.{kind.lower()}", **attributes)
