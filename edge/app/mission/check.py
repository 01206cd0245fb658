"""A mission's values against its declaration: every fault, each with its key, what came, and what is expected."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from msgspec import Struct, structs

from edge.app.mission.declared import MissionTable
from edge.app.mission.keys import Key
from edge.system.declared import declared

SHOWN = 60  # characters of a value in a message
ENOUGH = 50  # faults: more than are told
LONG = 64  # bits of a whole number that is written out

T = TypeVar("T")
Name = tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """One key. ``kind``: its type without None; of a table, a Struct. ``key``: None for a table."""

    name: str
    field: str
    kind: Any
    key: Key | None
    required: bool

    @property
    def is_table(self) -> bool:
        return self.key is None

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that it can have; () where there are too many."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()


@cache
def keys_of(table: type[Struct]) -> Mapping[str, Declared]:
    """The keys of a table by their names in the file, in their order."""
    hints = typing.get_type_hints(table, include_extras=True)
    found = {}
    for one in structs.fields(table):
        hint, key = hints[one.name], None
        if get_origin(hint) is Annotated:
            hint, *others = get_args(hint)
            key = next((other for other in others if isinstance(other, Key)), None)
            bounds = [other for other in others if not isinstance(other, Key)]
            hint = Annotated.__class_getitem__((hint, *bounds)) if bounds else hint
        found[one.encode_name] = Declared(one.encode_name, one.name, _without_none(hint), key, one.required)
    return found


def every_key(table: type[Struct] = MissionTable, path: Name = ()) -> Iterator[tuple[Name, Declared]]:
    """All keys and tables with their paths, a table before its keys."""
    for name, one in keys_of(table).items():
        yield (*path, name), one
        if one.is_table:
            yield from every_key(one.kind, (*path, name))


class Checker:
    """Turns a value as TOML gives it into the declared type. ``said``: what is wrong, by the path of its key."""

    def __init__(self) -> None:
        self.said: list[tuple[tuple[str | int, ...], str]] = []

    def say(self, path: Name, what: str) -> None:
        """Remember one fault."""
        self.said.append((path, what))

    def table(self, value: Any, kind: type[T], path: Name = ()) -> T | None:
        """The table; None where anything in it is wrong, which is said."""
        if not isinstance(value, dict):
            self.say(path, f"{dotted(path)} = {shown(value)}: expected a table: [{dotted(path)}] and its keys below it")
            return None
        keys, before = keys_of(typing.cast("type[Struct]", kind)), len(self.said)
        meant = set[str]()  # by keys that are unknown: these are not missed as well
        for name in value:
            if name in keys:
                continue
            if len(self.said) > ENOUGH:  # a search for what is meant takes its time
                self.say((*path, name), f"{dotted((*path, name))} is unknown")
                continue
            said, near = _unknown((*path, name), keys)
            self.say((*path, name), said)
            meant.add(near)
        made: dict[str, Any] = {}
        for name, one in keys.items():
            here = (*path, name)
            if name in value:
                made[one.field] = (
                    self.table(value[name], one.kind, here) if one.is_table else self._leaf(value[name], one, here)
                )
            elif name in meant:
                pass
            elif one.required and one.key:
                self.say(path, f"[{dotted(path)}] has no {name}: expected {form(name, one.key.example)}")
            elif one.required:
                self.say(path, f"the table [{dotted(here)}] is missing: expected {_least(one.kind, here)}")
        return kind(**made) if len(self.said) == before else None

    def attempt(self, path: Name, value: Any, read: Callable[[], T], expected: str, wrong: type[Exception]) -> T | None:
        """What ``read`` makes of ``value``; None where it raises ``wrong``, which is said."""
        try:
            return read()
        except wrong as error:
            self.say(path, f"{dotted(path)} = {shown(value)}: {expected or error}")
            return None

    def _leaf(self, value: Any, one: Declared, path: Name) -> Any:
        assert one.key is not None
        such = f", such as {form(path[-1], one.key.example)}"
        if one.choices:
            if any(value == choice and type(value) is type(choice) for choice in one.choices):
                return value
            words = " or ".join(toml(choice) for choice in one.choices)
            texts = [choice for choice in one.choices if isinstance(choice, str)]
            near = get_close_matches(value, texts, 1) if isinstance(value, str) else []
            meant = f"; is {toml(near[0])} meant?" if near else ""
            self.say(path, f"{dotted(path)} = {shown(value)}: expected {words}{meant}")
            return None
        if any(not text.isprintable() for text in _texts(value)):
            self.say(path, f"{dotted(path)} = {shown(value)}: expected a text without control characters{such}")
            return None
        try:
            return declared(value, one.kind)
        except ValueError as error:
            _, mark, expected = str(error).rpartition(": expected ")
            what = f"expected {expected}" if mark else str(error)
            self.say(path, f"{dotted(path)} = {shown(value)}: {what}{such}")
            return None


def dotted(path: typing.Iterable[str | int]) -> str:
    """A path as it is written: ``links.cot.to``."""
    return ".".join(_bare(str(part)) for part in path)


def form(name: str, value: Any) -> str:
    """A line of the file: ``threshold = 0.5``."""
    return f"{_bare(name)} = {toml(value)}"


def toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(form(name, one) for name, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(c)) for c in value) + '"'
    if isinstance(value, int) and value.bit_length() > LONG:  # Python refuses to write out thousands of digits
        return f"a number of {value.bit_length()} bits"
    return str(value)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def shown(value: Any) -> str:
    """A value in a message, short."""
    try:
        text = toml(value)
    except RecursionError:
        return "..."
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _bare(name: str) -> str:
    plain = name and all(c.isascii() and (c.isalnum() or c in "_-") for c in name)
    return name if plain and len(name) <= SHOWN else shown(name)


def _unknown(path: Name, keys: Mapping[str, Declared]) -> tuple[str, str]:
    """What to say of a key that is none of this table's ``keys``; and which of them is meant, "" = none."""
    name = path[-1]
    near = next(iter(get_close_matches(name.lower(), keys, 1, 0.6)), "")
    elsewhere = [dotted(other) for other, _ in every_key() if other[-1] == name]
    if elsewhere:
        return f"{dotted(path)} is unknown: is {elsewhere[0]} meant? A key belongs to the [table] above it", ""
    if near:
        return f"{dotted(path)} is unknown: is {dotted((*path[:-1], near))} meant?", near
    far = get_close_matches(name.lower(), {other[-1] for other, _ in every_key()}, 1, 0.75)
    other = next((dotted(p) for p, _ in every_key() if far and p[-1] == far[0]), "")
    return f"{dotted(path)} is unknown: " + (
        f"is {other} meant?" if other else f"expected one of {', '.join(keys)}"
    ), ""


def _least(kind: type[Struct], path: Name) -> str:
    required = [one for one in keys_of(kind).values() if one.required and one.key]
    return f"[{dotted(path)}] and below it " + ", ".join(form(one.name, one.key.example) for one in required if one.key)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    others = tuple(one for one in get_args(hint) if one is not type(None))
    return others[0] if len(others) == 1 else Union[others]  # noqa: UP007  # made of a tuple


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value: it is at most `lines.DEEPEST` deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
