"""Has the palette changed in flight? Told with the first picture of the other, never where only the ground moves."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from edge.health.inversion import Inversion, _small
from tests.conftest import shared

H, W, ROOM = 256, 320, 160


def ground(seed: int = 0) -> np.ndarray:
    """(H + ROOM, W + ROOM) uint8: shades of some pixels, as of fields, bushes and roads."""
    rough = np.random.default_rng(seed).normal(0, 1, (H + ROOM, W + ROOM))
    fine = cv2.GaussianBlur(rough, (0, 0), 8)
    return (110 + 30 * fine / fine.std()).clip(0, 255).astype(np.uint8)


def flown(step: int, n: int = 8, seed: int = 0) -> list[np.ndarray]:
    """``n`` pictures, each ``step`` pixels on, both ways."""
    whole = ground(seed)
    return [whole[k * step // 4 : k * step // 4 + H, k * step : k * step + W] for k in range(n)]


def told(pictures: Sequence[np.ndarray]) -> list[int]:
    inversion = Inversion()
    return [k for k, picture in enumerate(pictures) if inversion.look(picture)]


def inverted(pictures: Sequence[np.ndarray], start: int, end: int | None = None) -> list[np.ndarray]:
    return [np.bitwise_not(p) if start <= k < (end or len(pictures)) else p for k, p in enumerate(pictures)]


@pytest.mark.parametrize("step", [0, 3, 20])
def test_an_inversion_is_told_with_its_picture_and_so_is_the_way_back(step: int) -> None:
    flight = flown(step)
    assert told(flight) == []
    assert told(inverted(flight, 4)) == [4]
    assert told(inverted(flight, 3, 6)) == [3, 6]
    assert told(inverted(flight, 0, 1)) == [1]


@pytest.mark.parametrize(("gain", "offset"), [(0.4, 100), (2.0, -110)])
def test_gain_may_jump_with_it_and_without_it(gain: float, offset: float) -> None:
    flight = [
        f if k < 4 else (gain * f.astype(float) + offset).clip(0, 255).astype(np.uint8) for k, f in enumerate(flown(3))
    ]
    assert told(flight) == []
    assert told(inverted(flight, 4)) == [4]


def test_what_is_drawn_in_keeps_its_white_and_hides_nothing() -> None:
    flight = inverted([(110 + (f - 110.0) / 3).astype(np.uint8) for f in flown(3)], 4)
    for picture in flight:
        cv2.putText(picture, "WHITE HOT 60 m", (5, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
        cv2.drawMarker(picture, (W // 2, H // 2), 255, cv2.MARKER_CROSS, 50, 2)
    assert told(flight) == [4]


@pytest.mark.parametrize("between", ["mixture", "blank", "noise"])
def test_a_picture_in_between_may_show_neither(between: str) -> None:
    flight = inverted(flown(3), 4)
    noise = np.random.default_rng(1).normal(0, 3, (H, W))
    mixed = (flight[3].astype(float) + flight[4]) / 2
    picture = {"mixture": mixed + noise, "blank": np.full((H, W), 40.0), "noise": 100 + noise}[between]
    flight.insert(4, picture.clip(0, 255).astype(np.uint8))
    assert told(flight) == [5]


def test_another_scene_and_ground_that_moved_too_far_tell_nothing() -> None:
    scenes = [flown(0, 1, seed)[0] for seed in range(40)]
    assert told(scenes) == []
    assert told(inverted(scenes, 20)) == []  # nobody can know
    assert told(flown(70, 3)) == []
    assert told(inverted(flown(70, 3), 1)) == []


def test_rows_of_a_field_that_move_by_half_their_distance_are_not_inverted() -> None:
    rows = (110 + 40 * np.sin(np.arange(W + ROOM) * 2 * np.pi / 40)).astype(np.uint8)
    field = np.tile(rows, (H, 1))
    assert told([field[:, k * 20 : k * 20 + W] for k in range(6)]) == []


def test_noise_even_pictures_and_a_size_that_changes_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    assert told([rng.integers(0, 256, (H, W), np.uint8) for _ in range(40)]) == []
    assert told([np.full((H, W), level, np.uint8) for level in (10, 240, 10)]) == []
    whole, part = flown(0)[0], np.bitwise_not(flown(0)[0][:, :200])
    assert told([whole, part]) == told([part, whole]) == []
    assert told([whole[:100], whole[:, :100]]) == []
    assert _small(np.full((H, W), 240, np.uint8)) is None


@pytest.mark.parametrize(
    ("shape", "known"), [((36, 48), False), ((38, 48), True), ((10, 400), False), ((60, 80), True)]
)
def test_small_pictures_from_48x38_on(shape: tuple[int, int], known: bool) -> None:
    small = cv2.resize(flown(0)[0], shape[::-1], interpolation=cv2.INTER_AREA)
    assert told([small, np.bitwise_not(small)]) == ([1] if known else [])


def test_a_real_clip_is_quiet_as_it_is_and_told_where_it_is_inverted() -> None:
    capture = cv2.VideoCapture(str(shared("data", "hituav_clip", "hituav_clip.avi")))
    clip = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY) for _ in range(132)]
    assert told(clip) == []
    assert told(inverted(clip, 60)) == [60]
    assert told(inverted(clip, 60, 90)) == [60, 90]
