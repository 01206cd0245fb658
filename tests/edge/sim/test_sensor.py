"""Noise, fixed pattern, drift, stuck pixels and the shutter of the simulated detector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edge.sim.sensor import Sensor
from edge.sim.settings import SimulatorSettings

LEVEL = 28500.0  # counts
CLEAN = {"netd": 0.0, "column_noise": 0.0, "drift": 0.0, "dead": 0.0, "blur": 0.0}
SHAPE = (96, 128)


def sensor(**settings: float) -> Sensor:
    values = {**CLEAN, "width": SHAPE[1], "height": SHAPE[0], "pitch": -90.0, **settings}
    return Sensor(SimulatorSettings(**values), np.random.default_rng(3))  # type: ignore[arg-type]


def expose(eye: Sensor, t: float = 0.0, level: float = LEVEL) -> npt.NDArray[np.float64]:
    raw = eye.expose(np.full(SHAPE, level, np.float32), t)
    assert raw.dtype == np.uint16
    return raw.astype(np.float64)


def test_a_clean_sensor_rounds_and_saturates() -> None:
    assert (expose(sensor(), level=28500.6) == 28501).all()
    assert (expose(sensor(), level=-5.0) == 0).all()
    assert (expose(sensor(), level=70000.0) == 65535).all()


def test_temporal_noise_is_as_asked_white_and_new_in_each_frame() -> None:
    eye = sensor(netd=0.05)
    frames = np.stack([expose(eye) for _ in range(60)]) - LEVEL
    # 0.05 K are 5 counts; rounding to whole counts adds 1/12
    assert frames.std(axis=0).mean() == pytest.approx(np.sqrt(25 + 1 / 12), rel=0.03)
    assert abs(frames.mean()) < 0.1
    flat = frames.reshape(60, -1)
    between = np.corrcoef(flat)[np.triu_indices(60, 1)]
    assert np.abs(between).max() < 0.06  # 1 / sqrt(pixels) is 0.009
    neighbours = np.mean(frames[:, :, 1:] * frames[:, :, :-1]) / frames.var()
    assert abs(neighbours) < 0.02


def test_column_noise_is_fixed_and_of_columns() -> None:
    eye = sensor(column_noise=0.5, width=512)
    first = eye.expose(np.full((96, 512), LEVEL, np.float32), 0.0).astype(float)
    later = eye.expose(np.full((96, 512), LEVEL, np.float32), 100.0).astype(float)
    assert (first == later).all()
    assert (first == first[0]).all()
    assert first[0].std() == pytest.approx(50, rel=0.15)


def test_drift_grows_until_the_shutter_takes_it_away() -> None:
    eye = sensor(drift=0.6)
    middle, corner = (SHAPE[0] // 2, SHAPE[1] // 2), (0, 0)
    after = expose(eye, 120.0) - expose(eye, 0.0)
    assert after[middle] == pytest.approx(120, abs=2)  # 0.6 K/min for 2 min
    assert after[corner] == pytest.approx(180, abs=2)  # half as much again
    eye.flat_field(130.0)
    levelled = expose(eye, 130.0)
    assert np.ptp(levelled) == 0
    step = levelled[0, 0] - LEVEL
    assert 0 < abs(step) < 75  # 5 sigma of 0.15 K
    assert expose(eye, 160.0)[middle] - levelled[middle] == pytest.approx(30, abs=1)


def test_dead_pixels_stay_where_they_are_at_their_value() -> None:
    eye = sensor(dead=0.01)
    cold, hot = expose(eye, 0.0, 27000.0), expose(eye, 9.0, 31000.0)
    stuck = (cold != 27000) | (hot != 31000)
    assert stuck.sum() == round(0.01 * stuck.size)
    assert (cold[stuck] == hot[stuck]).all()
    assert len(np.unique(cold[stuck])) > 20


def test_blur_is_a_gaussian_of_its_sigma_and_keeps_the_sum() -> None:
    scene = np.zeros(SHAPE, np.float32)
    scene[48, 64] = 60000.0
    spot = sensor(blur=1.5).expose(scene, 0.0).astype(float)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert spot.sum() == pytest.approx(60000, rel=0.01)
    # the kernel ends at 3 sigma and counts are whole: a little is lost at the edge
    for axis, middle in ((y, 48), (x, 64)):
        assert np.sqrt((spot * (axis - middle) ** 2).sum() / spot.sum()) == pytest.approx(1.5, rel=0.03)


def test_each_frame_is_an_array_of_its_own() -> None:
    eye = sensor(netd=0.05)
    first = eye.expose(np.full(SHAPE, LEVEL, np.float32), 0.0)
    kept = first.copy()
    second = eye.expose(np.full(SHAPE, LEVEL, np.float32), 0.1)
    assert first.flags.owndata
    assert not np.shares_memory(first, second)
    assert (first == kept).all()
