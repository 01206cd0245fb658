"""Bad pixels, look by look: when one becomes known, when it is cleared, by what it is replaced."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.thermal.correct.bad_pixels import BadPixels

FLAT = 1000


def flat(*points: tuple[int, int], by: int = 500, shape: tuple[int, int] = (20, 24)) -> np.ndarray:
    pixels = np.full(shape, FLAT, np.uint16)
    for point in points:
        pixels[point] = FLAT + by
    return pixels


def known(pixels: np.ndarray, looks: int = 24, noise: float = 1.0, into: BadPixels | None = None) -> BadPixels:
    bad = into or BadPixels()
    for _ in range(looks):
        bad.look(pixels, noise)
    return bad


@pytest.mark.parametrize(
    ("by", "noise", "count"),
    [(8, 1.0, 0), (9, 1.0, 1), (-8, 1.0, 0), (-9, 1.0, 1), (16, 2.0, 0), (17, 2.0, 1), (4, 0.1, 0), (5, 0.1, 1)],
)
def test_eight_sigma_and_four_counts_stand_out(by: int, noise: float, count: int) -> None:
    assert known(flat((8, 9), by=by), noise=noise).count == count


@pytest.mark.parametrize(
    ("points", "count"),
    [
        ([(8, 9), (8, 10)], 2),
        ([(8, 9), (8, 10), (8, 11)], 0),
        ([(8, 9), (8, 11), (8, 13)], 2),  # the middle one has two others within 2 px, the ends have one
        ([(8, 9), (10, 9), (12, 9)], 2),
        ([(8, 9), (8, 12), (8, 15)], 3),
        ([(8, 12), (9, 12), (8, 9)], 3),  # a pair, and one that is 3 px away on each side
        ([(8, 12), (9, 12), (8, 15)], 3),
        ([(8, 12), (8, 13), (5, 12)], 3),
        ([(8, 12), (8, 13), (11, 12)], 3),
        ([(0, 0), (0, 1)], 2),  # nothing beyond the border is counted
        ([(19, 23), (18, 23)], 2),
    ],
)
def test_more_than_two_within_five_pixels_are_something_in_the_scene(points: list[tuple[int, int]], count: int) -> None:
    assert known(flat(*points)).count == count


def test_it_takes_twenty_four_looks() -> None:
    bad = known(flat((8, 9)), 23)
    assert bad.count == 0
    assert known(flat((8, 9)), 1, into=bad).count == 1


@pytest.mark.parametrize(("looks", "misses"), [(24, 12), (30, 15), (48, 24), (200, 24)])
def test_a_miss_takes_two_points_of_at_most_forty_eight(looks: int, misses: int) -> None:
    bad = known(flat((8, 9)), looks)
    assert known(flat(), misses - 1, into=bad).count == 1
    assert known(flat(), 1, into=bad).count == 0
    assert known(flat((8, 9)), 23, into=bad).count == 0  # and it starts from nothing again
    assert known(flat((8, 9)), 1, into=bad).count == 1


def test_in_a_crowd_nothing_is_said_for_or_against_it() -> None:
    crowd = flat((8, 9), (8, 10), (8, 11))
    bad = known(flat((8, 9)), 23)
    assert known(crowd, 60, into=bad).count == 0
    assert known(flat((8, 9)), 1, into=bad).count == 1
    assert known(crowd, 60, into=bad).count == 1


def patched(bad: BadPixels, pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    bad.patch(out)
    return out


def test_it_is_replaced_by_the_fifth_of_its_eight_sorted_neighbours() -> None:
    bad = known(flat((8, 9)))
    pixels = flat()
    pixels[7:10, 8:11] = [[80, 10, 70], [20, 9999, 60], [30, 50, 40]]
    out = patched(bad, pixels)
    assert out[8, 9] == 50
    out[8, 9] = 9999
    assert (out == pixels).all()


def test_at_a_corner_and_beside_another_bad_one_the_sound_neighbours_count() -> None:
    corners = known(flat((0, 0), (19, 23)))
    pixels = flat()
    pixels[0, 1], pixels[1, 0], pixels[1, 1] = 30, 10, 20
    pixels[19, 22], pixels[18, 23], pixels[18, 22] = 300, 100, 200
    out = patched(corners, pixels)
    assert (out[0, 0], out[19, 23]) == (20, 200)
    pair = known(flat((8, 9), (8, 10)))
    pixels = flat()
    pixels[8, 9] = pixels[8, 10] = 9999
    out = patched(pair, pixels)
    assert (out == FLAT).all()


@pytest.mark.parametrize(
    ("row0", "row1", "value"),
    [
        ((20, 50), (10, 30, 40), 30),  # 10 10 20 20 30 40 50 50
        ((50, 40), (10, 20, 30), 40),  # 10 10 20 30 40 40 50 50
    ],
)
def test_at_a_border_the_first_three_of_five_neighbours_count_twice(
    row0: tuple[int, int], row1: tuple[int, int, int], value: int
) -> None:
    bad, pixels = known(flat((0, 9))), flat()
    pixels[0, 8], pixels[0, 10] = row0
    pixels[1, 8:11] = row1
    assert patched(bad, pixels)[0, 9] == value


def by_the_book(looks: list[np.ndarray], noise: float) -> list[np.ndarray]:
    """After each look what is known, (H, W) bool, all of it computed at once."""
    seen, known_now, all_known = np.zeros(looks[0].shape, int), np.zeros(looks[0].shape, bool), []
    for pixels in looks:
        away = np.abs(pixels.astype(int) - cv2.medianBlur(pixels, 5))
        out = away > max(8 * noise, 4)
        near = cv2.boxFilter(out.view(np.uint8), cv2.CV_8U, (5, 5), normalize=False, borderType=cv2.BORDER_CONSTANT)
        seen = np.clip(np.maximum(seen + (out & (near <= 2)) - 2 * ~out, 0), 0, 48)
        known_now = np.where(known_now, seen > 0, seen >= 24)
        all_known.append(known_now)
    return all_known


@pytest.mark.parametrize("between", [0, 1, 2, 7])
def test_a_look_in_parts_knows_the_same_at_the_same_look(between: int) -> None:
    """However many frames lie between two looks; the frame itself may be written over at once."""
    rng = np.random.default_rng(3)
    looks = []
    for i in range(120):
        pixels = flat(*[(int(y), int(x)) for y, x in rng.integers(0, 20, (3, 2))], by=60)
        pixels[(8, 15), (9, 15)] += 300 * (i < 60 or i % 3 == 0)  # from the 60th look on it comes back now and then
        pixels[3, 20:22] -= 200 * (i > 30)
        looks.append(pixels)
    expected = by_the_book(looks, 5.0)
    assert len({known_now.tobytes() for known_now in expected}) > 3
    bad = BadPixels()
    for pixels, known_now in zip(looks, expected, strict=True):
        given = pixels.copy()
        bad.look(given, 5.0)
        given[:] = 0
        assert bad.count == np.count_nonzero(known_now)
        patched = pixels.copy()
        bad.patch(patched)
        assert (patched[~known_now] == pixels[~known_now]).all()
        assert (patched[known_now] != pixels[known_now]).any() == bool((pixels[known_now] != FLAT).any())
        for _ in range(between):
            bad.go_on()


def test_a_look_that_cannot_change_what_is_known_waits_for_the_frames_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []
    bad, at = BadPixels(), 0
    monkeypatch.setattr(bad, "_count_up", lambda real=bad._count_up: (done.append(at), real()))
    for at in range(8 * 24):
        if at % 8:
            bad.go_on()
        else:
            bad.look(flat((8, 9)), 1.0)
    assert done == [8 * look + 3 for look in range(23)] + [8 * 23]  # the 24th makes it known: at once
    assert bad.count == 1
