"""The line of a key: of random missions, written in every form that TOML has, the one on which it was put."""

from __future__ import annotations

import string
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app.mission.check import form, toml
from edge.app.mission.lines import DEEPEST, TooDeep, key_lines, parse

LETTERS = string.ascii_letters + string.digits + "_-"
ODD = "ab\"'#[]{}=\\\n. \u00e4\U0001f98c"
NOISE = ("", "\n", "# a = 1\n", "  # [b]\n\n", "\t\n")


def name(chance: Random) -> str:
    return "".join(chance.choices(LETTERS if chance.random() < 0.8 else ODD, k=chance.randint(1, 4)))


def value(chance: Random, depth: int = 3) -> Any:
    kind = chance.randint(0, 5 if depth else 3)
    if kind < 4:
        return (chance.randint(-9, 9), chance.random() < 0.5, 1.5, "".join(chance.choices(ODD, k=3)))[kind]
    made = [(name(chance), value(chance, depth - 1)) for _ in range(chance.randint(0, 3))]
    return dict(made) if kind == 4 else [one for _, one in made]


def texts(value: str) -> list[str]:
    """Every form of a text."""
    forms = [toml(value), '"""' + toml(value)[1:-1].replace("\\n", "\n") + '"""']
    if "'" not in value:
        forms += [f"'''\n{value}'''"] + ([f"'{value}'"] if "\n" not in value else [])
    return forms


class Written:
    """A text that is written key by key, and the line of each."""

    def __init__(self, chance: Random) -> None:
        self.text, self.lines, self.chance = "", dict[tuple[str | int, ...], int](), chance

    def one_of(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def add(self, text: str) -> None:
        self.text += text

    def note(self, path: tuple[str | int, ...]) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def key(self, name: str, path: tuple[str | int, ...]) -> None:
        self.add(self.one_of("", "  ", "\t"))
        self.note(path)
        self.add(form(name, 0)[:-4])

    def value(self, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            self.add("{")
            for n, (name, one) in enumerate(value.items()):
                self.add(", " if n else " ")
                self.key(name, (*path, name))
                self.add(" = ")
                self.value(one, (*path, name))
            self.add("}")
        elif isinstance(value, list):
            self.add("[")
            for n, one in enumerate(value):
                self.add(self.one_of(*NOISE))
                self.note((*path, n))
                self.value(one, (*path, n))
                self.add(",")
            self.add(self.one_of("]", "\n]"))
        else:
            self.add(self.one_of(*texts(value)) if isinstance(value, str) else toml(value))


@settings(max_examples=200)
@given(st.integers(0, 10**9))
def test_the_named_line_is_the_keys_line(seed: int) -> None:
    chance = Random(seed)
    written = Written(chance)
    for table in {name(chance): value for value in range(chance.randint(0, 4))}:
        written.add(written.one_of(*NOISE))
        several = chance.random() < 0.5
        inside: tuple[str | int, ...] = (table, 0) if several else (table,)
        written.note((table,))
        written.note(inside)
        written.add(f"[[{form(table, 0)[:-4]}]]" if several else f"[ {form(table, 0)[:-4]} ]  # a head")
        written.add("\n")
        for key, one in {name(chance): value(chance) for _ in range(chance.randint(0, 4))}.items():
            written.add(written.one_of(*NOISE))
            written.key(key, (*inside, key))
            written.add(" = ")
            written.value(one, (*inside, key))
            written.add("\n")
    parse(written.text)  # it is TOML
    assert dict(key_lines(written.text)) == written.lines


def test_dotted_keys_and_lists_of_tables() -> None:
    text = 'a.b = 1\na."c d".e = {f = 1, g.h = 2}\n[[t]]\nx = 1\n[t.u]\ny = 2\n[[t]]\n[[t.v]]\nz = [\n1,\n{w = 3}]\n'
    parse(text)
    lines = key_lines(text)
    assert {path: line for path, line in lines.items() if len(path) > 1} == {
        ("a", "b"): 1,
        ("a", "c d"): 2,
        ("a", "c d", "e"): 2,
        ("a", "c d", "e", "f"): 2,
        ("a", "c d", "e", "g"): 2,
        ("a", "c d", "e", "g", "h"): 2,
        ("t", 0): 3,
        ("t", 0, "x"): 4,
        ("t", 0, "u"): 5,
        ("t", 0, "u", "y"): 6,
        ("t", 1): 7,
        ("t", 1, "v"): 8,
        ("t", 1, "v", 0): 8,
        ("t", 1, "v", 0, "z"): 9,
        ("t", 1, "v", 0, "z", 0): 10,
        ("t", 1, "v", 0, "z", 1, "w"): 11,
        ("t", 1, "v", 0, "z", 1): 11,
    }
    assert (lines[("a",)], lines[("t",)]) == (1, 3)


def test_a_key_in_a_text_or_a_comment_is_none() -> None:
    text = "a = \"\"\"\nb = 1\n\\\"\"\"\" # c = 2\nd = '''x''''\ne = 1"
    parse(text)
    assert dict(key_lines(text)) == {("a",): 1, ("d",): 4, ("e",): 5}


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "{a = " * 5000, "a" + ".a" * 5000, "[" + "a." * 5000])
def test_what_is_too_deep_is_refused_before_a_parser_calls_itself(text: str) -> None:
    with pytest.raises(TooDeep, match=f"more than {DEEPEST}"):
        key_lines(text)


@settings(max_examples=100)
@given(st.text("ab=[]{}\"'#.,\\\n 1", max_size=60))
def test_of_any_text_it_says_something(text: str) -> None:
    assert all(line >= 1 for line in key_lines(text).values())
