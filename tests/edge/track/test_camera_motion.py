"""The camera's motion from pictures and from poses, against scenes that were shifted, and the simulator's geometry."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.data import Detections, Frame
from edge.sim.flight import Flight, View
from edge.sim.settings import SimulatorSettings
from edge.track import Tracker
from edge.track.camera_motion import CameraMotion
from edge.track.motion import MeasuredMotion
from edge.track.pose_motion import Lens, Stance, motion_from_poses

H, W = 512, 640
GROUND = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (H + 300, W + 400)), (0, 0), 5)
GROUND /= GROUND.std()
CORNERS = np.array([[60.0, 60, 1], [320, 256, 1], [580, 450, 1], [60, 450, 1]])


def picture(x: int, y: int, contrast: float = 12.0, noise: float = 2.0, seed: int = 0) -> np.ndarray:
    """What a camera sees whose picture begins at this point of the ground."""
    part = 110 + contrast * GROUND[y : y + H, x : x + W]
    return (part + np.random.default_rng(seed).normal(0, noise, (H, W))).clip(0, 255).astype(np.uint8)


def measured(*pictures: np.ndarray, boxes: object = ()) -> tuple[np.ndarray | None, str]:
    motion = MeasuredMotion()
    for one in pictures:
        told = motion.measure(one, boxes)  # type: ignore[arg-type]
    return told.affine, told.reason


@pytest.mark.parametrize(("x", "y"), [(0, 0), (8, 3), (60, 0), (2, 45)])
def test_a_shift_is_measured_to_a_fraction_of_a_pixel(x: int, y: int) -> None:
    """The camera goes right and down: the ground goes left and up."""
    affine, reason = measured(picture(50, 50), picture(50 + x, 50 + y, seed=1))
    assert affine is not None, reason
    assert pytest.approx(CORNERS[:, :2] - (x, y), abs=0.6) == CORNERS @ affine.T


def test_a_turn_and_a_growing_picture_are_measured() -> None:
    turn = cv2.getRotationMatrix2D((300, 200), 4, 1.03)
    affine, reason = measured(picture(0, 0), cv2.warpAffine(picture(0, 0), turn, (W, H), borderMode=cv2.BORDER_REFLECT))
    assert affine is not None, reason
    # boxes count from a pixel's edge, OpenCV from its middle
    there = (CORNERS - (0.5, 0.5, 0)) @ turn.T + 0.5
    assert pytest.approx(there, abs=0.8) == CORNERS @ affine.T


def test_bland_ground_says_nothing() -> None:
    affine, reason = measured(picture(0, 0, contrast=0), picture(8, 0, contrast=0, seed=1))
    assert affine is None
    assert "points agree: expected" in reason
    affine, reason = measured(*[np.full((H, W), 99, np.uint8)] * 2)
    assert affine is None
    assert reason == "the picture before has 0 corners"


def test_another_scene_says_nothing() -> None:
    affine, reason = measured(picture(0, 0), picture(390, 290))
    assert affine is None
    assert reason


def test_warm_objects_that_walk_do_not_count() -> None:
    rng = np.random.default_rng(2)
    at = rng.uniform(20, 480, (60, 2)).astype(int)
    pictures = [picture(0, 0, contrast=4), picture(8, 0, contrast=4, seed=1)]
    for k, one in enumerate(pictures):
        for x, y in at.tolist():
            cv2.circle(one, (x + 6 * k, y + 6 * k), 7, (250,), -1)
    boxes = np.hstack([at - 8, at + 14])
    affine, reason = measured(*pictures, boxes=boxes)
    assert affine is not None, reason
    assert pytest.approx(CORNERS[:, :2] - (8, 0), abs=0.8) == CORNERS @ affine.T


def test_the_first_picture_and_another_size_say_so_and_a_wrong_one_is_refused() -> None:
    motion = MeasuredMotion()
    assert motion.measure(picture(0, 0)).reason == "it is the first picture"
    assert motion.measure(picture(0, 0)[:400]).reason == "it is the first picture"
    assert motion.measure(picture(0, 0)[:400]).affine is not None
    for shape in ((3, 3), (1, 1), (40, 2000)):
        assert motion.measure(np.zeros(shape, np.uint8)).affine is None
    with pytest.raises(ValueError, match=r"picture is uint16 \(2, 2\): expected"):
        motion.measure(np.zeros((2, 2), np.uint16))


def stance(view: View) -> Stance:
    p = view.pose
    return Stance(*view.centre.tolist(), p.yaw, p.pitch, p.roll)


@pytest.mark.parametrize(("pitch", "most"), [(-90.0, 0.35), (-60.0, 0.8), (-45.0, 1.1)])
def test_poses_give_what_the_simulators_geometry_gives(pitch: float, most: float) -> None:
    s = SimulatorSettings(pitch=pitch, jitter=0.5)
    flight, lens = Flight(s, np.random.default_rng(1)), Lens(s.focal_px, s.width, s.height)
    for t in (0.0, 10.0, 14.0, 21.0):  # on lines and in turns
        before, now = flight.view(t), flight.view(t + 0.25)
        motion = motion_from_poses(stance(before), stance(now), lens)
        assert motion is not None
        there = CORNERS @ np.linalg.inv(before.ground_to_image()).T @ now.ground_to_image().T
        assert np.abs(CORNERS @ motion.T - there[:, :2] / there[:, 2:]).max() < most
        moved = np.abs(there[:, :2] / there[:, 2:] - CORNERS[:, :2]).max()
        assert moved > 4 * most


def test_straight_down_is_exact_and_says_which_way() -> None:
    """Flying north at 100 m with 1000 px: 10 px a metre. What lies ahead comes down the picture."""
    lens, before = Lens(1000.0, 640, 512), Stance(0, 0, 100, 0, -90)
    motion = motion_from_poses(before, replace(before, north=2), lens)
    assert motion == pytest.approx(np.array([[1, 0, 0], [0, 1, 20]]), abs=1e-9)
    motion = motion_from_poses(before, replace(before, east=1), lens)
    assert motion == pytest.approx(np.array([[1, 0, -10], [0, 1, 0]]), abs=1e-9)
    motion = motion_from_poses(before, replace(before, height=200), lens)
    assert motion == pytest.approx(np.array([[0.5, 0, 160], [0, 0.5, 128]]), abs=1e-9)
    quarter = motion_from_poses(before, replace(before, yaw=90), lens)  # what was right is up
    assert quarter is not None
    assert quarter @ (420, 256, 1) == pytest.approx((320, 156))


def test_a_part_of_the_picture_moves_as_the_whole_does() -> None:
    before = Stance(0, 0, 100, 20, -90)
    now = replace(before, east=3, yaw=35, height=90)
    whole = motion_from_poses(before, now, Lens(1000.0, 640, 512))
    part = motion_from_poses(before, now, Lens(1000.0, 200, 150, (320 - 400, 256 - 300)))  # from 400, 300 on
    assert whole is not None
    assert part is not None
    for x, y in ((0, 0), (200, 0), (100, 150)):
        assert part @ (x, y, 1) + (400, 300) == pytest.approx(whole @ (x + 400, y + 300, 1))


@pytest.mark.parametrize("change", [{"pitch": 0}, {"height": 0}, {"height": -3}, {"yaw": float("nan")}])
def test_poses_that_see_no_ground_say_nothing(change: dict[str, float]) -> None:
    good, lens = Stance(0, 0, 50, 0, -60), Lens(1000, 640, 512)
    assert motion_from_poses(replace(good, **change), good, lens) is None


def frame(pixels: np.ndarray, t: float, shut: bool = False) -> Frame:
    return Frame(pixels, round(t * 10), t, flags=frozenset({"ffc"} if shut else ()))


def test_a_closed_shutter_is_left_out() -> None:
    tracker, motion = Tracker(), CameraMotion()
    pixels = picture(0, 0)
    one = Detections(np.array([[9, 9, 20, 20]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int32), W, H)
    told = []
    for k, shut in enumerate([False, False, True, True, False]):
        now = frame(pixels, k / 5, shut)
        step = motion.between(now, pixels)
        ids = None if shut else tracker.update(one.boxes, one.scores, one.labels, now.t_capture, step.affine)
        told.append((ids, step.reason))
    assert [ids is None or ids.tolist() for ids, _ in told] == [[-1], [1], True, True, [1]]
    assert [reason for _, reason in told] == ["it is the first picture", "", *["the shutter is closed"] * 2, ""]


def test_poses_go_before_pictures() -> None:
    lens = Lens(1000.0, W, H)
    motion, at = CameraMotion(lens), Stance(0, 0, 100, 0, -90)
    pixels = picture(0, 0)
    assert motion.between(frame(pixels, 0.0), pixels, stance=at).affine is None
    posed = motion.between(frame(pixels, 0.1), pixels, stance=replace(at, north=2)).affine
    assert posed == pytest.approx(np.array([[1, 0, 0], [0, 1, 20]]), abs=1e-9)
    assert motion.between(frame(pixels, 0.2), pixels).reason == "it is the first picture"
    still = motion.between(frame(pixels, 0.3), pixels).affine
    assert still == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]), abs=0.1)
