"""Classes are matched by name: the order of a list decides nothing, and a name that does not match is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.data import Frame
from edge.errors import InputError
from export.data.dataset import LabelledFrame, LabelledSet
from export.evaluate.classes import ClassChoice, matched, names_without, near_names
from export.evaluate.evaluate import only_classes

NONE = np.zeros((0, 4), np.float32)
KNOWN = ("Person", "Car", "Bicycle")


def labelled(*classes: str) -> LabelledSet:
    """One frame with a box of each class, whose left edge is its label."""
    boxes = np.array([[i, 0, i + 4, 4] for i in range(len(classes))], np.float32)
    frame = LabelledFrame(Path("0.png"), 64, 48, boxes, np.arange(len(classes), dtype=np.int64), NONE)
    return LabelledSet(classes, (frame,))


def places(data: LabelledSet) -> dict[str, list[int]]:
    """Left edges of the boxes of each class."""
    frame = data.frames[0]
    return {name: frame.boxes[frame.labels == i, 0].astype(int).tolist() for i, name in enumerate(data.classes)}


def choice(classes: str | None = None, ignored: str | None = None) -> ClassChoice:
    return ClassChoice.parse(classes, ignored)


@pytest.mark.parametrize(
    ("labels", "how", "expected", "ignored"),
    [
        (("Person", "Car", "Bicycle"), choice(), {"Person": [0], "Car": [1], "Bicycle": [2]}, 0),
        (("Bicycle", "Person", "Car"), choice(), {"Person": [1], "Car": [2], "Bicycle": [0]}, 0),
        (("Car", "Person"), choice("Car"), {"Car": [0]}, 0),
        (("Car", "Deer", "Person", "Bicycle"), choice("Bicycle,Person"), {"Person": [2], "Bicycle": [3]}, 0),
        (
            ("Car", "Deer", "Person", "Bicycle"),
            choice(ignored="Deer"),
            {"Person": [2], "Car": [0], "Bicycle": [3]},
            1,
        ),
        (("person", "Car", "Bicycle"), choice("Person,Car,Bicycle"), {"Person": [0], "Car": [1], "Bicycle": [2]}, 0),
        (("human", "Car"), choice("Person=human,Car"), {"Person": [0], "Car": [1]}, 0),
        (("man", "Car", "woman"), choice("Person=man,Person=woman"), {"Person": [0, 2]}, 0),
        (("Person", "Car"), choice("Person,Car,Bicycle"), {"Person": [0], "Car": [1], "Bicycle": []}, 0),
        (("Person", "Car"), choice(ignored="Bicycle"), {"Person": [0], "Car": [1]}, 0),
    ],
)
def test_boxes_keep_their_class_whatever_the_order(
    labels: tuple[str, ...], how: ClassChoice, expected: dict[str, list[int]], ignored: int
) -> None:
    data = matched(labelled(*labels), KNOWN, how, "bundle b", "val.json")
    assert places(data) == expected
    assert tuple(data.classes) == tuple(name for name in KNOWN if name in expected)
    assert len(data.frames[0].ignored) == ignored
    gone = [name for name in KNOWN if name not in expected]
    assert [f"not evaluated: what bundle b finds of {', '.join(gone)}"] * bool(gone) == [
        note for note in data.notes if note.startswith("not evaluated")
    ]


def test_a_class_that_the_labels_lack_may_be_meant() -> None:
    with pytest.raises(InputError, match="expected of Person, Car, Bicycle; is Bicycle meant"):
        matched(labelled("Person", "Car"), KNOWN, choice("Person,Bicicle"), "bundle b", "val.json")
    with pytest.raises(InputError, match="--classes deer: val.json has no such class: expected of Person, Car$"):
        matched(labelled("Person", "Car"), KNOWN, choice("Deer=deer"), "bundle b", "val.json")


@pytest.mark.parametrize(
    ("labels", "how", "told"),
    [
        (("deer", "fox", "hare"), choice(), "--classes NAME=LABEL"),
        (("person", "Car", "Bicycle"), choice(), "--classes Person=person,Car,Bicycle"),
        (("Persons", "Car", "Bicycle"), choice(), "'Persons' is nearly 'Person'"),
        (("Person", "Car"), choice(), "--classes Person,Car takes these alone"),
        (
            ("Car",),
            choice(),
            "; --classes Car,Person,Bicycle, if the frames show no Person or Bicycle: each one found counts as false",
        ),
        (("Person", "Car", "Bicycle", "Deer"), choice(), "; --ignore-classes Deer makes"),
        (("Person", "Car", "Deer"), choice(), "; --classes Person,Car --ignore-classes Deer makes"),
        (("Person", "Car", "Bicycle", "Deer"), choice("Person,Deer"), "--classes Person takes these alone"),
        (("Person", "Car", "Bicycle", "traffic light"), choice(), "--ignore-classes 'traffic light'"),
    ],
)
def test_names_that_do_not_match_are_refused_with_both_lists(
    labels: tuple[str, ...], how: ClassChoice, told: str
) -> None:
    with pytest.raises(
        InputError, match="the classes of bundle b are Person, Car, Bicycle, those of val.json "
    ) as error:
        matched(labelled(*labels), KNOWN, how, "bundle b", "val.json")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (choice("Lorry"), "--classes Lorry: val.json has no such class: expected of Person, Car"),
        (choice("Persn"), "is Person meant"),
        (choice("Boat=vessel"), "--classes vessel: val.json has no such class"),
        (choice(ignored="Lorry"), "--ignore-classes Lorry"),
        (choice(ignored="Person,Car"), "no other class left"),
    ],
)
def test_a_choice_of_what_is_not_there_is_refused(how: ClassChoice, told: str) -> None:
    with pytest.raises(InputError, match=told):
        matched(labelled("Person", "Car"), KNOWN, how, "bundle b", "val.json")


@pytest.mark.parametrize("text", ["", "Person,", "Person,,Car", "Person,person", "=Person", "Person="])
def test_a_choice_is_names_with_commas(text: str) -> None:
    with pytest.raises(InputError, match="--classes"):
        choice(text)
    if "=" not in text:
        with pytest.raises(InputError, match="--ignore-classes"):
            choice(None, text)


def test_a_detector_without_names_takes_them_from_the_choice_or_the_labels() -> None:
    data = labelled("Car", "Person")
    assert names_without(2, data, choice(), "checkpoint c", "val.json") == ("Car", "Person")
    assert names_without(2, data, choice("Person,Car"), "checkpoint c", "val.json") == ("Person", "Car")
    assert names_without(1, data, choice(None, "Car"), "checkpoint c", "val.json") == ("Person",)
    with pytest.raises(InputError, match="has 3 classes without names, val.json has Car, Person: give --classes"):
        names_without(3, data, choice(), "checkpoint c", "val.json")
    with pytest.raises(InputError, match="has 2 classes without names, --classes has Person: give --classes"):
        names_without(2, data, choice("Person"), "checkpoint c", "val.json")


def test_detections_of_classes_that_are_left_out_are_left_out() -> None:
    boxes = np.array([[i, 0, i + 4, 4] for i in range(3)], np.float32)
    found = boxes, np.array([0.9, 0.8, 0.7], np.float32), np.array([2, 1, 0], np.int32)
    detect = only_classes(lambda _: found, KNOWN, ("Person", "Bicycle"))
    kept, scores, labels = detect(Frame(np.zeros((8, 8), np.uint8), 0, 0.0))
    np.testing.assert_array_equal(kept, boxes[[0, 2]])
    assert scores.tolist() == pytest.approx([0.9, 0.7])
    assert labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("person", "Person"),
        ("Persons", "person"),
        ("people", "Person"),
        ("other vehicle", "OtherVehicle"),
        ("ca", "car"),
    ],
)
def test_names_that_are_nearly_the_same(name: str, other: str) -> None:
    assert near_names(name, [other, "zebra"]) == [other]


def test_other_names_are_not_near() -> None:
    assert near_names("deer", ["Person", "Car", "fox"]) == []
