from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera import open_camera
from edge.thermal.byteorder import looks_swapped
from tests.conftest import shared


@pytest.mark.parametrize(
    "source", ["seed=1", "seed=2,air=-20,ground=-25", "seed=3,netd=0,column_noise=0", "seed=4,ground=50"]
)
def test_the_simulators_frames_both_ways(source: str) -> None:
    with open_camera(f"sim:live=0,width=320,height=256,{source}") as camera:
        pixels = camera.read().pixels
    assert not looks_swapped(pixels)
    assert looks_swapped(pixels.byteswap())


@pytest.mark.parametrize("name", ["H20N_DJI_0001_R_raw16.npy", "M2EA_DJI_0001_R_raw16.npy", "M3T_DJI_0001_R_raw16.npy"])
def test_real_frames_both_ways(name: str) -> None:
    pixels = np.load(shared("data", "raw16", name))
    assert not looks_swapped(pixels)
    assert looks_swapped(pixels.byteswap())


@given(
    st.integers(0, 65535),
    st.sampled_from([0.0, 0.3, 1.0, 30.0, 1000.0]),
    st.sampled_from([0, 1, 2, 4, 6, 8]),
    st.integers(0, 2**32 - 1),
)
def test_no_good_frame_is_taken_for_swapped(level: int, noise: float, shift: int, seed: int) -> None:
    """Even or noise-free, of 8 to 16 bits, moved up by some bits as cameras do."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 500, 80)[None] + np.zeros((64, 1))
    counts = np.rint(level + ramp * noise / 10 + rng.normal(0, noise, (64, 80))).clip(0, 65535).astype(np.uint16)
    assert not looks_swapped((counts >> shift) << shift)


def test_8_bit_grey_in_16_bits() -> None:
    grey = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (64, 80)).astype(np.uint8), (5, 5), 0)
    for factor in (1, 256, 257):
        assert not looks_swapped(grey.astype(np.uint16) * np.uint16(factor))
    assert not looks_swapped(grey)
    assert not looks_swapped(np.full((64, 80), 29315, np.uint16))
    assert not looks_swapped(np.zeros((1, 1), np.uint16))
