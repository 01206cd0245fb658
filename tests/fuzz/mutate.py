"""From a good file to one that is nearly good: the bytes, numbers, chunks and words that break parsers.

Every function takes the generator of the case, so a seed gives the same cases again.
"""

from __future__ import annotations

import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

MOST = 4 << 20  # bytes of a case
EXTREMES = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
NUMBERS = (
    *("0", "-0", "-1", "1", "255", "65535", "65536", "2147483648", "-2147483649", "4294967296", "9223372036854775808"),
    *("18446744073709551616", "1" + "0" * 30, "1" * 400, "1" * 5000, "1e308", "-1e308", "1e309", "1e-320", "0.1"),
    *("nan", "NaN", "inf", "Infinity", "-Infinity", "0x10", "1_000", "١٢", "１", "1e", "+", ".", "1.2.3", ""),
)
WORDS = (
    *("\0", "\x1b[2J", "\x1b]0;x\x07", "\u202e", "\u2028", "\ufeff", "\ud800", "é", "漢", "🦌", "%s%n", "{0}", "[red]"),
    *(
        "../../x",
        "/etc/passwd",
        "C:\\x",
        "a" * 300,
        "a" * 5000,
        "\n",
        "\r\n",
        "\t",
        " ",
        "'",
        '"',
        "&",
        "?",
        "#",
        "=",
        ",",
    ),
)
TOKEN = re.compile(rb"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]{2,}")


def mutated(data: bytes, rng: random.Random, others: Sequence[bytes], kind: str) -> bytes:
    """A case out of the seed ``data``. ``others``: seeds to splice with. ``kind``: ``bytes``, ``text``, ``json``,
    ``lines`` (of JSON) or ``gzip``.
    """
    if kind == "gzip":
        return _inside_gzip(data, rng, others)
    steps = 1 + min(int(rng.expovariate(0.7)), 8)
    if kind in ("json", "lines"):
        values = sum(rng.random() < 0.7 for _ in range(steps))
        data, steps = _json(data, rng, kind == "lines", values), steps - values
    for _ in range(steps):
        if kind != "bytes" and rng.random() < 0.8:
            data = rng.choice(TEXT)(data, rng)
        else:
            step = rng.choice(BYTES)
            data = _spliced(data, rng, others) if step is None else step(data, rng)
    return data[:MOST]


def _inside_gzip(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Half of them inside the compression, where the parser of the content sees it."""
    if rng.random() < 0.4:
        return mutated(data, rng, others, "bytes")
    try:
        inside = zlib.decompress(data, 31)
    except zlib.error:
        return mutated(data, rng, others, "bytes")
    compress = zlib.compressobj(1, wbits=31)
    return compress.compress(mutated(inside, rng, (), "bytes")) + compress.flush()


def _place(data: bytes, rng: random.Random) -> int:
    """A place in it, more often at the beginning, where headers are."""
    if rng.random() < 0.5:
        return rng.randrange(min(len(data), 512) or 1)
    return rng.randrange(len(data) or 1)


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if changed:
            changed[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _byte(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes((rng.choice((0, 1, 127, 128, 255, rng.randrange(256))),)) + data[at + 1 :]


def _number(data: bytes, rng: random.Random) -> bytes:
    """A field of 2, 4 or 8 bytes becomes an extreme number, or the size of the file, in either order of bytes."""
    size = rng.choice((2, 2, 4, 4, 4, 8))
    at = _place(data, rng)
    at -= at % rng.choice((1, 2, 4))
    value = rng.choice((*EXTREMES, len(data), len(data) + 1, rng.getrandbits(32))) & (1 << 8 * size) - 1
    return data[:at] + value.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def _step(data: bytes, rng: random.Random) -> bytes:
    """A field a little larger or smaller."""
    size = rng.choice((1, 2, 4))
    at, order = _place(data, rng), rng.choice(("little", "big"))
    value = int.from_bytes(data[at : at + size], order) + rng.choice((-2, -1, 1, 2, 8, 256))  # type: ignore[arg-type]
    return data[:at] + (value % (1 << 8 * size)).to_bytes(size, order) + data[at + size :]  # type: ignore[arg-type]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: _place(data, rng)]


def _left_out(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256)) :]


def _put_in(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 16, 256))) + data[at:]


def _doubled(data: bytes, rng: random.Random) -> bytes:
    """A chunk comes again, once or very often."""
    at, size = _place(data, rng), rng.choice((1, 4, 12, 64, 512, 4096))
    return data[:at] + data[at : at + size] * rng.choice((2, 2, 3, 50)) + data[at + size :]


def _moved(data: bytes, rng: random.Random) -> bytes:
    a, b = sorted((_place(data, rng), _place(data, rng)))
    size = rng.choice((4, 8, 64))
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def _emptied(data: bytes, rng: random.Random) -> bytes:
    at, size = _place(data, rng), rng.choice((4, 16, 64))
    return data[:at] + rng.choice((b"\0", b"\xff")) * size + data[at + size :]


def _spliced(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others) if others else data
    return data[: _place(data, rng)] + other[_place(other, rng) :]


BYTES: tuple[Callable[[bytes, random.Random], bytes] | None, ...] = (
    *(_flip, _flip, _byte, _byte, _number, _number, _number, _step, _cut, _left_out, _put_in, _doubled, _moved),
    *(_emptied, None),
)


def _other_number(data: bytes, rng: random.Random) -> bytes:
    found = list(TOKEN.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    word = rng.choice(NUMBERS if one[0][:1].isdigit() or rng.random() < 0.5 else WORDS)
    return data[: one.start()] + word.encode("utf-8", "surrogatepass") + data[one.end() :]


def _word(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(WORDS).encode("utf-8", "surrogatepass") + data[at:]


def _line(data: bytes, rng: random.Random) -> bytes:
    """A line is left out, comes twice, very often, or changes its place."""
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(4)
    if what == 0:
        del lines[a]
    elif what == 1:
        lines.insert(b, lines[a])
    elif what == 2:
        lines[a:a] = [lines[a]] * rng.choice((10, 300))
    else:
        lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


DEPTHS = (*(50, 200, 500, 1000, 1500) * 4, 60_000)  # the deepest costs the most, and is seldom


def _nested(data: bytes, rng: random.Random) -> bytes:
    at, deep = rng.randrange(len(data) + 1), rng.choice(DEPTHS)
    return data[:at] + rng.choice((b"[", b"{", b'{"a":', b"(", b"<a>", b"- ", b"[[")) * deep + data[at:]


def _coded(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-32", "latin-1", "cp1252", "utf-8-sig", "gbk")), "replace")


TEXT: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_other_number, _other_number, _other_number, _word, _word, _line, _nested, _coded, _flip, _cut, _doubled),
)


def _json(data: bytes, rng: random.Random, lines: bool, values: int) -> bytes:
    """Some values of it are others, or are missing: what a parser takes, and a program may stumble over."""
    rows = data.split(b"\n") if lines else [data]
    for at, count in Counter(rng.randrange(len(rows)) for _ in range(values)).items():
        try:
            value = json.loads(rows[at])
            for _ in range(count):
                change_one(value, rng)
            rows[at] = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):  # what an earlier change has made of it
            continue
    return b"\n".join(rows)


def change_one(value: Any, rng: random.Random) -> None:
    """Somewhere on a way down from the top."""
    while isinstance(value, (dict, list)) and value:
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        if not isinstance(value[key], (dict, list)) or not value[key] or rng.random() < 0.15:
            if rng.random() < 0.1:
                del value[key]
            else:
                value[key] = rng.choice(VALUES)(value[key], rng)
            return
        value = value[key]


FLOATS = (0, 1, -1, 0.5, 2, 255, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 10**400, 1e308, -1e308, 1e-320)
ODD = (float("nan"), float("inf"), float("-inf"), None, True, False, "", [], {}, [[]], {"a": 1})
VALUES: tuple[Callable[[Any, random.Random], Any], ...] = (
    lambda _, rng: rng.choice(FLOATS),
    lambda _, rng: rng.choice(ODD),
    lambda _, rng: rng.choice(WORDS),
    lambda was, rng: str(was)[:2000] + rng.choice(WORDS),
    lambda was, rng: was * rng.choice((-1, 2, 1000)) if isinstance(was, (int, float)) else [was],
    lambda was, rng: was / 2 if isinstance(was, (int, float)) and abs(was) < 1e300 else [was],
    lambda was, rng: (
        was * rng.choice((2, 500)) if isinstance(was, (list, str)) and len(str(was)) < 2000 else [was, was]
    ),
    lambda was, _: [was],
    lambda was, _: {"a": was},
    lambda was, rng: {rng.choice(WORDS): was},
)
