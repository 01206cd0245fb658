from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.measure.matching import Tally, iou, match, match_best_first

BOX = [10.0, 10.0, 20.0, 20.0]


def boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_iou_by_hand() -> None:
    # 5 x 10 overlap of two 10 x 10 boxes: 50 / 150
    assert iou(boxes(BOX), boxes([15, 10, 25, 20], [30, 30, 40, 40])).tolist() == [[pytest.approx(1 / 3), 0.0]]


corner = hnp.arrays(np.float32, (3, 2), elements=st.floats(0, 500, width=32))
size = hnp.arrays(np.float32, (3, 2), elements=st.floats(1, 100, width=32))


@given(corner, size)
def test_iou_is_one_with_itself_and_symmetric(at: np.ndarray, wh: np.ndarray) -> None:
    a = np.concatenate([at, at + wh], 1)
    table = iou(a, a)
    assert np.allclose(np.diag(table), 1)
    assert np.allclose(table, table.T)
    assert (table >= 0).all()
    assert (table <= 1 + 1e-9).all()


def test_one_true_box_is_found_once() -> None:
    tally = Tally()
    tally.add(boxes(BOX, BOX), np.array([0.9, 0.8], np.float32), ["p", "p"], boxes(BOX), ["p"])
    assert (tally.found, tally.missed, tally.false) == ({"p": 1}, {}, {"p": 1})
    assert tally.recall() == 1.0
    assert tally.precision() == 0.5


def test_another_class_is_a_miss_and_a_false_alarm() -> None:
    tally = Tally()
    tally.add(boxes(BOX), np.ones(1, np.float32), ["car"], boxes(BOX), ["person"])
    assert tally.recall("person") == 0.0
    assert tally.precision("car") == 0.0
    assert tally.precision("person") is None


def test_the_better_score_takes_its_box_first() -> None:
    shifted = [13.0, 10.0, 23.0, 20.0]  # IoU 0.54 with BOX
    tally = Tally()
    tally.add(boxes(shifted, BOX), np.array([0.9, 0.5], np.float32), ["p", "p"], boxes(BOX), ["p"])
    assert tally.false == {"p": 1}


def test_ignored_truth_counts_neither_way() -> None:
    tally = Tally()
    inside = [12.0, 12.0, 14.0, 14.0]
    tally.add(boxes(BOX, inside), np.ones(2, np.float32), ["p", "p"], boxes(BOX), ["p"], [True])
    assert (tally.found, tally.missed, tally.false) == ({}, {}, {})
    assert tally.recall() is None


def test_empty_frames() -> None:
    tally = Tally()
    none = boxes()
    tally.add(none, np.zeros(0, np.float32), [], boxes(BOX), ["p"])
    tally.add(boxes(BOX), np.ones(1, np.float32), ["p"], none, [])
    tally.add(none, np.zeros(0, np.float32), [], none, [])
    assert tally.to_json()["all"] == {"found": 0, "missed": 1, "false": 1, "recall": 0.0, "precision": 0.0}


def by_hand(
    overlaps: list[list[float]], least: float, order: list[int], allowed: list[list[bool]], preferred: list[bool]
) -> list[int]:
    """`match` as one says it: row after row, the best column that is left."""
    partner = [-1] * len(overlaps)
    for i in order:
        left = [
            (not preferred[j], -value, j)
            for j, value in enumerate(overlaps[i])
            if value >= least and allowed[i][j] and j not in partner
        ]
        partner[i] = min(left)[2] if left else -1
    return partner


@settings(deadline=None)
@given(st.data(), st.integers(0, 5), st.integers(0, 5))
def test_match_is_what_one_would_do_by_hand(data: st.DataObject, rows: int, columns: int) -> None:
    shape = (rows, columns)
    values = st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0, float("nan")])  # few, so that many are equal
    overlaps = data.draw(hnp.arrays(np.float64, shape, elements=values))
    allowed = data.draw(st.none() | hnp.arrays(np.bool_, shape))
    preferred = data.draw(st.none() | hnp.arrays(np.bool_, columns))
    order = data.draw(st.none() | st.permutations(range(rows)).map(lambda p: p[: max(rows - 1, 0)]))
    found = match(overlaps, 0.5, order, allowed, preferred)
    expected = by_hand(
        overlaps.tolist(),
        0.5,
        list(range(rows)) if order is None else order,
        np.ones(shape, bool).tolist() if allowed is None else allowed.tolist(),
        [True] * columns if preferred is None else preferred.tolist(),
    )
    assert found.dtype == np.int64
    assert found.tolist() == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_best_pair_goes_first_and_it_is_the_same_from_both_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.permutation(36)[: rng.integers(1, 30)]
    rows, columns = cells // 6, cells % 6
    overlaps = rng.choice([0.5, 0.75, 1.0], len(cells))
    found = match_best_first(rows, columns, overlaps)
    assert found == sorted((i, j) for j, i in match_best_first(columns, rows, overlaps))
    worth = dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), overlaps.tolist(), strict=True))
    for pair, overlap in worth.items():  # who is left out was in the way of one that is as good or better
        rivals = [worth[one] for one in found if one != pair and (one[0] == pair[0] or one[1] == pair[1])]
        assert pair in found or max(rivals) >= overlap


def test_of_equal_pairs_the_first_and_of_none_none() -> None:
    none = np.zeros(0, np.int64)
    assert match_best_first(none, none, np.zeros(0)) == []
    rows, columns = np.array([1, 0, 0, 1]), np.array([1, 1, 0, 0])
    assert match_best_first(rows, columns, np.ones(4)) == [(0, 0), (1, 1)]
    assert match_best_first(rows, columns, np.array([0.5, 0.9, 0.8, 0.5])) == [(0, 1), (1, 0)]
