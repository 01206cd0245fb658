"""JSON files that others write, read as declared types: what is wrong with one is a line that says where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.errors import InputError
from edge.system.files import reason_of

T = TypeVar("T")


def read_json(path: Path, kind: type[T], what: str, expected: str) -> T:
    """The content of a JSON file as ``kind``, a `msgspec.Struct`.

    Keys that ``kind`` does not name are left alone, and numbers written as text are numbers.

    ``what``: the file's part in the command, ``expected``: what it should have been; both for messages.

    Raises InputError where the file cannot be read, is not JSON, or is no ``kind``.
    """
    try:
        # not msgspec's own reader: label files of Python programs may hold NaN, and some begin with a byte order mark
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read ({reason_of(error)}): check the path") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} {path} is not JSON ({error}): {expected}") from None
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{what} {path} cannot be used: {_plain(error)}: {expected}") from None


def _plain(error: msgspec.ValidationError) -> str:
    """Where first: ``annotations[3].bbox: expected 'array' of length 4, got 0``."""
    said = re.fullmatch(r"(.)(.*?)(?: - at `\$\.?(.*)`)?", str(error).strip(), re.DOTALL)
    assert said is not None  # the text is not empty
    words = (said[1].lower() + said[2]).replace("`", "'")
    return f"{said[3]}: {words}" if said[3] else words
