"""benchmarks/accuracy/simulated_animals.py: figures of pictures that are known, and a word where real frames lack."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.accuracy import simulated_animals as compared


def test_without_the_real_frames_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared.main(["--real", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(f"skipped: {tmp_path}/animals is not there")


def test_a_body_and_the_room_of_its_label() -> None:
    grey = np.clip(np.rint(80 + 3 * np.random.default_rng(0).standard_normal((512, 640))), 0, 255).astype(np.uint8)
    grey[200:220, 300:340] = 140
    box = np.array([296.0, 197, 344, 223])
    level, spreads, longer, shorter, slender = compared.of_body(grey, box)
    assert level == pytest.approx(60, abs=1)
    assert spreads == pytest.approx(60 / 3.5, rel=0.2)  # half a level is added to the spread
    assert (longer, shorter) == (48, 26)
    assert slender == pytest.approx(40 / 20, rel=0.02)
    assert "leave 3.5 px" in compared.room([(grey, box[None])], 50)
    assert compared.room([(grey, box[None])], 70) == "are not there"


def test_noise_and_slope_of_white_noise() -> None:
    grey = np.clip(np.rint(80 + 3 * np.random.default_rng(0).standard_normal((512, 640))), 0, 255).astype(np.uint8)
    mean, std, within, noise, _, slope = compared.of_frame(grey)
    assert mean == pytest.approx(80, abs=0.1)
    assert std == pytest.approx(within, rel=0.02)
    assert noise == pytest.approx(3, rel=0.03)
    assert slope == pytest.approx(0, abs=0.15)


def test_how_slender_an_ellipse_is_and_that_noise_is_none() -> None:
    grey = np.full((512, 640), 80, np.uint8)
    cv2.ellipse(grey, (320, 210), (30, 10), 35, 0, 360, 60, -1)  # colder than the ground, and not along the axes
    box = np.array([280.0, 170, 360, 250])
    assert compared.slenderness(grey, box, 80, -20) == pytest.approx(3, rel=0.05)
    assert np.isnan(compared.slenderness(grey, np.array([0.0, 0, 40, 40]), 80, 20))
