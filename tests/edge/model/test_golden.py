"""golden.json of a bundle: what an engine must find again, and what of it is no stored frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.settings import MODEL
from edge.data import RawDetections
from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.model.golden import FILE, MARGIN, PICTURE, Golden, difference, read_golden
from edge.model.thresholds import Thresholds

KEPT = Path(__file__).resolve().parents[2] / "export/parity/golden"
BOXES = [(0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (40.0, 0.0, 50.0, 10.0)]


def stored(scores: tuple[float, ...] = (0.9, 0.8, 0.55), labels: tuple[int, ...] = (0, 1, 0)) -> Golden:
    return Golden(np.zeros((64, 80), np.uint8), np.array(BOXES), np.array(scores), np.array(labels, np.int64), "")


def found(*rows: tuple[int, float, int], shift: float = 0.0) -> RawDetections:
    """Rows of (which of BOXES, score, label), and rows that are not used."""
    boxes = np.zeros((5, 4), np.float32)
    scores, labels = np.zeros(5, np.float32), np.zeros(5, np.int32)
    for i, (box, score, label) in enumerate(rows):
        boxes[i], scores[i], labels[i] = np.array(BOXES[box]) + shift, score, label
    return RawDetections(boxes, scores, labels)


def test_all_are_found_again() -> None:
    said = difference(stored(), found((0, 0.9, 0), (1, 0.85, 1), (2, 0.5, 0), shift=0.5), Thresholds.alike(0.5))
    assert (said.both, said.lost, said.added) == (3, 0, 0)
    assert said.score == pytest.approx(0.05)
    assert said.box_px == pytest.approx(0.5)
    assert str(said) == (
        "3 of 3 stored detections found again, 0 added; largest difference of a score 0.05, of a box 0.5 px"
    )


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ([(0, 0.9, 0), (1, 0.8, 1)], (2, 0, 0)),  # the third is no more than a margin over the threshold
        ([(0, 0.9, 0)], (1, 1, 0)),
        ([(0, 0.9, 1), (1, 0.8, 1)], (1, 1, 1)),  # of another class it is another one
        ([(0, 0.9, 0), (1, 0.5 - MARGIN - 0.01, 1)], (1, 1, 0)),
        ([(0, 0.9, 0), (1, 0.5 - MARGIN + 0.01, 1)], (2, 0, 0)),
        ([(0, 0.9, 0), (0, 0.8, 0), (1, 0.8, 1)], (2, 0, 1)),
        ([(0, 0.9, 0), (0, 0.55, 0), (1, 0.8, 1)], (2, 0, 0)),
        ([], (0, 2, 0)),
    ],
)
def test_what_differs_is_counted(rows: list[tuple[int, float, int]], counts: tuple[int, int, int]) -> None:
    said = difference(stored(), found(*rows), Thresholds.alike(0.5))
    assert (said.both, said.lost, said.added) == counts


def test_a_box_elsewhere_is_lost_and_added() -> None:
    said = difference(stored((0.9, 0.1, 0.1)), found((0, 0.9, 0), shift=4.0), Thresholds.alike(0.5))
    assert (said.both, said.lost, said.added) == (0, 1, 1)


def put(bundle: Path, **changed: Any) -> Bundle:
    loaded = Bundle.load(bundle)
    says = {
        "format": 1,
        "model_onnx": loaded.files["model.onnx"],
        "origin": "drawn",
        "boxes": BOXES[:1],
        "scores": [0.9],
        "labels": [0],
    }
    (bundle / FILE).write_text(json.dumps({**says, **changed}))
    cv2.imwrite(str(bundle / PICTURE), np.zeros((64, 80), np.uint8))
    return loaded


def test_it_is_read(tiny_bundle: Path) -> None:
    assert read_golden(Bundle.load(tiny_bundle)) is None
    golden = read_golden(put(tiny_bundle))
    assert golden is not None
    assert (golden.picture.shape, golden.boxes.tolist(), golden.origin) == ((64, 80), [[0, 0, 10, 10]], "drawn")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"format": 2}, "format is 2"),
        ({"model_onnx": "0"}, "is of another model.onnx"),
        ({"scores": []}, "not as many"),
        ({"scores": [1.5]}, "scores"),
        ({"boxes": [[0, 0, 1]]}, "boxes"),
    ],
)
def test_what_is_none_is_refused(tiny_bundle: Path, changed: dict[str, Any], told: str) -> None:
    bundle = put(tiny_bundle, **changed)
    with pytest.raises(BundleError, match=told):
        read_golden(bundle)


def test_a_picture_of_another_kind_is_refused(tiny_bundle: Path) -> None:
    bundle = put(tiny_bundle)
    for picture in (np.zeros((64, 81), np.uint8), np.zeros((64, 80), np.uint16), np.zeros((64, 80, 3), np.uint8)):
        cv2.imwrite(str(tiny_bundle / PICTURE), picture)
        with pytest.raises(BundleError, match="expected an 8-bit grey PNG of 80x64"):
            read_golden(bundle)
    (tiny_bundle / PICTURE).write_bytes(b"")
    with pytest.raises(BundleError, match="expected an 8-bit"):
        read_golden(bundle)


def test_the_bundled_models_frame_is_the_one_of_torchvision() -> None:
    """tests/support/make_golden.py wrote that; here are its detections from 0.3 on."""
    says, kept = json.loads((MODEL / FILE).read_text()), json.loads((KEPT / "detections.json").read_text())
    frame = kept["frames"][0]
    assert (MODEL / PICTURE).read_bytes() == (KEPT / frame["file"]).read_bytes()
    rows = [row for row in zip(frame["boxes"], frame["scores"], frame["labels"], strict=True) if row[1] >= 0.3]
    boxes, scores, labels = zip(*rows, strict=True)
    assert np.allclose(says["boxes"], boxes, atol=1e-3)
    assert np.allclose(says["scores"], scores, atol=1e-5)
    assert says["labels"] == list(labels)
    assert says["model_onnx"] == json.loads((MODEL / "model.json").read_text())["files"]["model.onnx"]
