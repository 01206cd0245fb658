"""Eight bits: each curve, halos, gamma."""

from __future__ import annotations

import numpy as np
import pytest

from edge.sim.wild.agc import plateau, to_grey
from edge.sim.wild.scene import CURVES, Agc


def warm_block() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Ground of 10 C, uneven by 0.5 K, and a block of 30 C."""
    rng = np.random.default_rng(0)
    picture = (10 + 0.5 * rng.standard_normal((128, 128))).astype(np.float32)
    picture[50:80, 50:80] = 30.0
    return picture


@pytest.mark.parametrize("curve", CURVES)
def test_white_is_hot(curve: str) -> None:
    grey = to_grey(warm_block(), Agc(curve))
    assert grey.dtype == np.uint8
    assert grey[65, 65] > np.median(grey) + 60


def test_a_fixed_span_is_levels_a_kelvin_around_the_median() -> None:
    grey = to_grey(warm_block(), Agc("fixed", span=51.0, level=0.2)).astype(int)
    assert np.median(grey) == pytest.approx(0.2 * 255, abs=1)
    assert grey[65, 65] - np.median(grey) == pytest.approx(20 * 255 / 51, abs=2)


def test_percentiles_fill_the_range_but_never_stretch_noise_over_it() -> None:
    grey = to_grey(warm_block(), Agc("percentile", tail=0.01, low=16, high=235))
    assert (grey.min(), grey.max()) == (16, 235)
    wide = to_grey(warm_block(), Agc("percentile", tail=0.01, reserve=2.0))
    assert np.ptp(wide.astype(int)) == pytest.approx(255 / 2, abs=12)
    rng = np.random.default_rng(0)
    flat = (10 + 0.05 * rng.standard_normal((64, 64))).astype(np.float32)
    assert to_grey(flat, Agc("percentile")).std() < 10


def test_sharpening_leaves_halos_and_detail_raises_what_is_small() -> None:
    picture = np.full((64, 64), 10, np.float32)
    picture[20:40, 20:40] = 15.0
    plain, sharp = (to_grey(picture, Agc("fixed", span=20, level=0.3, sharpen=s)).astype(int) for s in (0.0, 1.5))
    assert len(np.unique(plain)) == 2
    assert sharp[19, 30] < plain[19, 30] - 10  # darker than the ground just outside
    assert sharp[20, 30] > plain[20, 30] + 10  # brighter than the body just inside
    assert abs(sharp[5, 5] - plain[5, 5]) <= 1
    assert abs(sharp[30, 30] - plain[30, 30]) <= 1
    fine, raised = (to_grey(picture, Agc("fixed", span=20, level=0.3, detail=d, detail_px=5)) for d in (0.0, 1.0))
    assert np.ptp(raised.astype(int)) > 1.2 * np.ptp(fine.astype(int))


def test_gamma_moves_the_middle_and_keeps_the_ends() -> None:
    picture = np.linspace(0, 20, 256, dtype=np.float32)[None].repeat(8, axis=0)
    bright, plain = (to_grey(picture, Agc("percentile", tail=0.0, gamma=g)).astype(int) for g in (0.5, 1.0))
    assert (bright[0, 0], bright[0, -1]) == (0, 255)
    assert plain[0, 64] == pytest.approx(64, abs=1)
    assert bright[0, 64] == pytest.approx(128, abs=2)  # the square root of a quarter


def test_a_plateau_leaves_greys_to_what_is_small() -> None:
    """A flat ground that is 95 % of the picture takes 95 % of the greys without a plateau."""
    rng = np.random.default_rng(0)
    unit = (0.1 + 0.005 * rng.standard_normal((128, 128))).astype(np.float32)
    unit[:6] = np.linspace(0.3, 1.0, 128)
    capped, full = (plateau(unit, top) for top in (0.001, 1.0))
    for curve in (capped, full):
        assert (np.diff(curve.ravel()[unit.ravel().argsort()]) >= -1e-6).all()
        assert curve.min() >= 0.0
        assert curve.max() == 1.0
    assert np.ptp(full[:6]) < 0.06
    assert np.ptp(capped[:6]) > 0.4
