"""What TensorRT 10.3 .. 11 would refuse in an ONNX graph, told from the file alone.

Operators and types: the support matrix of the ONNX parser (onnx/onnx-tensorrt, docs/operators.md, TensorRT 10.15),
without what has a data-dependent shape (it breaks CUDA graphs and fixed buffers) or needs a plugin. K of TopK:
3840 in NvInfer.h of 8.5 .. 11.1. UINT8 only at the border of the network, opset up to 20: TensorRT 10.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from export.graph.supported import TOPK_LIMIT

OPSET_LIMIT = 20
VOLUME_LIMIT = 2**31 - 1
_NAMES = {TensorProto.DataType.Name(v): v for v in TensorProto.DataType.values()}
_FLOAT = {_NAMES[name] for name in ("FLOAT", "FLOAT16", "BFLOAT16")}
_INT = {_NAMES["INT32"], _NAMES["INT64"]}
_BOOL = {_NAMES["BOOL"]}
_TYPES = {
    operator: types
    for types, operators in (
        (
            _FLOAT,
            "AveragePool BatchNormalization Ceil Clip Conv ConvTranspose CumSum Elu Erf Exp Floor Gelu Gemm "
            "GlobalAveragePool GlobalMaxPool GridSample GroupNormalization HardSigmoid HardSwish InstanceNormalization "
            "LayerNormalization LeakyRelu Log LogSoftmax MatMul MaxPool PRelu Reciprocal Resize Round Sigmoid Softmax "
            "Softplus Softsign Sqrt Tanh",
        ),
        (
            _FLOAT | _INT,
            "Abs Add ArgMax ArgMin DepthToSpace Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul "
            "Neg Pad Pow Range ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare "
            "Relu ScatterElements ScatterND Sign SpaceToDepth Sub Sum TopK",
        ),
        (
            _FLOAT | _INT | _BOOL,
            "Concat Constant ConstantOfShape Expand Flatten Gather GatherElements GatherND Identity OneHot Reshape "
            "Shape Size Slice Split Squeeze Tile Transpose Trilu Unsqueeze Where",
        ),
        (_BOOL, "And Not Or Xor"),
        (_FLOAT | _INT | _BOOL | {_NAMES["UINT8"]}, "Cast"),
    )
    for operator in operators.split()
}
_DATA_DEPENDENT = {"NonZero", "NonMaxSuppression", "Unique", "Compress"}
_COMPARE = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")  # give BOOL, whatever they take
# operators whose inputs must be of one type in a strongly typed network; the data of Where as well
_ONE_TYPE = {
    "Add", "Sub", "Mul", "Div", "Max", "Min", "Mean", "Sum", "Pow", "Concat", "Conv", "ConvTranspose", "Gemm", "MatMul",
    "GridSample", "And", "Or", "Xor", *_COMPARE,
}  # fmt: skip


def refusals(model: onnx.ModelProto) -> list[str]:
    """One line for each thing that TensorRT 10.3 .. 11 would not take; none = it should compile."""
    found = [
        f"opset {o.version} of {o.domain or 'ai.onnx'}: expected ai.onnx up to {OPSET_LIMIT}"
        for o in model.opset_import
        if o.domain not in ("", "ai.onnx") or o.version > OPSET_LIMIT
    ]
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {t.name: (t.data_type, list(t.dims)) for t in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim]
        shapes[value.name] = (tensor.elem_type, dims if tensor.HasField("shape") else [-1])
    border = {value.name for value in (*graph.input, *graph.output)}
    constants = {t.name: t for t in graph.initializer}
    for node in graph.node:
        where = f"{node.op_type} {node.name or node.output[0]}"
        found += [f"{where}: {reason}" for reason in _node(node, shapes, border, constants)]
    return list(dict.fromkeys(found))


def _node(
    node: onnx.NodeProto,
    shapes: dict[str, tuple[int, list[int]]],
    border: set[str],
    constants: dict[str, TensorProto],
) -> Iterator[str]:
    if node.domain not in ("", "ai.onnx"):
        yield f"domain {node.domain} needs a plugin"
        return
    if node.op_type in _DATA_DEPENDENT:
        yield "its output's shape depends on the data"
        return
    if node.op_type == "RoiAlign":
        yield "TensorRT runs it as a plugin"
        return
    if node.op_type not in _TYPES:
        yield "no such operator in TensorRT's parser, or none that keeps shapes fixed"
        return
    for name in node.output:
        kind, dims = shapes.get(name, (0, [-1]))
        if kind and any(d < 0 for d in dims):
            yield f"the shape of {name} is not fixed"
        elif math.prod(dims) > VOLUME_LIMIT:
            yield f"{name} has {math.prod(dims)} elements: at most {VOLUME_LIMIT}"
    yield from _types(node, shapes, border)
    if node.op_type == "TopK":
        yield from _topk(node, shapes, constants)
    if node.op_type in ("ScatterND", "ScatterElements") and _attribute(node, "reduction", b"none") != b"none":
        yield "a reduction is not supported"
    if node.op_type == "Resize" and _attribute(node, "mode", b"nearest") not in (b"nearest", b"linear"):
        yield "only nearest and linear are supported"


def _types(node: onnx.NodeProto, shapes: dict[str, tuple[int, list[int]]], border: set[str]) -> Iterator[str]:
    for name in (*node.input[:1], *node.output[:1]):
        kind = shapes.get(name, (0, []))[0]
        if kind == TensorProto.UINT8 and not (node.op_type == "Cast" and name in border):
            yield "UINT8 is only for a network input that is cast at once"
        elif kind and kind not in _TYPES[node.op_type] and not (name in node.output and node.op_type in _COMPARE):
            yield f"{TensorProto.DataType.Name(kind)} is not supported"
    alike = node.input[1:] if node.op_type == "Where" else node.input if node.op_type in _ONE_TYPE else ()
    together = {shapes[name][0] for name in alike if name in shapes}
    if len(together) > 1:
        kinds = " and ".join(sorted(TensorProto.DataType.Name(kind) for kind in together))
        yield f"mixes {kinds}: a strongly typed network wants one type"


def _topk(
    node: onnx.NodeProto, shapes: dict[str, tuple[int, list[int]]], constants: dict[str, TensorProto]
) -> Iterator[str]:
    if node.input[1] not in constants:
        yield "K must be a constant"
        return
    k = int(numpy_helper.to_array(constants[node.input[1]]).reshape(-1)[0])
    dims = shapes.get(node.input[0], (0, []))[1]
    axis = _attribute(node, "axis", -1)
    if k > TOPK_LIMIT:
        yield f"K = {k}: at most {TOPK_LIMIT}"
    if dims and isinstance(axis, int) and k > dims[axis] >= 0:
        yield f"K = {k} of {dims[axis]} elements"


def _attribute(node: onnx.NodeProto, name: str, default: int | bytes) -> int | bytes:
    for attribute in node.attribute:
        if attribute.name == name:
            return int(attribute.i) if attribute.type == AttributeProto.INT else bytes(attribute.s)
    return default
