"""Sets of different classes are not mixed before somebody says what their frames show."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import InputError
from export.data.dataset import LabelledSet, labelled_frame
from export.evaluate.classes import ClassChoice
from export.evaluate.unlabelled import check_labelled


def labelled(*classes: str, empty: tuple[str, ...] = ()) -> LabelledSet:
    boxes = [[i, 0, i + 4, 4] for i in range(len(classes))]
    frame = labelled_frame(Path("0.png"), 64, 48, boxes, list(range(len(classes))), [])
    return LabelledSet((*classes, *empty), (frame,))


PEOPLE, WILD = labelled("Person", "Car"), labelled("Animal")
SETS = {"in/people": PEOPLE, "in/wild": WILD}


def check(
    sets: dict[str, LabelledSet], *shows_no: str, classes: str | None = None, ignored: str | None = None
) -> list[str]:
    return check_labelled(sets, ClassChoice.parse(classes, ignored), shows_no)


def test_a_set_that_lacks_a_class_is_asked_about() -> None:
    with pytest.raises(InputError) as error:
        check(SETS)
    assert str(error.value) == (
        "in/people has no class Animal, which in/wild has: what its frames show of it would be learnt as background. "
        "If they show none, or mark it as ignored: --shows-no people:Animal; else label it there, or train without it: "
        "--ignore-classes Animal, or --classes"
    )
    with pytest.raises(InputError, match="^in/wild has no class Person, Car, which in/people has: .* wild:Person,Car;"):
        check(SETS, "people:Animal")


def test_an_answer_is_taken_and_said_again() -> None:
    assert check(SETS, "in/people:animal", "wild:Car, Person") == [
        "in/people has no box of Animal: its frames teach that they show none",
        "in/wild has no box of Person, Car: its frames teach that they show none",
    ]


@pytest.mark.parametrize(
    ("classes", "ignored"),
    [("Person", "Animal"), (None, "Person,Car"), (None, "Animal")],
)
def test_what_is_not_trained_is_not_asked_about(classes: str | None, ignored: str | None) -> None:
    lacking = {("Person", "Animal"): "wild:Person", (None, "Animal"): "wild:Person,Car"}.get((classes, ignored))
    found = check(SETS, *([lacking] if lacking else ["people:Animal"]), classes=classes, ignored=ignored)
    assert len(found) == 1


def test_sets_of_the_same_classes_are_merged_whatever_they_call_them() -> None:
    assert check({"a": labelled("Person", "Car"), "b": labelled("car", "PERSON")}) == []
    assert check({"a": labelled("Person"), "b": labelled("man")}, classes="Person,Person=man") == []
    assert check({"a": labelled("Person")}) == []
    assert check({"a": labelled("Person")}, classes="Person,Boat") == []  # a set less is not this question


def test_a_class_that_is_declared_and_has_no_box_is_said() -> None:
    assert check({"a": PEOPLE, "b": labelled("Person", empty=("Car",))}) == [
        "b has no box of Car: its frames teach that they show none"
    ]
    assert check({"b": labelled("Person", empty=("Car",))}) == []  # one set: said where its boxes are counted


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("wild", "expected --shows-no SET:CLASS,..., where SET is one of in/people, in/wild"),
        ("wilder:Person", "where SET is one of"),
        ("wild:", "where SET is one of"),
        ("wild:Person,", "where SET is one of"),
        ("wild:Animal", "Animal is no class that in/wild lacks: it lacks Person, Car"),
        ("people:Persons", "Persons is no class that in/people lacks: it lacks Animal"),
    ],
)
def test_an_answer_to_no_question_is_refused(answer: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        check(SETS, answer)
    assert told in str(error.value)


def test_two_sets_of_one_name_are_named_by_their_paths() -> None:
    sets = {"a/data": PEOPLE, "b/data": WILD}
    with pytest.raises(InputError, match="--shows-no a/data:Animal;"):
        check(sets)
    with pytest.raises(InputError, match="several sets are called so; expected"):
        check(sets, "data:Animal")
    assert len(check(sets, "a/data:Animal", "b/data:Person,Car")) == 2
    spaced = {"my set": PEOPLE, "wild": WILD}
    with pytest.raises(InputError, match="--shows-no 'my set:Animal'"):
        check(spaced)
