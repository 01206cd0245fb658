"""Each thing that TensorRT would refuse is told, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.graph.trt_operators import refusals

F32, F16, I64, U8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.UINT8


def model_of(
    *nodes: onnx.NodeProto,
    inputs: dict[str, tuple[int, list[int | str]]],
    constants: dict[str, Any] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_empty_tensor_value_info(nodes[-1].output[0])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid(domain, opset) for domain in sorted({"", *(n.domain for n in nodes)})]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def node(kind: str, inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), ["y"], name="n", **attributes)


def topk(k: int) -> onnx.ModelProto:
    top = helper.make_node("TopK", ["x", "k"], ["y", "at"], name="n")
    return model_of(top, inputs={"x": (F32, [5000])}, constants={"k": np.array([k], np.int64)})


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (topk(3841), "K = 3841: at most 3840"),
        (
            model_of(
                helper.make_node("TopK", ["x", "k"], ["y", "at"], name="n"),
                inputs={"x": (F32, [50]), "k": (I64, [1])},
            ),
            "K must be a constant",
        ),
        (model_of(node("NonZero", "x"), inputs={"x": (F32, [4])}), "depends on the data"),
        (
            model_of(node("NonMaxSuppression", "b s"), inputs={"b": (F32, [1, 4, 4]), "s": (F32, [1, 1, 4])}),
            "depends on the data",
        ),
        (
            model_of(
                node("RoiAlign", "x r i"),
                inputs={"x": (F32, [1, 1, 8, 8]), "r": (F32, [2, 4]), "i": (I64, [2])},
            ),
            "plugin",
        ),
        (
            model_of(
                node("MaxRoiPool", "x r", pooled_shape=[2, 2]), inputs={"x": (F32, [1, 1, 8, 8]), "r": (F32, [2, 5])}
            ),
            "no such operator",
        ),
        (model_of(node("Relu", "x", domain="ours"), inputs={"x": (F32, [4])}), "needs a plugin"),
        (model_of(node("Add", "a b"), inputs={"a": (F16, [4]), "b": (F32, [4])}), "mixes FLOAT and FLOAT16"),
        (
            model_of(node("Where", "c a b"), inputs={"c": (TensorProto.BOOL, [4]), "a": (F16, [4]), "b": (F32, [4])}),
            "mixes FLOAT and FLOAT16",
        ),
        (
            model_of(node("Transpose", "x", perm=[1, 0]), inputs={"x": (U8, [4, 4])}),
            "UINT8 is only for a network input",
        ),
        (model_of(node("Exp", "x"), inputs={"x": (TensorProto.DOUBLE, [4])}), "DOUBLE is not supported"),
        (model_of(node("Floor", "x"), inputs={"x": (F32, ["n"])}), "shape of y is not fixed"),
        (model_of(node("Relu", "x"), inputs={"x": (F32, [4])}, opset=21), "opset 21"),
        (
            model_of(
                node("ScatterND", "x i u", reduction="add"),
                inputs={"x": (F32, [4]), "i": (I64, [2, 1]), "u": (F32, [2])},
            ),
            "reduction",
        ),
        (
            model_of(node("Expand", "x s"), inputs={"x": (F32, [1])}, constants={"s": np.array([2**31], np.int64)}),
            "elements",
        ),
    ],
)
def test_refused(model: onnx.ModelProto, told: str) -> None:
    lines = refusals(model)
    assert any(told in line for line in lines), lines
    assert all(line.startswith(("opset", model.graph.node[0].op_type)) for line in lines)


@pytest.mark.parametrize(
    "model",
    [
        topk(3840),
        model_of(node("Cast", "x", to=F32), inputs={"x": (U8, [1, 8, 8, 1])}),
        model_of(node("Add", "a b"), inputs={"a": (F16, [4]), "b": (F16, [1])}),
        model_of(node("Less", "a b"), inputs={"a": (I64, [4]), "b": (I64, [1])}),
        model_of(node("Gather", "x i"), inputs={"x": (TensorProto.BOOL, [4]), "i": (I64, [2])}),
    ],
)
def test_taken(model: onnx.ModelProto) -> None:
    assert refusals(model) == []


def expanded(n: int) -> onnx.ModelProto:
    return model_of(node("Expand", "x s"), inputs={"x": (F32, [1])}, constants={"s": np.array([n], np.int64)})


def top(k: int, of: int) -> onnx.ModelProto:
    two = helper.make_node("TopK", ["x", "k"], ["y", "at"], name="n", axis=1)
    return model_of(two, inputs={"x": (F32, [9, of])}, constants={"k": np.array([k], np.int64)})


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (expanded(2**31 - 1), None),
        (expanded(2**31), "at most 2147483647"),
        (top(5, 5), None),
        (top(6, 5), "K = 6 of 5 elements"),
        (model_of(node("Relu", "x"), inputs={"x": (F32, [4])}, opset=20), None),
        (model_of(node("Resize", "x r s", mode="cubic"), inputs={"x": (F32, [1, 1, 2, 2])},
                  constants={"r": np.zeros(0, np.float32), "s": np.ones(4, np.float32)}), "only nearest and linear"),
        (model_of(node("Resize", "x r s", mode="linear"), inputs={"x": (F32, [1, 1, 2, 2])},
                  constants={"r": np.zeros(0, np.float32), "s": np.ones(4, np.float32)}), None),
        (model_of(node("ScatterElements", "x i u", reduction="mul"),
                  inputs={"x": (F32, [4]), "i": (I64, [2]), "u": (F32, [2])}), "reduction"),
        (model_of(node("ScatterElements", "x i u"),
                  inputs={"x": (F32, [4]), "i": (I64, [2]), "u": (F32, [2])}), None),
        (model_of(node("Less", "a b"), inputs={"a": (F16, [4]), "b": (F32, [4])}), "mixes FLOAT and FLOAT16"),
        (model_of(node("Where", "c a b"),
                  inputs={"c": (TensorProto.BOOL, [4]), "a": (F16, [4]), "b": (F16, [4])}), None),
        (model_of(node("And", "a b"), inputs={"a": (TensorProto.BOOL, [4]), "b": (TensorProto.BOOL, [4])}), None),
        (model_of(node("Compress", "x c"), inputs={"x": (F32, [4]), "c": (TensorProto.BOOL, [4])}), "depends on"),
    ],
)  # fmt: skip
def test_one_step_below_and_above(model: onnx.ModelProto, told: str | None) -> None:
    lines = refusals(model)
    assert (lines == []) if told is None else any(told in line for line in lines), lines


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (model_of(node("Relu", "x"), inputs={"x": (F32, [0, 4])}), []),
        (model_of(node("Gather", "x i"), inputs={"x": (F16, [4]), "i": (I64, [2])}), []),
        (model_of(node("Equal", "a b"), inputs={"a": (F32, [4]), "b": (F32, [4])}), []),
        (
            model_of(node("Equal", "a b"), inputs={"a": (TensorProto.BOOL, [4]), "b": (TensorProto.BOOL, [4])}),
            ["Equal n: BOOL is not supported"],
        ),
        (
            model_of(helper.make_node("Cast", ["x"], ["u"], name="a", to=U8),
                     helper.make_node("Cast", ["u"], ["y"], name="b", to=F32), inputs={"x": (F32, [4])}),
            [f"Cast {name}: UINT8 is only for a network input that is cast at once" for name in "ab"],
        ),
        (
            model_of(node("Identity", "x"), inputs={"x": (U8, [4])}),
            ["Identity n: UINT8 is only for a network input that is cast at once"],
        ),
        (
            model_of(node("Sum", "a b c"), inputs={"a": (F16, [4]), "b": (F16, [4]), "c": (F32, [4])}),
            ["Sum n: mixes FLOAT and FLOAT16: a strongly typed network wants one type"],
        ),
        (
            model_of(node("Sum", "a b b"), inputs={"a": (F32, [4]), "b": (F16, [4])}),
            ["Sum n: mixes FLOAT and FLOAT16: a strongly typed network wants one type"],
        ),
        (
            model_of(node("Relu", "x", domain="ours"), inputs={"x": (F32, [4])}),
            ["opset 17 of ours: expected ai.onnx up to 20", "Relu n: domain ours needs a plugin"],
        ),
    ],
)  # fmt: skip
def test_every_word_of_a_refusal(model: onnx.ModelProto, told: list[str]) -> None:
    assert refusals(model) == told
