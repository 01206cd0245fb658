"""Files of a flight that may be torn, damaged or of an earlier version: what can be read, and what cannot, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edge.system.declared import decoded
from edge.system.files import open_regular, read_limited, reason_of

T = TypeVar("T")
Progress = Callable[[str, float], None]
"""Told what is done, and which part of it, 0..1."""

MOST_LINE = 4 << 20  # bytes, as edge.measure.read_detections
EVERY = 500  # lines between two words on the progress
MOST_WHY = 300  # characters of a reason: a value from outside may be of any length


@dataclass(slots=True)
class FileState:
    """What became of one file. ``state``: ``read``, ``not there``, ``damaged``. ``lines``: read of it; ``bad``: that
    are none; ``torn``: the last one was not finished. ``why``: of the first that could not be read, or of all of it.
    """

    name: str
    state: str = "read"
    lines: int = 0
    bad: int = 0
    torn: bool = False
    why: str = ""

    def refuse(self, why: str) -> None:
        """Nothing of it can be used."""
        self.state, self.why = "damaged", _short(why)

    def refuse_line(self, why: str) -> None:
        """One line of it cannot be used."""
        self.bad += 1
        self.why = self.why or _short(why)

    @property
    def in_words(self) -> str:
        """For a person: "read, 12 lines, 1 of them damaged (line 3: ...)"."""
        if self.state != "read":
            return f"{self.state}{f': {self.why}' if self.why else ''}"
        said = f"read, {self.lines} line{'s' * (self.lines != 1)}" if self.lines or self.bad else "read"
        said += f"; {self.bad} left out that cannot be read ({self.why})" if self.bad else ""
        return said + ("; the last line was not finished (power was cut, or it is still being written)" * self.torn)


class Lines(Generic[T]):
    """The lines of a file as ``kind``, one by one, in bounded memory; each pass over it reads it anew.

    What is no such line is left out and counted in ``state``.
    """

    def __init__(self, path: Path, kind: type[T], skip: int = 0, also: Callable[[T], T] | None = None) -> None:
        """``skip``: lines at the begin that are something else. ``also``: raises ValueError for what is no such line,
        though its fields are.
        """
        self._path, self._kind, self._skip, self._also = path, kind, skip, also
        self.state = FileState(path.name)

    def each(self, progress: Progress | None = None) -> Iterator[T]:
        """Every line that can be read."""
        state = self.state = FileState(self._path.name)
        try:
            with open_regular(self._path) as file:
                size = max(file.seek(0, 2), 1)
                file.seek(0)
                number = done = 0
                while line := file.readline(MOST_LINE):
                    number, done = number + 1, done + len(line)
                    if not line.endswith(b"\n"):
                        if len(line) < MOST_LINE:
                            state.torn = True
                            break
                        state.refuse_line(f"line {number}: longer than {MOST_LINE >> 20} MiB")
                        while (rest := file.readline(MOST_LINE)) and not rest.endswith(b"\n"):
                            done += len(rest)
                        continue
                    if number <= self._skip:
                        continue
                    try:
                        one = decoded(line, self._kind)
                        one = self._also(one) if self._also else one
                    except ValueError as error:
                        state.refuse_line(f"line {number}: {error}")
                        continue
                    state.lines += 1
                    yield one
                    if progress and number % EVERY == 0:
                        progress(self._path.name, done / size)
        except FileNotFoundError:
            state.state = "not there"
        except OSError as error:
            state.refuse(reason_of(error))


def first_line(path: Path) -> bytes:
    """Of a file; b"" where there is none, or none that is finished."""
    try:
        with open_regular(path) as file:
            line = file.readline(MOST_LINE)
    except OSError:
        return b""
    return line if line.endswith(b"\n") else b""


def whole(path: Path, kind: type[T], most: int) -> tuple[T | None, FileState]:
    """A JSON file of at most ``most`` bytes as ``kind``; None where it is not there, or cannot be read: the state says
    why.
    """
    state = FileState(path.name)
    try:
        return decoded(read_limited(path, most), kind), state
    except FileNotFoundError:
        state.state = "not there"
    except OSError as error:
        state.refuse(reason_of(error))
    except ValueError as error:
        state.refuse(str(error))
    return None, state


def _short(text: str) -> str:
    return text if len(text) <= MOST_WHY else f"{text[:MOST_WHY]}..."
