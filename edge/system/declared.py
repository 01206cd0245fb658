"""JSON from outside into a declared type; what does not fit is told in one line: where, what came, what is expected."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge.system.files import read_limited

T = TypeVar("T")

MOST = sys.float_info.max  # a bound of a number that must be finite: NaN and infinity fail every bound
MOST_DIGITS = sys.float_info.max_10_exp  # of a whole number
SHOWN = 60  # characters of a value in a message
MOST_JSON = 64 << 20  # bytes of one JSON file that this package writes: the largest, TensorRT's layers, has a few MiB

_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a time",
}
_AT = re.compile(r"(?P<what>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_WORDS = {">=": "{} or more", "<=": "{} or less", ">": "more than {}", "<": "less than {}"}


def json_file(path: Path, most: int = MOST_JSON) -> Any:
    """The JSON value in a file of at most ``most`` bytes. Raises OSError, and ValueError as `read_json`."""
    return read_json(read_limited(path, most))


def read_json(data: bytes) -> Any:
    """The JSON value in ``data``. Raises ValueError where there is none, or one that cannot be worked with."""
    try:
        value = json.loads(data, parse_int=whole)
        json.dumps(value, ensure_ascii=False).encode()  # half of a UTF-16 pair can be neither printed nor opened
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def whole(digits: str) -> int:
    """For `json.loads`. Raises ValueError for a number that no float can hold, over which msgspec 0.18 stumbles."""
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"it holds a whole number of {len(digits)} digits")
    return int(digits)


def declared(value: Any, kind: type[T]) -> T:
    """``value``, as JSON gives it, as the declared type ``kind``: a msgspec Struct or a dataclass.

    Raises ValueError, as "input.height is 'tall': expected a whole number".
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_explain(str(error), value)) from None
    except (OverflowError, SystemError):  # msgspec 0.18, of such a number
        raise ValueError("a number in it is too large") from None


def decoded(data: bytes, kind: type[T]) -> T:
    """JSON in UTF-8 as the declared type ``kind``, as msgspec decodes it. Raises ValueError in its words."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    except RecursionError:  # of what is skipped, too
        raise ValueError("it is nested too deeply") from None


def _explain(said: str, value: Any) -> str:
    match = _AT.fullmatch(said)
    assert match is not None  # the pattern takes any text
    what, path = match["what"], (match["path"] or "").lstrip(".")
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"{path or 'it'} has no {missing[1]!r}"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return f"{path or 'it'} has {unknown[1]!r}, which is unknown"
    if what.startswith("Invalid enum value"):
        return f"{path} is {_shown(value, path)}, which is none of the values that are known"
    if what.startswith("Number out of range"):
        return f"{path or 'it'} is {_shown(value, path)}: expected a number that a float can hold"
    if not what.startswith("Expected"):  # the type's own words
        return f"{path}: {what}" if path else what
    if "[...]" in path:  # msgspec does not say which
        return f"an entry of {path.partition('[...]')[0] or 'it'} is wrong: {_in_words(what)}"
    return f"{path or 'it'} is {_shown(value, path)}: {_in_words(what)}"


def _in_words(what: str) -> str:
    """msgspec's "Expected `int` >= 1, got `str`" as "expected a whole number, 1 or more"."""
    what = re.sub(r", got `.*`$", "", what)
    what = re.sub(r"`([^`]*)`", lambda m: " or ".join(_NAMES.get(name, name) for name in m[1].split(" | ")), what)
    return re.sub(
        r"( length)? (>=|<=|>|<) (\S+)$",
        lambda m: (m[1] or ",") + " " + _WORDS[m[2]].format(m[3].removesuffix(".0")),
        what,
    ).replace("Expected", "expected", 1)


def _shown(value: Any, path: str) -> str:
    """What stands at ``path`` ("input.height", "size[0]") in ``value``, short."""
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            value = value[key] if key else value[int(index)]
        except (LookupError, TypeError):
            return "wrong"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
