"""What takes seconds and gigabytes is done once: models built, bundles hashed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from torchvision.models.detection import FasterRCNN

from edge.model.bundle import Bundle
from export.commands.main import main
from export.detector.checkpoint import load_detector
from export.graph.static import StaticDetector
from tests.support.random_detectors import HEIGHT, WIDTH


class Counted:
    """Counts calls of an initialiser or a class method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        plain = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            return plain(*arguments, **named)

        monkeypatch.setattr(owner, name, staticmethod(counting) if name == "load" else counting)


@pytest.fixture
def bundle(shared_bundle: Path) -> Path:
    """A detector of deer and people, exported so that it can be read back."""
    return shared_bundle


def test_a_bundle_becomes_one_detector(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, hashed = Counted(monkeypatch, FasterRCNN, "__init__"), Counted(monkeypatch, Bundle, "load")
    assert load_detector(bundle, box_nms_thresh=0.4).roi_heads.nms_thresh == 0.4
    assert (built.calls, hashed.calls) == (1, 1)


@pytest.mark.usefixtures("traced_before")
def test_an_export_builds_one_detector_for_each_graph(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built, static = Counted(monkeypatch, FasterRCNN, "__init__"), Counted(monkeypatch, StaticDetector, "__init__")
    hashed = Counted(monkeypatch, Bundle, "load")
    words = ["onnx", "--checkpoint", str(bundle), "--out", str(tmp_path / "b"), "--height", "64", "--width", "96"]
    assert main(words) == 0
    assert "GFLOP" in capsys.readouterr().out
    assert (built.calls, static.calls, hashed.calls) == (1, 2, 1)
    assert Bundle.load(tmp_path / "b").classes == ("deer", "person")


def test_training_from_a_bundle_reads_it_once(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    assert cv2.imwrite(str(tmp_path / "train/0.png"), np.full((HEIGHT, WIDTH), 90, np.uint8))
    labels = {
        "images": [{"id": 0, "file_name": "0.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [48, 40, 8, 8]}],
        "categories": [{"id": 0, "name": "deer"}, {"id": 1, "name": "person"}],
    }
    (tmp_path / "train.json").write_text(json.dumps(labels))
    built, hashed = Counted(monkeypatch, FasterRCNN, "__init__"), Counted(monkeypatch, Bundle, "load")
    words = ["train", "--annotations", str(tmp_path / "train.json"), "--images", str(tmp_path / "train")]
    words += ["--from", str(bundle), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "1", "--crop", "64"]
    assert main([*words, "--quiet"]) == 0
    assert (built.calls, hashed.calls) == (1, 1)
    assert load_detector(tmp_path / "run/model.pth").training_record["start"]["name"] == "bundle"
