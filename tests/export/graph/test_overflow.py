"""An overflow inside the network is told, in both forms of the graph."""

from __future__ import annotations

import onnxruntime
import pytest
import torch
from torchvision.models.detection import FasterRCNN

from export.detector.build import frc_resnet_fpn
from export.graph.onnx_graph import float16_graph, float32_graph, trace
from export.graph.overflow import within_half
from export.graph.static import StaticDetector, Target
from tests.support.random_detectors import enliven, thermal_scene

HEIGHT, WIDTH = 64, 96


@pytest.mark.parametrize(
    ("value", "fine"),
    [(65504.0, True), (65520.0, False), (-1e6, False), (torch.inf, False), (-torch.inf, False), (torch.nan, False)],
)
def test_one_value_is_enough(value: float, fine: bool) -> None:
    x = torch.zeros(3, 5)
    x[1, 2] = value
    assert within_half(torch.ones(2), x).tolist() == [fine]


@pytest.fixture
def model() -> FasterRCNN:
    sizes = {"channels": 16, "representation_size": 32, "min_size": HEIGHT, "max_size": WIDTH}
    return enliven(frc_resnet_fpn(18, 2, "layer1", **sizes, sampling_ratio=2), thermal_scene(HEIGHT, WIDTH))


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


def test_half_precision_overflows_where_float32_does_not(model: FasterRCNN) -> None:
    scene = thermal_scene(HEIGHT, WIDTH)
    with torch.no_grad():
        for block in model.backbone.fpn.layer_blocks:
            block[0].weight *= 1e4  # still a weight that half precision holds
        model.rpn.head.conv[0][0].weight *= 1e-4
        model.roi_heads.box_head.fc6.weight *= 1e-4
    traced = trace(StaticDetector(model, HEIGHT, WIDTH, "tensorrt"))
    states = []
    for graph in (float32_graph(traced), float16_graph(traced)):
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        states += session.run(["converged"], {"image": scene[None, :, :, None]})[0].tolist()
    assert states == [1, -1]
