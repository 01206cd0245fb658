"""Ids of made sequences: who keeps his, who ends, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.track import Tracker

HZ = 30.0
STILL = np.array([[1.0, 0, 0], [0, 1, 0]])


def boxes(at: np.ndarray, size: float = 12.0) -> np.ndarray:
    return np.hstack([at - size / 2, at + size / 2])


def step(
    tracker: Tracker, at: object, t: float, motion: object = None, score: float = 0.9, label: int = 0
) -> list[int]:
    middle = np.asarray(at, np.float64).reshape(-1, 2)
    n = len(middle)
    ids = tracker.update(boxes(middle), np.full(n, score), np.full(n, label), t, motion)  # type: ignore[arg-type]
    assert ids.dtype == np.int32
    assert ids.shape == (n,)
    return ids.tolist()


def herd(seed: int = 0, n: int = 20, apart: float = 45.0) -> tuple[np.ndarray, np.ndarray]:
    """Places on a rough grid, and velocities of up to a size a second."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(-(-n // 5))), -1).reshape(-1, 2)[:n] * apart + 100
    return grid + rng.uniform(-8, 8, (n, 2)), rng.uniform(-12, 12, (n, 2))


def test_a_track_needs_two_sure_detections_and_keeps_its_id() -> None:
    tracker = Tracker()
    seen = [step(tracker, [(100 + k, 200)], k / HZ) for k in range(5)]
    assert seen == [[-1], [1], [1], [1], [1]]
    (track,) = tracker.tracks
    assert (track.id, track.label, track.frames, track.first_t, track.last_t) == (1, 0, 5, 0.0, 4 / HZ)
    assert track.score == pytest.approx(0.9)
    assert track.box == pytest.approx((98, 194, 110, 206), abs=0.5)
    assert track.velocity == pytest.approx((30, 0), abs=8)


def test_unsure_detections_need_more_of_them() -> None:
    tracker = Tracker()
    assert [step(tracker, [(9, 9)], k / HZ, score=0.4) for k in range(4)] == [[-1], [-1], [1], [1]]


def test_what_is_too_weak_begins_nothing_and_what_is_weaker_continues_nothing() -> None:
    tracker = Tracker()
    assert [step(tracker, [(9, 9)], k / HZ, score=0.29) for k in range(9)] == [[-1]] * 9
    step(tracker, [(9, 9)], 9 / HZ)
    step(tracker, [(9, 9)], 10 / HZ)
    assert step(tracker, [(9, 9)], 11 / HZ, score=0.1) == [1]
    assert step(tracker, [(9, 9)], 12 / HZ, score=0.09) == [-1]


def test_sure_detections_choose_before_the_others() -> None:
    tracker = Tracker()
    for k in range(9):
        step(tracker, [(100, 100)], k / HZ)
    pair = boxes(np.array([(100.0, 100.0), (102.0, 100.0)]))
    assert tracker.update(pair, [0.2, 0.9], [0, 0], 9 / HZ).tolist() == [-1, 1]


def test_the_last_missing_frame_a_track_survives() -> None:
    for unseen, same in ((0.9, True), (1.2, False)):
        tracker = Tracker(lost_s=1.0)
        for k in range(10):
            step(tracker, [(100, 100)], k / HZ)
        t = 9 / HZ
        for k in range(1, round(unseen * HZ)):
            step(tracker, [], t + k / HZ)
        assert step(tracker, [(100, 100)], t + unseen) == ([1] if same else [-1])


def test_a_shutter_gap_coasts_then_ends() -> None:
    for gap, ended in ((0.8, 0), (3.0, 1)):
        tracker = Tracker()
        for k in range(30):
            step(tracker, [(100 + k, 100)], k / HZ)  # 30 px / s
        after = step(tracker, [(129 + 30 * gap, 100)], 29 / HZ + gap)
        assert (after, len(tracker.ended)) == ([-1] if ended else [1], ended)
        assert all(track.id == 1 and track.frames == 30 for track in tracker.ended)


@pytest.mark.parametrize("hz", [0.5, 2.0, 4.0, 60.0, 400.0])
def test_any_frame_rate(hz: float) -> None:
    """By poses: what stands, stands."""
    at, _ = herd()
    tracker, seconds = Tracker(), max(4 / hz, 0.2)
    for k in range(round(seconds * hz)):
        ids = step(tracker, at, k / hz, STILL)
    assert sorted(ids) == list(range(1, 21))
    assert tracker.ended == ()


def test_the_same_ids_when_there_are_twice_as_many_frames() -> None:
    at, velocity = herd()
    found = []
    for hz in (15.0, 30.0):
        tracker = Tracker()
        for k in range(round(3 * hz) + 1):
            ids = step(tracker, at + velocity * k / hz, k / hz, STILL)
        found.append(ids)
    assert found[0] == found[1] == list(range(1, 21))


def test_ids_are_never_given_twice() -> None:
    tracker, known = Tracker(), set[int]()
    for visit in range(5):
        for k in range(3):
            ids = step(tracker, [(100, 100)], 10 * visit + k / HZ)
        assert ids[0] not in known
        known.add(ids[0])
    assert known == {1, 2, 3, 4, 5}
    assert [track.id for track in tracker.finish()] == [5]
    step(tracker, [(100, 100)], 0.0)
    assert step(tracker, [(100, 100)], 0.1) == [6]


def test_an_id_survives_a_class_and_the_votes_name_it() -> None:
    tracker = Tracker()
    seen = [step(tracker, [(50, 50)], k / HZ, label=label) for k, label in enumerate((0, 2, 2, 0, 2))]
    assert seen[1:] == [[1]] * 4
    assert tracker.tracks[0].label == 2


def test_a_sure_vote_counts_more_than_weak_ones() -> None:
    tracker = Tracker()
    for k, (label, score) in enumerate([(1, 0.95), (1, 0.95), (0, 0.5), (0, 0.5), (0, 0.5)]):
        step(tracker, [(50, 50)], k / HZ, score=score, label=label)
    assert tracker.tracks[0].label == 1


def test_a_second_box_on_an_object_begins_nothing() -> None:
    tracker = Tracker()
    for k in range(6):
        pair = boxes(np.array([(100.0, 100.0), (101.0, 100.0)]))
        ids = tracker.update(pair, [0.9, 0.8], [0, 1], k / HZ).tolist()
    assert ids == [1, -1]
    assert len(tracker.tracks) == 1


@pytest.mark.parametrize("shift", [8.0, 60.0])
def test_motion_takes_a_point_from_the_frame_before_to_this_one(shift: float) -> None:
    """The camera moves to the right, so what stands moves to the left in the picture: motion is -shift."""
    at, _ = herd()
    motion = np.array([[1.0, 0, -shift], [0, 1, 0]])
    right, wrong = Tracker(), Tracker()
    for k in range(6):
        ids = step(right, at - (k * shift, 0), k / 4, motion)
        # three are too few to show that they lie beside their tracks together
        step(wrong, at[:3] - (k * shift, 0), k / 4, motion * (1, 1, -1))
    assert ids == list(range(1, 21))
    assert np.abs([track.velocity for track in right.tracks]).max() < 3  # over the ground
    assert all(abs(track.velocity[0]) > 2 * shift for track in wrong.tracks)


@pytest.mark.parametrize(("sizes", "then"), [(1.4, [1]), (1.7, [-1])])
def test_a_far_detection_is_not_taken_for_what_was_seen_once(sizes: float, then: list[int]) -> None:
    """At 4 Hz 1.7 of its sizes are 6.8 a second: it is another object, and the first is still there."""
    tracker, away = Tracker(), 100 + 12 * sizes
    step(tracker, [(100, 100)], 0.0, STILL)
    assert step(tracker, [(away, 100)], 0.25, STILL) == then
    if then == [-1]:
        assert step(tracker, [(100, 100), (away, 100)], 0.5, STILL) == [1, 2]


@pytest.mark.parametrize("gap", [0.25, 1.0, 4.0])
def test_however_rare_frames_are_what_walks_becomes_a_track(gap: float) -> None:
    tracker = Tracker()
    assert [step(tracker, [(100 + 12 * k * gap, 100)], k * gap, STILL) for k in range(3)] == [[-1], [1], [1]]


def test_turning_and_growing_pictures_are_followed() -> None:
    at, _ = herd()
    angle = math.radians(12)
    turn = 1.05 * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    motion = np.column_stack([turn, (300, 250) - turn @ (300, 250)])
    tracker = Tracker()
    for k in range(8):
        ids = tracker.update(boxes(at, 12 * 1.05**k), np.full(20, 0.9), np.zeros(20, int), k / 4, motion).tolist()
        at = at @ turn.T + motion[:, 2]
    assert ids == list(range(1, 21))


def test_a_motion_that_is_wrong_for_all_alike_is_put_right() -> None:
    at, _ = herd()
    rng, tracker = np.random.default_rng(1), Tracker()
    for k in range(20):
        ids = step(tracker, at + (rng.uniform(-9, 9, 2) if k > 2 else 0), k / 4, STILL)
    assert ids == list(range(1, 21))


def test_a_motion_that_is_lost_for_a_frame_loses_nobody() -> None:
    at, _ = herd()
    tracker = Tracker()
    for k in range(30):
        ids = step(tracker, at - (5 * k, 0), k / HZ, None if k in (10, 11, 20) else [[1, 0, -5], [0, 1, 0]])
    assert ids == list(range(1, 21))


@settings(max_examples=15, deadline=None)
@given(st.floats(-300, 300), st.floats(-300, 300), st.sampled_from([0, 90, 180, 270]), st.booleans())
def test_where_the_scene_lies_changes_nothing(x: float, y: float, angle: int, mirrored: bool) -> None:
    at, velocity = herd(3)
    rng = np.random.default_rng(4)
    missed = rng.random((12, len(at))) < 0.15
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][angle // 90]
    turn = np.array([[c, -s], [s, c]]) * ((-1, 1) if mirrored else (1, 1))
    plain, moved = Tracker(), Tracker()
    for k in range(12):
        now = (at + velocity * k / 10)[~missed[k]]
        assert step(plain, now, k / 10, STILL) == step(moved, now @ turn.T + (x, y), k / 10, STILL)


def test_the_order_of_the_detections_changes_nothing() -> None:
    at, velocity = herd(5)
    rng, tracker = np.random.default_rng(0), Tracker()
    names: dict[int, int] = {}
    for k in range(20):
        order = rng.permutation(len(at))
        for who, given_id in zip(order.tolist(), step(tracker, (at + velocity * k / HZ)[order], k / HZ), strict=True):
            if k >= 2:
                assert names.setdefault(who, given_id) == given_id


def test_time_that_stands_still_or_runs_backwards(caplog: pytest.LogCaptureFixture) -> None:
    tracker = Tracker()
    step(tracker, [(9, 9)], 5.0)
    assert step(tracker, [(9, 9)], 5.0) == [1]
    assert tracker.restarts == 0
    assert step(tracker, [(9, 9)], 4.0) == [-1]
    assert [track.id for track in tracker.ended] == [1]
    assert tracker.restarts == 1
    assert "time went back from 5.000 to 4.000 s" in caplog.text
    assert step(tracker, [(9, 9)], 4.1) == [2]


def test_five_hundred_detections_are_followed_and_tracks_have_a_limit() -> None:
    at = np.stack(np.meshgrid(np.arange(25), np.arange(20)), -1).reshape(-1, 2) * 25.0 + 10
    tracker = Tracker()
    for k in range(3):
        ids = step(tracker, at, k / HZ)
    assert ids == list(range(1, 501))
    rng = np.random.default_rng(0)
    for k in range(3, 8):
        step(tracker, rng.uniform(0, 600, (500, 2)), k / HZ)
    assert tracker._s.shape[1] == 1000


GOOD = np.array([[1.0, 1, 5, 5]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1, 1, math.nan, 5]], [0.5], [0], 1.0), "box 0 is"),
        (([[1, 1, 5, 5], [1, 1, 1, 5]], [0.5, 0.5], [0, 0], 1.0), "box 1 is"),
        (([[1, 1, math.inf, 5]], [0.5], [0], 1.0), "box 0 is"),
        (([1, 1, 5, 5], [0.5], [0], 1.0), "boxes are (4,)"),
        ((GOOD, [0.5, 0.5], [0], 1.0), "scores are (2,) beside 1 boxes"),
        ((GOOD, [math.nan], [0], 1.0), "scores are nan"),
        ((GOOD, [1.1], [0], 1.0), "scores are 1.1"),
        ((GOOD, [0.5], [], 1.0), "labels are (0,)"),
        ((GOOD, [0.5], [-1], 1.0), "labels are [-1]"),
        ((GOOD, [0.5], [0.5], 1.0), "labels are [0.5]"),
        ((GOOD, [0.5], [10**9], 1.0), "whole numbers from 0 to 9999"),
        ((GOOD, [0.5], [0], math.nan), "t is nan"),
        ((GOOD, [0.5], [0], 1.0, np.eye(3)), "expected a (2, 3) affine"),
        ((GOOD, [0.5], [0], 1.0, np.full((2, 3), math.nan)), "expected a (2, 3) affine"),
        ((GOOD, [0.5], [0], 1.0, [[1, 0, 0], [0, -1, 0]]), "changes areas by -1"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(arguments: tuple, words: str) -> None:
    tracker = Tracker()
    step(tracker, [(3, 3)], 0.0)
    before = tracker._s.copy()
    with pytest.raises(ValueError, match=r".") as told:
        tracker.update(*arguments)
    assert words in str(told.value)
    assert np.array_equal(tracker._s, before)
    assert tracker._t == 0.0


@pytest.mark.parametrize("wrong", [{"low": 0.5}, {"high": 1.1}, {"begin": math.nan}, {"lost_s": 0}, {"low": -0.1}])
def test_settings_that_cannot_be(wrong: dict) -> None:
    with pytest.raises(InputError, match="tracker: "):
        Tracker(**wrong)


def test_the_arrays_given_stay_as_they_are_and_nothing_found_is_nothing() -> None:
    tracker = Tracker()
    given_boxes = GOOD.astype(np.float32)
    tracker.update(given_boxes, np.ones(1, np.float32), np.zeros(1, np.int32), 0.0)
    assert np.array_equal(given_boxes, GOOD)
    assert tracker.update(np.zeros((0, 4), np.float32), np.zeros(0), np.zeros(0, np.int32), 1.0).shape == (0,)


def after_a_gap(motion: object, unseen: int, off: float, score: float) -> bool:
    """Whether an object of 12 px that stood for 2 s, and was unseen for so many frames, is what is found beside it."""
    tracker = Tracker()
    rng = np.random.default_rng(0)
    given = [motion(k) for k in range(61 + unseen)]  # type: ignore[operator]
    for k in range(60):
        (mine,) = step(tracker, np.array([100, 100]) + rng.normal(0, 0.7, 2), k / HZ, given[k])
    for k in range(60, 60 + unseen):
        step(tracker, [], k / HZ, given[k])
    return step(tracker, (100 + off, 100), (60 + unseen) / HZ, given[-1], score) == [mine]


@pytest.mark.parametrize("motion", [
    lambda k: None, lambda k: STILL, lambda k: STILL if k % 7 else None, lambda k: STILL if k < 60 else None,
], ids=["not known", "none", "known at times", "known no more"])  # fmt: skip
@pytest.mark.parametrize("unseen", [0, 1, 4, 10, 20, 28])
def test_a_still_camera_gives_no_lost_track_away(motion: object, unseen: int) -> None:
    """A faint detection a size and a half beside is no object that stood; one in its place is, for a while."""
    assert not after_a_gap(motion, unseen, 20, 0.3)
    if unseen < 10:
        assert not (unseen < 4 and after_a_gap(motion, unseen, 20, 0.9))
        assert after_a_gap(motion, unseen, 2, 0.3)
    assert after_a_gap(motion, unseen, 2, 0.9)


@pytest.mark.parametrize("first", [True, False])
def test_velocities_are_kept_where_the_motion_becomes_known_or_is_known_no_more(first: bool) -> None:
    """The camera pans by 8 px a frame; one object alone, so that no common shift helps."""
    tracker = Tracker()
    for k in range(24):
        known = (k < 12) == first
        ids = step(tracker, (600 - 8 * k, 100), k / HZ, [[1, 0, -8], [0, 1, 0]] if known else None)
        if k >= 2:
            assert ids == [1]
            assert tracker.tracks[0].velocity[0] == pytest.approx(0 if known else -8 * HZ, abs=25)
