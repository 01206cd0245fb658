"""Intervals come from whole flights, and the figures in them are those of the frames drawn."""

from __future__ import annotations

import numpy as np
import pytest

from edge.measure.average_precision import Judged, rank
from export.evaluate.resampling import FEWEST, LEVEL, RESAMPLES, SEED, Pool, draws, interval, values_of

NONE = np.zeros((0, 4), np.float32)


def judged(rng: np.random.Generator, label: int = 0) -> Judged:
    """A frame of up to four boxes, some found, some not, with false alarms; scores of few different values."""
    count = int(rng.integers(0, 5))
    true = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(count)], np.float32).reshape(-1, 4)
    found = true[rng.random(count) < 0.7]
    false = np.array([[20 * i, 50, 20 * i + 10, 60] for i in range(int(rng.integers(0, 4)))], np.float32).reshape(-1, 4)
    boxes = np.concatenate([found, false])
    scores = (rng.integers(1, 10, len(boxes)) / 10).astype(np.float32)
    return Judged(boxes, scores, np.full(len(boxes), label), true, np.full(count, label, np.int64), NONE)


@pytest.fixture
def frames() -> list[Judged]:
    rng = np.random.default_rng(3)
    return [judged(rng) for _ in range(24)]


FLIGHT = [i // 4 for i in range(24)]  # six flights of four frames


def pool(frames: list[Judged], label: int = 0) -> Pool:
    return Pool.of([rank([frame], label, 0.5) for frame in frames], FLIGHT, 6)


@pytest.mark.parametrize("times", [[1] * 6, [2, 0, 1, 3, 0, 0], [0, 0, 0, 0, 0, 6], [0, 1, 1, 1, 2, 1]])
def test_a_draw_is_as_if_its_frames_stood_there_so_often(frames: list[Judged], times: list[int]) -> None:
    drawn = [frame for frame, of in zip(frames, FLIGHT, strict=True) for _ in range(times[of])]
    ranking = rank(drawn, 0, 0.5)
    found = values_of([pool(frames)], np.array([times]), 0.5)
    average = ranking.average_precision()
    assert average is not None
    # of equal scores the order differs
    assert found["ap50"][0] == pytest.approx(average, abs=0.02)
    shown = ranking.scores >= 0.5
    assert found["recall"][0] == pytest.approx(ranking.hits[shown].sum() / ranking.total)
    assert found["precision"][0] == pytest.approx(ranking.hits[shown].mean())


def test_without_equal_scores_the_average_is_the_same_to_the_bit(frames: list[Judged]) -> None:
    rng = np.random.default_rng(4)
    apart = [
        Judged(f.boxes, rng.random(len(f.boxes)).astype(np.float32), f.labels, f.true_boxes, f.true_labels, f.ignored)
        for f in frames
    ]
    for times in ([1] * 6, [3, 0, 2, 0, 1, 0]):
        drawn = [frame for frame, of in zip(apart, FLIGHT, strict=True) for _ in range(times[of])]
        assert pool(apart).average_precision(np.array([times]))[0] == rank(drawn, 0, 0.5).average_precision()


def test_many_draws_at_once_are_each_alone(frames: list[Judged], monkeypatch: pytest.MonkeyPatch) -> None:
    times = draws(6)[:50]
    whole = pool(frames).average_precision(times)
    monkeypatch.setattr("export.evaluate.resampling._AT_ONCE", 7 * int(pool(frames).hits.sum()))
    np.testing.assert_array_equal(pool(frames).average_precision(times), whole)


def test_all_classes_together_are_the_mean_of_those_with_boxes(frames: list[Judged]) -> None:
    one, none = pool(frames), pool(frames, 1)
    times = np.ones((1, 6), np.int64)
    rng = np.random.default_rng(9)
    second = Pool.of([rank([judged(rng, 1)], 1, 0.5) for _ in FLIGHT], FLIGHT, 6)
    alone = [float(values_of([p], times, 0.5)["ap50"][0]) for p in (one, second)]
    assert values_of([one, second, none], times, 0.5)["ap50"][0] == pytest.approx(np.mean(alone))
    right, every, total = (a + b for a, b in zip(one.shown(times, 0.5), second.shown(times, 0.5), strict=True))
    both = values_of([one, second, none], times, 0.5)
    assert (both["recall"][0], both["precision"][0]) == (right[0] / total[0], right[0] / every[0])
    assert np.isnan(values_of([none], times, 0.5)["ap50"]).all()
    assert np.isnan(values_of([none], times, 0.5)["precision"]).all()


def test_a_detection_at_the_score_is_shown(frames: list[Judged]) -> None:
    times = np.ones((1, 6), np.int64)
    scores = np.concatenate([frame.scores for frame in frames])
    assert pool(frames).shown(times, 0.7)[1][0] == (scores >= np.float32(0.7)).sum()


def test_draws_are_of_as_many_flights_and_the_same_each_time() -> None:
    found = draws(6)
    assert (found.shape, set(found.sum(axis=1))) == ((RESAMPLES, 6), {6})
    np.testing.assert_array_equal(found, draws(6))
    assert len(np.unique(found, axis=0)) > 100
    assert (LEVEL, RESAMPLES, SEED, FEWEST) == (0.95, 1000, 1, 5)


def test_what_is_kept_for_the_draws_is_what_they_give(frames: list[Judged]) -> None:
    one = pool(frames)
    np.testing.assert_array_equal(one.drawn, one.average_precision(draws(6).copy()))
    np.testing.assert_array_equal(values_of([one], draws(6), 0.5)["ap50"], one.drawn)
    assert values_of([one], np.ones((1, 6), np.int64), 0.5)["ap50"].shape == (1,)


def test_an_interval_leaves_a_fortieth_out_on_either_side() -> None:
    assert interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))
    few = np.append(np.arange(900) / 900, np.full(100, np.nan))
    assert interval(few) is not None
    assert interval(np.append(few[1:], np.nan)) is None


def test_a_mean_of_flights_has_the_interval_that_theory_gives() -> None:
    """Recall of 200 flights of one box each: the binomial's interval, from its normal form."""
    hits = np.arange(200) % 5 < 3
    one = Pool(np.ones(200), hits, np.arange(200), np.ones(200, np.int64))
    found = interval(values_of([one], draws(200), 0.5)["recall"])
    half = 1.96 * np.sqrt(0.6 * 0.4 / 200)
    assert found == pytest.approx((0.6 - half, 0.6 + half), abs=0.012)
