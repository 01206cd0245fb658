"""What does not fit a declared type is one line: where, what came, what is expected."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from edge.system.declared import MOST, SHOWN, declared, read_json


class Inner(Struct):
    height: Annotated[int, Meta(ge=1, le=8192)] = 1
    part: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    pair: tuple[float, float] | None = None


class Outer(Struct, forbid_unknown_fields=True):
    inner: Inner
    kind: Literal["a", "b"] = "a"
    names: Annotated[tuple[str, ...], Meta(min_length=1)] = ("x",)
    by_name: dict[str, bool] = {}
    finite: Annotated[float, Meta(ge=-MOST, le=MOST)] = 0.0

    def __post_init__(self) -> None:
        if "?" in self.names:
            raise ValueError("names holds a question mark")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ([], "it is []: expected an object"),
        ({}, "it has no 'inner'"),
        ({"inner": {}, "more": 1}, "it has 'more', which is unknown"),
        ({"inner": None}, "inner is None: expected an object"),
        ({"inner": {"height": "tall"}}, "inner.height is 'tall': expected a whole number"),
        ({"inner": {"height": 1.5}}, "inner.height is 1.5: expected a whole number"),
        ({"inner": {"height": True}}, "inner.height is True: expected a whole number"),
        ({"inner": {"height": 0}}, "inner.height is 0: expected a whole number, 1 or more"),
        ({"inner": {"height": 10**30}}, f"inner.height is {10**30}: expected a whole number, 8192 or less"),
        ({"inner": {"part": 0}}, "inner.part is 0: expected a number, more than 0"),
        ({"inner": {"part": 1}}, "inner.part is 1: expected a number, less than 1"),
        ({"inner": {"pair": [1]}}, "inner.pair is [1]: expected a list of length 2, got 1"),
        ({"inner": {"pair": [1, "2"]}}, "inner.pair[1] is '2': expected a number"),
        ({"inner": {"pair": "12"}}, "inner.pair is '12': expected a list or null"),
        ({"inner": {}, "kind": "c"}, "kind is 'c', which is none of the values that are known"),
        ({"inner": {}, "names": []}, "names is []: expected a list of length 1 or more"),
        ({"inner": {}, "names": ["x", 3]}, "names[1] is 3: expected a text"),
        ({"inner": {}, "names": ["?"]}, "names holds a question mark"),
        ({"inner": {}, "by_name": {"x": 0}}, "an entry of by_name is wrong: expected true or false"),
        ({"inner": {}, "finite": math.nan}, f"finite is nan: expected a number, {-MOST!r} or more"),
        ({"inner": {}, "finite": math.inf}, f"finite is inf: expected a number, {MOST!r} or less"),
        ({"inner": {}, "kind": ["\n" * 99]}, f"kind is {repr([chr(10) * 99])[:SHOWN]}...: expected a text"),
    ],
)
def test_the_line(value: Any, line: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are compared
        declared(value, Outer)
    assert str(caught.value) == line


def test_what_fits() -> None:
    assert declared({"inner": {"pair": [1, 2.5]}}, Outer) == Outer(Inner(pair=(1.0, 2.5)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Expecting value"),
        (b"{\xff}", "codec"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"9" * 309, "it holds a whole number of 309 digits"),
        (b'"\\ud800"', "surrogates not allowed"),
    ],
)
def test_no_json_that_can_be_worked_with(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_json(data)


def test_json_as_it_stands() -> None:
    assert read_json(b'{"a": [1, 1.5, null, true, "\\u00e9"], "b": 1e999}') == {
        "a": [1, 1.5, None, True, "é"],
        "b": math.inf,
    }
    assert read_json(b"9" * 308) == int("9" * 308)
