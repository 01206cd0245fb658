"""What is proposed for a frame: by the detector, and by tracks where it was unsure or blind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.model.thresholds import Thresholds
from export.data.assist.links import Step
from export.data.assist.proposals import proposed

LOWEST = 0.5
BOX = [10.0, 10.0, 18.0, 20.0]


def step(t: float, *rows: tuple[list[float], float, int, int], **more: Any) -> Step:
    """Rows: box, score, label, track."""
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    scores, labels, ids = (
        np.array([row[i] for row in rows], d) for i, d in ((1, np.float32), (2, np.int32), (3, np.int32))
    )
    return Step(t, 80, 64, boxes, scores, labels, ids, **{"motion": np.eye(2, 3), **more})


def at(x: float, y: float = 10.0) -> list[float]:
    return [x, y, x + 8, y + 10]


def test_a_track_fills_in_what_was_missed_by_its_times() -> None:
    steps = [step(0.0, (at(10), 0.9, 0, 1)), step(0.3), step(0.4), step(0.5, (at(15), 0.7, 0, 1))]
    frames = proposed(steps, LOWEST)
    assert [[(p.source, p.interpolated) for p in f.boxes] for f in frames] == [
        [("detector", False)], [("track", True)], [("track", True)], [("detector", False)],
    ]  # fmt: skip
    assert frames[1].boxes[0].box == pytest.approx(at(13))
    assert frames[2].boxes[0].box == pytest.approx(at(14))
    assert frames[1].boxes[0].score == pytest.approx(0.7)
    assert frames[1].boxes[0].track == 1
    assert [f.come_and_go for f in frames] == [0, 1, 1, 0]


def test_the_camera_s_motion_is_followed_between_two_detections() -> None:
    """The body stands still, the camera jumps by 12 px in one of the two steps."""
    jump, still = np.array([[1.0, 0, 12], [0, 1, 0]]), np.eye(2, 3)
    steps = [step(0, (at(10), 0.9, 0, 1)), step(1, motion=jump), step(2, (at(22), 0.9, 0, 1), motion=still)]
    assert proposed(steps, LOWEST)[1].boxes[0].box == pytest.approx(at(22))


@pytest.mark.parametrize("unknown", [1, 2])
def test_nothing_is_filled_in_where_the_camera_s_motion_is_not_known(unknown: int) -> None:
    steps = [
        step(k, *([(at(10), 0.9, 0, 1)] if k != 1 else []), motion=None if k == unknown else np.eye(2, 3))
        for k in range(3)
    ]
    assert proposed(steps, LOWEST)[1].boxes == ()


@pytest.mark.parametrize(("away", "filled"), [(4.99, 1), (5.01, 0)])
def test_nothing_is_filled_in_between_two_bodies(away: float, filled: int) -> None:
    """The two ends are further apart than half the longer side: the track went over to another one."""
    steps = [step(0, (at(10), 0.9, 0, 1)), step(1), step(2, (at(10 + away), 0.9, 0, 1))]
    assert len(proposed(steps, LOWEST)[1].boxes) == filled


@pytest.mark.parametrize(("away", "kept"), [(4.99, 1), (5.01, 0)])
@pytest.mark.parametrize("order", [1, -1])
def test_a_faint_one_must_lie_where_its_track_is(away: float, kept: int, order: int) -> None:
    """It is enough that one of the two beside it does."""
    rows = [(at(10), 0.9), (at(10 + away), 0.3), (at(60), 0.9)][::order]
    frames = proposed([step(k, (box, score, 0, 1)) for k, (box, score) in enumerate(rows)], LOWEST)
    assert [len(f.boxes) for f in frames] == [1, kept, 1]


def test_faint_ones_of_a_track_stay_and_others_go() -> None:
    steps = [
        step(0, (at(10), 0.9, 0, 1)),
        step(1, (at(10), 0.3, 0, 1), (at(60, 40), 0.3, 0, -1)),
        step(2, (at(10), 0.9, 0, 1), (at(60, 40), 0.6, 0, -1)),
    ]
    frames = proposed(steps, LOWEST)
    assert [(p.source, p.interpolated, p.score) for p in frames[1].boxes] == [("track", False, pytest.approx(0.3))]
    assert [(p.source, p.flicker, p.track) for p in frames[2].boxes] == [("detector", False, 1), ("detector", True, 0)]
    assert [f.come_and_go for f in frames] == [0, 1, 1]
    assert frames[1].scores == pytest.approx((0.3, 0.3))


def test_a_track_has_one_class_the_one_with_most_score() -> None:
    steps = [step(t, (BOX, s, k, 1)) for t, (s, k) in enumerate(((0.6, 1), (0.5, 1), (0.9, 0)))]
    frames = proposed(steps, LOWEST)
    assert [f.boxes[0].label for f in frames] == [1, 1, 1]
    assert [f.classes_differ for f in frames] == [0, 0, 1]


def test_each_class_is_proposed_from_its_own_score() -> None:
    lowest = Thresholds(("Person", "Deer"), (0.5, 0.3, 0.5))
    one = proposed([step(0, (at(10), 0.4, 0, -1), (at(40), 0.4, 1, -1))], lowest)[0]
    assert [(box.label, box.box[0], box.source) for box in one.boxes] == [(1, 40, "detector")]
    assert (one.scores, one.labels) == (pytest.approx((0.4, 0.4)), (0, 1))


def test_two_classes_on_one_body_differ() -> None:
    one = proposed([step(0, (BOX, 0.9, 0, -1), (BOX, 0.6, 1, -1), (at(50), 0.9, 1, -1))], LOWEST)[0]
    assert (one.classes_differ, len(one.boxes)) == (1, 3)
    faint = proposed([step(0, (BOX, 0.9, 0, -1), (BOX, 0.4, 1, -1))], LOWEST)[0]
    assert (faint.classes_differ, len(faint.boxes)) == (0, 1)


def test_no_second_box_on_a_body_and_none_outside() -> None:
    steps = [
        step(0, (at(10), 0.9, 0, 1), (at(-4.5, 40), 0.9, 0, 2)),
        step(1, (at(14), 0.6, 0, -1)),
        step(2, (at(15), 0.9, 0, 1), (at(-4.5, 40), 0.9, 0, 2)),
    ]
    middle = proposed(steps, LOWEST)[1]
    assert [(p.box, p.source) for p in middle.boxes] == [(tuple(at(14)), "detector")]
    inside = [step(0, (at(0, 40), 0.9, 0, 2)), step(1), step(2, (at(-4.0, 40), 0.9, 0, 2))]
    assert proposed(inside, LOWEST)[1].boxes[0].box == pytest.approx((0, 40, 6, 50))


def test_stills_that_do_not_follow_each_other_have_no_tracks() -> None:
    frames = proposed([step(0, (BOX, 0.9, 1, -1)), step(1), step(2, (BOX, 0.4, 1, -1))], LOWEST, followed=False)
    assert [[(p.label, p.flicker, p.source) for p in f.boxes] for f in frames] == [[(1, False, "detector")], [], []]
    assert [f.come_and_go for f in frames] == [0, 0, 0]


def test_the_best_comes_first() -> None:
    one = proposed([step(0, (at(10), 0.6, 0, -1), (at(40), 0.9, 0, -1))], LOWEST)[0]
    assert [p.score for p in one.boxes] == pytest.approx([0.9, 0.6])
