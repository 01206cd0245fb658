"""A ReLU and the pooling behind it, exchanged: the same numbers in another order of nodes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from export.graph.int8.pooling import pool_before_relu

SHAPE = [1, 2, 9, 7]


def graph(*nodes: onnx.NodeProto, gives: tuple[str, ...] = ("out",)) -> onnx.ModelProto:
    def value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    made = helper.make_graph(list(nodes), "g", [value("in", SHAPE)], [value(name, list("nchw")) for name in gives])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def relu(of: str, gives: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [of], [gives], f"relu of {of}")


def pool(of: str, gives: str) -> onnx.NodeProto:
    return helper.make_node(
        "MaxPool", [of], [gives], f"pool of {of}", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    )


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def outputs(model: onnx.ModelProto) -> list[np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.random.default_rng(3).normal(0, 1, SHAPE).astype(np.float32)
    values[0, 1] = -1 - values[0, 1] ** 2  # nothing above zero: the padding must not be taken for something
    return list(session.run(None, {"in": values}))


@pytest.mark.parametrize(
    ("nodes", "order"),
    [
        ([relu("in", "a"), pool("a", "out")], ["MaxPool", "Relu"]),
        ([relu("in", "a"), pool("a", "b"), pool("b", "out")], ["MaxPool", "MaxPool", "Relu"]),
        ([relu("in", "a"), pool("a", "b"), relu("b", "c"), pool("c", "out")], ["MaxPool", "Relu", "MaxPool", "Relu"]),
    ],
)
def test_the_same_numbers_in_another_order(nodes: list[onnx.NodeProto], order: list[str]) -> None:
    model = graph(*nodes)
    before = outputs(model)
    pool_before_relu(model.graph)
    assert kinds(model) == order
    for mine, expected in zip(outputs(model), before, strict=True):
        assert mine.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "model",
    [
        graph(relu("in", "a"), pool("a", "b"), helper.make_node("Neg", ["a"], ["c"]), gives=("b", "c")),
        graph(relu("in", "out"), pool("out", "b"), gives=("out", "b")),
        graph(helper.make_node("Neg", ["in"], ["a"]), pool("a", "out")),
        graph(pool("in", "a"), relu("a", "out")),
    ],
    ids=["another reads the ReLU", "the ReLU is given out", "not monotonic", "pooled before"],
)
def test_what_is_left_as_it_is(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    pool_before_relu(model.graph)
    assert model.SerializeToString() == before
