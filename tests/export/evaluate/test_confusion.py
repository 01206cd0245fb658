"""What is taken for what, counted by hand."""

from __future__ import annotations

import numpy as np

from edge.measure.average_precision import Judged
from export.evaluate.confusion import confusion

CLASSES = ("Person", "Animal", "Car")
PERSON, ANIMAL, CAR = range(3)
NONE = np.zeros((0, 4), np.float32)
A, B, C, D = ([20.0 * i, 0, 20.0 * i + 10, 10] for i in range(4))


def frame(
    found: list[tuple[list[float], int, float]],
    true: list[tuple[list[float], int]],
    ignored: list[list[float]] | None = None,
) -> Judged:
    boxes = np.array([box for box, _, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, _, score in found], np.float32)
    truth = np.array([box for box, _ in true], np.float32).reshape(-1, 4)
    labels, true_labels = (np.array([one[1] for one in several], np.int64) for several in (found, true))
    return Judged(boxes, scores, labels, truth, true_labels, np.array(ignored or NONE, np.float32))


def test_each_box_is_counted_once() -> None:
    found = [
        (A, PERSON, 0.9),  # right
        (B, PERSON, 0.8),  # an animal, taken for a person
        (D, CAR, 0.7),  # nothing is there
        (C, CAR, 0.4),  # below the score
    ]
    made = confusion([frame(found, [(A, PERSON), (B, ANIMAL), (C, CAR)])], CLASSES, 0.5)
    assert made["found_as"]["Person"] == {"Person": 1, "Animal": 0, "Car": 0}
    assert made["found_as"]["Animal"] == {"Person": 1, "Animal": 0, "Car": 0}
    assert made["missed"] == {"Person": 0, "Animal": 0, "Car": 1}
    assert made["false"] == {"Person": 0, "Animal": 0, "Car": 1}
    assert not any(n for row in made["double"].values() for n in row.values())
    assert made["score"] == 0.5


def test_its_own_class_comes_first_and_the_second_name_is_double() -> None:
    found = [(A, PERSON, 0.9), (A, ANIMAL, 0.6)]
    made = confusion([frame(found, [(A, ANIMAL)])], CLASSES, 0.5)
    assert made["found_as"]["Animal"] == {"Person": 0, "Animal": 1, "Car": 0}
    assert (made["false"]["Person"], made["double"]["Animal"]["Person"]) == (1, 1)
    twice = confusion([frame([(A, ANIMAL, 0.9), (A, ANIMAL, 0.6)], [(A, ANIMAL)])], CLASSES, 0.5)
    assert (twice["false"]["Animal"], twice["double"]["Animal"]["Animal"]) == (1, 0)


def test_the_better_score_takes_what_is_left() -> None:
    made = confusion([frame([(A, CAR, 0.6), (A, PERSON, 0.8)], [(A, ANIMAL)])], CLASSES, 0.5)
    assert made["found_as"]["Animal"] == {"Person": 1, "Animal": 0, "Car": 0}
    assert (made["false"]["Car"], made["double"]["Animal"]["Car"]) == (1, 1)


def test_ignored_regions_and_loose_boxes() -> None:
    half = [6.0, 0, 16, 10]  # IoU 0.25 with A
    made = confusion([frame([(D, CAR, 0.9), (half, PERSON, 0.9)], [(A, PERSON)], [D])], CLASSES, 0.5)
    assert made["false"] == {"Person": 1, "Animal": 0, "Car": 0}
    assert made["missed"]["Person"] == 1
    assert made["double"]["Person"] == {"Person": 0, "Animal": 0, "Car": 0}


def test_frames_add_up_and_may_be_empty() -> None:
    made = confusion([frame([], []), frame([(A, CAR, 0.5)], []), frame([], [(A, CAR), (B, CAR)])], CLASSES, 0.5)
    assert (made["false"]["Car"], made["missed"]["Car"]) == (1, 2)
