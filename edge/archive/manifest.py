"""``manifest.jsonl``: every unit of an archive, a line each, and what is none; written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge.archive.unit import FORMAT, Text, Unit, Unread, Whole
from edge.errors import InputError, SinkError
from edge.system.declared import decoded
from edge.system.files import open_regular, reason_of, written_whole

T = TypeVar("T", Unit, Unread)

NAME = "manifest.jsonl"
MAX_LINE = 64 << 20  # 100,000 stills in one unit


class Head(Struct, frozen=True):
    """The first line. ``roots``: what was planned. ``units``, ``unread``: how many lines of each follow."""

    format: Annotated[int, Meta(ge=1)]
    roots: tuple[Text, ...]
    units: Whole
    unread: Whole


def write_manifest(folder: Path, roots: Sequence[str], units: Sequence[Unit], unread: Sequence[Unread]) -> None:
    """Raises SinkError where it cannot be written; the one of before is there then."""
    lines: Iterable[Struct] = (Head(FORMAT, tuple(roots), len(units), len(unread)), *units, *unread)
    encoder = msgspec.json.Encoder()
    try:
        with written_whole(folder / NAME) as out:
            for line in lines:
                out.write(encoder.encode(line) + b"\n")
    except OSError as error:
        raise SinkError(f"{folder / NAME}: {reason_of(error)}: free some space") from None


class Manifest:
    """The file, read unit by unit, as often as it is needed: nothing is kept, an archive may have a hundred thousand.

    Raises InputError where it is missing, cut off or not as `write_manifest` leaves it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        try:
            with open_regular(self._path) as file:
                self.head = decoded(file.readline(MAX_LINE), Head)
        except OSError as error:
            raise InputError(f"{self._path}: {reason_of(error)}: run: edge archive plan DIR --out {folder}") from None
        except ValueError as error:
            raise self._wrong(1, error) from None
        if self.head.format > FORMAT:
            raise InputError(f"{self._path} is of a later version ({self.head.format}): update thermal-edge")

    def units(self) -> Iterator[Unit]:
        """In the order of the plan: the units of a flight stand together, in theirs."""
        return self._lines(2, self.head.units, Unit)

    def unread(self) -> Iterator[Unread]:
        """What is none."""
        return self._lines(2 + self.head.units, self.head.unread, Unread)

    def _lines(self, first: int, count: int, kind: type[T]) -> Iterator[T]:
        number = 0
        try:
            with open_regular(self._path) as file:
                for number in range(1, first):
                    if not file.readline(MAX_LINE):  # the head may say as many as it likes
                        raise self._wrong(number, ValueError("it is missing"))
                for number in range(first, first + count):
                    try:
                        yield decoded(file.readline(MAX_LINE), kind)
                    except ValueError as error:
                        raise self._wrong(number, error) from None
        except OSError as error:
            raise InputError(f"{self._path}: {reason_of(error)}") from None

    def _wrong(self, line: int, error: ValueError) -> InputError:
        return InputError(f"{self._path}, line {line}: {error}: expected a file of edge archive plan: plan again")
