"""Motion by frames of whole cells: every number of the method has a case on either side of it."""

from __future__ import annotations

import numpy as np
import pytest

from edge.thermal.correct.motion import Motion, fine_noise, median

SIGMA = 0.6745 * 6**0.5  # of second differences whose median size is 1
SLOPE = 400  # counts from cell to cell: 2 px of motion change a cell by 2 / 8 of that
ENOUGH = 101  # more than that quarter


def cells(change: int = 0, slope: int = SLOPE, grain: int = 0, cells_down: int = 4, step: int = 0) -> np.ndarray:
    """Cells of 8x8 px, ``slope`` apart along a row; every other row of cells is ``change`` brighter, the others darker.

    ``grain``: every other pixel of a row is brighter by that, the others darker: noise that no cell's mean shows.
    """
    across = 20000 + step + slope * (np.arange(6) % 2)
    rows = across + change * np.where(np.arange(cells_down) % 2, 1, -1)[:, None]
    pixels = np.kron(rows, np.ones((8, 8), np.int64))
    return (pixels + grain * np.where(np.arange(pixels.shape[1]) % 2, 1, -1)).astype(np.uint16)


def look(motion: Motion, pixels: np.ndarray) -> float | None:
    """What the next check says: that of the 8th frame."""
    assert [motion.check(pixels) for _ in range(7)] == [None] * 7
    return motion.check(pixels)


def after(*seen: np.ndarray) -> list[bool]:
    motion = Motion()
    return [look(motion, pixels) is not None for pixels in seen]


def test_two_pixels_of_motion_are_a_quarter_of_the_slope() -> None:
    assert after(cells(), cells(100)) == [False, False]
    assert after(cells(), cells(ENOUGH)) == [False, True]
    assert after(cells(slope=2 * SLOPE), cells(ENOUGH, slope=2 * SLOPE)) == [False, False]


def test_three_sigma_of_a_cells_noise_are_no_motion() -> None:
    sigma = 4 * 11 / SIGMA  # 26.6, of a cell's mean an eighth: three of them are 9.99
    motion = Motion()
    assert look(motion, cells(slope=0, grain=11)) is None
    assert look(motion, cells(9, slope=0, grain=11)) is None
    assert look(motion, cells(10, slope=0, grain=11)) == pytest.approx(sigma)


def test_a_common_step_of_all_counts_is_no_motion() -> None:
    assert after(cells(), cells(step=5000), cells(ENOUGH, step=5000)) == [False, False, True]


@pytest.mark.parametrize(("height", "moved"), [(16, True), (15, False)])
def test_two_cells_are_the_least(height: int, moved: bool) -> None:
    motion = Motion()
    look(motion, cells(cells_down=2)[:height])
    assert (look(motion, cells(ENOUGH, cells_down=2)[:height]) is not None) == moved


@pytest.mark.parametrize(("still", "moved"), [(19, True), (20, False)])
def test_a_still_scenes_reference_is_renewed_at_the_twentieth_check(still: int, moved: bool) -> None:
    half, whole = cells(60), cells(120)  # `whole` has moved since the first scene, and not since `half`
    assert after(cells(), *[half] * still, whole)[-1] == moved
    # after motion, and after a renewal, it is counted from the start again
    assert after(cells(), *[half] * 10, whole, *[cells(180)] * still, cells(240))[-1] == moved
    assert after(cells(), *[half] * 20, *[whole] * still, cells(180))[-1] == moved


def test_fine_noise_of_known_rows() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (40, 30)).astype(np.uint16)
    x = np.arange(30)
    pixels[::16] = 50 * x**2  # second differences of 2 * 50
    assert fine_noise(pixels) == pytest.approx(100 / SIGMA)
    pixels[::16] = 20 * x
    assert fine_noise(pixels) == 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 3), (4, 5), (32, 638)])
def test_the_median_is_numpys(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).integers(-70000, 70000, shape).astype(np.int32)
    before = values.copy()
    assert median(values) == np.median(values)
    assert (values == before).all()


def test_the_median_of_nothing_is_no_number() -> None:
    assert np.isnan(median(np.zeros((4, 0), np.int32)))
