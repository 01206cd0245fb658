"""Column stripes, look by look, on flat frames with a pattern that is known to the count."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.thermal.correct.destriping import Destriping

H, W = 32, 200
FLAT = 20000
NOISE = 10.7  # three sigma are 32.1, a fifth is 2.1: one stripe of 32 in 200 columns is 2.3


def one_stripe(by: int) -> np.ndarray:
    """Column 100 stands out by that: by 32 of 33 over the mean of the 33 columns around it."""
    columns = np.zeros(W, np.int64)
    columns[100] = by
    return columns


ALTERNATING = np.where(np.arange(W) % 2, 1, -1)


def striped(columns: np.ndarray | int, shape: tuple[int, int] = (H, W)) -> np.ndarray:
    return (np.full(shape, FLAT) + columns).astype(np.uint16)


def learnt(*looks: tuple[int, np.ndarray | int], noise: float = NOISE) -> Destriping:
    found = Destriping()
    for count, columns in looks:
        for _ in range(count):
            found.look(striped(columns), noise)
    return found


def taken(found: Destriping, pixels: np.ndarray | None = None) -> np.ndarray:
    """Counts that are taken away from each column, the same in every row."""
    before = striped(0) if pixels is None else pixels
    after = before.copy()
    found.correct(after)
    change = before.astype(int) - after
    assert (change == change[0]).all()
    return change[0]


def test_what_a_column_lies_above_the_33_around_it_is_taken_away_after_eight_looks() -> None:
    expected = np.zeros(W, int)
    expected[84:117] = -1
    expected[100] = 32
    few, enough = learnt((7, one_stripe(33))), learnt((8, one_stripe(33)))
    assert (few.active, enough.active) == (False, True)
    assert not taken(few).any()
    assert taken(enough).tolist() == expected.tolist()
    assert taken(learnt((8, one_stripe(-33)))).tolist() == (-expected).tolist()


def test_it_stands_out_by_three_sigma_at_most() -> None:
    assert taken(learnt((8, one_stripe(330))))[100] == 32
    assert taken(learnt((8, one_stripe(-330))))[100] == -32


@pytest.mark.parametrize(("bands", "stripe"), [(4, 16), (3, 16), (2, 8), (1, 0)])
def test_of_four_bands_the_median_counts(bands: int, stripe: int) -> None:
    found, pixels = Destriping(), striped(0)
    pixels[: 8 * bands] = striped(16 * ALTERNATING)[0]
    for _ in range(8):
        found.look(pixels, NOISE)
    assert taken(found)[101] == stripe


def test_every_other_row_is_looked_at() -> None:
    found, pixels = Destriping(), striped(one_stripe(33))
    pixels[1::2] = np.random.default_rng(1).integers(0, 65536, pixels[1::2].shape)
    for _ in range(8):
        found.look(pixels, NOISE)
    assert taken(found)[100] == 32


@pytest.mark.parametrize(("noise", "active"), [(9.0, True), (11.0, False)])
def test_stripes_of_a_fifth_of_the_noise_are_visible(noise: float, active: bool) -> None:
    assert learnt((8, 2 * ALTERNATING), noise=noise).active == active


def test_less_than_half_a_count_is_nothing_to_take_away() -> None:
    found, pixels = Destriping(), striped(0)
    for row in (0, 8, 16, 24):  # one of four rows that are looked at in each band
        pixels[row] = striped(ALTERNATING)[0]
    for _ in range(8):
        found.look(pixels, 0.5)
    assert not found.active


@pytest.mark.parametrize(("empty", "active"), [(3, True), (4, False)])
def test_two_fifths_of_the_looks_agree_with_those_before(empty: int, active: bool) -> None:
    """Of eight looks the empty ones and the first with stripes agree with nothing: 4 or 3 of 8 do."""
    assert learnt((empty, 0), (8 - empty, 10 * ALTERNATING)).active == active


def test_looks_that_contradict_each_other_are_no_stripes() -> None:
    found = Destriping()
    for i in range(40):
        found.look(striped((10 if i % 3 else -15) * ALTERNATING), NOISE)
    assert not found.active


def test_it_remembers_32_looks() -> None:
    assert taken(learnt((16, one_stripe(33)), (1, 0)))[100] == 30  # 32 x 16 / 17 = 30.1
    assert taken(learnt((32, one_stripe(33)), (1, 0)))[100] == 31
    assert taken(learnt((100, one_stripe(33)), (1, 0)))[100] == 31


def test_counts_stop_at_both_ends() -> None:
    found = learnt((8, 10 * ALTERNATING))
    for level, ends in ((3, (0, 13)), (65530, (65520, 65535))):
        pixels = np.full((H, W), level, np.uint16)
        found.correct(pixels)
        assert (pixels[0, 1], pixels[0, 0]) == ends


def test_another_width_starts_anew_and_another_size_is_left_alone() -> None:
    found = learnt((8, 10 * ALTERNATING))
    other = striped(0, (H, W + 2))
    found.correct(other)
    assert (other == FLAT).all()
    for _ in range(7):
        found.look(other, NOISE)
    assert taken(found)[1] == 10  # still for the size that it knows
    found.look(other, NOISE)
    assert not found.active


def test_pictures_may_become_smaller_and_bands_may_differ_by_a_row() -> None:
    for height, width in ((18, W), (18, W - 20), (10, W)):  # of 18 rows every other one: bands of 3, 2, 2 and 2
        found = learnt((8, 10 * ALTERNATING))
        for _ in range(8):
            found.look(striped(10 * ALTERNATING[:width], (height, width)), NOISE)
        assert (taken(found, striped(0, (height, width)))[20:-20:2] == -10).all()
    for _ in range(8):  # from bands of 2, 1, 1 and 1 rows
        found.look(striped(10 * ALTERNATING, (18, W)), NOISE)
    assert (taken(found, striped(0, (18, W)))[20:-20:2] == -10).all()


@pytest.mark.parametrize(("left", "active"), [(6, True), (4, False)])
def test_after_the_shutter_less_than_half_of_the_stripes_are_levelled_ones(left: int, active: bool) -> None:
    found = learnt((8, 10 * ALTERNATING))
    found.after_shutter()
    found.correct(striped(left * ALTERNATING))
    assert found.active == active
    found.correct(striped(0))  # only the first frame is asked
    assert found.active == active
    for _ in range(7):  # levelled, all starts from nothing
        found.look(striped(10 * ALTERNATING), NOISE)
    assert found.active == active
    found.look(striped(10 * ALTERNATING), NOISE)
    assert found.active


def test_after_the_shutter_the_old_stripes_count_for_four_looks() -> None:
    found = learnt((40, 32 * ALTERNATING), noise=40.0)
    found.after_shutter()
    found.correct(striped(32 * ALTERNATING))
    for left in (31, 31, 31, 16):  # after the fifth to seventh look nothing is changed, the eighth has 4 of 8
        found.look(striped(0), 40.0)
        assert taken(found)[101] == left


def test_what_columns_lie_above_is_bit_by_bit_their_mean_in_four_bands() -> None:
    """As in the plain form: sums in float64 are exact, so that their order does not matter."""
    rng = np.random.default_rng(2)
    for height in (16, 50, 512):
        pixels = (rng.normal(300 * rng.integers(0, 90), 90, (height, W)).clip(0) + ALTERNATING).astype(np.uint16)
        rows = pixels[::2].astype(np.float32)
        rows -= cv2.blur(rows, (33, 1))
        np.clip(rows, -3 * 17.3, 3 * 17.3, out=rows)
        bands = [band.mean(axis=0, dtype=np.float64) for band in np.array_split(rows, 4)]
        assert Destriping()._columns(pixels, 17.3).tobytes() == np.median(bands, axis=0).tobytes()


@pytest.mark.parametrize("height", [16, 63, 64, 65, 150])
def test_every_row_is_corrected_and_counts_stop_at_their_ends(height: int) -> None:
    found = Destriping()
    for _ in range(8):
        found.look(striped(20 * ALTERNATING, (height, W)), NOISE)
    taken_away = taken(found, striped(0, (height, W)))
    assert set(np.abs(taken_away[20:-20])) == {19}  # of 33 columns around one, 17 are as it is
    ends = np.where(np.arange(W) % 3, 5, 65530).astype(np.uint16)
    pixels = np.tile(ends, (height, 1))
    found.correct(pixels)
    assert (pixels == np.clip(ends.astype(int) - taken_away, 0, 65535)).all()
