"""What a source string says besides its kind: the part behind the '?', and how it is checked."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import parse_qsl

from edge.errors import SourceError
from edge.system.text import repr_without_passwords

RATE = "frames a second, above 0 and up to 1000"
FLAG = "0 or 1"
PROFILE_KEYS = ("camera", "endian", "kelvin")
VIEW_KEYS = ("crop", "mask", "palette", *PROFILE_KEYS)  # every source takes them, see edge/camera/view
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """What the module of a kind is given to open.

    ``text``: the source as the user wrote it. ``rest``: what stands behind the kind's prefix; of a path all of it.
    ``reconnect_s``: see `edge.open_camera`. ``others``: paths beside the one in ``rest``, where several were given.
    """

    text: str
    rest: str
    reconnect_s: float | None = None
    others: tuple[str, ...] = ()

    __repr__ = repr_without_passwords

    def split(self, *known: str) -> tuple[str, Options]:
        """``rest`` up to its last '?', and the options behind it, of which only those of ``known`` may stand there.

        A file that is there may have a question mark in its name. Raises SourceError.
        """
        path, pairs = (self.rest, {}) if os.path.exists(self.rest) else split_query(self.rest)
        name = self.text.removesuffix(self.rest) + path
        unknown = sorted(pairs.keys() - set(known))
        if unknown:
            every = dict.fromkeys((*known, *VIEW_KEYS))
            near = get_close_matches(unknown[0], every, n=1)
            meant = f" (is {near[0]} meant?)" if near else ""
            raise SourceError(
                f"source {name!r}: unknown option {', '.join(unknown)}{meant}; expected {', '.join(every)}"
            )
        return path, Options(name, pairs)


class Options:
    """The values behind the '?', each checked as it is taken."""

    def __init__(self, name: str, pairs: dict[str, str]) -> None:
        """``name``: the source without them, for messages."""
        self.name, self._pairs = name, pairs

    def take(self, key: str, read: Callable[[str], T], expected: str) -> T | None:
        """The value of ``key`` as ``read`` understands it; None where it was not given.

        Raises SourceError, which names what was ``expected``, where ``read`` raises ValueError or KeyError.
        """
        text = self._pairs.get(key)
        if text is None:
            return None
        try:
            return read(text)
        except (ValueError, KeyError) as error:
            raise SourceError(f"source {self.name!r}: {key}={text!r}; expected {expected}") from error

    def flag(self, key: str) -> bool | None:
        """0 or 1."""
        return self.take(key, {"0": False, "1": True}.__getitem__, FLAG)

    def rate(self, key: str) -> float | None:
        """Frames a second."""
        return self.take(key, _rate, RATE)


def split_query(text: str) -> tuple[str, dict[str, str]]:
    """``path?key=value&key=value`` in two. Raises SourceError where it is not of that form."""
    path, mark, query = text.rpartition("?")
    if not mark:
        return text, {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise SourceError(f"source {text!r}: {query!r}; expected key=value&key=value after the '?'") from error
    if len(dict(pairs)) < len(pairs):
        raise SourceError(f"source {text!r}: an option is given twice; expected each once")
    return path, dict(pairs)


def _rate(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 < value <= 1000):
        raise ValueError(text)
    return value
