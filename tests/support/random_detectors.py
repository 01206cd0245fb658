"""Detectors with random weights that behave like trained ones: spread features, spread scores, real boxes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from edge.data import RawDetections
from export.detector.build import build_detector
from export.detector.configuration import preset
from export.graph.static import StaticDetector

Grey = npt.NDArray[np.uint8]
# a detector that is made and run in a moment: fields of `Configuration`, and the frame that it is for
HEIGHT, WIDTH = 64, 96
SETTINGS: dict[str, Any] = {
    "channels": 16,
    "representation_size": 32,
    "min_size": HEIGHT,
    "max_size": WIDTH,
    "sampling_ratio": 2,
    "rpn_pre_nms_top_n_test": 100,
    "rpn_post_nms_top_n_test": 50,
}
torch.set_num_threads(1)  # small maps: a second thread waits more than it works


def thermal_scene(height: int, width: int, seed: int = 0) -> Grey:
    """(H, W) uint8: smooth ground with warm blobs of 4 to 40 px, some of them over the border."""
    grey: Grey = _drawn(height, width, seed).copy()
    return grey


@cache
def _drawn(height: int, width: int, seed: int) -> Grey:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    scene = 90 + 25 * np.sin(x / 37 + rng.uniform(0, 6)) + 20 * np.cos(y / 23 + rng.uniform(0, 6))
    for _ in range(30):
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        sx, sy = rng.uniform(2, 20, 2)
        scene += rng.uniform(30, 120) * np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)
    grey: Grey = np.clip(scene + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
    return grey


def two_layers(**changes: Any) -> FasterRCNN:
    """FRC_ResNet18FPN of two classes that ends at Layer2, `SETTINGS` but for ``changes``: a sixteenth of the weights
    of the whole, and graphs of two thirds as many nodes.
    """
    settings = {"classes": 2, "pyramid": "fpn", "returned_layers": (1, 2), **SETTINGS, **changes}
    return build_detector(preset("frc_resnet18_fpn").changed(**settings))


def enliven(model: FasterRCNN, image: Grey, seed: int = 0) -> FasterRCNN:
    """Random weights, batch norms set to the statistics of ``image``, head layers scaled to spread their answers."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.05)
    for module in model.modules():
        # a fifth of what each block adds, or fifty of them amplify rounding into another detector
        if isinstance(module, BasicBlock | Bottleneck):
            last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
            nn.init.constant_(last.weight, 0.2)
    hooks = [
        m.register_forward_pre_hook(_settle_norm)
        for m in model.modules()
        if isinstance(m, FrozenBatchNorm2d | nn.BatchNorm2d)
    ]
    head, predictor = model.rpn.head, model.roi_heads.box_predictor
    hooks += [
        layer.register_forward_hook(_scale_to(spread))
        for layer, spread in (
            (head.cls_logits, 1.5),
            (head.bbox_pred, 0.3),
            (predictor.cls_score, 2.0),
            (predictor.bbox_pred, 1.0),
        )
    ]
    model.eval()
    eager(model, image)
    for hook in hooks:
        hook.remove()
    return model


def eager(model: FasterRCNN, image: Grey) -> RawDetections:
    """What torchvision itself finds in a grey frame."""
    channels = len(model.transform.image_mean)
    x = torch.from_numpy(image).float().div(255)[None].repeat(channels, 1, 1)
    with torch.no_grad():
        found = model([x])[0]
    labels = (found["labels"] - 1).to(torch.int32)
    return RawDetections(found["boxes"].numpy(), found["scores"].numpy(), labels.numpy())


def static(detector: StaticDetector, image: Grey) -> RawDetections:
    """What the static detector finds, in torch."""
    with torch.no_grad():
        boxes, scores, labels, converged = detector(torch.from_numpy(image)[None, :, :, None])
    return RawDetections(boxes[0].numpy(), scores[0].numpy(), labels[0].numpy(), bool(converged[0]))


def in_onnxruntime(graph: onnx.ModelProto, *images: Grey, fused: bool = True) -> list[RawDetections]:
    """What a graph finds in each frame; not ``fused``, node by node, which is sooner done with few small frames."""
    options = onnxruntime.SessionOptions()
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answers = []
    for image in images:
        boxes, scores, labels, converged = session.run(None, {"image": image[None, :, :, None]})
        answers.append(RawDetections(boxes[0], scores[0], labels[0], bool(converged[0])))
    return answers


def _settle_norm(norm: Any, inputs: tuple[Tensor, ...]) -> None:
    x = inputs[0]
    norm.running_mean.copy_(x.mean((0, 2, 3)))
    spread = x.var((0, 2, 3))
    norm.running_var.copy_(spread + spread.mean())  # dividing by the least of all would amplify rounding


def _scale_to(spread: float) -> Any:
    """Once, by its first answer: a layer whose outputs have this standard deviation."""
    done: list[bool] = []

    def hook(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if done:
            return None
        done.append(True)
        factor = spread / float(output.std())
        with torch.no_grad():
            layer.weight.mul_(factor)
            layer.bias.mul_(factor)
        return output * factor

    return hook
