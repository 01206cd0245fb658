"""Both typed graphs in ONNX Runtime find what torchvision finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torchvision.models.detection import FasterRCNN

from edge.data import RawDetections
from export.detector.build import build_detector
from export.detector.configuration import preset
from export.graph.onnx_graph import float16_graph, float32_graph, trace
from export.graph.stages import winograd
from export.graph.static import StaticDetector, Target
from export.graph.trt_operators import refusals
from export.parity.pairs import pair
from tests.support.random_detectors import Grey, eager, enliven, in_onnxruntime, thermal_scene

HEIGHT, WIDTH = 96, 128
SMALL: dict[str, Any] = {"representation_size": 32, "min_size": HEIGHT, "max_size": WIDTH}
SEEDS = (0, 1, 5)  # of the frames
FEW: dict[str, Any] = {"rpn_pre_nms_top_n_test": 100, "rpn_post_nms_top_n_test": 60}
SETTINGS: dict[str, dict[str, Any]] = {
    "frc_resnet18_fpn": {"pyramid": "layer1", "channels": 128},
    "frc_resnet34_fpn": {"pyramid": "conv1", "channels": 16},
    "frc_resnet50_fpn": {"pyramid": "classic", "channels": 16},
    "fasterrcnn_mobilenet_v3_large_320_fpn": {"channels": 16, "min_size": 112, "max_size": 200},
    "fasterrcnn_resnet50_fpn_v2": {"channels": 16},
}


def scenes() -> list[Grey]:
    return [thermal_scene(HEIGHT, WIDTH, seed) for seed in SEEDS]


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_float32_graphs_find_what_torchvision_finds(name: str) -> None:
    """Adaptive sampling. 128 channels: with minimal filtering; 112 x 149: with resizing and padding.

    Slow: up to 64 samples a bin are a thousand nodes; the next is quick.
    """
    configuration = preset(name).changed(classes=2, **{**SMALL, **FEW, **SETTINGS[name]})
    model = enliven(build_detector(configuration), thermal_scene(HEIGHT, WIDTH))
    targets: tuple[Target, ...] = ("cpu", "tensorrt")
    traced = [trace(StaticDetector(model, HEIGHT, WIDTH, t, samples=4)) for t in targets]
    graphs = [float32_graph(one) for one in traced]
    for graph in graphs:
        onnx.checker.check_model(graph, full_check=True)
    find_what_torchvision_finds(model, [in_onnxruntime(graph, *scenes()[:2]) for graph in graphs])


def test_float32_graphs_of_a_paper_detector(
    small: FasterRCNN,
    plain: onnx.ModelProto,
    found_plain: list[RawDetections],
    traced_cpu: onnx.ModelProto,
    plain_cpu: onnx.ModelProto,
    found_cpu: list[RawDetections],
) -> None:
    """Adaptive sampling, resizing and padding; with minimal filtering in the CPU's."""
    assert any("kernel" in t.name for t in traced_cpu.graph.initializer)
    for graph in (plain_cpu, plain):
        onnx.checker.check_model(graph, full_check=True)
    find_what_torchvision_finds(small, [found_cpu, found_plain])


def find_what_torchvision_finds(model: FasterRCNN, answers: list[list[RawDetections]]) -> None:
    """Each of ``answers``: what a graph found in `scenes`, of which two are compared."""
    expected = [eager(model, scene) for scene in scenes()[:2]]
    for of_graph in answers:
        for torchvisions, found in zip(expected, of_graph[:2], strict=True):
            pairs = pair(torchvisions, found, 0.06, min_iou=0.9)
            assert len(pairs.iou) > 10
            # regions without features of their own tie, see test_static
            assert pairs.lost.sum() + pairs.new.sum() <= 0.1 * len(pairs.iou)
            assert pairs.iou.min() >= 0.99
            assert np.abs(pairs.score_change).max() <= 1e-3


@pytest.fixture(scope="module")
def small() -> FasterRCNN:
    """Its weights are float16's. Two layers have few nodes to trace, and their regions need two samples a bin at most;
    96 x 128 becomes 112 x 149.
    """
    few = {"pyramid": "fpn", "returned_layers": (2, 3), "min_size": 112, "max_size": 200}
    model = build_detector(preset("frc_resnet18_fpn").changed(classes=2, channels=16, **{**SMALL, **FEW, **few}))
    enliven(model, thermal_scene(HEIGHT, WIDTH))
    model.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    return model


@pytest.fixture(scope="module")
def traced(small: FasterRCNN) -> onnx.ModelProto:
    return trace(StaticDetector(small, HEIGHT, WIDTH, "tensorrt", rounds=14))


@pytest.fixture(scope="module")
def plain(traced: onnx.ModelProto) -> onnx.ModelProto:
    """To be read, as the others."""
    return float32_graph(traced)


@pytest.fixture(scope="module")
def found_plain(plain: onnx.ModelProto) -> list[RawDetections]:
    """In each of `scenes`."""
    return in_onnxruntime(plain, *scenes(), fused=False)


@pytest.fixture(scope="module")
def found_cpu(plain_cpu: onnx.ModelProto) -> list[RawDetections]:
    """In each of `scenes`."""
    return in_onnxruntime(plain_cpu, *scenes())


@pytest.fixture(scope="module")
def typed(traced: onnx.ModelProto) -> onnx.ModelProto:
    return float16_graph(traced)


@pytest.fixture(scope="module")
def traced_cpu(small: FasterRCNN) -> onnx.ModelProto:
    """The second layer is filtered minimally, as it is in frames of the usual size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "TILES", 4)
        return trace(StaticDetector(small, HEIGHT, WIDTH, "cpu"))


@pytest.fixture(scope="module")
def plain_cpu(traced_cpu: onnx.ModelProto) -> onnx.ModelProto:
    return float32_graph(traced_cpu)


def test_the_tensorrt_graph_holds_nothing_that_tensorrt_refuses(typed: onnx.ModelProto) -> None:
    onnx.checker.check_model(typed, full_check=True)
    assert refusals(typed) == []
    kinds = {n.op_type for n in typed.graph.node}
    assert not kinds & {"NonMaxSuppression", "NonZero", "RoiAlign", "Loop", "If", "Shape"}
    assert {n.domain for n in typed.graph.node} == {""}
    assert typed.ir_version <= 9
    assert typed.opset_import[0].version <= 20


def test_types_of_the_tensorrt_graph(typed: onnx.ModelProto) -> None:
    """Convolutions and heads in float16; everything that orders, measures or places boxes in float32."""
    graph = onnx.shape_inference.infer_shapes(typed, strict_mode=True).graph
    kinds = {v.name: v.type.tensor_type.elem_type for v in (*graph.value_info, *graph.output, *graph.input)}
    kinds |= {t.name: t.data_type for t in graph.initializer}
    given: dict[str, set[int]] = {}
    for node in graph.node:
        given.setdefault(node.op_type, set()).update(kinds[name] for name in node.output if name in kinds)
    assert given["Conv"] == given["Gemm"] == {TensorProto.FLOAT16}
    for operator in ("Exp", "Sigmoid", "Softmax", "Sqrt", "Div", "Floor", "Min", "Max", "Clip"):
        assert given[operator] <= {TensorProto.FLOAT, TensorProto.INT64}, operator
    tops = [n for n in graph.node if n.op_type == "TopK"]
    assert {kinds[n.input[0]] for n in tops} == {TensorProto.FLOAT}
    for node in graph.node:  # IoU against its threshold, scores against theirs
        if node.op_type in ("Greater", "Less", "GreaterOrEqual"):
            assert kinds[node.input[0]] != TensorProto.FLOAT16
    large = [t for t in graph.initializer if np.prod(t.dims) > 20_000 and t.data_type == TensorProto.FLOAT]
    assert not [t.name for t in large if "weight" in t.name]


def test_the_float16_graph_is_near_the_float32_one(found_plain: list[RawDetections], typed: onnx.ModelProto) -> None:
    expected = found_plain[2]
    found = in_onnxruntime(typed, scenes()[2], fused=False)[0]
    assert found.converged
    pairs = pair(expected, found, 0.2)
    assert len(pairs.iou) > 10
    assert pairs.lost.sum() + pairs.new.sum() <= 0.1 * len(pairs.iou)
    assert np.median(pairs.iou) > 0.98
    assert np.median(np.abs(pairs.score_change)) < 0.01


def test_half_precision_overflows_where_float32_does_not(traced: onnx.ModelProto) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(traced)
    factors = {f"backbone.fpn.layer_blocks.{i}.0.weight": 1e4 for i in range(2)}  # still what half precision holds
    factors |= {"proposals.head.conv.0.0.weight": 1e-4, "roi_head.head.fc6.weight": 1e-4}
    for tensor in model.graph.initializer:
        if factor := factors.pop(tensor.name, None):
            values = numpy_helper.to_array(tensor) * np.float32(factor)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    assert factors == {}
    states = []
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for graph in (float32_graph(model), float16_graph(model)):
        session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        states += session.run(["converged"], {"image": thermal_scene(HEIGHT, WIDTH)[None, :, :, None]})[0].tolist()
    assert states == [1, -1]


def test_float16_storage_of_float16_weights_changes_nothing(
    traced_cpu: onnx.ModelProto, plain_cpu: onnx.ModelProto, found_cpu: list[RawDetections]
) -> None:
    full, stored = plain_cpu, float32_graph(traced_cpu, "fp16")
    assert stored.ByteSize() < 0.56 * full.ByteSize()
    found = in_onnxruntime(stored, scenes()[0])[0]
    for a, b in zip(_arrays(found_cpu[0]), _arrays(found), strict=True):
        assert np.array_equal(a, b)


def _arrays(raw: RawDetections) -> tuple[Any, ...]:
    return raw.boxes, raw.scores, raw.labels


def test_anchors_are_small_constants(plain: onnx.ModelProto) -> None:
    graph = plain.graph
    constants = [numpy_helper.to_array(t) for t in graph.initializer if t.name.startswith("proposals.points")]
    cells = 128 // 8 * 160 // 8 + 128 // 16 * 160 // 16 + 4 * 5  # of the padded picture; every second cell above
    assert sum(c.size for c in constants) == 4 * cells


def test_the_tracer_leaves_torch_as_it_was(traced: onnx.ModelProto) -> None:
    assert not torch.jit.is_tracing()
    assert torch.is_grad_enabled()
