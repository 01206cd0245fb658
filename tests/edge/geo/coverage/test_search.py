"""What is searched for: the text of --coverage, and what a model fills in."""

from __future__ import annotations

import pytest

from edge.errors import InputError
from edge.geo.coverage.search import LEAST_PX, Search


def test_the_text_is_read() -> None:
    assert Search.parse("class=roe deer, size=0.9,px=6,frames=5") == Search("roe deer", 0.9, 6.0, 5)
    assert Search.parse("") == Search("", 0.0, LEAST_PX, 0, 0.0)
    assert Search.parse("kelvin=2.5").kelvin == 2.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("what=1", "'what=1'; expected class=, size=, px=, frames=, kelvin=, once each"),
        ("px=1,px=2", "'px=2'; expected"),
        ("class=", "'class='; expected"),
        ("size=big", "size=big; expected a number over 0"),
        ("size=0", "size=0; expected"),
        ("px=-1", "px=-1; expected"),
        ("px=nan", "px=nan; expected"),
        ("size=1e4", "size=1e4; expected"),
        ("kelvin=0", "kelvin=0; expected a number over 0"),
        ("kelvin=2,kelvin=3", "'kelvin=3'; expected"),
        ("frames=1.5", "frames=1.5; expected a whole number"),
    ],
)
def test_what_cannot_be_is_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match="coverage .*" + said.replace("(", r"\(")):
        Search.parse(text)


def test_a_model_fills_in_what_is_left_open() -> None:
    classes = ("Car", "Person", "roe deer")
    assert Search().of(classes, False) == Search("Person", 0.8, LEAST_PX, 3)
    assert Search().of(("Car", "roe deer"), True) == Search("roe deer", 0.9, LEAST_PX, 1)
    assert Search().of(("Car", "Thing"), False) == Search("Car", 2.8, LEAST_PX, 3)
    assert Search("PERSON", 1.5, 4.0, 7).of(classes, True) == Search("Person", 1.5, 4.0, 7)
    assert Search(kelvin=2.0).of(classes, False).kelvin == 2.0
    assert Search("Thing").of(("Thing",), False).size_m == 0.8
    with pytest.raises(InputError, match="class=Fox: the model has no such class: expected Car, Person, roe deer"):
        Search("Fox").of(classes, False)


def test_it_is_said_in_words() -> None:
    assert Search("Person", 0.8, 8.0, 3).in_words == "for Person of 0.8 m: at least 8 px a side in at least 3 frames"
    assert Search("Person", 0.8, 8.0, 1).in_words.endswith("in at least 1 frame")
