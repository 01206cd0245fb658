"""The exported graph against torchvision eager, by detections that were made outside of the export code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from torchvision.models.detection import FasterRCNN

from edge.app.demo import MODEL
from edge.camera.stills import read_still
from edge.data import RawDetections
from edge.engine import open_engine
from edge.measure.matching import iou
from edge.model.bundle import Bundle
from edge.seams import Engine
from export.detector.checkpoint import load_detector
from export.graph import bundle
from export.graph.onnx_graph import float32_graph, trace
from export.graph.static import StaticDetector
from export.parity.pairs import pair
from tests.conftest import shared
from tests.export.conftest import ROUNDS
from tests.support.random_detectors import in_onnxruntime, static

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def bundled() -> Iterator[Engine]:
    with open_engine(MODEL, "ort-float") as engine:
        yield engine


def compare(engine: Engine, frames: Iterable[tuple[np.ndarray, dict[str, Any]]], least: float) -> int:
    """Every golden detection of score ``least`` and more is found again; returns how many there were."""
    worst_iou, worst_score, matched = 1.0, 0.0, 0
    for image, frame in frames:
        raw = engine.infer(image)
        boxes = np.array(frame["boxes"], np.float32)
        for box, score, label in zip(boxes, frame["scores"], frame["labels"], strict=True):
            if score < least:
                continue
            same = (raw.labels == label) & (raw.scores > 0)
            overlap = iou(box[None], raw.boxes[same])[0]
            best = int(overlap.argmax())
            worst_iou = min(worst_iou, float(overlap[best]))
            worst_score = max(worst_score, abs(float(raw.scores[same][best]) - score))
            matched += 1
    print(f"{matched} golden detections, worst IoU {worst_iou:.5f}, worst score difference {worst_score:.2e}")
    assert worst_iou >= 0.99
    assert worst_score <= 1e-3
    return matched


def test_bundled_model_on_simulated_frames(bundled: Engine) -> None:
    golden = json.loads((GOLDEN / "detections.json").read_text())
    assert golden["checkpoint_sha256"] == Bundle.load(MODEL).checkpoint_sha256, "run tests/support/make_golden.py"
    frames = ((cv2.imread(str(GOLDEN / f["file"]), cv2.IMREAD_UNCHANGED), f) for f in golden["frames"])
    assert compare(bundled, frames, least=0.1) >= 20


def users_detector(golden: dict[str, Any]) -> FasterRCNN:
    return load_detector(
        shared("checkpoints", "frc_resnet18_fpn64_hituav.pth"),
        "frc_resnet18_fpn",
        pyramid="layer1",
        sampling_ratio=2,
        image_mean=(golden["mean"],) * 3,
        image_std=(golden["std"],) * 3,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=300,
    )


def found_again(frames: Iterable[dict[str, Any]], answers: Iterable[RawDetections]) -> int:
    """Each answer holds the golden detections and no others; returns how many there were."""
    compared = 0
    for frame, found in zip(frames, answers, strict=True):
        expected = RawDetections(
            np.array(frame["boxes"], np.float32),
            np.array(frame["scores"], np.float32),
            np.array(frame["labels"], np.int32),
        )
        pairs = pair(expected, found, 0.06)
        assert pairs.lost.sum() == pairs.new.sum() == 0
        assert pairs.iou.min(initial=1) >= 0.999  # the file holds boxes to 0.001 px
        assert np.abs(pairs.score_change).max(initial=0) <= 1e-4
        compared += len(pairs.iou)
    return compared


def test_a_users_checkpoint_on_real_frames() -> None:
    """Golden values were made with the checkpoint, before this code was written: see the README beside it.

    Compared are the CPU's graph, and in one frame TensorRT's detector, not traced.
    """
    golden = json.loads(shared("checkpoints", "golden_hituav_val.json").read_text())
    folder = shared("data", "hituav", "val")
    model = users_detector(golden)
    frames = sorted(golden["frames"], key=lambda frame: -len(frame["scores"]))[:3]  # those with the most
    images = [read_still(folder / f["file"])[0] for f in frames]
    # so few rounds of the suppression are enough for these frames, and half the graph to trace and to compile
    graph = float32_graph(trace(StaticDetector(model, 512, 640, "cpu", rounds=ROUNDS)), "fp16")
    answers = in_onnxruntime(graph, *images)
    assert all(found.converged for found in answers)
    answers.append(static(StaticDetector(model, 512, 640, "tensorrt"), images[0]))
    assert found_again([*frames, frames[0]], answers) > 110


@pytest.mark.slow
def test_a_users_checkpoint_as_a_bundle_on_all_real_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU's graph in the engine that flies, and in two frames TensorRT's, in float32.

    Slow: two graphs of the usual size are traced, and run in fourteen frames.
    """
    golden = json.loads(shared("checkpoints", "golden_hituav_val.json").read_text())
    folder = shared("data", "hituav", "val")
    model = users_detector(golden)
    traced: list[onnx.ModelProto] = []

    def kept(detector: StaticDetector) -> onnx.ModelProto:
        traced.append(trace(detector))
        return traced[-1]

    monkeypatch.setattr(bundle, "trace", kept)
    bundle.export_bundle(model, tmp_path / "bundle", classes=golden["classes"], weights="fp16")
    images = [read_still(folder / f["file"])[0] for f in golden["frames"]]
    with open_engine(tmp_path / "bundle", "ort-float") as engine:
        answers = [engine.infer(image) for image in images]
    answers += in_onnxruntime(float32_graph(traced[1]), *images[:2])
    assert found_again([*golden["frames"], *golden["frames"][:2]], answers) > 250


def test_outputs_keep_their_shape_on_any_picture(bundled: Engine) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (512, 640), np.uint8)
    raw = bundled.infer(noise)
    assert raw.boxes.shape == (100, 4)
    assert (np.diff(raw.scores) <= 0).all()
    unused = raw.scores == 0
    assert (raw.boxes[unused] == 0).all()
