"""Both typed graphs in ONNX Runtime find what torchvision finds."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torchvision.models.detection import FasterRCNN

from edge.data import RawDetections
from export.detector.build import build_detector, frc_resnet_fpn
from export.detector.checkpoint import load_detector
from export.detector.configuration import preset
from export.graph.onnx_graph import float16_graph, float32_graph, trace
from export.graph.static import StaticDetector
from export.graph.trt_operators import refusals
from export.parity.pairs import pair
from tests.conftest import shared
from tests.support.random_detectors import eager, enliven, in_onnxruntime, thermal_scene

HEIGHT, WIDTH = 128, 160
SMALL: dict[str, Any] = {"representation_size": 32, "min_size": HEIGHT, "max_size": WIDTH}
FEW: dict[str, Any] = {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 60}
SETTINGS: dict[str, dict[str, Any]] = {
    "frc_resnet18_fpn": {"pyramid": "layer1", "channels": 128},
    "frc_resnet34_fpn": {"pyramid": "conv1", "channels": 16},
    "frc_resnet50_fpn": {"pyramid": "classic", "channels": 16},
    "fasterrcnn_mobilenet_v3_large_320_fpn": {"channels": 16, "min_size": 150, "max_size": 250},
    "fasterrcnn_resnet50_fpn_v2": {"channels": 16},
}
QUICK = ("frc_resnet18_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SETTINGS]
)
def test_float32_graphs_find_what_torchvision_finds(name: str) -> None:
    """128 channels: with minimal filtering; 150 x 187: with resizing and padding."""
    scenes = [thermal_scene(HEIGHT, WIDTH, seed) for seed in (0, 1)]
    configuration = preset(name).changed(classes=2, **{**SMALL, **FEW, **SETTINGS[name]})
    model = enliven(build_detector(configuration), scenes[0])
    for target in ("cpu", "tensorrt"):
        detector = StaticDetector(model, HEIGHT, WIDTH, target, samples=4)  # type: ignore[arg-type]
        graph = float32_graph(trace(detector))
        onnx.checker.check_model(graph, full_check=True)
        for scene, found in zip(scenes, in_onnxruntime(graph, *scenes), strict=True):
            pairs = pair(eager(model, scene), found, 0.06, min_iou=0.9)
            assert len(pairs.iou) > 10
            # regions without features of their own tie, see test_static
            assert pairs.lost.sum() + pairs.new.sum() <= 0.1 * len(pairs.iou)
            assert pairs.iou.min() >= 0.99
            assert np.abs(pairs.score_change).max() <= 1e-3


@pytest.fixture(scope="module")
def small() -> FasterRCNN:
    model = frc_resnet_fpn(18, 2, "layer1", **SMALL, **FEW, channels=16, sampling_ratio=2)
    return enliven(model, thermal_scene(HEIGHT, WIDTH))


@pytest.fixture(scope="module")
def traced(small: FasterRCNN) -> onnx.ModelProto:
    return trace(StaticDetector(small, HEIGHT, WIDTH, "tensorrt"))


def test_the_tensorrt_graph_holds_nothing_that_tensorrt_refuses(traced: onnx.ModelProto) -> None:
    graph = float16_graph(traced)
    onnx.checker.check_model(graph, full_check=True)
    assert refusals(graph) == []
    kinds = {n.op_type for n in graph.graph.node}
    assert not kinds & {"NonMaxSuppression", "NonZero", "RoiAlign", "Loop", "If", "Shape"}
    assert {n.domain for n in graph.graph.node} == {""}
    assert graph.ir_version <= 9
    assert graph.opset_import[0].version <= 20


def test_types_of_the_tensorrt_graph(traced: onnx.ModelProto) -> None:
    """Convolutions and heads in float16; everything that orders, measures or places boxes in float32."""
    graph = onnx.shape_inference.infer_shapes(float16_graph(traced), strict_mode=True).graph
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


def test_the_float16_graph_is_near_the_float32_one(traced: onnx.ModelProto) -> None:
    scene = thermal_scene(HEIGHT, WIDTH, 5)
    expected = in_onnxruntime(float32_graph(traced), scene)[0]
    found = in_onnxruntime(float16_graph(traced), scene)[0]
    assert found.converged
    pairs = pair(expected, found, 0.2)
    assert len(pairs.iou) > 10
    assert pairs.lost.sum() + pairs.new.sum() <= 0.1 * len(pairs.iou)
    assert np.median(pairs.iou) > 0.98
    assert np.median(np.abs(pairs.score_change)) < 0.01


def test_equal_weights_are_written_once_and_typed_all_the_same() -> None:
    """The zero biases of an untrained detector: the exporter shares one constant between float16 and float32."""
    model = frc_resnet_fpn(18, 1, "layer1", **SMALL, **FEW, channels=8).eval()
    onnx.checker.check_model(float16_graph(trace(StaticDetector(model, 64, 64))), full_check=True)


def test_float16_storage_of_float16_weights_changes_nothing(small: FasterRCNN) -> None:
    state = {name: value.half().float() for name, value in small.state_dict().items()}
    rounded = frc_resnet_fpn(18, 2, "layer1", **SMALL, **FEW, channels=16, sampling_ratio=2).eval()
    rounded.load_state_dict(state)
    plain = trace(StaticDetector(rounded, HEIGHT, WIDTH, "cpu"))
    scene = thermal_scene(HEIGHT, WIDTH)
    full, stored = float32_graph(plain), float32_graph(plain, "fp16")
    assert stored.ByteSize() < 0.56 * full.ByteSize()
    for a, b in zip(*(_arrays(in_onnxruntime(g, scene)[0]) for g in (full, stored)), strict=True):
        assert np.array_equal(a, b)


def _arrays(raw: RawDetections) -> tuple[Any, ...]:
    return raw.boxes, raw.scores, raw.labels


def test_anchors_are_small_constants(traced: onnx.ModelProto) -> None:
    graph = float32_graph(traced).graph
    constants = [numpy_helper.to_array(t) for t in graph.initializer if t.name.startswith("proposals.points")]
    cells = sum(HEIGHT // s * WIDTH // s for s in (4, 8, 16, 32)) + 2 * 3
    assert sum(c.size for c in constants) == 4 * cells


def test_golden_detections_of_the_shared_checkpoint() -> None:
    """torchvision eager's answers, recorded with torchvision 0.29.1: see the README beside the checkpoint."""
    folder = shared("checkpoints")
    frames = shared("data", "hituav", "val")
    golden = json.loads((folder / "golden_hituav_val.json").read_text())
    model = load_detector(
        folder / "frc_resnet18_fpn64_hituav.pth",
        image_mean=(golden["mean"],),
        image_std=(golden["std"],),
        sampling_ratio=2,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=300,
    )
    images = [cv2.imread(str(frames / f["file"]), cv2.IMREAD_GRAYSCALE) for f in golden["frames"]]
    graph = float32_graph(trace(StaticDetector(model, 512, 640, "cpu")), "fp16")
    plain = float32_graph(trace(StaticDetector(model, 512, 640, "tensorrt")))
    compared = 0
    for model_graph, chosen, score, iou in (
        (graph, slice(None), 1e-4, 0.999),
        (plain, slice(0, 2), 1e-4, 0.999),
    ):
        answers = in_onnxruntime(model_graph, *images[chosen])
        for frame, found in zip(golden["frames"][chosen], answers, strict=True):
            expected = RawDetections(
                np.array(frame["boxes"], np.float32),
                np.array(frame["scores"], np.float32),
                np.array(frame["labels"], np.int32),
            )
            pairs = pair(expected, found, 0.06)
            assert pairs.lost.sum() == pairs.new.sum() == 0
            assert pairs.iou.min(initial=1) >= iou  # the file holds boxes to 0.001 px
            assert np.abs(pairs.score_change).max(initial=0) <= score
            compared += len(pairs.iou)
    assert compared > 250


def test_the_tracer_leaves_torch_as_it_was(traced: onnx.ModelProto) -> None:
    assert not torch.jit.is_tracing()
    assert torch.is_grad_enabled()
