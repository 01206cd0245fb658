"""Text and boxes that stay where they are while the scene moves, and scenes without any."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest

from edge.data import Detections
from edge.health.fixed import AT_FIRST, Fixed, Scene, written_letters
from tests.conftest import shared

H, W = 256, 320
GROUND = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (H + 400, W + 400)), (0, 0), 5)
NOISE = np.random.default_rng(7).normal(0, 2, (H + 200, W + 200))
GROUND = 110 + 25 * GROUND / GROUND.std()


def scene(step: int, seed: int = 0, shift: int = 6) -> np.ndarray:
    """The ground as a drone sees it that flies on by ``shift`` pixels a frame, with noise."""
    at = step * shift % 380
    part = GROUND[at : at + H, at // 2 : at // 2 + W]
    top, left = random.Random(100 * seed + step).choices(range(200), k=2)  # of a sheet: cheaper than fresh numbers
    noise = NOISE[top : top + H, left : left + W]
    return (part + noise).clip(0, 255).astype(np.uint8)


def written(picture: np.ndarray, text: str = "31.6C", level: int = 255) -> np.ndarray:
    return cv2.putText(picture.copy(), text, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, level, 2)


def boxes(*corners: tuple[float, float], size: float = 12) -> Detections:
    at = np.array(corners, np.float32).reshape(-1, 2)
    n = len(at)
    return Detections(np.hstack([at, at + size]), np.full(n, 0.9, np.float32), np.zeros(n, np.int32), W, H)


def encoded(picture: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)


def test_the_scene_moved_or_did_not() -> None:
    first = Scene(scene(0))
    assert not Scene(scene(0, seed=1)).moved_since(first)
    assert Scene(scene(5)).moved_since(first)
    assert not Scene(written(scene(0, seed=1))).moved_since(first)
    assert Scene(written(scene(5))).moved_since(Scene(written(scene(0))))  # text does not hold it
    noise = [np.random.default_rng(i).normal(100, 5, (H, W)).astype(np.uint8) for i in (0, 1)]
    assert not Scene(noise[0]).moved_since(Scene(noise[1]))  # a fixed camera that looks at the sky


@pytest.mark.parametrize("level", [200, 0])
def test_burned_in_text_is_seen_when_the_scene_moves(level: int) -> None:
    fixed = Fixed()
    for step in range(4):
        fixed.look(encoded(written(scene(step), level=level)), True, None)
    assert "pixels of lines have not changed in 4 frames" in fixed.overlay


def test_a_scene_without_text_and_one_that_stands_still_are_quiet() -> None:
    moving, still, counts = Fixed(), Fixed(), Fixed()
    for step in range(160):
        moving.look(encoded(scene(step)), True, None)
        still.look(encoded(written(scene(0, seed=step), level=200)), True, None)
        counts.look(written(scene(step)), False, None)
        assert moving.overlay == still.overlay == counts.overlay == ""


def test_text_that_is_switched_off_is_forgotten() -> None:
    fixed = Fixed()
    for step in range(300):
        fixed.look(written(scene(step), level=200) if step < 20 else scene(step), True, None)
        assert (fixed.overlay != "") == (step >= 3) or step >= 20
    assert fixed.overlay == ""


def test_letters_in_one_picture() -> None:
    assert written_letters(scene(0)) == 0
    assert written_letters(written(scene(0), "+")) == 0  # one bright thing, as a lamp is
    assert written_letters(encoded(written(scene(0), "FLIR 31 C"))) >= 7
    assert written_letters(encoded(written(scene(0), "FLIR 31 C", level=0))) >= 5
    assert written_letters(encoded(written(scene(0), "FLIR 31 C", level=200))) == 0  # not stark enough to be sure
    fixed = Fixed()
    fixed.look(encoded(written(scene(0), "FLIR 31 C")), True, None)
    assert "letters in a row" in fixed.overlay


def test_boxes_that_stay_while_the_scene_moves() -> None:
    fixed = Fixed()
    for step in range(8):
        assert fixed.fixed_boxes == ""
        jitter = 0.4 * (-1) ** step
        found = boxes((50 + jitter, 20), (80, 20 - jitter), (100 - 6 * step, 90 + 3 * step))
        fixed.look(scene(step), True, found)
    assert fixed.fixed_boxes == "2 boxes, one at 56,26, not moved in 8 frames"
    for step in range(8, 60):
        fixed.look(scene(step), True, boxes())
    assert fixed.fixed_boxes == ""


def test_boxes_that_stay_in_a_scene_that_stays_are_bodies() -> None:
    fixed = Fixed()
    for step in range(100):
        fixed.look(scene(0, seed=step), False, boxes((50, 20), (80, 20)))
        assert fixed.fixed_boxes == ""


def test_after_the_first_frames_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr("edge.health.fixed.Scene", lambda picture: made.append(1) or Scene(picture))
    fixed = Fixed()
    for step in range(AT_FIRST + 40):
        fixed.look(scene(step), True, None)
    assert len(made) == AT_FIRST + 7  # every sixth


def test_a_real_flight_near_hover_is_quiet() -> None:
    capture = cv2.VideoCapture(str(shared("data", "hituav_clip", "hituav_clip.avi")))
    plain, texted = Fixed(), Fixed()
    for _ in range(132):
        _, picture = capture.read()
        plain.look(picture[:, :, 1], True, None)
        texted.look(encoded(written(picture[:, :, 1], "31.6C", 220)), True, None)
        assert plain.overlay == ""
    assert texted.overlay


@pytest.mark.parametrize("side", [1, 3, 4, 8, 10, 11])
def test_pictures_without_room_for_a_line_are_taken(side: int) -> None:
    """Of a crop, or of a sensor of 8x8: nothing can be told of them, and nothing fails."""
    fixed = Fixed()
    for seed in range(3):
        for shape in ((side, side), (side, 64), (64, side)):
            fixed.look(np.random.default_rng(seed).integers(0, 256, shape, np.uint8), True, boxes())
    assert (fixed.overlay, fixed.fixed_boxes) == ("", "")
