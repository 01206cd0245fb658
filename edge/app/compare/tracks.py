"""The tracks of two runs: which followed the same object, by the boxes that both found in the same frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from edge.app.compare.boxes import BoxPair, Place, apart, position_of
from edge.app.compare.side import Side, key_of
from edge.measure.detections_lines import DetectionLine, FrameLine
from edge.measure.matching import Int64, match_best_first

LEAST_PART = 0.5  # of the shorter of two tracks so many frames must have matched boxes

BOTH, PARTS, UNFOLLOWED, ONLY = "both", "in parts", "not followed", "only"
"""What became of a track in the other run: one of its tracks is the same; its track of it is taken by another of ours,
so that one run made several tracks of it; it found boxes there, and no track of its own is the same; it found nothing.
"""


@dataclass(slots=True)
class Seen:
    """A track in the frames that both runs searched, from its first box on. ``matched``: frames in which the other run
    had a box there. ``place``: the surest that one of its detections tells.
    """

    number: int
    first: FrameLine
    best: DetectionLine
    frames: int = 0
    matched: int = 0
    votes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    place: Place | None = None
    last: FrameLine = field(init=False)
    best_frame: FrameLine = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.best_frame = self.first

    def add(self, frame: FrameLine, box: DetectionLine, matched: bool) -> None:
        """Note one of its boxes."""
        self.frames, self.matched, self.last = self.frames + 1, self.matched + matched, frame
        self.votes[box.name] += box.score
        if box.score > self.best.score:
            self.best, self.best_frame = box, frame
        where = position_of(box)
        if where is not None and (self.place is None or where[2] < self.place[2]):
            self.place = where


@dataclass(frozen=True, slots=True)
class TrackPair:
    """One object that was followed. ``a``, ``b``: as either run followed it, None: it did not. ``what``: `BOTH`, or
    what became of the one that is there; ``frames``: in which the boxes of both were matched.
    """

    a: Seen | None
    b: Seen | None
    what: str
    frames: int = 0
    apart_m: float | None = None
    apart: bool = False

    @property
    def other_class(self) -> bool:
        """Whether both followed it, as another class each."""
        return bool(self.a and self.b) and key_of(name_of(self.a)) != key_of(name_of(self.b))  # type: ignore[arg-type]

    @property
    def differs(self) -> bool:
        """Whether there is anything to be told of it."""
        return self.what != BOTH or self.other_class or self.apart


class Tracks:
    """Gathers the tracks of two runs, frame by frame; memory grows with tracks, not with frames."""

    def __init__(self, a: Side, b: Side) -> None:
        self._sides = a, b
        self._seen: tuple[dict[int, Seen], dict[int, Seen]] = ({}, {})
        self._elsewhere: tuple[set[int], set[int]] = (set(), set())
        self._together: Counter[tuple[int, int]] = Counter()

    def add(self, pairs: Iterable[BoxPair]) -> None:
        """Note one frame that both searched."""
        for pair in pairs:
            numbers = _number(pair.a), _number(pair.b)
            matched = bool(pair.a and pair.b)
            for seen, box, number in zip(self._seen, (pair.a, pair.b), numbers, strict=True):
                if box is not None and number is not None:
                    seen.setdefault(number, Seen(number, pair.frame, box)).add(pair.frame, box, matched)
            if numbers[0] is not None and numbers[1] is not None:
                self._together[numbers[0], numbers[1]] += 1

    def left_out(self, side: int, frame: FrameLine) -> None:
        """Note a frame that is not compared. ``side``: 0 for A, 1 for B."""
        self._elsewhere[side].update(n for box in frame.detections if (n := _number(box)) is not None)

    def not_compared(self, side: int) -> int:
        """Tracks that are in no frame which both searched."""
        return len(self._elsewhere[side] - self._seen[side].keys())

    def pairs(self) -> Iterator[TrackPair]:
        """Each object once: those that both followed, then those of A, then those of B, by their numbers."""
        a, b = ([seen[number] for number in sorted(seen)] for seen in self._seen)
        index = [{seen.number: i for i, seen in enumerate(side)} for side in (a, b)]
        found = sorted(self._together.items())
        kept = [(index[0][p], index[1][q], n) for (p, q), n in found if self._same(p, q, n)]
        rows, columns, frames = (np.array(part, np.int64) for part in zip(*kept, strict=True)) if kept else _none()
        union = np.array([a[i].frames + b[j].frames - n for i, j, n in kept], np.float64)
        partner = dict(match_best_first(rows, columns, frames / union))
        taken = set(partner.values())
        in_parts = {i for i, _, _ in kept} - partner.keys(), {j for _, j, _ in kept} - taken
        for i, j in sorted(partner.items()):
            distance, beyond = apart(place_of(a[i], self._sides[0].tracks), place_of(b[j], self._sides[1].tracks))
            together = self._together[a[i].number, b[j].number]
            yield TrackPair(a[i], b[j], BOTH, together, distance, beyond)
        for i, seen in enumerate(a):
            if i not in partner:
                yield TrackPair(seen, None, _alone(seen, i in in_parts[0]), seen.matched)
        for j, seen in enumerate(b):
            if j not in taken:
                yield TrackPair(None, seen, _alone(seen, j in in_parts[1]), seen.matched)

    def _same(self, p: int, q: int, together: int) -> bool:
        """Whether two tracks may be of one object."""
        shorter = min(self._seen[0][p].frames, self._seen[1][q].frames)
        return together >= LEAST_PART * shorter


def name_of(seen: Seen) -> str:
    """The class that most of its score was for."""
    return min(seen.votes, key=lambda name: (-seen.votes[name], name))


def place_of(seen: Seen, told: Mapping[int, object]) -> Place | None:
    """As tracks.jsonl says, else that of its best detection; None: there is none."""
    position = getattr(told.get(seen.number), "position", None)
    return seen.place if position is None else (position.lat, position.lon, position.sigma_m)


def _alone(seen: Seen, in_parts: bool) -> str:
    if in_parts:
        return PARTS
    return UNFOLLOWED if seen.matched else ONLY


def _number(box: DetectionLine | None) -> int | None:
    return None if box is None or isinstance(box.track, msgspec.UnsetType) else box.track


def _none() -> tuple[Int64, Int64, Int64]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
