"""On which line of a TOML text a key stands: the standard parser says so only of text that is no TOML.

A scan over what has been written, not a second parser: of text that is TOML it knows every key's line; of other text it
knows what came before it lost its way.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TomlError = tomllib.TOMLDecodeError
DEEPEST = 20  # tables and lists within each other: more is no mission, and would end a parser that calls itself

Path = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'")
_TEXT = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def parse(text: str) -> dict[str, Any]:
    """What TOML makes of a text. Raises TomlError, a ValueError, or another ValueError for a value that cannot be."""
    made: dict[str, Any] = tomllib.loads(text)
    return made


class TooDeep(ValueError):
    """Tables and lists stand within each other more than `DEEPEST` times."""


def key_lines(text: str) -> Mapping[Path, int]:
    """The line, from 1, of each key and each table's head, by its path: ``("camera", "crop")``; an item of a list by
    its number, ``("targets", 0, "name")``.

    Raises TooDeep.
    """
    return _Scan(text).lines


class _Scan:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._counted, self._line = 0, 1  # the line of a place that was asked for
        self._lists: dict[Path, int] = {}  # [[heads]]: how many there were
        self.lines: dict[Path, int] = {}
        table: Path = ()
        while self._gap() and self._at < len(text):
            before = self._at
            if text[self._at] == "[":
                found = self._head()
                if found is None:
                    return
                table = found
            elif not self._pair(table):
                return
            assert self._at > before

    def _gap(self) -> bool:
        self._skip(_GAP)
        return True

    def _skip(self, what: re.Pattern[str]) -> str:
        found = what.match(self._text, self._at)
        if not found:
            return ""
        self._at = found.end()
        return found[0]

    def _takes(self, mark: str) -> bool:
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _note(self, path: Path, at: int) -> None:
        if len(path) > DEEPEST:
            raise TooDeep(f"tables and lists within each other, more than {DEEPEST} deep")
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        for n in range(1, len(path) + 1):
            self.lines.setdefault(path[:n], self._line)

    def _head(self) -> Path | None:
        """``[a.b]`` or ``[[a.b]]``; None where it is none."""
        at = self._at
        several = self._takes("[[")
        if not several:
            self._takes("[")
        key = self._dotted()
        if not key or not self._takes("]]" if several else "]"):
            return None
        path = self._inside(key[:-1])
        path = (*path, key[-1])
        if several:
            n = self._lists.get(path, -1) + 1
            self._lists[path] = n
            path = (*path, n)
        elif path in self._lists:
            path = (*path, self._lists[path])
        self._note(path, at)
        return path

    def _inside(self, key: tuple[str, ...]) -> Path:
        """The path of a head's ``key``: within a list of tables it is of the last one."""
        path: Path = ()
        for part in key:
            path = (*path, part)
            if path in self._lists:
                path = (*path, self._lists[path])
        return path

    def _dotted(self) -> tuple[str, ...]:
        """``a."b c".d``; () where none is there."""
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            word = self._skip(_KEY)
            if not word:
                return ()
            parts.append(_unquoted(word))
            self._skip(_SPACE)
            if len(parts) > DEEPEST:
                raise TooDeep(f"a key of more than {DEEPEST} parts")
            if not self._takes("."):
                return tuple(parts)

    def _pair(self, table: Path) -> bool:
        """``key = value``; False where it is none."""
        at = self._at
        key = self._dotted()
        if not key or not self._takes("="):
            return False
        self._note((*table, *key), at)
        return self._value((*table, *key))

    def _value(self, path: Path) -> bool:
        if len(path) > DEEPEST:
            raise TooDeep(f"tables and lists within each other, more than {DEEPEST} deep")
        self._skip(_SPACE)
        if self._takes("["):
            n = 0
            while self._gap() and not self._takes("]"):
                self._note((*path, n), self._at)
                if not self._value((*path, n)):
                    return False
                n += 1
                self._gap()
                self._takes(",")
            return True
        if self._takes("{"):
            while self._gap() and not self._takes("}"):
                if not self._pair(path):
                    return False
                self._gap()
                self._takes(",")
            return True
        return bool(self._skip(_TEXT) or self._skip(_PLAIN))


def _unquoted(word: str) -> str:
    if word[0] not in "\"'":
        return word
    try:
        return str(parse(f"k = {word}")["k"])
    except TomlError:
        return word
