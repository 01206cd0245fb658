"""The threshold table: figures by hand, and of any detections what a recount gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.measure.average_precision import Judged, Ranking, rank
from export.evaluate.evaluate import figures
from export.evaluate.thresholds import GRID, best_mean_f1, threshold_rows, why_in_words


def ranked(*scored: tuple[float, bool], total: int) -> Ranking:
    scores = np.array([score for score, _ in scored], np.float32).astype(np.float64)
    return Ranking(scores, np.array([hit for _, hit in scored], bool), total)


def frame(found: list[tuple[int, float]], true: list[int], label: int = 0) -> Judged:
    """Detections and true boxes of 10x10 px, side by side by number: of the same number they match."""

    def boxes(numbers: list[int]) -> np.ndarray:
        return np.array([[20 * n, 0, 20 * n + 10, 10] for n in numbers], np.float32).reshape(-1, 4)

    return Judged(
        boxes([n for n, _ in found]),
        np.array([score for _, score in found], np.float32),
        np.full(len(found), label, np.int64),
        boxes(true),
        np.full(len(true), label, np.int64),
        np.zeros((0, 4), np.float32),
    )


def test_the_rows_by_hand() -> None:
    # 4 true boxes in 2 frames; by falling score: found, found, false, found, false, false
    ranking = ranked((0.95, True), (0.85, True), (0.75, False), (0.45, True), (0.35, False), (0.15, False), total=4)
    rows = threshold_rows(ranking, 2, 0.64)
    said = [(row["score"], row["of"], row["found"], row["false"]) for row in rows]
    assert said == [
        (0.1, [], 3, 3),
        (0.2, [], 3, 2),
        (0.3, [], 3, 2),
        (0.34, ["1_false_in_1_frame"], 3, 2),  # 2 false in 2 frames: from the score 0.35 on
        (0.4, [], 3, 1),
        (0.44, ["best_f1"], 3, 1),  # F1 0.75
        (0.5, [], 2, 1),
        (0.6, [], 2, 1),
        (0.64, ["bundle"], 2, 1),
        (0.7, [], 2, 1),
        (0.8, [], 2, 0),
        (0.9, [], 1, 0),
    ]
    assert rows[3] == {
        "score": 0.34,
        "of": ["1_false_in_1_frame"],
        "found": 3,
        "missed": 1,
        "false": 2,
        "recall": 0.75,
        "precision": 0.6,
        "false_per_frame": 1.0,
    }


def test_scores_are_compared_as_in_flight() -> None:
    rows = threshold_rows(ranked((0.7, True), total=1), 1)  # as float32 it is less than 0.7
    assert {row["score"]: row["found"] for row in rows}[0.7] == 1
    assert {row["score"]: row["found"] for row in rows}[0.8] == 0


def test_a_score_is_short_but_never_parts_what_it_stands_for() -> None:
    ranking = ranked((0.9, True), (0.512394, True), (0.512314, False), total=2)
    best = next(row for row in threshold_rows(ranking, 1) if "best_f1" in row["of"])
    assert (best["score"], best["found"], best["false"]) == (0.51239, 2, 0)


def test_equal_scores_are_shown_together() -> None:
    ranking = ranked((0.905, True), (0.555, True), (0.555, False), total=2)
    rows = {why: row["score"] for row in threshold_rows(ranking, 10) for why in row["of"]}
    assert rows["1_false_in_10_frames"] == 0.55
    assert ranking.score_at_false(0.9) == pytest.approx(0.905)
    assert ranking.recall_at_false(0.9) == 0.5
    assert ranking.recall_at_false(1.0) == 1.0


def test_where_the_best_detections_are_false_and_of_one_score() -> None:
    last = threshold_rows(ranked((0.9, False), (0.9, False), (0.8, True), total=1), 100)[-1]
    assert (last["score"], last["of"]) == (None, ["1_false_in_100_frames"])
    assert (last["found"], last["missed"], last["false"], last["recall"], last["precision"]) == (0, 1, 0, 0.0, None)


@pytest.mark.parametrize("total", [0, 3])
def test_where_nothing_is_found_or_to_be_found(total: int) -> None:
    rows = threshold_rows(ranked(total=total), 10, 0.5)
    assert [(row["score"], row["of"]) for row in rows[9:]] == [
        (None, ["1_false_in_1_frame", "1_false_in_10_frames"]),
    ]
    assert [row["score"] for row in rows[:9]] == list(GRID)
    assert {row["recall"] for row in rows} == {0.0 if total else None}
    assert {row["precision"] for row in rows} == {None}


def test_each_class_and_all_together() -> None:
    judged = [frame([(0, 0.9), (1, 0.45)], [0]), frame([(0, 0.8), (3, 0.65)], [0, 1, 2], label=1)]
    found = figures(judged, ("deer", "fox"), 0.6)["thresholds"]
    assert list(found) == ["deer", "fox", "all"]
    shown = {name: next(row for row in rows if "bundle" in row["of"]) for name, rows in found.items()}
    figure = {name: (row["found"], row["missed"], row["false"], row["false_per_frame"]) for name, row in shown.items()}
    assert figure == {"deer": (1, 0, 0, 0.0), "fox": (1, 2, 1, 0.5), "all": (2, 2, 1, 0.5)}


scores = st.integers(0, 1000).map(lambda n: n / 1000)
frames = st.lists(
    st.builds(
        frame,
        st.lists(st.tuples(st.integers(0, 5), scores), max_size=6),
        st.lists(st.integers(0, 5), max_size=4, unique=True),
    ),
    min_size=1,
    max_size=5,
)


@given(frames, scores)
def test_a_recount_of_what_is_shown_gives_the_same(judged: list[Judged], bundle: float) -> None:
    rows = threshold_rows(rank(judged, 0, 0.5), len(judged), bundle)
    for row in rows:
        lowest = np.float32(np.inf if row["score"] is None else row["score"])
        again = rank([_above(one, lowest) for one in judged], 0, 0.5)
        assert (row["found"], row["false"]) == (again.hits.sum(), (~again.hits).sum())
        assert row["missed"] == again.total - row["found"]
    for name, most in (("1_false_in_1_frame", 1.0), ("1_false_in_10_frames", 0.1), ("1_false_in_100_frames", 0.01)):
        assert all(row["false_per_frame"] <= most for row in rows if name in row["of"])
    for before, after in pairwise(rows):
        assert before["found"] >= after["found"]
        assert before["false"] >= after["false"]


def _above(judged: Judged, lowest: np.float32) -> Judged:
    shown = judged.scores >= lowest
    rest = (judged.true_boxes, judged.true_labels, judged.ignored)
    return Judged(judged.boxes[shown], judged.scores[shown], judged.labels[shown], *rest)


def test_reasons_in_words() -> None:
    assert [why_in_words(why) for why in ("best_f1", "bundle", "1_false_in_1_frame", "1_false_in_100_frames")] == [
        "best F1",
        "the bundle's",
        "1 false in 1",
        "1 false in 100",
    ]


@pytest.mark.parametrize(("count", "told"), [(1, 1), (9, 1), (10, 2), (99, 2), (100, 3)])
def test_a_rate_needs_as_many_frames(count: int, told: int) -> None:
    ranking = ranked(*((0.95 - 0.02 * i, i % 2 == 0) for i in range(40)), total=20)
    whys = [why for row in threshold_rows(ranking, count) for why in row["of"]]
    rates = ["1_false_in_1_frame", "1_false_in_10_frames", "1_false_in_100_frames"]
    assert sorted(whys) == sorted(["best_f1", *rates[:told]])


def test_the_best_mean_f1_lets_a_rare_class_count() -> None:
    """Of ten people found at 0.9 and four false below, and one deer found at 0.4."""
    people = ranked(*[(0.9, True)] * 10, *[(0.6, False)] * 4, total=10)
    deer = ranked((0.7, False), (0.4, True), total=1)
    best = best_mean_f1({"Person": people, "Deer": deer, "Car": ranked((0.5, False), total=0)})
    assert best["threshold"] == pytest.approx(0.4)
    assert best["by_class"] == pytest.approx({"Person": 20 / 24, "Deer": 2 / 3})
    assert best["f1"] == pytest.approx((20 / 24 + 2 / 3) / 2)
    together = best_mean_f1(
        {"all": ranked(*[(0.9, True)] * 10, (0.7, False), *[(0.6, False)] * 4, (0.4, True), total=11)}
    )
    assert together["threshold"] == pytest.approx(0.9)


def test_of_one_class_it_is_the_best_f1() -> None:
    ranking = ranked((0.9, True), (0.8, False), (0.8, True), (0.3, False), (0.2, True), total=4)
    found, best = best_mean_f1({"a": ranking}), ranking.best_f1()
    assert (found["threshold"], found["f1"]) == (best["threshold"], best["f1"])
    assert best_mean_f1({"a": ranked(total=3)}) == {"threshold": 0.5, "f1": 0.0, "by_class": {"a": 0.0}}
    assert best_mean_f1({"a": ranked((0.5, False), total=0)})["by_class"] == {}
