"""What of a review counts now: the newest word on each track, less what was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edge.app.review.line import OF_TRACKS, ReviewLine


class Opinion(NamedTuple):
    """What counts for one track. ``label``: the class that it is, where somebody said another; else None."""

    verdict: str
    label: int | None
    n: int


class Standing:
    """Lines in their order, one by one; what counts after them."""

    def __init__(self) -> None:
        self._lines: dict[int, ReviewLine] = {}  # those that count, by n, in their order
        self._of: dict[int, list[int]] = {}  # of a track: the lines that count, in their order
        self.last = 0
        """``n`` of the newest line, undone or not."""

    def check(self, line: ReviewLine) -> None:
        """Raises ValueError where the line cannot follow those before it."""
        if line.n <= self.last:
            raise ValueError(f"n is {line.n} after {self.last}: expected numbers that grow")
        if line.undoes is not None and line.undoes not in self._lines:
            raise ValueError(f"it undoes line {line.undoes}, which says nothing or was taken back already")

    def add(self, line: ReviewLine) -> None:
        """One line more. Raises as `check`; then nothing has changed."""
        self.check(line)
        self.last = line.n
        if line.undoes is None:
            self._lines[line.n] = line
            for track in dict.fromkeys(line.tracks):
                self._of.setdefault(track, []).append(line.n)
            return
        for track in dict.fromkeys(self._lines.pop(line.undoes).tracks):
            self._of[track].remove(line.undoes)
            if not self._of[track]:
                del self._of[track]

    def of(self, track: int) -> Opinion | None:
        """The newest word on a track; None where nobody said any."""
        numbers = self._of.get(track)
        if not numbers:
            return None
        line = self._lines[numbers[-1]]
        return Opinion(line.verdict, line.label, line.n)

    @property
    def newest(self) -> int | None:
        """``n`` of the newest line that counts; None where there is none."""
        return next(reversed(self._lines), None)

    def missed(self) -> list[ReviewLine]:
        """What nothing was found of, in the order in which it was said."""
        return [line for line in self._lines.values() if line.verdict == "missed"]

    def opinions(self) -> Mapping[int, Opinion]:
        """Of every track that somebody spoke of, by its number."""
        return {track: opinion for track in sorted(self._of) if (opinion := self.of(track))}

    def counts(self) -> dict[str, int]:
        """Tracks by what counts for them, and how much was marked as missed."""
        told = dict.fromkeys((*OF_TRACKS, "missed"), 0)
        for numbers in self._of.values():
            told[self._lines[numbers[-1]].verdict] += 1
        return {**told, "missed": len(self.missed())}
