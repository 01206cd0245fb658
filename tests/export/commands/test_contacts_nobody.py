"""An evaluation and an export fetch nothing, such as weights. Of flights: tests/test_network.py."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import write_bundle
from tests.support.network import heard, silent


@pytest.mark.slow
def test_an_evaluation_and_an_export_contact_nobody(tmp_path: Path) -> None:
    """Weights that a library would fetch, say. The checkpoint is made here, too, by the same process."""
    bundle, frame = write_bundle(tmp_path / "bundle"), np.full((64, 80), 20, np.uint8)
    frame[8:16, 16:24] = 230
    cv2.imwrite(str(tmp_path / "0.png"), frame)
    labels = {
        "images": [{"id": 0, "file_name": "0.png", "width": 80, "height": 64}],
        "annotations": [{"image_id": 0, "category_id": 0, "bbox": [16, 8, 8, 8]}],
        "categories": [{"id": 0, "name": "Person"}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    made = f"from tests.support.tiny_checkpoint import write; write({str(tmp_path / 'model.pth')!r})"
    words = ["--annotations", tmp_path / "labels.json", "--images", tmp_path]
    found = heard(
        tmp_path,
        [
            ["edge-export", "eval", "--model", bundle, *words, "--quiet"],
            ["python", made],
            ["edge-export", "onnx", "--checkpoint", tmp_path / "model.pth", "--height", 64, "--width", 96, "--quiet",
             "--out", tmp_path / "exported"],
        ],
    )  # fmt: skip
    silent(found)
    assert (tmp_path / "exported/model.onnx").exists()
