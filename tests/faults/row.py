"""One row of the table: a fault, what the user sees of it, what is kept; and what does not hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.flights import Ended, Hangar
from tests.faults.kept import Kept, kept, litter

HELD = "always held"


@dataclass(frozen=True)
class Field:
    """Where rows are flown. ``kills``, ``cuts``, ``calls``: how many of each; ``frames``: of the long flight."""

    hangar: Hangar
    bundle: Path
    seed: int
    kills: int
    cuts: int
    calls: int
    frames: int


@dataclass
class Seen:
    """What came of a fault. ``wrong``: what should not be; ``skipped``: why it was not tried, "" = it was."""

    exits: list[int | None] = field(default_factory=list)
    said: str = ""
    kept: str = ""
    took_s: float = 0.0
    cpu_s: float = 0.0
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""

    def require(self, holds: bool, otherwise: str) -> None:
        """``otherwise``: what is told where it does not hold."""
        if not holds:
            self.wrong.append(otherwise)

    def ended(self, ended: Ended, codes: tuple[int, ...], says: str = "") -> None:
        """How one flight ended; ``says``: a pattern that its output must have, "" = it says nothing of a fault."""
        self.exits.append(ended.code)
        self.took_s = max(self.took_s, ended.took_s)
        self.cpu_s += ended.cpu_s
        text = ended.err + ended.out
        if ended.code is None:
            self.wrong.append(f"did not end within {ended.took_s:.0f} s")
        else:
            self.require(ended.code in codes, f"exit code {ended.code}, expected {codes}: {ended.err[-300:]!r}")
        self.require("Traceback" not in text, f"a traceback: {text[-300:]!r}")
        found = re.search(says, text)
        self.require(bool(found), f"{says!r} was not said: {ended.err[-300:]!r}")
        if says and found and not self.said:
            self.said = line_of(text, found.start())

    def left(self, out: Path, tidy: bool = True) -> Kept:
        """What is in the folder of a flight; ``tidy``: it could remove what it had begun in vain, and must have."""
        found = kept(out)
        self.wrong += found.bad
        if tidy:
            self.require(not found.unread, found.unread)
            self.require(not (files := litter(out)), f"left behind: {', '.join(files)}")
        self.kept = self.kept or found.words
        return found


def line_of(text: str, at: int) -> str:
    """The line that has this place, without the name of the program."""
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return text[begin : end if end >= 0 else None].removeprefix("edge: ").strip()


@dataclass(frozen=True)
class Row:
    """``fault``: its name. ``fly``: makes it happen, and looks. ``budget_s``: of the slowest flight in it, generous: a
    busy machine is no fault. ``history``: `HELD`, or how it failed before, and what was changed. ``quick``: also in
    ``make test``.
    """

    fault: str
    fly: Callable[[Field], Seen]
    budget_s: float
    history: str = HELD
    quick: bool = False
