"""The step of the main path that numbers detections: what is shown, what only continues a track, and what ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame, Pose
from edge.geo.lens import LensSpec
from edge.geo.placing import Placing, PlacingSettings
from edge.model.thresholds import Thresholds
from edge.seams import Camera
from edge.track.camera_motion import CameraMotion
from edge.track.follower import Follower
from edge.track.motion import Measured
from edge.track.one_body import OneBody
from edge.track.pose_motion import Lens
from edge.track.tracker import Tracker

H, W = 96, 128
PICTURE = np.random.default_rng(1).integers(0, 256, (H, W), dtype=np.uint8)


class Source(Camera):
    def read(self) -> None:
        return None


def frame(seq: int, flags: frozenset[str] = frozenset(), pose: Pose | None = None) -> Frame:
    return Frame(PICTURE, seq, float(seq), flags=flags, pose=pose)


def found(*rows: tuple[float, float]) -> Detections:
    """Boxes of 8 px: the left side of each, and its score."""
    boxes = np.array([[x, 40, x + 8, 48] for x, _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in rows], np.float32)
    return Detections(boxes, scores, np.zeros(len(rows), np.int32), W, H)


def ids(given: Detections) -> list[int]:
    assert given.track_ids is not None
    return given.track_ids.tolist()


def step(follower: Follower, seq: int, *rows: tuple[float, float], lowest: float | Thresholds = 0.5) -> list[int]:
    return ids(follower(found(*rows), frame(seq), seq / 10, PICTURE, lowest))


def test_faint_ones_continue_a_track_and_are_not_shown() -> None:
    follower = Follower(0.5)
    assert follower.faintest(0.5) == pytest.approx(0.2)
    step(follower, 0, (20, 0.9))
    assert step(follower, 1, (20, 0.9)) == [1]
    for seq in range(2, 14):  # longer than a track goes on unseen
        assert step(follower, seq, (20, 0.3)) == []
    assert step(follower, 14, (20, 0.9)) == [1]


def test_of_two_boxes_on_one_body_one_has_a_number_and_both_are_shown() -> None:
    """In one frame the other class is the surer one: the body keeps its number."""
    classes = ("Person", "Animal")
    bodies = OneBody(classes, [classes])
    follower = Follower(0.5, bodies=bodies)
    numbers = []
    for seq in range(6):
        rows = found((20, 0.9), (21, 0.6 if seq != 4 else 0.99), (60, 0.8))
        given = follower(replace(rows, labels=np.array([0, 1, 1], np.int32)), frame(seq), seq / 10, PICTURE, 0.5)
        assert len(given) == 3
        numbers.append(ids(given))
    assert numbers[1:] == [[1, -1, 2]] * 3 + [[-1, 1, 2]] + [[1, -1, 2]]
    assert bodies.report() == {"classes": [["Person", "Animal"]], "boxes": 6}
    (person, animal) = follower._tracker.tracks
    assert (person.label, animal.label) == (0, 1)


def test_a_second_tracker_follows_what_is_never_shown() -> None:
    follower, told = Follower(0.5, faint=True), []
    for seq in range(12):  # at 20 px a body that is shown now and then, at 40 a faint one
        ids_shown = step(follower, seq, (20, 0.9 if seq % 4 == 0 else 0.3), (40, 0.3))
        assert len(ids_shown) == (seq % 4 == 0)
        faint = follower.faint
        assert faint is not None
        told.append((ids(faint.found), faint.shown.tolist(), faint.ended))
    assert told[0] == ([-1, -1], [True, False], ())
    assert told[8] == ([1, 2], [True, False], ())
    assert told[9] == ([1, 2], [False, False], ())
    ended = [step_ended(follower, seq) for seq in range(12, 30)]
    assert sorted(ended)[-1] == (1, 2)


def step_ended(follower: Follower, seq: int) -> tuple[int, ...]:
    step(follower, seq)
    return follower.faint.ended if follower.faint else ()


def test_what_is_shown_is_the_same_with_it_and_without() -> None:
    alone, both = Follower(0.5), Follower(0.5, faint=True)
    assert alone.faint is None
    for seq in range(20):
        rows = [(20 + seq, 0.9), (40, 0.3 if seq % 3 else 0.7), (60, 0.3)]
        assert step(alone, seq, *rows) == step(both, seq, *rows)
    closed = found()
    both(closed, frame(20, frozenset({"ffc"})), 2.0, PICTURE, 0.5)
    assert both.faint is None


def test_without_them_the_track_ends_once_and_its_number_is_not_given_again() -> None:
    follower = Follower(0.5)
    assert follower.ended == ()
    for seq in range(2):
        step(follower, seq, (20, 0.9))
    ended = []
    for seq in range(2, 20):
        step(follower, seq)
        ended.append(follower.ended)
    assert sorted(ended) == [()] * 17 + [(1,)]
    step(follower, 20, (20, 0.9))
    assert step(follower, 21, (20, 0.9)) == [2]


def test_faint_ones_begin_no_track_whatever_the_bundle_shows() -> None:
    for lowest, score, track in ((0.5, 0.49, []), (0.8, 0.79, []), (0.2, 0.49, [1])):
        follower = Follower(0.5)  # the filter is set in flight
        for seq in range(6):
            last = step(follower, seq, (20, score), lowest=lowest)
        assert last == track


def test_each_class_is_shown_and_followed_by_its_own_score() -> None:
    for values, score, shown in (((0.2, 0.9), 0.49, [1]), ((0.5, 0.2), 0.49, []), ((0.5, 0.2), 0.51, [1])):
        follower = Follower(0.3)
        for seq in range(6):
            last = step(follower, seq, (20, score), lowest=Thresholds(("deer",), values))
        assert last == shown
    faint = Follower.faintest(Thresholds(("deer",), (0.5, 0.2)))
    assert faint.values == (0.4 * 0.5, 0.4 * 0.2)


def test_what_is_shown_is_in_its_order_with_all_its_values() -> None:
    follower = Follower(0.5)
    for seq in range(3):
        given = found((20, 0.9), (50, 0.3), (80, 0.5))
        celsius = np.arange(9, dtype=np.float32).reshape(3, 3)
        given = Detections(given.boxes, given.scores, given.labels, W, H, celsius=celsius)
        shown = follower(given, frame(seq), seq / 10, PICTURE, 0.5)
    assert shown.boxes[:, 0].tolist() == [20, 80]
    assert shown.celsius is not None
    assert shown.celsius[:, 0].tolist() == [0, 6]
    assert ids(shown) == [1, 2]


def test_a_closed_shutter_shows_nothing_and_ends_nothing_twice() -> None:
    follower = Follower(0.5)
    shut = frozenset({"ffc"})
    for seq in range(2):
        step(follower, seq, (20, 0.9))
    assert ids(follower(found((20, 0.9)), frame(2, shut), 0.2, PICTURE, 0.5)) == [-1]
    assert step(follower, 3, (20, 0.9)) == [1]
    step(follower, 40)
    assert follower.ended == (1,)
    follower(found(), frame(41, shut), 4.1, PICTURE, 0.5)
    assert follower.ended == ()


def test_poses_tell_the_motion_where_the_lens_is_known(caplog: pytest.LogCaptureFixture) -> None:
    focal = 64 / np.tan(np.radians(22.5))
    for lens, expected, lines in (
        ("hfov=45", Lens(pytest.approx(focal), W, H, (64, 48)), 0),
        ("hfov=45,size=256x192", Lens(pytest.approx(2 * focal), W, H, (128, 96)), 0),
        ("hfov=45,vfov=45", None, 1),
        (None, None, 0),
    ):
        caplog.clear()
        source = Source()
        if lens and "size" in lens:
            source.crop = (0, 0, W, H)  # the corner of a picture twice as wide
        spec = None if lens is None else LensSpec.parse(lens)
        follower = Follower(0.5, Placing(source, PlacingSettings(spec)))
        assert follower._lens(frame(0)) == expected
        assert caplog.text.count("pixels of this lens are not square") == lines


def test_with_poses_a_track_stands_although_the_picture_moves() -> None:
    """60 px between two frames; the pictures show nothing that could tell it."""
    flat = np.full((H, W), 90, np.uint8)
    follower = Follower(0.5, Placing(Source(), PlacingSettings(LensSpec.parse("focal=10,pitch=10"))))
    numbers = []
    for seq, x in enumerate((100.0, 100.0, 100.0, 40.0)):
        pose = Pose(47.0, 8.0 + (100 - x) / 1000 * 50 / 76_000, 50.0, 0.0, -90.0)  # 1 px is 5 cm
        one = Frame(flat, seq, float(seq), pose=pose)
        numbers.append(ids(follower(found((x, 0.9)), one, seq / 10, flat, 0.5)))
    assert numbers[2] == numbers[3] == [1]


def test_a_pose_that_is_refused_is_no_stance() -> None:
    follower = Follower(0.5)
    assert follower._stance(None) is None
    assert follower._stance(Pose(float("nan"), 8.0, 50.0, 0.0, -90.0)) is None
    first = follower._stance(Pose(10.0, 179.9999, 50.0, 1.0, -80.0, 2.0))
    second = follower._stance(Pose(10.0001, -179.9999, 51.0, 1.0, -80.0, 2.0))
    assert first is not None
    assert second is not None
    assert (first.east, first.north) == (0, 0)
    assert (second.east, second.north) == pytest.approx((21.93, 11.06), abs=0.02)


def test_the_cameras_motion_is_that_of_the_mounted_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an aircraft whose poses are those of its nose, a camera that looks down sees the ground move, not the sky."""
    stances: list[Any] = []

    def between(_self: object, _frame: Frame, _picture: object, _boxes: object, stance: object) -> Measured:
        stances.append(stance)
        return Measured(None)

    monkeypatch.setattr(CameraMotion, "between", between)
    settings = PlacingSettings.parse(lens="hfov=45", mounting="pitch_deg=-90,height_offset_m=2")
    follower = Follower(0.5, Placing(Source(), settings))
    for pose in (Pose(51.5, -0.25, 50, 90, 0), None):
        follower(found(), frame(0, pose=pose), 0.0, PICTURE, 0.5)
    assert (stances[0].pitch, stances[0].height, stances[1]) == (pytest.approx(-90), 52, None)


def test_frames_that_were_not_searched_move_tracks_and_end_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[np.ndarray | None] = []
    plain = Tracker.update

    def update(self: Tracker, boxes: Any, scores: Any, labels: Any, t: float, motion: Any = None) -> Any:
        given.append(motion)
        return plain(self, boxes, scores, labels, t, motion)

    turn = np.array([[0.0, -1.0, 3.0], [1.0, 0.0, 5.0]])
    shift = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    moved: list[np.ndarray | None] = [None, turn, shift, shift, shift, turn, None, shift, shift]
    measured = iter(moved)
    monkeypatch.setattr(Tracker, "update", update)
    monkeypatch.setattr(CameraMotion, "between", lambda *_: Measured(next(measured)))
    follower = Follower(0.5)
    step(follower, 0, (20, 0.9))
    for seq in (1, 2):
        assert ids(follower.between(found(), frame(seq), seq / 10, PICTURE, 0.5)) == []
        assert follower.ended == ()
    step(follower, 3, (20, 0.9))
    step(follower, 4, (20, 0.9))
    assert given[0] is None
    x, y = 7.0, 11.0
    assert given[1] is not None
    assert (given[1] @ (x, y, 1)).tolist() == [-y + 3 + 2 + 2, x + 5]  # the turn, then both shifts
    assert given[2] is shift
    follower.between(found(), frame(5), 0.5, PICTURE, 0.5)
    follower.between(found(), frame(6), 0.6, PICTURE, 0.5)
    step(follower, 7, (20, 0.9))
    assert given[3] is None  # one of them is not known, so that all together are not
    step(follower, 8, (20, 0.9))
    assert given[4] is shift
