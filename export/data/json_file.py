"""JSON files that others write, read as declared types: what is wrong with one is a line that says where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge.errors import InputError
from edge.system.declared import whole
from export.data.text_file import read_text

T = TypeVar("T")
_BETTER_SAID = ("file_name", "filename")  # of what a place in a list is about


def read_json(path: Path, kind: type[T], what: str, expected: str) -> T:
    """The content of a JSON file as ``kind``, a `msgspec.Struct`.

    Keys that ``kind`` does not name are left alone, and numbers written as text are numbers.

    ``what``: the file's part in the command, ``expected``: what it should have been; both for messages.

    Raises InputError where the file cannot be read, is not JSON, is no ``kind``, or says one thing twice.
    """
    try:
        # not msgspec's own reader: label files of Python programs may hold NaN, and some begin with a byte order mark
        raw = json.loads(read_text(path, what), parse_int=whole, object_pairs_hook=_once)
    except RecursionError:
        raise InputError(f"{what} {path} is not JSON (nested too deeply): {expected}") from None
    except ValueError as error:
        raise InputError(f"{what} {path} is not JSON ({error}): {expected}") from None
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        said = _plain(error)
        raise InputError(f"{what} {path} cannot be used: {said}{_about(raw, said)}: {expected}") from None
    except UnicodeEncodeError:
        raise InputError(f"{what} {path} cannot be used: it holds half of a UTF-16 pair: {expected}") from None
    except (OverflowError, SystemError, RecursionError, ValueError):  # msgspec 0.18, of a number that is too large
        raise InputError(f"{what} {path} cannot be used: it holds a number that is too large: {expected}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for a key that comes twice: the last would win and nobody would know."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} comes twice in one object")
    return found


def _plain(error: msgspec.ValidationError) -> str:
    """Where first: ``annotations[3].bbox: expected 'array' of length 4, got 0``."""
    said = re.fullmatch(r"(.)(.*?)(?: - at `\$\.?(.*)`)?", str(error).strip(), re.DOTALL)
    assert said is not None  # the text is not empty
    words = (said[1].lower() + said[2]).replace("`", "'")
    return f"{said[3]}: {words}" if said[3] else words


def _about(raw: Any, said: str) -> str:
    """`` (id 5, image 1, a.png)``: the entry that a message is about, where it has such keys."""
    place = re.match(r"(\w+)\[(\d+)\]", said)
    if place is None:
        return ""
    entry = raw[place[1]][int(place[2])]
    if not isinstance(entry, dict):
        return ""
    image = entry.get("image_id")
    images = raw.get("images") if image is not None else None
    listed = images if isinstance(images, list) else []
    of = next((i for i in listed if isinstance(i, dict) and i.get("id") == image), {})
    names = [str(e[key]) for e in (entry, of) for key in _BETTER_SAID if isinstance(e, dict) and e.get(key)]
    parts = [f"id {entry['id']}"] if "id" in entry else []
    parts += [f"image {image}"] if image is not None else []
    shown = ", ".join([*parts, *names])[:200]
    return f" ({shown})" if shown else ""
