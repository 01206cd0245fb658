"""What a pair costs, and which pairs are chosen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edge.track import association
from edge.track.association import LEFT_OUT, Found, candidates, choose, second_boxes
from edge.track.inputs import checked
from edge.track.kalman import (
    AGILITY,
    AREA,
    BOX_NOISE,
    ID,
    MOTION_NOISE,
    MOTION_SCALE,
    NOISE,
    ONE,
    PIXEL_NOISE,
    PP,
    PV,
    ROWS,
    SPREAD,
    VV,
    VX,
    VY,
    H,
    W,
    X,
    Y,
    born,
    correct,
    predict,
)  # fmt: skip


def found(*boxes: tuple[float, float, float, float], labels: tuple[int, ...] = ()) -> Found:
    b = np.array(boxes, np.float64).reshape(-1, 4)
    return checked(b, np.full(len(b), 0.9), labels or [0] * len(b))


def tracks(*boxes: tuple[float, float, float, float], speed: float = 1.0) -> np.ndarray:
    s = born(found(*boxes).s, 0.0, speed, np.zeros(2), ROWS + 2)
    s[ID] = np.arange(len(boxes)) + 1
    predict(s, 0.0)
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


@pytest.mark.parametrize("few", [8, 0])
def test_the_choice_is_the_best_of_all(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against all permutations, on small tables with gaps; by trying, and by the solver."""
    monkeypatch.setattr(association, "FEW", few)
    rng = np.random.default_rng(0)
    for _ in range(40):
        n, m = rng.integers(1, 5, 2)
        table = np.where(rng.random((n, m)) < 0.7, rng.uniform(0, 20, (n, m)), np.inf)
        rows, columns = np.nonzero(np.isfinite(table))
        pairs = rows, columns, table[rows, columns]
        r, c = choose(pairs)
        assert len(set(r.tolist())) == len(set(c.tolist())) == len(r)
        best = min(
            sum(table[i, j] - LEFT_OUT for i, j in zip(some, other, strict=True))
            for k in range(min(n, m) + 1)
            for some in itertools.combinations(range(n), k)
            for other in itertools.permutations(range(m), k)
        )
        assert table[r, c].sum() - LEFT_OUT * len(r) == pytest.approx(best)


def test_many_rivals_are_taken_from_the_cheapest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "FEW", 0)
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
    everyone = np.arange(n)

    def seen(noise: float) -> np.ndarray:
        middle = (at + rng.normal(0, noise, (2, n))).T
        return checked(np.hstack((middle - 6, middle + 6)), np.ones(n), everyone * 0).s

    s = born(seen(1.0), 0.0, 1.0, at[:, 0], ROWS)
    for k in range(1, 12):
        at = at + velocity * 0.2
        predict(s, 0.2)
        correct(s, everyone, seen(0.98), k / 5)  # what is said of 12 px
        worth = ((s[X : Y + 1] - at) ** 2).mean() / s[PP].mean()
        assert 0.5 < worth < 1.3
    assert s[AREA] == pytest.approx(np.full(n, 144.0))


def test_time_and_a_motion_do_to_a_state_what_the_filter_says() -> None:
    """Against the filter written out row by row: time first, then the camera."""
    s = born(found(A, (30, 40, 60, 60)).s, 0.0, 3.0, np.array([5.0, -7.0]), ROWS)
    s[PV] = 4.0
    motion, dt = np.array([[0.9, -0.3, 20.0], [0.4, 1.1, -8.0]]), 0.3
    turn, area = motion[:, :2], 0.9 * 1.1 + 0.3 * 0.4
    q = AGILITY**2 * s[AREA] * dt
    before, velocity = s[X : Y + 1] + dt * s[VX : VY + 1], s[VX : VY + 1].copy()
    pp = s[PP] + 2 * dt * s[PV] + dt**2 * (s[VV] + q / 3)
    pv, vv, sides = s[PV] + dt * (s[VV] + q / 2), s[VV] + q, s[W : H + 1].copy()
    after = turn @ before + motion[:, 2:]
    pp = area * pp + MOTION_NOISE**2 + MOTION_SCALE**2 * ((after - before) ** 2).sum(0)
    predict(s, dt, motion)
    assert s[X : Y + 1] == pytest.approx(after)
    assert s[VX : VY + 1] == pytest.approx(turn @ velocity)
    assert s[[PP, PV, VV]] == pytest.approx(np.array([pp, area * pv, area * vv]))
    assert s[W : H + 1] == pytest.approx(sides * area**0.5)
    assert s[AREA] == pytest.approx(s[W] * s[H])
    assert s[NOISE] == pytest.approx(BOX_NOISE**2 * s[AREA] + PIXEL_NOISE**2)
    assert s[SPREAD] == pytest.approx(pp + s[NOISE])
    assert (s[ONE] == 1).all()
