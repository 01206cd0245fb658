"""The exported graph against torchvision eager, by detections that were made outside of the export code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.demo import MODEL
from edge.camera.stills import read_still
from edge.engine import open_engine
from edge.measure.matching import iou
from edge.model.bundle import Bundle
from export.detector.checkpoint import load_detector
from export.graph.bundle import export_bundle
from tests.conftest import shared

GOLDEN = Path(__file__).with_name("golden")


def compare(bundle: Path, frames: Iterable[tuple[np.ndarray, dict[str, Any]]], least: float) -> int:
    """Every golden detection of score ``least`` and more is found again; returns how many there were."""
    worst_iou, worst_score, matched = 1.0, 0.0, 0
    with open_engine(bundle, "ort") as engine:
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


def test_bundled_model_on_simulated_frames() -> None:
    golden = json.loads((GOLDEN / "detections.json").read_text())
    assert golden["checkpoint_sha256"] == Bundle.load(MODEL).checkpoint_sha256, "run tests/support/make_golden.py"
    frames = ((cv2.imread(str(GOLDEN / f["file"]), cv2.IMREAD_UNCHANGED), f) for f in golden["frames"])
    assert compare(MODEL, frames, least=0.1) >= 20


def test_a_users_checkpoint_on_real_frames(tmp_path: Path) -> None:
    """Golden values were made with the checkpoint, before this code was written."""
    golden = json.loads(shared("checkpoints", "golden_hituav_val.json").read_text())
    folder = shared("data", "hituav", "val")
    model = load_detector(
        shared("checkpoints", "frc_resnet18_fpn64_hituav.pth"),
        "frc_resnet18_fpn",
        pyramid="layer1",
        sampling_ratio=2,
        image_mean=(golden["mean"],) * 3,
        image_std=(golden["std"],) * 3,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=300,
    )
    export_bundle(model, tmp_path / "bundle", classes=golden["classes"])
    frames = ((read_still(folder / f["file"])[0], f) for f in golden["frames"])
    assert compare(tmp_path / "bundle", frames, least=0.3) == 107


@pytest.mark.parametrize("shift", [1, 37])
def test_outputs_keep_their_shape_on_any_picture(shift: int) -> None:
    noise = np.random.default_rng(shift).integers(0, 256, (512, 640), np.uint8)
    with open_engine(MODEL, "ort") as engine:
        raw = engine.infer(noise)
    assert raw.boxes.shape == (100, 4)
    assert (np.diff(raw.scores) <= 0).all()
    unused = raw.scores == 0
    assert (raw.boxes[unused] == 0).all()
