"""Pairing detections of two detectors."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.data import RawDetections
from edge.model.thresholds import Thresholds
from export.parity.pairs import join, pair, size_of


def raw(*rows: tuple[float, float, float, float, float, int], k: int = 6) -> RawDetections:
    """x1, y1, x2, y2, score, label of each detection, padded to ``k`` rows as a graph does."""
    table = np.zeros((k, 6), np.float32)
    table[: len(rows)] = np.array(rows).reshape(-1, 6)
    return RawDetections(table[:, :4], table[:, 4], table[:, 5].astype(np.int32))


A = (0.0, 0.0, 10.0, 10.0, 0.9, 0)
B = (30.0, 30.0, 50.0, 45.0, 0.8, 1)


def test_equal_sets() -> None:
    pairs = pair(raw(A, B), raw(B, A), 0.5)
    assert pairs.iou.tolist() == [1.0, 1.0]
    assert np.abs(pairs.score_change).max() == 0
    assert pairs.lost.sum() == pairs.new.sum() == 0


def test_lost_and_new_by_size() -> None:
    pairs = pair(raw(A, B), raw(A, (60, 60, 75, 75, 0.7, 0)), 0.5)
    assert pairs.lost.tolist() == [0, 1, 0]  # 300 px^2
    assert pairs.new.tolist() == [0, 1, 0]  # 225 px^2


def test_each_class_asks_from_its_own_score() -> None:
    least = Thresholds(("a", "b"), (0.95, 0.75, 0.5))
    assert pair(raw(A, B), raw(), least).lost.tolist() == [0, 1, 0]  # only B
    assert pair(raw(), raw(A, B), least).new.tolist() == [0, 1, 0]


def test_another_label_is_no_partner() -> None:
    pairs = pair(raw(A), raw((0, 0, 10, 10, 0.9, 1)), 0.5)
    assert (pairs.lost.sum(), pairs.new.sum()) == (1, 1)


def test_falling_below_the_threshold_is_a_change_not_a_loss() -> None:
    pairs = pair(raw(A), raw((0, 0, 10, 10, 0.49, 0)), 0.5)
    assert pairs.lost.sum() == pairs.new.sum() == 0
    np.testing.assert_allclose(pairs.score_change, [-0.41], atol=1e-6)
    risen = pair(raw((0, 0, 10, 10, 0.49, 0)), raw(A), 0.5)
    assert risen.new.sum() == 0


def test_a_partner_serves_once() -> None:
    twice = raw(A, (0, 0, 10, 9, 0.7, 0))
    pairs = pair(twice, raw(A), 0.5)
    assert (len(pairs.iou), pairs.lost.sum()) == (1, 1)


def test_no_detections_at_all() -> None:
    pairs = join([pair(raw(), raw(), 0.5), pair(raw(k=0), raw(k=0), 0.5)])
    assert len(pairs.iou) == pairs.lost.sum() == pairs.new.sum() == 0


def test_size_limits_are_the_papers() -> None:
    sides = np.array([187.0, 188.0, 408.0, 409.0], np.float32)
    boxes = np.stack([np.zeros(4), np.zeros(4), sides, np.ones(4)], 1).astype(np.float32)
    assert size_of(boxes).tolist() == [0, 1, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9)), max_size=6), st.integers(0, 99))
def test_shuffling_changes_nothing(spots: list[tuple[int, int, int]], seed: int) -> None:
    rows = [(50.0 * x, 50.0 * y, 50.0 * x + s, 50.0 * y + s, 0.6, 0) for x, y, s in dict.fromkeys(spots)]
    unique = list({row[:2]: row for row in rows}.values())
    order = np.random.default_rng(seed).permutation(len(unique))
    pairs = pair(raw(*unique), raw(*(unique[i] for i in order)), 0.5)
    assert len(pairs.iou) == len(unique)
    assert (pairs.iou == 1).all()
