"""The bundled model against torchvision eager: golden detections that were made beside the checkpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.camera.stills import read_still
from edge.engine import open_engine
from edge.score import iou

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from conftest import shared

BUNDLE = Path(__file__).resolve().parents[2] / "edge" / "models" / "hituav-r18"


def test_every_golden_detection_is_found_again() -> None:
    golden = json.loads(shared("checkpoints", "golden_hituav_val.json").read_text())
    frames = shared("data", "hituav", "val")
    worst_iou, worst_score, matched = 1.0, 0.0, 0
    with open_engine(BUNDLE, "ort") as engine:
        assert list(engine.bundle.classes) == golden["classes"]
        for frame in golden["frames"]:
            pixels, _ = read_still(frames / frame["file"])
            assert pixels.dtype == np.uint8
            raw = engine.infer(pixels)
            boxes = np.array(frame["boxes"], np.float32)
            for box, score, label in zip(boxes, frame["scores"], frame["labels"], strict=True):
                if score < 0.3:
                    continue
                same = (raw.labels == label) & (raw.scores > 0)
                overlap = iou(box[None], raw.boxes[same])[0]
                best = int(overlap.argmax())
                worst_iou = min(worst_iou, float(overlap[best]))
                worst_score = max(worst_score, abs(float(raw.scores[same][best]) - score))
                matched += 1
    print(f"{matched} golden detections, worst IoU {worst_iou:.5f}, worst score difference {worst_score:.2e}")
    assert matched == 107
    assert worst_iou >= 0.95
    assert worst_score <= 0.01


@pytest.mark.parametrize("shift", [1, 37])
def test_outputs_keep_their_shape_on_any_picture(shift: int) -> None:
    noise = np.random.default_rng(shift).integers(0, 256, (512, 640), np.uint8)
    with open_engine(BUNDLE, "ort") as engine:
        raw = engine.infer(noise)
    assert raw.boxes.shape == (100, 4)
    assert (np.diff(raw.scores) <= 0).all()
    unused = raw.scores == 0
    assert (raw.boxes[unused] == 0).all()
