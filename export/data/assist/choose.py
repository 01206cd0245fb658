"""Which frames to label next: those that the model is in doubt about, spread over flights and time, and some at random.

The random ones are drawn from all frames alike. They keep the set honest: what the model does not know that it does not
know lies in no doubtful frame, and a figure measured on frames of doubt alone is none of the flights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.model.thresholds import Thresholds
from export.data.assist.proposals import Proposed
from export.data.clean import NEAR

RANDOM = 0.2  # part of the chosen frames
ROUNDS = 12  # of choosing, each with half the distance in time of the one before; then whatever is left
FEW = 2.0  # even shares of the frames that one flight may have in the first round


@dataclass(frozen=True)
class Candidate:
    """A frame that may be labelled. ``name``: of its picture, unlike all others. ``t``: seconds, or what else counts up
    along the flight. ``look``: 64 bits of how it looks (`export.data.clean.dhash`).
    """

    name: str
    flight: str
    t: float
    look: int
    proposed: Proposed


@dataclass(frozen=True)
class Choice:
    """A chosen frame. ``doubt``: 0..3, what it was chosen by. ``reason``: for a person."""

    candidate: Candidate
    doubt: float
    reason: str


@dataclass(frozen=True)
class _Doubt:
    """How doubtful a frame is, each from 0 to 1, the most doubtful of all frames being 1."""

    scores: float
    come_and_go: float
    classes: float

    @property
    def all(self) -> float:
        return self.scores + self.come_and_go + self.classes


@dataclass(frozen=True)
class _Chosen:
    """What was chosen of one flight."""

    taken: list[Candidate] = field(default_factory=list)

    def far_from(self, one: Candidate, apart: float, alike: bool) -> bool:
        """Whether ``one`` is at least ``apart`` from all of them, and, but for ``alike``, looks like none."""
        return all(
            abs(one.t - other.t) >= apart and (alike or (one.look ^ other.look).bit_count() > NEAR)
            for other in self.taken
        )


Scores = float | npt.NDArray[np.float64]


def near_threshold(scores: Sequence[float], lowest: Scores, faintest: Scores) -> float:
    """How close scores lie to ``lowest``, from which detections are shown, one for all or one each: the sum of 1
    for one exactly there, 0 at ``faintest`` and at 1, squared, so that many clear ones are no doubt.
    """
    s = np.asarray(scores, np.float64)
    below, above = np.maximum(lowest - faintest, 1e-9), np.maximum(1 - lowest, 1e-9)
    near = np.where(s < lowest, 1 - (lowest - s) / below, 1 - (s - lowest) / above)
    return float((near.clip(0, 1) ** 2).sum())


def choose(
    candidates: Sequence[Candidate],
    count: int,
    lowest: float | Thresholds,
    faintest: float | Thresholds,
    part: float = RANDOM,
    seed: int = 1,
) -> list[Choice]:
    """``count`` frames, or all where there are fewer, in the order in which to label them: the random ones evenly
    among the others, so that whoever stops early has both.

    ``part``: of them, at random, 0..1. The others are taken by their doubt, the most doubtful first, in rounds. A round
    takes no frame that is nearer in time to a chosen one of its flight than a distance, or that looks like one; the
    distance is at first that of frames spread evenly over all flights, and half in each further round. A flight may
    have two even shares in the first round, twice as many in each further one. The same candidates, in whatever order,
    and the same ``seed`` give the same frames.

    Raises InputError where ``count`` or ``part`` cannot be one, or there is no candidate.
    """
    if count < 1 or not 0 <= part <= 1:
        raise InputError(f"choosing {count} frames, {part:g} of them at random: expected 1 or more, and a part, 0 to 1")
    if not candidates:
        raise InputError("there is no frame to choose from: all are labelled, or the source has none")
    known = sorted(candidates, key=lambda one: one.name)
    count = min(count, len(known))
    lowest, faintest = Thresholds.of(lowest), Thresholds.of(faintest)
    doubts = _doubts(known, lowest, faintest)
    rng = np.random.default_rng(seed)
    drawn = [int(i) for i in rng.permutation(len(known))[: round(part * count)]]
    flights = {one.flight: _Chosen() for one in known}
    for i in drawn:
        flights[known[i].flight].taken.append(known[i])
    order = sorted(set(range(len(known))) - set(drawn), key=lambda i: (-doubts[i].all, known[i].name))
    taken = _in_rounds(known, order, flights, count - len(drawn), count)
    chosen = [Choice(known[i], doubts[i].all, "at random") for i in drawn]
    others = [Choice(known[i], doubts[i].all, _reason(known[i].proposed, doubts[i], lowest)) for i in taken]
    places = [*_places(len(others)), *_places(len(chosen))]
    return [one for _, one in sorted(zip(places, [*others, *chosen], strict=True), key=lambda item: item[0])]


def _places(count: int) -> list[float]:
    return [(i + 0.5) / count for i in range(count)]


def _in_rounds(
    known: Sequence[Candidate], order: Sequence[int], flights: dict[str, _Chosen], asked: int, count: int
) -> list[int]:
    """Indices of ``asked`` frames, taken from ``order``; see `choose`."""
    times: dict[str, list[float]] = {name: [] for name in flights}
    for one in known:
        times[one.flight].append(one.t)
    apart = sum(max(t) - min(t) for t in times.values()) / count
    most = FEW * count / len(flights)
    taken: list[int] = []
    for turn in range(ROUNDS + 1):
        before = set(taken)
        for i in [i for i in order if i not in before]:
            if len(taken) == asked:
                return taken
            one, last = known[i], turn == ROUNDS
            here = flights[one.flight]
            if last or (len(here.taken) < max(most, 1) and here.far_from(one, apart, alike=turn > ROUNDS // 2)):
                here.taken.append(one)
                taken.append(i)
        apart, most = apart / 2, most * 2
    return taken


def _of_each(found: Proposed, scores: Thresholds) -> npt.NDArray[np.float64]:
    """(N,) of each detection that of its class."""
    return scores.by_label.take(found.labels or [0] * len(found.scores), mode="clip")


def _doubts(known: Sequence[Candidate], lowest: Thresholds, faintest: Thresholds) -> list[_Doubt]:
    rows = [
        (
            near_threshold(one.scores, _of_each(one, lowest), _of_each(one, faintest)),
            one.come_and_go,
            one.classes_differ,
        )
        for one in (c.proposed for c in known)
    ]
    most = np.array(rows, np.float64).max(axis=0)
    scaled = np.array(rows, np.float64) / np.where(most > 0, most, 1)
    return [_Doubt(*row) for row in scaled.tolist()]


def _reason(proposed: Proposed, doubt: _Doubt, lowest: Thresholds) -> str:
    """What made the frame doubtful, the largest part of it."""
    if not doubt.all:
        return "no doubt: for its flight and time"
    if doubt.come_and_go == max(doubt.scores, doubt.come_and_go, doubt.classes):
        return f"{proposed.come_and_go} boxes come and go from frame to frame"
    if doubt.classes > doubt.scores:
        return f"{proposed.classes_differ} boxes of two classes"
    pairs = zip(proposed.scores, _of_each(proposed, lowest).tolist(), strict=True)
    nearest, to = min(pairs, key=lambda pair: (abs(pair[0] - pair[1]), pair[0]))
    return f"by its scores: the nearest to {to:g} is {nearest:.2f}"
