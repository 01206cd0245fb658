"""What is made of the traced graph: constants, outputs, weights stored in half precision; graphs made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import export.graph.onnx_graph as onnx_graph
from edge.errors import InputError
from export.graph.onnx_graph import _constants_to_initializers, _declare_outputs, trace
from tests.export.graph.test_folding import table
from tests.export.graph.test_precision import graph, op
from tests.export.graph.test_trt_operators import F32, I64


@pytest.mark.parametrize(("n", "stored"), [(3, TensorProto.FLOAT), (4, TensorProto.FLOAT16)])
def test_large_weights_are_stored_in_half(n: int, stored: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "LARGE", 4)
    model = table(n)
    onnx_graph._store_as_float16(model)
    kinds = {tensor.name.partition(".")[0]: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"a": stored, "b": TensorProto.FLOAT}
    assert [node.op_type for node in model.graph.node] == ["Cast"] * (n == 4) + ["Add", "Add"]
    onnx.checker.check_model(model, full_check=True)


def test_constants_become_initializers() -> None:
    value = numpy_helper.from_array(np.ones(4, np.float32), "of the node")
    nodes = [
        op("Constant", "", "c", value=value),
        op("Constant", "", "one", value_float=1.0),
        op("Identity", "c", "same"),
        op("Identity", "same", "again"),
        op("Identity", "x", "of_x"),
        op("Add", "of_x again", "sum"),
        op("Mul", "sum one", "z"),
        op("Identity", "c", "y"),
    ]
    model = graph(nodes, {})
    _constants_to_initializers(model)
    assert [t.name for t in model.graph.initializer] == ["c"]
    assert [(n.op_type, list(n.input), list(n.output)) for n in model.graph.node] == [
        ("Constant", [], ["one"]),
        ("Identity", ["x"], ["of_x"]),
        ("Add", ["of_x", "c"], ["sum"]),
        ("Mul", ["sum", "one"], ["z"]),
        ("Identity", ["c"], ["y"]),
    ]


class Bessel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image_input: Any = SimpleNamespace(original=(3, 5))

    def forward(self, image: Tensor) -> Tensor:
        return torch.special.bessel_j0(image.float())


def test_a_part_without_a_form_in_onnx() -> None:
    with pytest.raises(InputError, match="has no form in ONNX .*special_bessel_j0.*: replace it"):
        trace(Bessel())  # type: ignore[arg-type]


def test_small_weights_before_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "LARGE", 4)
    model = graph(
        [op("Add", "x w", "y")], {"v": np.ones(3, np.float32), "i": np.arange(4), "w": np.ones(4, np.float32)}
    )
    onnx_graph._store_as_float16(model)
    assert [t.name for t in model.graph.initializer] == ["v", "i", "w.stored"]
    assert [(n.op_type, list(n.input), list(n.output)) for n in model.graph.node] == [
        ("Cast", ["w.stored"], ["w"]),
        ("Add", ["x", "w"], ["y"]),
    ]


def test_the_outputs_of_the_contract() -> None:
    names = {"boxes": F32, "scores": F32, "labels": TensorProto.INT32, "converged": TensorProto.INT32}
    model = graph([], {})
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, kind, None) for name, kind in names.items())
    _declare_outputs(model, 7)
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.output]
    assert shapes == [[1, 7, 4], [1, 7], [1, 7], [1]]
    assert [(v.name, v.type.tensor_type.elem_type) for v in model.graph.output] == list(names.items())
    model.graph.output[2].type.tensor_type.elem_type = I64
    with pytest.raises(ValueError, match="outputs of types"):
        _declare_outputs(model, 7)
