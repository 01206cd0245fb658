"""Of boxes of different classes on one body one is followed; all are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import Detections
from edge.measure.matching import iou
from edge.model.bundle import Bundle
from edge.model.thresholds import Thresholds
from edge.track.one_body import OVERLAP, OneBody

CLASSES = ("Person", "Car", "Animal", "Bicycle")
PERSON, CAR, ANIMAL, BICYCLE, OTHER = range(5)
BODIES = OneBody(CLASSES, [("Person", "Animal")])
LOWEST = Thresholds(CLASSES, (0.5, 0.5, 0.3, 0.5, 0.5))


def found(*rows: tuple[float, float, int]) -> Detections:
    """Squares of 10 px: the left side of each, its score and label."""
    boxes = np.array([[x, 0, x + 10, 10] for x, _, _ in rows], np.float32).reshape(-1, 4)
    scores, labels = (np.array([row[i] for row in rows]) for i in (1, 2))
    return Detections(boxes, scores.astype(np.float32), labels.astype(np.int32), 640, 512)


def kept(*rows: tuple[float, float, int], bodies: OneBody = BODIES) -> list[bool] | None:
    followed = bodies.followed(found(*rows), LOWEST)
    return None if followed is None else followed.tolist()


def test_the_surer_of_two_classes_is_followed() -> None:
    """A score of 0.9 is sure of a person, one of 0.6 is surer of an animal, which is shown from 0.3 on."""
    assert kept((0, 0.9, PERSON), (1, 0.6, ANIMAL)) == [True, False]
    assert kept((0, 0.6, PERSON), (1, 0.6, ANIMAL)) == [False, True]
    assert kept((1, 0.31, ANIMAL), (0, 0.5, PERSON)) == [True, False]  # log odds above: 0.05 and 0
    assert kept((1, 0.3, ANIMAL), (0, 0.52, PERSON)) == [False, True]
    assert kept((0, 1.0, PERSON), (1, 0.999, ANIMAL)) == [True, False]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(0, 0.9, PERSON)],
        [(0, 0.9, PERSON), (1, 0.6, PERSON)],  # the detector has left both
        [(0, 0.9, CAR), (1, 0.6, ANIMAL)],  # not of one group
        [(0, 0.9, BICYCLE), (1, 0.6, PERSON)],  # a rider
        [(0, 0.9, OTHER), (1, 0.6, 7)],  # labels without a name
        [(0, 0.9, PERSON), (6, 0.6, ANIMAL)],  # beside each other
    ],
)
def test_all_others_are_followed(rows: list[tuple[float, float, int]]) -> None:
    assert kept(*rows) is None


def test_they_lie_on_each_other_from_the_overlap_on() -> None:
    """Squares of 10 px that are d apart have the IoU (10 - d) / (10 + d)."""
    edge = 10 * (1 - OVERLAP) / (1 + OVERLAP)
    assert kept((0, 0.9, PERSON), (edge - 0.01, 0.6, ANIMAL)) == [True, False]
    assert kept((0, 0.9, PERSON), (edge + 0.01, 0.6, ANIMAL)) is None


def test_what_is_left_out_takes_nobody_with_it() -> None:
    """The middle one lies on both, its neighbours do not lie on each other."""
    assert kept((0, 0.9, PERSON), (4, 0.6, ANIMAL), (8, 0.55, PERSON)) == [True, False, True]
    assert kept((0, 0.6, PERSON), (4, 0.9, ANIMAL), (8, 0.6, PERSON)) == [False, True, False]


def test_each_group_is_for_itself_and_cars_stay() -> None:
    two = OneBody(CLASSES, [("Person", "Animal"), ("Car", "Bicycle")])
    rows = [(0, 0.9, PERSON), (0, 0.8, CAR), (0, 0.7, ANIMAL), (0, 0.6, BICYCLE)]
    assert kept(*rows, bodies=two) == [True, True, False, False]
    assert kept(*rows) == [True, True, False, True]


def test_in_any_order_no_two_that_are_followed_lie_on_each_other() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        drawn = zip(rng.uniform(0, 60, 12), rng.random(12), rng.integers(0, 5, 12), strict=True)
        rows = [(float(x), float(score), int(label)) for x, score, label in drawn]
        one, order = found(*rows), rng.permutation(12)
        given = BODIES.followed(one, LOWEST)
        left = np.ones(12, bool) if given is None else given
        again = BODIES.followed(found(*[rows[i] for i in order]), LOWEST)
        assert (np.ones(12, bool) if again is None else again).tolist() == left[order].tolist()
        alike = np.isin(one.labels, (PERSON, ANIMAL))
        lies = (iou(one.boxes, one.boxes) >= OVERLAP) & (one.labels[:, None] != one.labels) & alike & alike[:, None]
        assert not (lies & left & left[:, None]).any()
        assert (lies[~left] & left).any(axis=1).all()  # whoever is left out lies on one that is followed
        assert left[~alike].all()


def test_a_bundle_says_which(tiny_bundle: Path) -> None:
    bundle = replace(Bundle.load(tiny_bundle), classes=CLASSES)
    assert OneBody.of(bundle) is None
    said = OneBody.of(replace(bundle, one_body=(("Person", "Animal"),)))
    assert said is not None
    assert kept((0, 0.9, PERSON), (1, 0.6, ANIMAL), bodies=said) == [True, False]
