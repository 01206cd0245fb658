"""Text from outside, such as file names, URLs and answers of servers, made fit to be printed and kept."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from edge.errors import without_password

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MOST_SHOWN, SHOWN_END = 4000, 1000  # characters of a line, and of its end: what is longer was made to be
# as a terminal knows them: escape sequences begin with one of these, and the last ones turn text around
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def without_passwords(value: Any) -> Any:
    """`without_password` of every text in a value as JSON has them, the names of its keys left as they are."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, dict):
        return {key: without_passwords(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_passwords(one) for one in value]
    return value


def repr_without_passwords(value: DataclassInstance) -> str:
    """The ``__repr__`` of a dataclass that holds addresses, with every password in them hidden."""
    told = (f"{field.name}={without_passwords(getattr(value, field.name))!r}" for field in fields(value) if field.repr)
    return f"{type(value).__name__}({', '.join(told)})"


def without_control(text: str) -> str:
    r"""``text`` with control characters as escapes, ``\x1b``: a terminal would obey them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable(text: str) -> str:
    """``text`` as one line for a terminal or a log: no control characters, no line breaks, no passwords. Of a very long
    one the middle is left out: what was expected stands at its end.
    """
    line = without_control(without_password(text))
    if len(line) <= MOST_SHOWN:
        return line
    return f"{line[: MOST_SHOWN - SHOWN_END]}... ({len(line) - MOST_SHOWN} characters more) ...{line[-SHOWN_END:]}"


_NEVER_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_xml(text: str) -> str:
    """``text`` with a replacement character for each that XML 1.0 does not know; it is still to be escaped."""
    return _NEVER_IN_XML.sub("\ufffd", text)


def bytes_of(size: str) -> int:
    """Bytes of a size such as ``20GB`` or ``20GiB``. Raises ValueError for another text, and below a megabyte."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT])(i?)B?", size)
    value = float(found[1]) * (1024 if found[3] else 1000) ** (" kMGT".index(found[2])) if found else 0.0
    if not 1e6 <= value < 1e18:
        raise ValueError(size)
    return int(value)
