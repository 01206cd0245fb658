"""Where half precision begins and ends in the file; an overflow inside the network is told."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.graph.precision import DOMAIN, drop_markers, full, half, type_float16, within_half
from export.graph.static import StaticDetector, Target
from tests.export.graph.test_trt_operators import F16, F32, I64
from tests.support.random_detectors import HEIGHT, WIDTH, thermal_scene


class Marked(nn.Module):
    """Convolution, upsampling and a table in half precision, an exponential in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(half(x.float()))
        y = F.interpolate(y, scale_factor=2.0, mode="nearest") * 0.5
        return full(y).exp()


class Mixed(Marked):
    def forward(self, x: Tensor) -> Tensor:
        return self.conv(half(x.float())) + x.float()


def traced(module: nn.Module) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(1, 1, 6, 6, dtype=torch.uint8),),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=17,
            custom_opsets={DOMAIN: 1},
        )
    model = onnx.load_from_string(buffer.getvalue())
    for node in [n for n in model.graph.node if n.op_type == "Constant"]:
        tensor = model.graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        model.graph.node.remove(node)
    return model


def types(model: onnx.ModelProto) -> dict[str, set[int]]:
    """Element types that each operator gives."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    kinds = {v.name: v.type.tensor_type.elem_type for v in (*graph.value_info, *graph.output)}
    return {n.op_type: {kinds[name] for name in n.output} for n in graph.node}


def test_between_the_markers_everything_is_float16() -> None:
    model = traced(Marked())
    type_float16(model)
    onnx.checker.check_model(model, full_check=True)
    kinds = types(model)
    assert kinds["Conv"] == kinds["Resize"] == kinds["Mul"] == {TensorProto.FLOAT16}
    assert kinds["Exp"] == {TensorProto.FLOAT}
    assert {o.domain for o in model.opset_import} == {""}
    stored = {t.name: t.data_type for t in model.graph.initializer}
    conv = next(n for n in model.graph.node if n.op_type == "Conv")
    assert {stored[name] for name in conv.input[1:]} == {TensorProto.FLOAT16}


def test_without_markers_nothing_is_float16() -> None:
    model = traced(Marked())
    drop_markers(model)
    onnx.checker.check_model(model, full_check=True)
    kinds = types(model)
    assert TensorProto.FLOAT16 not in set().union(*kinds.values())
    assert "Half" not in kinds


def test_a_missing_marker_is_found() -> None:
    with pytest.raises(ValueError, match="mixes float16 with float32"):
        type_float16(traced(Mixed()))


def test_weights_beyond_half_precision() -> None:
    module = Marked()
    with torch.no_grad():
        module.conv.weight[0, 0, 0, 0] = 1e5
    with pytest.raises(InputError, match="half precision cannot"):
        type_float16(traced(module))


def test_markers_are_identities_in_torch() -> None:
    x = torch.randn(3)
    assert torch.equal(full(half(x)), x)


def test_values_are_those_of_float32_rounded_once() -> None:
    module = Marked()
    model = traced(module)
    type_float16(model)
    kernel = next(t for t in model.graph.initializer if list(t.dims) == [4, 1, 3, 3])
    expected = module.conv.weight.detach().numpy().astype(np.float16)
    assert np.array_equal(numpy_helper.to_array(kernel), expected)


@pytest.mark.parametrize(
    ("value", "fine"),
    [(65504.0, True), (65520.0, False), (-1e6, False), (torch.inf, False), (-torch.inf, False), (torch.nan, False)],
)
def test_one_value_is_enough(value: float, fine: bool) -> None:
    x = torch.zeros(3, 5)
    x[1, 2] = value
    assert within_half(torch.ones(2), x).tolist() == [fine]


@pytest.fixture
def model(small_detector: FasterRCNN) -> FasterRCNN:
    return copy.deepcopy(small_detector)


@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
@pytest.mark.parametrize("part", ["nothing", "rpn", "head"])
def test_the_graph_says_minus_one(model: FasterRCNN, target: Target, part: str) -> None:
    layers = {
        "rpn": model.rpn.head.cls_logits,
        "head": model.roi_heads.box_predictor.cls_score,
    }
    with torch.no_grad():
        if part in layers:
            layers[part].bias[0] = torch.inf
    image = torch.from_numpy(thermal_scene(HEIGHT, WIDTH))[None, :, :, None]
    with torch.no_grad():
        *_, state = StaticDetector(model, HEIGHT, WIDTH, target)(image)
    assert state.tolist() == [1 if part == "nothing" else -1]


def graph(nodes: list[onnx.NodeProto], constants: dict[str, Any], shape: tuple[int, ...] = (4,)) -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F32, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def op(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    domain = DOMAIN if kind in ("Half", "Full") else ""
    return helper.make_node(kind, inputs.split(), [output], name=kind, domain=domain, **attributes)


@pytest.mark.parametrize(("value", "fine"), [(65519.0, True), (65520.0, False), (-65519.0, True), (-65520.0, False)])
def test_the_largest_number_of_half_precision(value: float, fine: bool) -> None:
    assert within_half(torch.tensor([value]), torch.ones(2)).tolist() == [fine]
    assert within_half(torch.ones(2), torch.tensor([value])).tolist() == [fine]


def test_types_between_the_markers() -> None:
    """A constant is typed once, one that is no float not at all, and what is cast goes on in its own type."""
    nodes = [
        op("Half", "x", "a"),
        op("Add", "w a", "b"),
        op("Mul", "b w", "c"),
        op("Reshape", "c s", "d"),
        op("Cast", "d", "e", to=F32),
        op("Add", "e v", "f"),
        op("Full", "d", "h"),
        op("Add", "f h", "y"),
    ]
    low = np.array([1, 2, -np.inf, 65504], np.float32)
    model = graph(nodes, {"w": low, "v": low, "s": np.array([4], np.int64), "unused": low})
    type_float16(model)
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    assert kinds == {"w.half": F16, "v": F32, "s": I64}
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [
        ("Cast", ["x"]),
        ("Add", ["w.half", "a"]),
        ("Mul", ["b", "w.half"]),
        ("Reshape", ["c", "s"]),
        ("Cast", ["d"]),
        ("Add", ["e", "v"]),
        ("Cast", ["d"]),
        ("Add", ["f", "h"]),
    ]
    assert [n.attribute[0].i for n in model.graph.node if n.op_type == "Cast"] == [F16, F32, F32]
    assert [o.domain for o in model.opset_import] == [""]


def test_a_constant_of_both_precisions_is_there_in_both() -> None:
    """As the zero biases of an untrained detector, of which the exporter writes one for all."""
    nodes = [op("Half", "x", "a"), op("Add", "a w", "b"), op("Full", "b", "c"), op("Mul", "c w", "y")]
    model = graph(nodes, {"w": np.zeros(4, np.float32)})
    type_float16(model)
    assert {t.name: t.data_type for t in model.graph.initializer} == {"w": F32, "w.half": F16}
    assert [list(n.input) for n in model.graph.node] == [["x"], ["a", "w.half"], ["b"], ["c", "w"]]
    onnx.shape_inference.infer_shapes(model, strict_mode=True)


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([op("Half", "x", "a"), op("Half", "a", "y")], "Half marker on a, which has that type already"),
        ([op("Full", "x", "y")], "Full marker on x, which has that type already"),
        ([op("Exp", "x", "b"), op("Half", "x", "a"), op("Add", "a b", "y")], "Add Add mixes float16 with float32 b"),
    ],
)
def test_a_marker_at_the_wrong_place(nodes: list[onnx.NodeProto], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        type_float16(graph(nodes, {}))


def test_a_weight_just_beyond_half_precision() -> None:
    nodes = [op("Half", "x", "a"), op("Add", "a w", "b"), op("Full", "b", "y")]
    with pytest.raises(InputError, match="weight w holds values beyond 65504"):
        type_float16(graph(nodes, {"w": np.array([0, 0, 0, -65505], np.float32)}))


def test_markers_in_a_row_are_dropped() -> None:
    nodes = [op("Half", "x", "a"), op("Full", "a", "b"), op("Add", "b w", "y")]
    model = graph(nodes, {"w": np.ones(4, np.float32), "v": np.ones(4, np.float32)})
    drop_markers(model)
    assert [(n.op_type, list(n.input)) for n in model.graph.node] == [("Add", ["x", "w"])]
    assert [t.name for t in model.graph.initializer] == ["w"]
    assert [o.domain for o in model.opset_import] == [""]
