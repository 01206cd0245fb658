"""``edge-export train`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.commands.main import main


def test_from_eval_to_train(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    (folder / "annotations").mkdir(parents=True)
    (folder / "train").mkdir()
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230  # the tiny detector finds this; nobody labelled it
    assert cv2.imwrite(str(folder / "train/0.png"), pixels)
    labels = {
        "images": [{"id": 0, "file_name": "0.png", "width": 80, "height": 64}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [48, 40, 8, 8]}],
        "categories": [{"id": 0, "name": "Person"}],
    }
    annotations = folder / "annotations/train.json"
    annotations.write_text(json.dumps(labels))
    file = tmp_path / "out/hard.json"
    words = ["--annotations", str(annotations), "--images", str(folder / "train"), "--hard-examples", str(file)]
    assert main(["eval", "--model", str(tiny_bundle), *words, "--quiet"]) == 0
    (kinds,) = json.loads(file.read_text())["frames"].values()
    assert [20.0, 12.0] in kinds["false"]
    train = ["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1", "--batch", "1"]
    detector = ["--channels", "8", "--crop", "64"]
    assert main([*train, *detector, "--hard-examples", str(file)]) == 0
    assert "2 hard examples" in " ".join(capsys.readouterr().out.split())
    assert main([*train, *detector]) == 2
    assert "another hard_examples" in capsys.readouterr().err
