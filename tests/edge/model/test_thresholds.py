"""The score from which each class is shown: what is asked for, what the bundle says, and what is shown then."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Frame, RawDetections
from edge.errors import BundleError, InputError
from edge.model.bundle import Bundle
from edge.model.letterbox import Letterbox
from edge.model.thresholds import Filter, Thresholds, in_words
from edge.model.transform import to_detections
from edge.track.tracker import Tracker
from tests.conftest import write_bundle

CLASSES = ("Person", "Car", "Animal")
USUAL = Thresholds(CLASSES, (0.5, 0.5, 0.3, 0.5))
SAME, FRAME = Letterbox(80, 64, 80, 64, 0), Frame(np.zeros((64, 80), np.uint8), 0, 0.0)


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        (None, (0.5, 0.5, 0.3, 0.5)),
        (0.4, (0.4, 0.4, 0.4, 0.4)),
        ("0.4", (0.4, 0.4, 0.4, 0.4)),
        ("Animal=0.2,Person=0.6", (0.6, 0.5, 0.2, 0.5)),
        ("0.7, Animal = 0.2", (0.7, 0.7, 0.2, 0.7)),
        ("animal=1,0", (0.0, 0.0, 1.0, 0.0)),
        ("Car=0.3", (0.5, 0.3, 0.3, 0.5)),
    ],
)
def test_what_is_asked_for(asked: float | str | None, values: tuple[float, ...]) -> None:
    assert Filter.of(asked).lowest(USUAL).values == values


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "''"),
        ("0.4,", "''"),
        ("lots", "'lots'"),
        ("1.01", "'1.01'"),
        ("nan", "'nan'"),
        ("Animal=-0.1", "'Animal=-0.1'"),
        ("Animal=", "'Animal='"),
        ("=0.5", "'=0.5'"),
        ("0.4,0.5", "'0.5' says it again"),
        ("Animal=0.2,animal=0.3", "'animal=0.3' says it again"),
    ],
)
def test_what_cannot_be_asked_for(asked: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Filter.of(asked)
    assert str(caught.value).startswith(f"threshold {asked!r}: {said}: expected a score from 0 to 1")
    assert "\n" not in str(caught.value)


def test_a_class_that_the_model_does_not_have() -> None:
    with pytest.raises(InputError, match="threshold of 'Deer': the model has no such class: expected Person, Car, Ani"):
        Filter.of("Deer=0.2").lowest(USUAL)
    with pytest.raises(InputError, match=r"threshold Animal=1\.5: expected a score"):
        Filter(by_class={"Animal": 1.5})
    both = Thresholds(("deer", "Deer"), (0.1, 0.2, 0.3))  # told apart by their case where that tells
    assert Filter.of("Deer=0.9").lowest(both).values == (0.1, 0.9, 0.3)


def test_in_words_and_for_programs() -> None:
    assert str(Thresholds.alike(0.5, CLASSES)) == str(Thresholds.alike(0.5)) == "0.5"
    assert str(USUAL) == in_words(USUAL.to_json()) == "0.5 (Animal 0.3)"
    assert in_words({"a": 0.1, "b": 0.2, "c": 0.3}) == "0.1 (b 0.2, c 0.3)"
    assert USUAL.to_json() == {"Person": 0.5, "Car": 0.5, "Animal": 0.3}
    assert (USUAL.least, Thresholds(CLASSES, (0.5, 0.4, 0.3, 0.0)).least) == (0.3, 0.3)  # not of labels without a name
    assert (USUAL["Animal"], USUAL["Deer"]) == (0.3, 0.5)
    assert USUAL.of_classes(("Animal", "Deer", "Car")).values == (0.3, 0.5, 0.5, 0.5)
    assert USUAL.at_least(0.4).values == (0.5, 0.5, 0.4, 0.5)


def test_labels_without_a_name_are_shown_from_the_score_of_all() -> None:
    rows = Thresholds(CLASSES, (0.9, 0.9, 0.9, 0.4)).shown(np.full(3, 0.5, np.float32), np.array([2, 3, 80], np.int32))
    assert rows.tolist() == [False, True, True]


# ---- the bundle


def test_a_bundle_keeps_them(tmp_path: Path) -> None:
    bundle = dataclasses.replace(Bundle.load(write_bundle(tmp_path, CLASSES)), score_thresholds={"Animal": 0.2})
    bundle.write_json()
    said = json.loads((tmp_path / "model.json").read_text())["thresholds"]
    assert said == {"score": 0.5, "score_by_class": {"Animal": 0.2}, "graph_score": 0.0}
    again = Bundle.load(tmp_path)
    assert (again, again.nms_thresholds) == (bundle, {})
    assert again.thresholds.values == (0.5, 0.5, 0.2, 0.5)


def test_a_bundle_of_before_shows_all_from_one_score(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path, CLASSES, 0.4))
    assert "score_by_class" not in (tmp_path / "model.json").read_text()
    assert bundle.thresholds == Thresholds.alike(0.4, CLASSES)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Deer": 0.2}, "score_by_class has 'Deer': expected names of its classes, Person, Car, Animal"),
        ({"animal": 0.2}, "score_by_class has 'animal'"),
        ({"Animal": 1.01}, "score_by_class"),
        ({"Animal": "low"}, "score_by_class"),
        ([0.2], "thresholds.score_by_class is"),
    ],
)
def test_a_bundle_that_says_it_wrong(tmp_path: Path, wrong: Any, said: str) -> None:
    path = write_bundle(tmp_path, CLASSES) / "model.json"
    content = json.loads(path.read_text())
    content["thresholds"]["score_by_class"] = wrong
    path.write_text(json.dumps(content))
    with pytest.raises(BundleError) as caught:
        Bundle.load(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- what is shown

SCORE = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0, 1, width=32))
ROWS = st.lists(st.tuples(SCORE, st.integers(0, 4)), max_size=12)


def raw_of(rows: list[tuple[float, int]]) -> RawDetections:
    boxes = np.array([(i, 2.0, i + 5.0, 12.0) for i in range(len(rows))], np.float32).reshape(-1, 4)
    return RawDetections(
        boxes, np.array([s for s, _ in rows], np.float32), np.array([label for _, label in rows], np.int32)
    )


def shown(rows: list[tuple[float, int]], threshold: float | Thresholds) -> list[tuple[float, float, int]]:
    found = to_detections(raw_of(rows), SAME, threshold, FRAME)
    return [(float(b[0]), float(s), int(c)) for b, s, c in zip(found.boxes, found.scores, found.labels, strict=True)]


@given(ROWS, SCORE)
def test_all_alike_is_one_score(rows: list[tuple[float, int]], score: float) -> None:
    raw = raw_of(rows)
    plain = (raw.scores >= score) & (raw.scores > 0)  # as it was when there was one score
    expected = [(float(raw.boxes[i, 0]), float(raw.scores[i]), int(raw.labels[i])) for i in np.flatnonzero(plain)]
    assert shown(rows, score) == expected
    assert shown(rows, Thresholds.alike(score, CLASSES)) == expected


@given(ROWS, st.tuples(SCORE, SCORE, SCORE, SCORE), st.integers(0, 2), SCORE)
def test_the_score_of_one_class_changes_no_box_of_another(
    rows: list[tuple[float, int]], values: tuple[float, ...], label: int, other: float
) -> None:
    changed = (*values[:label], other, *values[label + 1 :])
    before, after = (shown(rows, Thresholds(CLASSES, each)) for each in (values, changed))
    assert [row for row in before if row[2] != label] == [row for row in after if row[2] != label]
    assert [row for row in after if row[2] == label] == [row for row in shown(rows, other) if row[2] == label]


def follow(high: Any, low: Any, seed: int) -> list[list[int]]:
    rng, tracker = np.random.default_rng(seed), Tracker(low=low, begin=high, high=high)
    told = []
    for step in range(12):
        boxes = np.array([(20.0 * i + step, 10, 20.0 * i + step + 8, 20) for i in range(6)])
        scores = rng.choice([0.1, 0.25, 0.45, 0.5, 0.9], 6)
        told.append(tracker.update(boxes, scores, [0, 0, 1, 1, 2, 2], step / 10, np.eye(2, 3)).tolist())
    return told


@pytest.mark.parametrize("seed", range(4))
def test_a_tracker_with_one_score_a_label_that_are_all_alike(seed: int) -> None:
    alike = Thresholds.alike(0.5, CLASSES)
    assert follow(alike.by_label, alike.times(0.4).by_label, seed) == follow(0.5, 0.4 * 0.5, seed)


def test_a_track_begins_and_goes_on_by_the_score_of_its_class() -> None:
    tracker = Tracker(low=np.array([0.2, 0.08]), begin=np.array([0.5, 0.2]), high=np.array([0.5, 0.2]))
    boxes = np.array([[10, 10, 18, 20], [60, 10, 68, 20]], np.float64)
    for step in range(4):
        ids = tracker.update(boxes, [0.4, 0.4], [0, 1], step / 10)
    assert ids.tolist() == [-1, 1]  # the same score: too faint for the one, sure for the other
    assert tracker.update(boxes, [0.9, 0.1], [0, 1], 0.4).tolist() == [-1, 1]
    assert tracker.update(boxes, [0.9, 0.07], [0, 1], 0.5).tolist()[1] == -1
    with pytest.raises(InputError, match="low the least of them"):
        Tracker(low=np.array([0.2, 0.3]), begin=np.array([0.5, 0.2]), high=np.array([0.5, 0.2]))
    with pytest.raises(InputError, match="low the least of them"):
        tracker.limit(low=np.array([0.1, 0.1, 0.1]), begin=np.array([0.5, 0.2]), high=0.5)
