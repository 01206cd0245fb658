"""Haze takes range, blur takes sharpness, noise adds to it; neither knows of the other."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from edge.thermal.sharpness import grey_range, sharpness
from edge.thermal.windows import Grey


def ground(detail: float = 40.0, noise: float = 0.0) -> Grey:
    """240 x 320 of smooth hills and small things, as through a lens."""
    rng = np.random.default_rng(3)
    small = cv2.GaussianBlur(rng.normal(0, detail, (240, 320)), (0, 0), 1)
    hills = cv2.GaussianBlur(rng.normal(0, 900.0, (240, 320)), (0, 0), 12)
    return np.clip(np.rint(128 + small + hills + rng.normal(0, noise, (240, 320))), 0, 255).astype(np.uint8)


def test_of_a_ramp_the_range_is_that_of_98_of_100_levels() -> None:
    ramp = np.tile(np.arange(101, dtype=np.uint8), (7, 1))
    assert grey_range(ramp) == 98
    assert grey_range(ramp + np.uint8(50)) == 98
    left = np.tile(np.arange(101) >= 51, (7, 1))
    assert grey_range(ramp, left) == 50
    assert grey_range(ramp, np.ones_like(left)) == 0


def test_haze_takes_range_and_leaves_sharpness() -> None:
    clear = ground()
    haze = np.rint(128 + 0.5 * (clear.astype(float) - 128)).astype(np.uint8)
    assert grey_range(haze) == pytest.approx(0.5 * grey_range(clear), abs=1)
    assert sharpness(haze, 1.0) == pytest.approx(sharpness(clear, 1.0), rel=0.01)


def test_blur_takes_sharpness_the_more_the_wider_and_noise_adds_to_it() -> None:
    clear = ground()
    blurred = [sharpness(np.asarray(cv2.GaussianBlur(clear, (0, 0), sigma), np.uint8), 1.0) for sigma in (2, 1, 0.7)]
    assert [*blurred, sharpness(clear, 1.0)] == sorted([*blurred, sharpness(clear, 1.0)])
    assert blurred[1] < 0.9 * sharpness(clear, 1.0)
    assert sharpness(ground(noise=16.0), 1.0) > 1.1 * sharpness(clear, 1.0)
    assert grey_range(np.asarray(cv2.GaussianBlur(clear, (0, 0), 1.0), np.uint8)) > 0.8 * grey_range(clear)


def test_white_noise_has_the_ratio_that_the_blurs_have() -> None:
    """Of white noise a difference of Gaussians s and t has the variance 1/s^2 + 1/t^2 - 4/(s^2 + t^2), over 4 pi: it
    depends on t / s only, so one twice as wide has half the spread.
    """
    noise = np.random.default_rng(0).normal(128, 30, (800, 800)).clip(0, 255).astype(np.uint8)
    assert sharpness(noise, 1.0) == pytest.approx(2.0, rel=0.02)


def test_it_is_that_of_the_models_pixels() -> None:
    clear = ground()
    assert sharpness(clear, 2.0) < 0.95 * sharpness(clear, 1.0)
    assert sharpness(np.asarray(cv2.resize(clear, None, fx=2, fy=2), np.uint8), 0.5) == pytest.approx(
        sharpness(clear, 1.0), rel=0.1
    )


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_what_nobody_looks_at_does_not_count(scale: float) -> None:
    clear = ground()
    hidden = np.zeros(clear.shape, bool)
    hidden[:, 160:] = True
    with_text = clear.copy()
    with_text[:, 180:] = np.random.default_rng(0).integers(0, 2, (240, 140)) * 255  # away from the border of the blurs
    assert sharpness(with_text, scale, hidden) == pytest.approx(sharpness(clear, scale, hidden), rel=1e-4)
    assert sharpness(with_text, scale) > 1.2 * sharpness(clear, scale)


def test_where_there_is_no_detail_nothing_is_told() -> None:
    assert math.isnan(sharpness(np.full((64, 64), 9, np.uint8), 1.0))
    assert math.isnan(sharpness(ground(), 1.0, np.ones((240, 320), bool)))
