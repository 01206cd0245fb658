"""What a pair costs, and which pairs are chosen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edge.track import association
from edge.track.association import LEFT_OUT, Found, candidates, choose, second_boxes
from edge.track.kalman import ID, ROWS, SIZE, VV, X, Y, born, correct, predict


def found(*boxes: tuple[float, float, float, float], labels: tuple[int, ...] = ()) -> Found:
    b = np.array(boxes, np.float64).reshape(-1, 4)
    names = np.array(labels or [0] * len(b), np.intp)
    return Found(b, (b[:, :2] + b[:, 2:]).T / 2, (b[:, 2:] - b[:, :2]).T, np.full(len(b), 0.9), names)


def tracks(*boxes: tuple[float, float, float, float], speed: float = 1.0) -> np.ndarray:
    f = found(*boxes)
    s = born(f.middle, f.sides, f.scores, f.labels, 0.0, speed, np.zeros(2), ROWS + 1)
    s[ID] = np.arange(len(boxes)) + 1
    return s


def cost(
    track: tuple[float, float, float, float], *boxes: tuple[float, float, float, float], **more: object
) -> list[float]:
    t, which, costs = candidates(tracks(track), found(*boxes, **more))  # type: ignore[arg-type]
    assert (t == 0).all()
    return [dict(zip(which.tolist(), costs.tolist(), strict=True)).get(i, np.inf) for i in range(len(boxes))]


A = (100.0, 100.0, 112.0, 112.0)


def test_the_nearer_the_cheaper_and_too_far_is_no_pair() -> None:
    here, near, far = cost(A, A, (102, 100, 114, 112), (140, 100, 152, 112))
    assert 0 < here < near < LEFT_OUT
    assert far == np.inf


def test_sizes_and_classes_count() -> None:
    same, larger, huge = cost(A, A, (97, 97, 115, 115), (85, 85, 127, 127))
    assert same < larger < huge == np.inf
    assert cost(A, A, A, labels=(0, 1)) == pytest.approx([same, same + association.OTHER_CLASS])


def test_a_large_box_that_is_cut_in_half_is_still_a_pair() -> None:
    assert cost((100, 100, 200, 200), (100, 100, 160, 200))[0] < LEFT_OUT


def test_a_track_that_is_surer_goes_first() -> None:
    s = tracks(A, A)
    s[VV, 1] *= 100
    predict(s, 0.5)
    rows, _, costs = candidates(s, found(A))
    assert costs[rows == 0] < costs[rows == 1]


def test_the_choice_is_the_best_of_all() -> None:
    """Against all permutations, on small tables with gaps."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        n, m = rng.integers(1, 5, 2)
        table = np.where(rng.random((n, m)) < 0.7, rng.uniform(0, 20, (n, m)), np.inf)
        rows, columns = np.nonzero(np.isfinite(table))
        r, c = choose((rows, columns, table[rows, columns]))
        assert len(set(r.tolist())) == len(set(c.tolist())) == len(r)
        best = min(
            sum(table[i, j] - LEFT_OUT for i, j in zip(some, other, strict=True))
            for k in range(min(n, m) + 1)
            for some in itertools.combinations(range(n), k)
            for other in itertools.permutations(range(m), k)
        )
        assert table[r, c].sum() - LEFT_OUT * len(r) == pytest.approx(best)


def test_many_rivals_are_taken_from_the_cheapest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "MOST_SOLVED", 1)
    pairs = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 5]), np.array([1.0, 2.0, 1.5, 3.0])
    r, c = choose(pairs)
    assert dict(zip(r.tolist(), c.tolist(), strict=True)) == {2: 5, 0: 0}


def test_second_boxes() -> None:
    f = found(A, (101, 100, 113, 112), (106, 100, 118, 112), (300, 300, 312, 312), (300, 301, 312, 313))
    left = np.array([False, True, True, True, True])
    assert second_boxes(f, np.array([1, 2, 3, 4]), left).tolist() == [True, False, False, True]


def test_the_filter_knows_what_it_is_sure_of() -> None:
    """Errors of made walks against the variance that is claimed: about one."""
    rng = np.random.default_rng(0)
    n, at, velocity = 400, np.zeros((2, 400)), rng.normal(0, 12, (2, 400))
    s = born(at + rng.normal(0, 1, (2, n)), np.full((2, n), 12.0), np.ones(n), np.zeros(n, np.intp), 0, 1, at[:, 0], 17)
    everyone = np.arange(n)
    for k in range(1, 12):
        at = at + velocity * 0.2
        predict(s, 0.2)
        measured = at + rng.normal(0, 0.98, (2, n))  # what measured_variance says of 12 px
        correct(s, everyone, measured, np.full((2, n), 12.0), np.ones(n), np.zeros(n, np.intp), k / 5)
        worth = ((s[X : Y + 1] - at) ** 2).mean() / s[4].mean()
        assert 0.5 < worth < 1.3
    assert s[SIZE] == pytest.approx(np.full(n, 12.0))
