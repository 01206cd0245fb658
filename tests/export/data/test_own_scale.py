"""Images that bring their own temperature scale are evaluated and trained on as flight sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.camera import open_camera
from edge.data import TemperatureScale
from edge.thermal.normalise import DEFAULT_16BIT, normalise
from export.data.dataset import LabelledFrame, read_grey, sensor_frame

CELSIUS = np.random.default_rng(6).normal(15, 3, (48, 64)).astype(np.float32)


def labelled(path: Path, scale: TemperatureScale | None = None) -> LabelledFrame:
    none = np.zeros((0, 4), np.float32)
    return LabelledFrame(path, 64, 48, none, np.zeros(0, np.int64), none, scale)


def test_float_temperatures(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", CELSIUS)
    with open_camera(tmp_path / "a.npy") as camera:
        flown = camera.read()
    assert flown is not None
    seen = sensor_frame(labelled(tmp_path / "a.npy"), 3)
    assert (seen.seq, seen.temperature) == (3, flown.temperature)
    assert np.array_equal(seen.pixels, flown.pixels)
    expected = normalise(flown.pixels, DEFAULT_16BIT, flown.temperature)
    assert np.array_equal(read_grey(labelled(tmp_path / "a.npy")), expected)
    assert not np.array_equal(expected, normalise(flown.pixels, DEFAULT_16BIT))  # the scale matters


def test_the_label_file_knows_better(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", CELSIUS)
    assert sensor_frame(labelled(tmp_path / "a.npy", TemperatureScale(0.02))).temperature == TemperatureScale(0.02)
