"""Which frames to label next: the same by seed, spread over flights and time, doubtful ones first, some at random."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.model.thresholds import Thresholds
from export.data.assist.choose import FEW, Candidate, choose, near_threshold
from export.data.assist.proposals import Proposed

LOWEST, FAINTEST = 0.5, 0.2


def frame(name: str, flight: str = "a", t: float = 0.0, look: int | None = None, **doubt: object) -> Candidate:
    """Looks like no other, but where ``look`` says how it looks."""
    seen = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") if look is None else look
    return Candidate(name, flight, t, seen, Proposed((), **{"scores": (), **doubt}))  # type: ignore[arg-type]


def names(candidates: list[Candidate], count: int, part: float = 0.0, seed: int = 1) -> list[str]:
    return [c.candidate.name for c in choose(candidates, count, LOWEST, FAINTEST, part, seed)]


def test_doubt_is_by_the_score_of_the_class() -> None:
    lowest, faintest = Thresholds(("a", "b"), (0.5, 0.3, 0.5)), Thresholds(("a", "b"), (0.2, 0.12, 0.2))
    near = [frame("x", scores=(0.31, 0.9), labels=(1, 0)), frame("y", scores=(0.31, 0.9), labels=(0, 1))]
    chosen = choose(near, 2, lowest, faintest, 0.0)
    assert [c.candidate.name for c in chosen] == ["x", "y"]
    assert chosen[0].reason == "by its scores: the nearest to 0.3 is 0.31"


frames = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(0, 9), st.lists(st.floats(0, 1), max_size=3)),
    min_size=1,
    max_size=25,
).map(
    lambda rows: [
        frame(f"{i:02d}", flight, t / 5, look, scores=tuple(scores)) for i, (flight, t, look, scores) in enumerate(rows)
    ]
)


@settings(max_examples=50)
@given(frames, st.integers(1, 30), st.floats(0, 1), st.integers(0, 3), st.randoms(use_true_random=False))
def test_as_many_as_asked_each_once_and_the_same_in_any_order(
    candidates: list[Candidate], count: int, part: float, seed: int, random: object
) -> None:
    chosen = names(candidates, count, part, seed)
    assert len(chosen) == len(set(chosen)) == min(count, len(candidates))
    turned = list(candidates)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert names(turned, count, part, seed) == chosen
    drawn = [c for c in choose(candidates, count, LOWEST, FAINTEST, part, seed) if c.reason == "at random"]
    assert len(drawn) == round(part * len(chosen))


@settings(max_examples=15)
@given(st.integers(2, 12), st.integers(2, 5))
def test_frames_of_one_second_are_not_chosen_where_there_are_others(count: int, flights: int) -> None:
    """All doubt lies in one second of one flight: it gets its share, and the others theirs."""
    candidates = [
        frame(f"{f}-{i:03d}", str(f), i / 10, come_and_go=int(f == 0 and i < 10))
        for f in range(flights)
        for i in range(200)
    ]
    chosen = [c.candidate for c in choose(candidates, count, LOWEST, FAINTEST, 0.0)]
    assert chosen[0].flight == "0"
    of_flight = Counter(c.flight for c in chosen)
    assert max(of_flight.values()) <= max(1, -(-FEW * count // flights))
    for one in chosen:
        assert all(other is one or other.flight != one.flight or abs(other.t - one.t) >= 1 for other in chosen)


def test_the_most_doubtful_comes_first_and_says_why() -> None:
    candidates = [
        frame("sure", "a", scores=(0.99,)),
        frame("near", "b", scores=(0.52, 0.9)),
        frame("lost", "c", scores=(0.9,), come_and_go=3),
        frame("mixed", "d", scores=(0.95,), come_and_go=1, classes_differ=2),
    ]
    chosen = choose(candidates, 4, LOWEST, FAINTEST, 0.0)
    assert {c.candidate.name: c.reason for c in chosen} == {
        "near": "by its scores: the nearest to 0.5 is 0.52",
        "lost": "3 boxes come and go from frame to frame",
        "mixed": "2 boxes of two classes",
        "sure": "by its scores: the nearest to 0.5 is 0.99",
    }
    assert [c.candidate.name for c in chosen] == ["mixed", "lost", "near", "sure"]
    assert chosen[0].doubt == pytest.approx(
        1 / 3 + 1 + near_threshold((0.95,), 0.5, 0.2) / near_threshold((0.52, 0.9), 0.5, 0.2)
    )
    assert choose([frame("x")], 1, LOWEST, FAINTEST, 0.0)[0].reason == "no doubt: for its flight and time"


def test_what_looks_alike_waits() -> None:
    candidates = [
        frame("a", t=0, look=0, scores=(0.5,)),
        frame("b", t=50, look=0b111, scores=(0.5,)),  # three bits of 64
        frame("c", t=100, look=0b1111000, scores=(0.9,)),
    ]
    assert names(candidates, 2) == ["a", "c"]
    assert names(candidates, 3) == ["a", "c", "b"]


def test_random_frames_lie_evenly_among_the_others_and_count_for_the_distance() -> None:
    candidates = [frame(f"{i:03d}", t=i, scores=(0.5,)) for i in range(100)]
    reasons = [c.reason == "at random" for c in choose(candidates, 10, LOWEST, FAINTEST, 0.2)]
    assert [i for i, drawn in enumerate(reasons) if drawn] == [2, 7]
    times = sorted(c.candidate.t for c in choose(candidates, 10, LOWEST, FAINTEST, 0.1))
    assert min(b - a for a, b in pairwise(times)) >= 2


@pytest.mark.parametrize(("score", "near"), [(0.5, 1), (0.2, 0), (0.1, 0), (1, 0), (0.75, 0.25), (0.35, 0.25)])
def test_nearness_is_one_at_the_threshold(score: float, near: float) -> None:
    assert near_threshold([score], LOWEST, FAINTEST) == pytest.approx(near)
    assert near_threshold([score, score], LOWEST, FAINTEST) == pytest.approx(2 * near)


@pytest.mark.parametrize(("count", "part"), [(0, 0.2), (1, -0.1), (1, 1.1)])
def test_what_cannot_be(count: int, part: float) -> None:
    with pytest.raises(InputError, match="expected 1 or more"):
        choose([frame("x")], count, LOWEST, FAINTEST, part)
    with pytest.raises(InputError, match="no frame to choose from"):
        choose([], 1, LOWEST, FAINTEST)
