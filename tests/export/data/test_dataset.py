"""Sets of labelled frames, and several as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.data.dataset import LabelledFrame, LabelledSet, labelled_frame, merge

NONE = np.zeros((0, 4), np.float32)


def one_class(name: str, count: int, other: str = "rest") -> LabelledSet:
    box = np.array([[0, 0, 8, 8]], np.float32)
    frames = [LabelledFrame(Path(f"{name}{i}"), 64, 48, box, np.ones(1, np.int64), NONE) for i in range(count)]
    return LabelledSet((other, name), tuple(frames))


def test_sets_merge_by_class_name() -> None:
    merged = merge([one_class("Car", 2, "Person"), one_class("deer", 1, "CAR"), one_class("car", 1, "person")])
    assert merged.classes == ("Person", "Car", "deer")
    assert [int(f.labels[0]) for f in merged.frames] == [1, 1, 2, 1]
    assert [f.source for f in merged.frames] == [0, 0, 1, 2]


def three_classes() -> LabelledSet:
    boxes = [[i, i, i + 4, i + 4] for i in range(4)]
    frame = labelled_frame(Path("a.png"), 64, 48, boxes, [0, 1, 2, 1], [[40, 40, 44, 44]])
    return LabelledSet(("deer", "Person", "car"), (frame,), ("read",))


def test_classes_are_chosen_by_name_and_in_order() -> None:
    data = three_classes().with_classes(["person", "deer"])
    assert data.classes == ("person", "deer")
    assert data.frames[0].labels.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(data.frames[0].boxes[:, 0], [0, 1, 3])
    np.testing.assert_array_equal(data.frames[0].ignored, [[40, 40, 44, 44]])
    assert data.notes == ("read", "left out: 1 boxes of car; they count as background")
    assert three_classes().with_classes(["deer", "Person", "car"]).notes == ("read",)


def test_ignored_classes_become_regions() -> None:
    data = three_classes().ignoring(["person"])
    assert data.classes == ("deer", "car")
    assert data.frames[0].labels.tolist() == [0, 1]
    np.testing.assert_array_equal(data.frames[0].ignored[:, 0], [40, 1, 3])
    assert data.notes == ("read", "ignored regions: 2 boxes of Person")
    assert three_classes().ignoring([]).classes == three_classes().classes


@pytest.mark.parametrize("names", [["deer", "fox"], ["deer", "DEER"], []])
def test_a_choice_of_classes_that_cannot_be_is_refused(names: list[str]) -> None:
    with pytest.raises(InputError, match="class"):
        three_classes().with_classes(names)


def test_a_class_to_ignore_must_be_there() -> None:
    with pytest.raises(InputError, match="class 'fox': expected one of deer, Person, car"):
        three_classes().ignoring(["fox"])


def test_notes_go_along() -> None:
    data = three_classes()
    assert data.without(lambda _: True).notes == ("read",)
    assert merge([data, data]).notes == ("read", "read")
