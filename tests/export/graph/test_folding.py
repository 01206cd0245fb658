"""Constant folding keeps the numbers and leaves nothing that could have been told beforehand."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import export.graph.folding as folding
from export.graph.folding import LARGEST, fold_constants


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], shape: list[int]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["a", "b"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_shape_arithmetic_disappears() -> None:
    """x reshaped by its own shape, computed as the exporter does."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one"], ["first"]),
        helper.make_node("Mul", ["first", "two"], ["doubled"]),
        helper.make_node("Concat", ["doubled", "rest"], ["target"], axis=0),
        helper.make_node("Identity", ["target"], ["same"]),
        helper.make_node("Reshape", ["x", "same"], ["y"]),
    ]
    constants = {n: np.array([v], np.int64) for n, v in (("zero", 0), ("one", 1), ("two", 2), ("rest", -1))}
    model = model_of(nodes, constants, [3, 4])
    fold_constants(model)
    onnx.checker.check_model(model, full_check=True)
    assert [n.op_type for n in model.graph.node] == ["Reshape"]
    assert numpy_helper.to_array(model.graph.initializer[0]).tolist() == [6, -1]
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    got = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    assert np.array_equal(got, x.reshape(6, 2))


def test_large_tables_stay_computed() -> None:
    side = int(LARGEST**0.5) + 1
    nodes = [
        helper.make_node("Mul", ["row", "column"], ["table"]),
        helper.make_node("Add", ["x", "table"], ["y"]),
    ]
    line = np.arange(side, dtype=np.float32)
    model = model_of(nodes, {"row": line[None], "column": line[:, None]}, [1, 1])
    fold_constants(model)
    assert [n.op_type for n in model.graph.node] == ["Mul", "Add"]
    assert sum(t.ByteSize() for t in model.graph.initializer) < 10 * side


def test_an_output_is_never_folded_away() -> None:
    model = model_of([helper.make_node("Neg", ["c"], ["y"])], {"c": np.ones(2, np.float32)}, [1])
    fold_constants(model)
    assert [n.op_type for n in model.graph.node] == ["Neg"]


def table(n: int) -> onnx.ModelProto:
    """x plus a table of n computed values."""
    nodes = [helper.make_node("Add", ["a", "b"], ["t"]), helper.make_node("Add", ["x", "t"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n])],
        [numpy_helper.from_array(np.ones(k, np.float32), name) for name, k in (("a", n), ("b", 1))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("n", "left"), [(6, 1), (7, 2)])
def test_a_table_is_folded_up_to_the_limit(n: int, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "LARGEST", 6)
    model = table(n)
    folding.fold_constants(model)
    assert len(model.graph.node) == left
    if left == 1:
        assert numpy_helper.to_array(model.graph.initializer[0]).tolist() == [2.0] * n
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim] == [n]
