"""Numbers of another kind in 16-bit pixels, as `edge doctor` tells them; and what counts may look like, untold."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.camera import open_camera
from edge.camera.decode.misread import GREY_8, WIDE, misread
from tests.conftest import shared

RNG = np.random.default_rng(5)
SMOOTH = cv2.GaussianBlur(RNG.normal(0, 1, (120, 160)), (0, 0), 6)
CELSIUS = 20 + 8 * SMOOTH / SMOOTH.std() + RNG.normal(0, 0.05, (120, 160))
GREY = (5 * CELSIUS).clip(0, 255).astype(np.uint8)
COUNTS = (CELSIUS * 100 + 27315).astype(np.uint16)


def as_16_bits(array: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    return np.frombuffer(array.tobytes(), "<u2").reshape(len(array), -1)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (GREY, GREY_8),
        (np.dstack([GREY] * 3), GREY_8),
        (CELSIUS.astype(np.float32), WIDE),
        ((CELSIUS + 273.15).astype(np.float32), WIDE),
        (CELSIUS.round().astype(np.float32), WIDE),
        (COUNTS.astype(np.int32), WIDE),
        (CELSIUS, WIDE),
        (COUNTS.astype(np.int64), WIDE),
    ],
    ids=["8 bit", "RGB", "Celsius", "kelvin", "whole floats", "int32", "float64", "int64"],
)
def test_what_is_read_as_counts_and_is_none(array: npt.NDArray[Any], said: str) -> None:
    assert said == misread(as_16_bits(array))


@pytest.mark.parametrize(
    "counts",
    [
        COUNTS,
        COUNTS.byteswap(),
        (CELSIUS * 1000).astype(np.uint16),  # over nearly all 65536
        (CELSIUS * 10 + 2731).astype(np.uint16),
        GREY.astype(np.uint16),
        GREY.astype(np.uint16) * np.uint16(256),
        GREY.astype(np.uint16) * np.uint16(257),  # both bytes are equal
        COUNTS + np.uint16(150) * (np.arange(160) % 2 == 0).astype(np.uint16),  # columns read out by two amplifiers
        np.where(np.arange(160) < 150, np.uint16(1), COUNTS),  # hardly a pixel with a value
        RNG.integers(0, 65536, (120, 160)).astype(np.uint16),
        np.full((120, 160), 29000, np.uint16),
        COUNTS[:1, :3],
    ],
    ids=[
        "counts", "swapped", "wide", "decikelvin", "8 bits", "8 bits moved up", "8 bits twice", "columns", "empty",
        "noise", "flat", "tiny",
    ],
)  # fmt: skip
def test_counts_are_counts(counts: npt.NDArray[np.uint16]) -> None:
    assert misread(counts) == ""
    assert misread(GREY) == ""


@pytest.mark.parametrize(
    "source",
    [
        *(f"raw16/{name}" for name in ("H20N_DJI_0001_R.JPG", "M2EA_DJI_0001_R.JPG", "M3T_DJI_0001_R.JPG")),
        *(f"flir_rjpeg/{name}" for name in ("four_ducks_png16.jpg", "moving_car_raw16.jpg")),
        "raw16/flir_example_radiometric.tiff",
        "sim:seed=3,frames=3,live=0",
    ],
)
def test_real_counts_are_counts(source: str) -> None:
    with open_camera(source if source.startswith("sim:") else shared("data", source)) as camera:
        for frame in iter(camera.read, None):
            assert frame.pixels.dtype == np.uint16
            assert misread(frame.pixels) == ""


@pytest.mark.parametrize(
    ("values", "apart", "pixels", "told"),
    [(8, 15, 16, True), (8, 16, 16, False), (7, 15, 16, False), (8, 15, 15, False)],
)
def test_how_alike_the_two_bytes_are(values: int, apart: int, pixels: int, told: bool) -> None:
    high = np.repeat(np.arange(50, 50 + values, dtype=np.uint16), pixels)
    assert (misread((high * 256 + high + apart)[None].astype(np.uint16)) == GREY_8) is told


def test_how_far_apart_numbers_in_a_row_are() -> None:
    for offset, told in ((100, False), (101, True)):
        counts = np.full((4, 80), 29000, np.uint16)
        counts[:, 1::2] += offset
        assert bool(misread(counts)) is told
