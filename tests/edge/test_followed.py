"""The main path with tracks and positions: the same is shown, numbers go on, and what stands in the results."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.data import Frame, Pose, RawDetections, Result
from edge.geo.lens import LensSpec
from edge.geo.placing import Placing, PlacingSettings
from edge.model.bundle import Bundle
from edge.model.thresholds import Filter
from edge.seams import Camera, Engine
from edge.track.follower import Follower

H, W = 64, 80
POSE = Pose(47.0, 8.0, 60.0, 0.0, -90.0)


class Film(Camera):
    description, fps = "a film", 10.0

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)

    def read(self) -> Frame | None:
        frame = next(self._frames, None)
        self.seq = -1 if frame is None else frame.seq
        return frame


class Drifting(Engine):
    """Finds three things, of score 0.9, 0.6 and 0.3, a pixel further to the right in each frame; the middle one only
    in the first half of 40 frames, and once as faint as 0.25.
    """

    def __init__(self, bundle: Bundle, film: Film) -> None:
        super().__init__(bundle)
        self._film = film

    def _infer(self, image: np.ndarray) -> RawDetections:
        k = self._film.seq  # also where it is asked about the inverted picture
        boxes = np.array([[x + k, y, x + k + 8, y + 8] for x, y in ((2, 24), (28, 4), (2, 54))], np.float32)
        scores = np.array([0.9, (0.25 if k == 9 else 0.6) if k < 20 else 0, 0.3], np.float32)
        return RawDetections(boxes, scores, np.zeros(3, np.int32))


def frames(n: int, shut: range = range(0), pose: Pose | None = None) -> list[Frame]:
    began = time.monotonic() - 1
    ground = np.random.default_rng(5).integers(0, 200, (H, W + n), dtype=np.uint8)
    return [
        Frame(
            ground[:, n - seq : n - seq + W].copy(),  # the camera moves to the left: all goes to the right
            seq,
            began + seq / 1000,
            flags=frozenset({"ffc"} if seq in shut else ()),
            origin=seq / 10,
            pose=pose,
        )
        for seq in range(n)
    ]


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


def flown(bundle: Bundle, given: list[Frame], filter: Filter | None = None, **more: object) -> list[Result]:
    film = Film(given)
    return list(edge.stream(film, Drifting(bundle, film), filter=filter, **more))  # type: ignore[arg-type]


def ids(result: Result) -> list[int]:
    assert result.detections.track_ids is not None
    return result.detections.track_ids.tolist()


@pytest.mark.parametrize("shown", [Filter(), Filter(0.3), Filter(0.95), Filter(0.2, min_size_px=9)])
def test_the_same_is_shown_with_and_without(bundle: Bundle, shown: Filter) -> None:
    for plain, followed in zip(
        flown(bundle, frames(24), shown), flown(bundle, frames(24), shown, follow=Follower(0.5)), strict=True
    ):
        assert plain.detections.track_ids is None
        assert followed.detections.track_ids is not None
        for name in ("boxes", "scores", "labels"):
            assert np.array_equal(getattr(plain.detections, name), getattr(followed.detections, name))


def test_numbers_go_on_over_frames_and_those_that_end_are_told_once(bundle: Bundle) -> None:
    results = flown(bundle, frames(40), follow=Follower(0.5))
    assert [ids(result) for result in results[2:9]] == [[1, 2]] * 7
    assert ids(results[9]) == [1]  # the other is too faint to be shown
    assert [ids(result) for result in results[10:20]] == [[1, 2]] * 10
    assert [ids(result) for result in results[20:]] == [[1]] * 20
    ended = [(result.frame.seq, result.ended_tracks) for result in results if result.ended_tracks]
    assert len(ended) == 1
    assert ended[0][1] == (2,)
    assert 29 <= ended[0][0] <= 31  # a second after it was seen last


def test_a_frame_of_the_shutter_gives_none_and_numbers_go_on_behind_it(bundle: Bundle) -> None:
    results = flown(bundle, frames(16, range(5, 8)), follow=Follower(0.5))
    for result in results[5:8]:
        assert not result.inferred
        assert (len(result.detections), ids(result), result.ended_tracks) == (0, [], ())
    assert ids(results[8])[0] == ids(results[4])[0] == 1


def test_time_is_the_film_s_and_stages_stand_in_their_order(bundle: Bundle) -> None:
    placing = Placing(Film([]), PlacingSettings(LensSpec.parse("focal=10,pitch=10")))
    results = flown(bundle, frames(3, pose=POSE), follow=Follower(0.5), locate=placing)
    assert [result.t_source for result in results] == pytest.approx([0, 0.1, 0.2])
    assert list(results[0].stages_ms) == [
        *("wait", "correct", "normalise", "infer", "postprocess", "track", "locate", "health", "consumer")
    ]
    for result in results:
        assert result.t_result - result.frame.t_arrival >= sum(
            result.stages_ms[name] for name in ("infer", "postprocess", "track", "locate")
        ) / 1e3 - 1e-6  # fmt: skip


def test_what_is_shown_has_positions_and_the_frame_its_footprint(bundle: Bundle) -> None:
    placing = Placing(Film([]), PlacingSettings(LensSpec.parse("focal=10,pitch=10")))
    (placed,) = flown(bundle, frames(1, pose=POSE), follow=Follower(0.5), locate=placing)
    assert placed.detections.positions is not None
    assert placed.detections.positions.shape == (2, 3)  # not of the faint one
    assert placing.report()["placed"] == 2
    assert placed.footprint is not None
    (north, west), (south, east) = placed.footprint[0], placed.footprint[2]
    assert (north > 47 > south, west < 8 < east) == (True, True)
    for latitude, longitude, _ in placed.detections.positions:
        assert (south < latitude < north, west < longitude < east) == (True, True)
    (unposed,) = flown(bundle, frames(1), locate=placing)
    assert unposed.footprint is None
    assert unposed.detections.positions is None
    assert unposed.detections.track_ids is None
    (plain,) = flown(bundle, frames(1, pose=POSE))
    assert (plain.footprint, plain.detections.positions, plain.ended_tracks) == (None, None, ())
