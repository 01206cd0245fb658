"""What one frame costs: operations and bytes of each kernel, from a TensorRT graph and, if there is one, its listing.

The operations come from the shapes in the ONNX file. Kernels and their bytes come from what TensorRT-RTX lists; without
it they are counted in the ONNX graph, by a rough rule of what TensorRT joins into one kernel.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass

import onnx

from edge.errors import InputError
from export.tensorrt.listing import PARTS, Kernel

# change no value, only how it is looked at: no kernel
_VIEWS = {"Reshape", "Flatten", "Unsqueeze", "Squeeze", "Identity", "Constant"}
# TensorRT joins these with what makes their newest input
_JOINED = {
    "Abs", "Add", "And", "Cast", "Ceil", "Clip", "Div", "Equal", "Erf", "Exp", "Floor", "Gather", "GatherElements",
    "GatherND", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Log", "Max", "Min", "Mul", "Neg", "Not", "Or",
    "Pow", "Relu", "Round", "Sigmoid", "Slice", "Sqrt", "Sub", "Tanh", "Where",
}  # fmt: skip
_REDUCED = {"ReduceMax", "ReduceMin", "ReduceSum"}  # these too, and end that kernel

Shapes = dict[str, tuple[list[int], int]]  # of every value: its shape, and the bytes of one element


@dataclass(frozen=True, slots=True)
class Work:
    """Of ``kernels`` for one frame. ``gflop``: 1e9 multiplications and additions of convolutions and products of
    matrices. ``mbytes``: 1e6 bytes read and written, whole tensors. ``walked``: elements that TopK walks one after the
    other, the length of its axis.
    """

    gflop: float
    mbytes: float
    kernels: int = 1
    walked: int = 0


def work_by_part(model: onnx.ModelProto, listed: list[Kernel] | None = None) -> dict[str, list[Work]]:
    """The kernels of each of `export.tensorrt.listing.PARTS` that the graph has, parts in the order of a frame.

    ``model``: a float16 graph with fixed shapes; its weights need not be loaded. ``listed``: its kernels as
    TensorRT-RTX lists them; None = a rough count in the graph itself.

    Raises InputError where the shapes of a product are not known.
    """
    shapes = _shapes(model)
    products = {node.name.lstrip("/"): _products(node, shapes) for node in model.graph.node}
    walked = {node.name.lstrip("/"): _walked(node, shapes) for node in model.graph.node}
    parts: dict[str, list[Work]] = {part: [] for part in PARTS}
    for kernel in listed if listed is not None else _rough_kernels(model, shapes):
        # a node that stands in several kernels is counted in the first
        flop = sum(products.pop(name, 0.0) for name in kernel.nodes)
        steps = sum(walked.pop(name, 0) for name in kernel.nodes)
        parts[kernel.part].append(Work(flop / 1e9, kernel.size / 1e6, walked=steps))
    for name, flop in products.items():  # no kernel names it: it is done all the same
        if flop or walked.get(name):
            parts[part_of(name)].append(Work(flop / 1e9, 0.0, kernels=0, walked=walked[name]))
    return {part: work for part, work in parts.items() if work}


def total(work: list[Work]) -> Work:
    """All of it as one figure, to be shown; a time of it is the sum of its kernels' times."""
    return Work(
        sum(w.gflop for w in work),
        sum(w.mbytes for w in work),
        sum(w.kernels for w in work),
        sum(w.walked for w in work),
    )


def part_of(node: str) -> str:
    """The part of the network that a node of this name belongs to."""
    return next(part for part, scope in PARTS.items() if re.match(scope, node.lstrip("/")))


def _shapes(model: onnx.ModelProto) -> Shapes:
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {t.name: (list(t.dims), _bytes(t.data_type)) for t in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        shapes[value.name] = ([d.dim_value for d in tensor.shape.dim], _bytes(tensor.elem_type))
    return shapes


def _bytes(kind: int) -> int:
    return int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize) if kind else 0


def _known(name: str, node: onnx.NodeProto, shapes: Shapes) -> list[int]:
    shape = shapes.get(name, ([0], 0))[0]
    if not all(n > 0 for n in shape):
        raise InputError(
            f"the shape of {name} at {node.op_type} {node.name} is not fixed in the graph: export the bundle again"
        )
    return shape


def _products(node: onnx.NodeProto, shapes: Shapes) -> float:
    """Multiplications and additions of a convolution or a product of matrices; 0 of all else."""
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return 0.0
    out = math.prod(_known(node.output[0], node, shapes))
    if node.op_type == "Conv":  # weights: outputs, inputs a group, rows, columns
        return 2.0 * out * math.prod(_known(node.input[1], node, shapes)[1:])
    turned = any(a.name == "transA" and a.i for a in node.attribute)
    return 2.0 * out * _known(node.input[0], node, shapes)[0 if turned else -1]


def _walked(node: onnx.NodeProto, shapes: Shapes) -> int:
    if node.op_type != "TopK":
        return 0
    axis = next((a.i for a in node.attribute if a.name == "axis"), -1)
    return _known(node.input[0], node, shapes)[axis]


class _Rough:
    """One kernel as it grows."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.reads: dict[str, int] = {}
        self.writes: dict[str, int] = {}
        self.ended = False


def _rough_kernels(model: onnx.ModelProto, shapes: Shapes) -> list[Kernel]:
    """Each node is a kernel, but views are none, and `_JOINED` and `_REDUCED` join the kernel of their newest input."""
    found: list[_Rough] = []
    made_by: dict[str, int] = {}  # of a value: its kernel
    seen: dict[str, str] = {}  # of a view: the value that it shows
    used_by: dict[str, set[int]] = defaultdict(set)
    for node in model.graph.node:
        inputs = [seen.get(name, name) for name in node.input if name]
        if node.op_type in _VIEWS:
            seen.update((name, inputs[0]) for name in node.output if inputs)
            continue
        here = max((made_by[name] for name in inputs if name in made_by), default=-1)
        if here < 0 or found[here].ended or node.op_type not in _JOINED | _REDUCED:
            here = len(found)
            found.append(_Rough())
        kernel = found[here]
        kernel.nodes.append(node.name.lstrip("/"))
        kernel.ended = node.op_type in _REDUCED
        for name in inputs:
            used_by[name].add(here)
            if made_by.get(name) != here:
                kernel.reads[name] = _size(name, shapes)
        made_by.update((name, here) for name in node.output)
    asked = {seen.get(value.name, value.name) for value in model.graph.output}
    for name, here in made_by.items():
        if name in asked or used_by[name] - {here}:
            found[here].writes[name] = _size(name, shapes)
    return [
        Kernel("", part_of(k.nodes[0]), sum(k.reads.values()) + sum(k.writes.values()), tuple(k.nodes)) for k in found
    ]


def _size(name: str, shapes: Shapes) -> int:
    shape, size = shapes.get(name, ([0], 0))
    return math.prod(shape) * size
