"""Counts to grey: golden values, properties of every method, and independent references."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.data import TemperatureScale
from edge.errors import InputError
from edge.thermal import DEFAULT_8BIT, DEFAULT_16BIT, Normaliser, NormaliseSpec, normalise, windows

CENTIKELVIN = TemperatureScale(0.01)
WINDOW_TYPE = ("anchored", "minmax", "percentile", "plateau", "window:low=100,high=40000")
EVERY_16BIT = (*WINDOW_TYPE, "clahe:tiles=2")

frames_16bit = hnp.arrays(
    np.uint16,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.one_of(st.integers(0, 65535), st.sampled_from([0, 1, 65534, 65535]), st.integers(29000, 29200)),
)
scales = st.sampled_from([None, CENTIKELVIN, TemperatureScale(0.04), TemperatureScale(7.0, -3.0)])


def spec(text: str) -> NormaliseSpec:
    return NormaliseSpec.parse(text)


@pytest.mark.parametrize(
    ("text", "counts", "grey"),
    [
        # 255 (c - 100) / 200, half up: 127.5 -> 128, 1.275 -> 1, 253.725 -> 254
        ("window:low=100,high=300", [0, 100, 101, 200, 299, 300, 65535], [0, 0, 1, 128, 254, 255, 255]),
        # an end between counts: 255 (c - 0.5) / 2
        ("window:low=0.5,high=2.5", [0, 1, 2, 3], [0, 64, 191, 255]),
        # ends outside the counts' range: 255 (c + 65535) / 131070 and 255 * 32768 / 131070 = 63.75
        ("window:low=-65535,high=65535", [0, 65535], [128, 255]),
        ("window:low=0,high=131070", [0, 32768, 65535], [0, 64, 128]),
        ("minmax", [10, 11, 12, 14], [0, 64, 128, 255]),
        # ranks 0.25 x 4 = 1 and 0.75 x 4 = 3 of the five sorted counts: 20 and 40
        ("percentile:low=25,high=75", [50, 10, 30, 20, 40], [255, 0, 128, 0, 255]),
        # histogram 3, 1, 1: running sums 3, 4, 5 -> 0, 1/2, 1
        ("plateau:plateau=1", [7, 7, 7, 8, 60000], [0, 0, 0, 128, 255]),
        # limit 0.25 x 8 = 2: weights 2, 2, 1, running sums 2, 4, 5 -> 0, 2/3, 1 (without a limit 0, 3/4, 1)
        ("plateau:plateau=0.25", [7, 7, 7, 7, 8, 8, 8, 9], [0, 0, 0, 0, 170, 170, 170, 255]),
    ],
)
def test_golden_values(text: str, counts: list[int], grey: list[int]) -> None:
    out = normalise(np.array([counts], np.uint16), spec(text))
    assert out.dtype == np.uint8
    assert out.tolist() == [grey]


@pytest.mark.parametrize("opencv", [True, False])
def test_the_look_up_is_the_same_with_an_opencv_that_looks_up_bytes_only(
    opencv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.thermal.windows._LOOKS_UP_16_BIT", opencv and windows._LOOKS_UP_16_BIT)
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    table = (np.arange(65536) * 7919 >> 8).astype(np.uint8)
    for pixels in (every, every.T, every[::-3, 1::5], every[:, :1], every[:1]):
        grey = windows.looked_up(table, pixels)
        assert (grey.dtype, grey.shape, grey.flags.c_contiguous) == (np.uint8, pixels.shape, True)
        assert (grey == table[pixels]).all()
    assert (windows.looked_up(table[:256], every.astype(np.uint8)) == table[every % 256]).all()


def test_window_in_celsius_follows_the_scale() -> None:
    # 0.01 K a count: 10 deg C = 28315, 35.5 deg C = 30865, so one count is a tenth of a grey level
    pixels = np.array([[28315, 28325, 29590, 30865]], np.uint16)
    out = normalise(pixels, spec("window:low=10,high=35.5,unit=celsius"), CENTIKELVIN)
    assert out.tolist() == [[0, 1, 128, 255]]


@given(frames_16bit, st.sampled_from(EVERY_16BIT), scales)
def test_any_frame_gives_fresh_uint8_and_keeps_its_input(
    pixels: np.ndarray, text: str, scale: TemperatureScale | None
) -> None:
    before = pixels.copy()
    normaliser = Normaliser(spec(text))
    out = normaliser(pixels, scale)
    assert (out.dtype, out.shape) == (np.uint8, pixels.shape)
    assert out.flags.c_contiguous
    assert not np.shares_memory(out, pixels)
    assert not np.shares_memory(out, normaliser(pixels, scale))
    np.testing.assert_array_equal(pixels, before)
    assert normaliser.low is not None
    assert normaliser.high is not None
    assert np.isfinite([normaliser.low, normaliser.high]).all()
    assert normaliser.low <= normaliser.high


@given(frames_16bit, st.sampled_from(WINDOW_TYPE), scales)
def test_hotter_is_never_darker_and_equal_counts_are_equal(
    pixels: np.ndarray, text: str, scale: TemperatureScale | None
) -> None:
    out = normalise(pixels, spec(text), scale)
    order = np.argsort(pixels, axis=None)
    grey = out.ravel()[order].astype(int)
    assert (np.diff(grey) >= 0).all()
    same = np.diff(pixels.ravel()[order]) == 0
    assert (np.diff(grey)[same] == 0).all()


@given(frames_16bit, st.sampled_from(WINDOW_TYPE), scales)
def test_low_and_high_are_where_black_and_white_begin(
    pixels: np.ndarray, text: str, scale: TemperatureScale | None
) -> None:
    normaliser = Normaliser(spec(text))
    out = normaliser(pixels, scale)
    assert (out[pixels <= normaliser.low] == 0).all()
    if text != "plateau" or normaliser.low < normaliser.high:
        assert (out[pixels >= normaliser.high] == 255).all()


@pytest.mark.parametrize("text", EVERY_16BIT)
@pytest.mark.parametrize("count", [0, 1, 29315, 65535])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (33, 47)])
def test_a_constant_frame_stays_constant(text: str, count: int, shape: tuple[int, int]) -> None:
    out = normalise(np.full(shape, count, np.uint16), spec(text), CENTIKELVIN)
    assert out.shape == shape
    assert len(np.unique(out)) == 1


@pytest.mark.parametrize("text", EVERY_16BIT)
def test_strides_do_not_matter(text: str) -> None:
    big = np.random.default_rng(1).integers(0, 65536, (60, 80), np.uint16)
    for view in (big[::2, ::-3], big.T, np.asfortranarray(big), big[5:9, 7:8]):
        np.testing.assert_array_equal(normalise(view, spec(text)), normalise(view.copy("C"), spec(text)))


@given(frames_16bit, st.floats(0, 99), st.floats(0.01, 100))
def test_percentile_is_numpys(pixels: np.ndarray, low: float, width: float) -> None:
    high = min(low + width, 100.0)
    normaliser = Normaliser(NormaliseSpec("percentile", {"low": low, "high": high}, 1))
    normaliser(pixels)
    expected = np.percentile(pixels, [low, high])
    assert normaliser.low == pytest.approx(expected[0], abs=1 / 32 + 1e-6)  # to the nearest sixteenth
    assert normaliser.high == pytest.approx(max(expected[1], normaliser.low + 1 / 16), abs=1 / 32 + 1e-6)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=16)))
def test_plateau_of_one_is_histogram_equalisation(pixels: np.ndarray) -> None:
    out = normalise(pixels, spec("plateau:plateau=1"))
    if pixels.min() == pixels.max():
        return  # OpenCV leaves a constant image as it is
    # OpenCV rounds in float32, half to even
    np.testing.assert_allclose(out.astype(int), cv2.equalizeHist(pixels).astype(int), atol=1)


def test_plateau_gives_the_targets_what_equalisation_gives_the_ground() -> None:
    rng = np.random.default_rng(2)
    pixels = (29000 + rng.normal(0, 20, (128, 160))).astype(np.uint16)
    pixels[20:26, 30:40] = rng.integers(29500, 29900, (6, 10))  # 0.3 % of the frame, 400 counts of texture
    texture = {
        text: np.ptp(normalise(pixels, spec(text))[20:26, 30:40].astype(int))
        for text in ("plateau:plateau=1", "plateau:plateau=0.0001")
    }
    assert texture["plateau:plateau=1"] <= 1
    assert texture["plateau:plateau=0.0001"] > 40


def test_clahe_is_opencvs_after_the_percentile_window() -> None:
    pixels = np.random.default_rng(3).integers(20000, 30000, (64, 96), np.uint16)
    windowed = normalise(pixels, spec("percentile:low=0.5,high=99"))
    expected = cv2.createCLAHE(3.0, (4, 4)).apply(windowed)
    np.testing.assert_array_equal(normalise(pixels, spec("clahe:clip_limit=3,tiles=4,low=0.5,high=99")), expected)
    grey = (pixels >> 8).astype(np.uint8)  # 8 bit: no window before
    np.testing.assert_array_equal(
        normalise(grey, spec("clahe:clip_limit=3,tiles=4")), cv2.createCLAHE(3.0, (4, 4)).apply(grey)
    )


def test_identity_passes_8_bit_untouched() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert normalise(pixels, DEFAULT_8BIT) is pixels


@pytest.mark.parametrize("text", ["minmax", "percentile", "plateau", "clahe"])
def test_8_bit_sources_too(text: str) -> None:
    ramp = np.repeat(np.arange(100, 164, dtype=np.uint8)[None], 64, axis=0)
    out = normalise(ramp, spec(text))
    assert out.dtype == np.uint8
    assert np.ptp(out) > np.ptp(ramp)


@pytest.mark.parametrize(
    ("pixels", "text", "message"),
    [
        (np.zeros((4, 4), np.uint16), "identity", "'identity' takes 8-bit pixels .* use 'anchored'"),
        (np.zeros((4, 4), np.uint8), "anchored", "'anchored' takes 16-bit counts .* use 'identity'"),
        (np.zeros((4, 4), np.uint8), "window:low=1,high=2", "'window' takes 16-bit counts"),
        (np.zeros((4, 4), np.uint16), "window:low=1,high=2,unit=celsius", "no temperature scale"),
        (np.zeros((4, 4), ">u2"), "anchored", r">u2 \(4, 4\).*byte order"),
        (np.zeros((4, 4), np.int16), "anchored", r"int16 \(4, 4\): expected .* uint8 or uint16"),
        (np.zeros((4, 4, 3), np.uint8), "identity", r"\(4, 4, 3\).*one channel"),
        (np.zeros((0, 4), np.uint16), "minmax", r"\(0, 4\)"),
    ],
)
def test_wrong_pixels_are_refused(pixels: np.ndarray, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        normalise(pixels, spec(text))


@given(frames_16bit, st.sampled_from(EVERY_16BIT), scales)
def test_a_single_image_is_a_normalisers_first_frame(
    pixels: np.ndarray, text: str, scale: TemperatureScale | None
) -> None:
    normaliser = Normaliser(spec(text))
    first = normaliser(pixels, scale)
    np.testing.assert_array_equal(first, normalise(pixels, spec(text), scale))
    normaliser(np.full((5, 5), 30000, np.uint16), scale)
    normaliser.reset()
    np.testing.assert_array_equal(first, normaliser(pixels, scale))


def test_the_defaults() -> None:
    assert DEFAULT_8BIT.method == "identity"
    assert DEFAULT_16BIT.method == "anchored"
