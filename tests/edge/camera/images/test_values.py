"""Float temperatures: to the hundredth of a kelvin, in a unit that was told, asked for, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from edge.camera import open_camera
from edge.camera.images.values import How, to_picture
from edge.data import TemperatureScale
from edge.errors import CameraError, SourceError
from edge.thermal.temperature import box_temperatures

CELSIUS = np.random.default_rng(4).normal(18, 6, (24, 32))
FLOATS = ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")


def saved(path: Path, values: npt.NDArray[Any], **how: Any) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, **how)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("unit", "zero"), [("degrees Celsius", 0.0), ("kelvin", 273.15)])
def test_celsius_and_kelvin_are_told_apart(tmp_path: Path, suffix: str, dtype: str, unit: str, zero: float) -> None:
    stored = (CELSIUS + zero).astype(dtype)
    with open_camera(saved(tmp_path / f"a{suffix}", stored)) as camera:
        assert f"{unit} as counts of 0.01 K, a unit told by the values" in camera.description
        frame = camera.read()
    assert frame is not None
    assert frame.temperature == TemperatureScale(0.01)
    assert frame.pixels.dtype == np.uint16
    error = np.abs(frame.temperature.celsius(frame.pixels) - (stored.astype(np.float64) - zero))
    assert error.max() <= 0.005 + 1e-9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.random.default_rng(1).random((8, 8)), "median"),  # a picture scaled to 0 .. 1
        (np.full((8, 8), 128.0), "128 .. 128"),  # grey levels
        (np.full((8, 8), 7500.25), "7500.25"),  # counts
        (np.full((8, 8), 180.5), "180.5"),  # nothing that either is
        (np.where(np.eye(8) > 0, 20.5, 300.25), "20.5 .. 300.25"),  # a fire in Celsius, and no scene in kelvin
    ],
)
def test_what_could_be_neither_is_asked_for(tmp_path: Path, values: npt.NDArray[np.float64], said: str) -> None:
    path = saved(tmp_path / "a.npy", values)
    with pytest.raises(SourceError, match=said) as caught:
        open_camera(path)
    assert "add ?unit=celsius or ?unit=kelvin" in str(caught.value)
    for unit, zero in (("celsius", 273.15), ("kelvin", 0.0)):
        with open_camera(f"{path}?unit={unit}") as camera:
            frame = camera.read()
            assert "told by the values" not in camera.description
        assert frame is not None
        assert int(frame.pixels[0, 0]) == min(round((values[0, 0] + zero) * 100), 65535)
    with pytest.raises(SourceError, match="unit='fahrenheit'; expected celsius or kelvin"):
        open_camera(f"{path}?unit=fahrenheit")


def test_pixels_without_a_value_are_counted_and_no_temperature(tmp_path: Path) -> None:
    values = CELSIUS.astype(np.float32)
    values[2, 3], values[2, 4], values[5], values[6, 0] = np.nan, np.inf, -9999, 500
    values[7, 7] = -1
    how = {"extratags": [(42113, "s", 3, "-1", True)]}
    with open_camera(saved(tmp_path / "a.tif", values, **how)) as camera:
        frame = camera.read()
        assert "35 pixels without a value (NaN, nodata) so far, shown black" in camera.description
        assert "1 pixels hotter than 382 C so far" in camera.description
    assert frame is not None
    empty = np.zeros((24, 32), bool)
    empty[2, 3:5] = empty[5] = empty[7, 7] = True
    assert np.array_equal(frame.pixels == 0, empty)
    found = box_temperatures(frame, np.array([[0, 0, 32, 12]], np.float32))
    assert found is not None
    seen = values[:12].astype(np.float64)[~empty[:12]]
    assert found[0, 0] == pytest.approx(seen.min(), abs=0.006)


def test_a_folder_has_one_unit(tmp_path: Path) -> None:
    saved(tmp_path / "1.npy", CELSIUS)
    saved(tmp_path / "2.npy", np.round(CELSIUS))  # tells nothing: as those before
    saved(tmp_path / "3.npy", CELSIUS + 273.15)
    with open_camera(tmp_path) as camera:
        camera.read()
        second = camera.read()
        assert second is not None
        assert int(second.pixels[0, 0]) == round((round(CELSIUS[0, 0]) + 273.15) * 100)
        with pytest.raises(CameraError, match=r"3.npy: values that look like kelvin, those before like celsius"):
            camera.read()
    np.save(tmp_path / "2.npy", np.full((24, 32), 7000, np.uint16))
    with open_camera(tmp_path) as camera:
        camera.read()
        with pytest.raises(CameraError, match=r"2.npy: no temperatures, unlike 1.npy"):
            camera.read()


def test_a_unit_is_of_floats(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.full((8, 8), 30000, np.uint16))
    with pytest.raises(SourceError, match=r"unit=kelvin says what float values are in, and there are none in it"):
        open_camera(f"{path}?unit=kelvin")


def test_none_is_a_temperature() -> None:
    with pytest.raises(ValueError, match="none of which is a temperature"):
        to_picture(np.full((4, 4), np.nan), How())


@given(st.floats(-272.9, 382.0), st.sampled_from(["celsius", "kelvin"]))
def test_rounding(celsius: float, unit: str) -> None:
    values = np.full((2, 2), celsius + (273.15 if unit == "kelvin" else 0.0))
    picture = to_picture(values, How(unit=unit))
    assert picture.temperature is not None
    assert np.abs(picture.temperature.celsius(picture.pixels) - celsius).max() <= 0.005 + 1e-9
