"""Text that others write: label files, lists, names. Read as what it is, or refused with the line that is wrong."""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path

from edge.errors import InputError
from edge.system.files import read_limited, reason_of

MOST_BYTES = 1 << 30  # of one label file: COCO's own largest has 470 MB
# longest first: UTF-32's mark begins as UTF-16's does
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: Path, what: str) -> bytes:
    """The bytes of one file; ``what`` it is, for messages. Raises InputError where it cannot be read, or is huge."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{what} {path} is larger than {MOST_BYTES >> 20} MB: expected a label file")
        return read_limited(path, MOST_BYTES)
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read ({reason_of(error)}): check the path") from None


def mark_of(data: bytes) -> str | None:
    """The encoding that a byte order mark names, or None."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def read_text(path: Path, what: str) -> str:
    """The text of one file: UTF-8, or what its byte order mark says; without the mark.

    Raises InputError where it cannot be read, naming the line that is no such text.
    """
    data = read_bytes(path, what)
    encoding = mark_of(data) or "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise InputError(
            f"{what} {path}, line {line}: byte 0x{data[error.start]:02x} is no UTF-8: expected UTF-8, "
            f"convert it: iconv -f ENCODING -t UTF-8 {path.name}"
        ) from None


def read_lines(path: Path, what: str) -> list[tuple[int, str]]:
    """(number, text) of the lines that are not empty, without white space at their ends. Raises as `read_text`."""
    lines = read_text(path, what).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(i, line.strip()) for i, line in enumerate(lines, 1) if line.strip()]


def clean_name(name: str, where: str) -> str:
    """``name`` of a class or a file without white space at its ends. Raises InputError, beginning with ``where``, for
    one that is empty or holds what no screen can show, such as an escape sequence or half of a UTF-16 pair.
    """
    text = name.strip()
    if not text or any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise InputError(f"{where} {name[:60]!r}: expected a name of characters that can be shown")
    return text


def some(names: list[str], most: int = 3) -> str:
    """The first few of many, for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
