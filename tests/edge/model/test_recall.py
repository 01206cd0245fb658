"""recall.json: what a table says of a size, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.app.settings import MODEL
from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.model.recall import EDGES_PX, FILE, LEAST_BOXES, SCORES, read_recall


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


def write(bundle: Bundle, **changes: Any) -> None:
    table = {
        "format": 1,
        "model_onnx": bundle.files["model.onnx"],
        "labels": "val",
        "frames": 7,
        "path": "flight, ort",
        "min_iou": 0.5,
        "scores": [0.3, 0.6],
        "edges_px": [0, 8, 16, 32],
        "classes": {"Person": {"boxes": [40, LEAST_BOXES - 1, LEAST_BOXES], "found": [[20, 10], [9, 9], [20, 19]]}},
        **changes,
    }
    (bundle.path / FILE).write_text(json.dumps(table))


def test_the_recall_of_a_size_at_the_next_higher_score(bundle: Bundle) -> None:
    assert read_recall(bundle, "Person", 0.5) is None
    write(bundle)
    curve = read_recall(bundle, "Person", 0.5)
    assert curve is not None
    said = curve.at(np.array([0.0, 7.99, 8.0, 15.9, 16.0, 31.9, 32.0]))
    assert said[[0, 1, 4, 5]] == pytest.approx([0.25, 0.25, 0.95, 0.95])
    assert np.isnan(said[[2, 3, 6]]).all()  # too few of them, and none so large
    assert curve.source == "7 frames of val, at a score of 0.6, flight, ort"
    lower = read_recall(bundle, "Person", 0.3)
    assert lower is not None
    assert lower.at(np.array([4.0])) == pytest.approx([0.5])
    assert read_recall(bundle, "Person", 0.61) is None  # nobody measured so high a score
    assert read_recall(bundle, "Car", 0.3) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_onnx": "0"}, "was measured with another model.onnx: measure again"),
        ({"format": 2}, "format is 2.*measure again"),
        ({"scores": [0.6, 0.3]}, "scores do not rise"),
        ({"edges_px": [0, 8, 8, 32]}, "edges_px do not rise"),
        ({"edges_px": [0, 8, 32]}, "classes.Person has other sizes"),
        ({"scores": [0.3, 0.5, 0.6]}, "classes.Person has other sizes"),
        ({"classes": {"Person": {"boxes": [1, 0, 0], "found": [[2, 1], [0, 0], [0, 0]]}}}, "more were found than"),
    ],
)
def test_a_broken_table_is_refused(bundle: Bundle, changes: dict[str, Any], said: str) -> None:
    write(bundle, **changes)
    with pytest.raises(BundleError, match=said):
        read_recall(bundle, "Person", 0.3)


def test_what_cannot_be_read_is_refused(bundle: Bundle) -> None:
    (bundle.path / FILE).mkdir()
    with pytest.raises(BundleError, match=f"{FILE} cannot be read .*: remove it, or measure again"):
        read_recall(bundle, "Person", 0.3)


def test_what_is_measured_by() -> None:
    assert (SCORES[0], SCORES[-1], len(SCORES)) == (0.05, 0.95, 19)
    assert (EDGES_PX[0], EDGES_PX[-1]) == (0.0, 128.0)


def test_the_bundled_table_fits_its_model() -> None:
    bundle = Bundle.load(MODEL)
    curve = read_recall(bundle, "Person", bundle.score_threshold)
    assert curve is not None
    known = curve.recall[~np.isnan(curve.recall)]
    assert len(known) >= 5
    assert math.isclose(known.max(), 0.9, abs_tol=0.1)
