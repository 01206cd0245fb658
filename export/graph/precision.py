"""Where half precision begins and ends: two markers in the torch code, one typing pass over the graph.

The detector is traced once, in float32. The markers are identities in torch and leave a node each in the
graph; `type_graph` then either drops them (a float32 graph) or turns them into Casts and types
everything between them float16. So the precision of every value stands in the ONNX file, which is
what a strongly typed TensorRT build obeys.

Half precision ends at 65504, and what lies beyond compares as false: `within_half` says, inside the graph, whether the
network's numbers are still numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from edge.errors import InputError
from export.graph.folding import numbers_aside

DOMAIN = "thermal.edge"
OVERFLOW = 65520.0  # from here on a value rounds to infinity in half precision
# inputs that stay float32 whatever the type of the data: Resize's roi and scales
_FLOAT32_INPUTS = {"Resize": (1, 2)}


def half(x: Tensor) -> Tensor:
    """From here on half precision is enough (in the float16 graph)."""
    marked: Tensor = _Half.apply(x)
    return marked


def full(x: Tensor) -> Tensor:
    """From here on float32 is needed: coordinates, areas, exponentials, ordering scores."""
    marked: Tensor = _Full.apply(x)
    return marked


def within_half(*values: Tensor) -> Tensor:
    """(1,) bool: every element of ``values`` (float32, any shape) is a number that half precision can hold.

    Looked at are the outputs of the two heads, where what overflowed before them arrives as infinity or not a
    number. An overflow that a ReLU turns into zero on the way is not seen.
    """
    good = [(value.abs() < OVERFLOW).to(torch.float32).amin().reshape(1) for value in values]
    return torch.cat(good).amin().reshape(1) > 0.5


class _Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def symbolic(g: Any, x: Any) -> Any:
        return g.op(f"{DOMAIN}::Half", x).setType(x.type())


class _Full(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def symbolic(g: Any, x: Any) -> Any:
        return g.op(f"{DOMAIN}::Full", x).setType(x.type())


def drop_markers(model: onnx.ModelProto) -> None:
    """Make the traced graph a float32 graph, in place."""
    alias: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        inputs = [alias.get(name, name) for name in node.input]
        if node.domain == DOMAIN:
            alias[node.output[0]] = inputs[0]
            continue
        del node.input[:]
        node.input.extend(inputs)
        kept.append(node)
    _replace_nodes(model, kept)


def type_float16(model: onnx.ModelProto) -> None:
    """Type what lies between `half` and `full` float16 and put a Cast at every border, in place.

    Raises ValueError where a half-precision value meets a computed float32 one: a marker is missing in the
    torch code. Raises InputError where a weight is beyond half precision.
    """
    graph = model.graph
    floats = _float_values(model)
    constants = {t.name: t for t in graph.initializer}
    in_half: set[str] = set()
    kept = []
    for node in graph.node:
        if node.domain == DOMAIN:
            to = TensorProto.FLOAT16 if node.op_type == "Half" else TensorProto.FLOAT
            if (node.input[0] in in_half) == (to == TensorProto.FLOAT16):
                raise ValueError(f"{node.op_type} marker on {node.input[0]}, which has that type already")
            kept.append(helper.make_node("Cast", node.input, node.output, name=node.name, to=to))
            if to == TensorProto.FLOAT16:
                in_half.add(node.output[0])
            continue
        kept.append(node)
        if not any(name in in_half for name in node.input):
            continue
        for i, name in enumerate(node.input):
            if i in _FLOAT32_INPUTS.get(node.op_type, ()) or name in in_half:
                continue
            if name in constants:
                node.input[i] = _half_constant(graph, constants, name)
            elif name in floats:
                raise ValueError(f"{node.op_type} {node.name} mixes float16 with float32 {name}: mark it half()")
        if node.op_type != "Cast":
            in_half.update(name for name in node.output if name in floats)
    _replace_nodes(model, kept)
    del graph.value_info[:]


def _half_constant(graph: onnx.GraphProto, constants: dict[str, TensorProto], name: str) -> str:
    tensor = constants[name]
    if tensor.data_type != TensorProto.FLOAT:
        return name
    typed = f"{name}.half"
    if typed not in constants:
        values = numpy_helper.to_array(tensor)
        limit = float(np.finfo(np.float16).max)
        if np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max(initial=0) > limit:
            raise InputError(
                f"weight {name} holds values beyond {limit:.0f}, which half precision cannot: the batch norm before "
                "it may have a variance of almost 0; train further or export another checkpoint"
            )
        new = numpy_helper.from_array(values.astype(np.float16), typed)
        graph.initializer.append(new)
        constants[typed] = new
    return typed


def _replace_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    graph = model.graph
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input} | {v.name for v in graph.output}
    initializers = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    opsets = [o for o in model.opset_import if o.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def _float_values(model: onnx.ModelProto) -> set[str]:
    """Names of all computed float32 values, told by the graph without markers."""
    plain = onnx.ModelProto()
    with numbers_aside(model):
        plain.CopyFrom(model)
    drop_markers(plain)
    graph = onnx.shape_inference.infer_shapes(plain).graph
    return {
        value.name
        for value in (*graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
