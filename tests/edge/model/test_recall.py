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
from edge.model.recall import EDGES_PX, FILE, LEAST_BOXES, SCORES, Pictures, read_recall


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


FEW = LEAST_BOXES - 1
BY_CONTRAST: dict[str, Any] = {  # of three sizes, below 8, 16 and 32 px, and three contrasts, found at the one score
    "grey": 61.5,
    "boxes": [[FEW, 40, 20], [50, FEW, 100], [10, 6, 4]],
    "found": [[[19], [20], [18]], [[25], [19], [90]], [[2], [4], [4]]],
}
ROWS: dict[str, Any] = {
    "format": 2,
    "scores": [0.6],
    "contrasts": [1, 3, 6],
    "classes": {"Person": {"boxes": [80, 170, 20], "found": [[60], [136], [10]], "by_contrast": BY_CONTRAST}},
}


def rows_of(bundle: Bundle, contrasts: list[float]) -> list[list[float | None]]:
    curve = read_recall(bundle, "Person", 0.6)
    assert curve is not None
    return [[None if math.isnan(v) else round(v, 3) for v in curve.row(np.array([c])).tolist()] for c in contrasts]


def test_the_recall_of_a_size_at_a_contrast(bundle: Bundle) -> None:
    """Below the lowest contrast that was measured nothing is said. Where one has too few objects, those of lower
    contrasts count with them, no more than it takes. Nothing is above the recall of all contrasts: of the highest 0.9
    are found of the first two sizes.
    """
    write(bundle, **ROWS)
    low, middle, high = [None, 0.5, None], [0.5, round(44 / 69, 3), None], [0.75, 0.8, 0.5]
    found = rows_of(bundle, [0.0, 0.99, 1.0, 2.99, 3.0, 5.99, 6.0, 1e9])
    assert found == [[None] * 3, [None] * 3, low, low, middle, middle, high, high]
    curve = read_recall(bundle, "Person", 0.6)
    assert curve is not None
    assert (curve.grey, curve.recall.tolist()) == (61.5, [0.75, 0.8, 0.5])


def test_a_file_of_format_1_is_read_and_has_no_contrast(bundle: Bundle) -> None:
    write(bundle)
    curve = read_recall(bundle, "Person", 0.3)
    assert curve is not None
    assert (curve.grey, len(curve.contrasts)) == (None, 0)
    for contrasts in ([], [0.0], [100.0]):
        assert curve.row(np.array(contrasts)) is curve.recall


LIKE = {"least_range": 80.0, "sharpness": [0.65, 0.8]}


def test_how_a_picture_is_unlike_the_labelled_ones(bundle: Bundle) -> None:
    write(bundle, **{**ROWS, "format": 3, "pictures": LIKE})
    curve = read_recall(bundle, "Person", 0.6)
    assert curve is not None
    assert curve.pictures == Pictures(80.0, (0.65, 0.8))
    said = [
        *("flatter than nearly all labelled frames", "less sharp than nearly all labelled frames"),
        *("", "", "noisier than nearly all labelled frames", "less sharp than nearly all labelled frames"),
    ]
    looks = [(79.9, 0.7), (80.0, 0.649), (80.0, 0.65), (255.0, 0.8), (80.0, 0.801), (80.0, math.nan)]
    assert [curve.pictures.unlike(*look) for look in looks] == said
    write(bundle, **ROWS)
    before = read_recall(bundle, "Person", 0.6)
    assert before is not None
    assert before.pictures is None


def test_where_it_may_be_anywhere_the_recall_is_the_mean_over_the_places(bundle: Bundle) -> None:
    """A place of which nothing is said counts as one where it is missed."""
    write(bundle, **ROWS)
    curve = read_recall(bundle, "Person", 0.6)
    assert curve is not None
    several = curve.row(np.array([0.5, 1.0, 3.0, 9.0]))
    assert several == pytest.approx([(0.5 + 0.9) / 4, (0.5 + 44 / 69 + 0.9) / 4, 0.5 / 4])
    assert np.isnan(curve.row(np.array([]))).all()
    assert np.isnan(curve.row(np.array([0.1, 0.2]))).all()


def person(**changes: Any) -> dict[str, Any]:
    one = ROWS["classes"]["Person"]
    return {"classes": {"Person": {**one, "by_contrast": {**BY_CONTRAST, **changes}}}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contrasts": [3, 3, 6]}, "contrasts do not rise"),
        ({"contrasts": [3, 6]}, "classes.Person.by_contrast has other sizes"),
        ({"contrasts": []}, "classes.Person.by_contrast has other sizes"),
        (person(boxes=[[1], [2, 3]]), "classes.Person.by_contrast has other sizes"),
        (person(boxes=[[18, 40, 20]] * 3), "by_contrast says that more were found"),
        ({"pictures": {**LIKE, "sharpness": [0.8, 0.65]}}, "sharpness does not rise"),
        ({"pictures": {**LIKE, "least_range": 256}}, "expected a number, 255 or less"),
        (person(grey=-1), "expected a number, 0 or more: measure again"),
    ],
)
def test_broken_rows_by_contrast_are_refused(bundle: Bundle, changes: dict[str, Any], said: str) -> None:
    write(bundle, **{**ROWS, **changes})
    with pytest.raises(BundleError, match=said):
        read_recall(bundle, "Person", 0.3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_onnx": "0"}, "was measured with another model.onnx: measure again"),
        ({"format": 4}, "format is 4.*measure again"),
        ({"scores": [0.6, 0.3]}, "scores do not rise"),
        ({"classes": {"Person": {"boxes": [2**64, 0, 0], "found": [[2, 1], [0, 0], [0, 0]]}}}, "1000000000000 or less"),
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
