"""Accuracy of the engine that was timed: the figures of ``edge-export eval``, tied to the files by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.bench.accuracy import accuracy, labelled_frames
from edge.data import TemperatureScale
from edge.engine import open_engine
from edge.errors import InputError
from edge.measure.labelled_frames import read_labelled

CELL = [16.0, 8.0, 8.0, 8.0]  # xywh of one of the tiny detector's cells
OTHER = [40.0, 24.0, 8.0, 8.0]


def written(folder: Path, **changed: Any) -> tuple[Path, Path]:
    """Three frames, each with two hot cells; one box found in each, and in one frame one that is missed."""
    folder.mkdir(exist_ok=True)
    for i in range(3):
        pixels = np.full((64, 80), 20, np.uint8)
        pixels[8:16, 16:24], pixels[24:32, 40:48] = 230 - i, 180 + i
        assert cv2.imwrite(str(folder / f"{i}.png"), pixels)
    boxes = [{"image_id": i, "category_id": 7, "bbox": CELL} for i in range(3)]
    labels = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 64} for i in range(3)],
        "annotations": [
            *boxes,
            {"image_id": 0, "category_id": 7, "bbox": [60.0, 50.0, 8.0, 8.0]},  # nothing is there
            {"image_id": 1, "category_id": 9, "bbox": OTHER},  # a class that the detector does not have
            {"image_id": 2, "category_id": 7, "bbox": OTHER, "iscrowd": 1},
            {"image_id": 2, "category_id": 7, "bbox": [79.9, 10.0, 30.0, 8.0]},  # a tenth of a pixel is in the frame
        ],
        "categories": [{"id": 7, "name": "person"}, {"id": 9, "name": "Deer"}],
        **changed,
    }
    path = folder / "labels.json"
    path.write_text(json.dumps(labels))
    return folder, path


def test_recall_precision_and_average_precision_by_hand(tiny_bundle: Path, tmp_path: Path) -> None:
    folder, path = written(tmp_path / "data")
    with open_engine(tiny_bundle, "ort") as engine:
        found = labelled_frames(folder, path, engine.bundle.classes)
        said = accuracy(engine, *found, path)
    assert (said["frames"], said["threshold"]) == (3, 0.5)
    assert said["annotations_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    # by falling score: three hits (230, 229, 228), then the two cells of 180 and 181 that are no person; 5 true boxes
    person = {"boxes": 5, "ap50": round(61 / 101, 4), "recall": 0.6, "precision": 0.6, "threshold": 0.5}
    assert said["classes"] == {"Person": person}
    with open_engine(tiny_bundle, "ort") as engine:
        engine.bundle = replace(
            engine.bundle, classes=("Person", "Deer"), score_thresholds={"Person": 0.85, "Deer": 0.2}
        )
        said = accuracy(engine, *found, path)
    assert said["classes"] == {"Person": {**person, "precision": 1.0, "threshold": 0.85}}
    assert said["threshold"] == 0.85  # the file has no other class


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"images": [{"id": 0, "file_name": "a.png"}] * 2}, "give one id to two images"),
        ({"annotations": [{"image_id": 5, "category_id": 7, "bbox": CELL}]}, "image 5 and category 7, of which one"),
        (
            {"categories": [{"id": 7, "name": "deer"}, {"id": 9, "name": "fox"}]},
            "the classes deer, fox, the model Person",
        ),
        ({"annotations": [{"image_id": 0, "category_id": 7, "bbox": [1, 2, 3]}]}, "expected plain COCO"),
        ({"images": [{"id": i} for i in range(3)]}, "image 0 has no file_name"),
        ({"images": []}, "is of image 0 and category 7"),
    ],
)
def test_what_is_not_plain_is_refused(tmp_path: Path, changed: dict[str, Any], complaint: str) -> None:
    folder, path = written(tmp_path / "data", **changed)
    with pytest.raises(InputError, match=complaint):
        read_labelled(path, folder, ("Person",))


def test_a_picture_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    folder, path = written(tmp_path / "data")
    (folder / "1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1\.png cannot be read"):
        labelled_frames(folder, path, ("Person",))
    (folder / "1.png").unlink()
    with pytest.raises(InputError, match=r"1\.png cannot be read .*: check --frames"):
        labelled_frames(folder, path, ("Person",))
    with pytest.raises(InputError, match="cannot be read"):
        read_labelled(folder / "none.json", folder, ("Person",))
    path.write_text("{")
    with pytest.raises(InputError, match="expected plain COCO"):
        read_labelled(path, folder, ("Person",))


def test_the_scale_of_counts_and_hit_uav_s_keys_are_read(tmp_path: Path) -> None:
    images = [{"id": 0, "filename": "0.png", "temperature": {"gain": 0.04, "offset": 2.0}}]
    box = {"image_id": 0, "category_id": 7, "bbox": CELL}
    folder, path = written(tmp_path / "data", images=images, annotations=None, annotation=[box, box])
    ((frame, *_), (labelled, *_), names) = labelled_frames(folder, path, ("Person",))
    assert names == ["Person"]
    assert frame.temperature == TemperatureScale(0.04, 2.0)
    assert labelled.boxes.tolist() == [[16.0, 8.0, 24.0, 16.0]]  # once
