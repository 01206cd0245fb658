"""The anchored window: where it hangs, what cannot move it, how it follows the flight."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.data import Scale, TemperatureScale
from edge.thermal import DEFAULT_16BIT, Normaliser, NormaliseSpec, normalise
from edge.thermal.temperature import PlanckScale
from edge.thermal.windows import background

CENTIKELVIN = TemperatureScale(0.01)
RAW16 = Path(__file__).resolve().parents[4] / "shared" / "data" / "raw16"


def ramp(median: int, mad: int) -> np.ndarray:
    """(8, 20) counts of which every 4th of every 4th row has just this upper median and MAD."""
    pixels = np.full((8, 20), 60000, np.uint16)
    pixels[::4, ::4] = median + mad * np.array([[-2, -1, -1, 0, 0], [0, 1, 1, 2, 3]])
    return pixels


def window(pixels: np.ndarray, scale: Scale | None, text: str = "anchored") -> tuple[float, float]:
    normaliser = Normaliser(NormaliseSpec.parse(text))
    normaliser(pixels, scale)
    assert normaliser.low is not None
    assert normaliser.high is not None
    return normaliser.low, normaliser.high


@pytest.mark.parametrize(
    ("mad", "scale", "below", "above"),
    [
        (100, CENTIKELVIN, 300, 1000),  # 3 MAD; 10 K is more than 6 MAD
        (300, CENTIKELVIN, 900, 1800),  # 6 MAD is more than 10 K
        (1, CENTIKELVIN, 210, 1000),  # MAD held at 0.7 K
        (2000, CENTIKELVIN, 2000, 4000),  # 60 K at the widest
        (100, TemperatureScale(0.04, 200.0), 300, 600),  # 10 K is 250 counts
        (100, None, 300, 900),  # 3 and 9 MAD
        (1, None, 24, 72),  # MAD held at 8 counts
    ],
)
def test_ends(mad: int, scale: TemperatureScale | None, below: int, above: int) -> None:
    assert window(ramp(29000, mad), scale) == (29000 - below, 29000 + above)


def test_kelvin_are_counted_where_the_background_is() -> None:
    """On a Planck scale a count is worth less the hotter it is: 10 K are more counts above a warm scene."""
    scale = PlanckScale(14985.9296875, 1398.0999755859375, 1.0, -6233, 0.011283216997981071)
    for median in (13000, 15000, 20000):
        ten_kelvin = 10 / (float(scale.celsius(median + 1)) - float(scale.celsius(median)))
        low, high = window(ramp(median, 100), scale)
        spread = max(100, 0.07 * ten_kelvin)  # MAD held at 0.7 K
        assert low == pytest.approx(median - 3 * spread, abs=1 / 16)
        assert high == pytest.approx(median + max(6 * spread, ten_kelvin), abs=1 / 16)


def test_ends_follow_the_parameters() -> None:
    text = "anchored:below=2,above=4,above_kelvin=5,above_unscaled=8,min_mad_kelvin=2,max_kelvin=18"
    assert window(ramp(29000, 100), CENTIKELVIN, text) == (28600, 29800)
    assert window(ramp(29000, 400), CENTIKELVIN, text) == (28400, 30200)
    assert window(ramp(29000, 100), None, text) == (28800, 29800)


@given(
    hnp.arrays(
        np.uint16,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.one_of(st.integers(0, 65535), st.integers(29000, 29010), st.sampled_from([0, 65535])),
    )
)
def test_background_is_that_of_the_sorted_values(pixels: np.ndarray) -> None:
    values = [int(v) for v in pixels[::4, ::4].ravel()]
    values = sorted([v for v in values if v not in (0, 65535)] or values)
    median = values[len(values) // 2]
    mad = sorted(abs(v - median) for v in values)[len(values) // 2]
    assert background(pixels) == (median, mad, values[3 * len(values) // 4])


def ground(seed: int = 0) -> np.ndarray:
    """(512, 640) uint16, 0.01 K a count: ground around 20 deg C, 1.5 K of contrast, 0.05 K of noise."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.normal(0, 1, (512, 640)), (0, 0), 12)
    return (29315 + smooth / smooth.std() * 150 + rng.normal(0, 5, (512, 640))).astype(np.uint16)


def test_a_hot_object_leaves_the_background_as_it_was() -> None:
    before = ground()
    after = before.copy()
    after[100:160, 200:260] = 29315 + 8000  # +80 K on 1.1 % of the pixels
    rest = np.ones(before.shape, bool)
    rest[100:160, 200:260] = False

    def change(text: str) -> tuple[float, float]:
        """How the background's grey mean and contrast change."""
        cold, hot = (normalise(p, NormaliseSpec.parse(text), CENTIKELVIN)[rest] for p in (before, after))
        return hot.mean() / cold.mean(), hot.std() / cold.std()

    anchored = change("anchored")
    assert anchored == pytest.approx((1, 1), abs=0.03)
    for other in ("minmax", "percentile:low=1,high=99"):
        assert max(change(other)) < 0.3


def test_targets_at_nine_kelvin_stand_out_with_and_without_the_hot_object() -> None:
    pixels = ground()
    cold_spot = pixels.copy()
    pixels[300:309, 400:414] += 900
    pixels[100:160, 200:260] = 65000
    target = normalise(pixels, DEFAULT_16BIT, CENTIKELVIN)[300:309, 400:414].astype(int)
    was = normalise(cold_spot, DEFAULT_16BIT, CENTIKELVIN)[300:309, 400:414].astype(int)
    assert (target - was).min() > 100


@pytest.mark.parametrize("sky", [0.1, 0.4, 0.49, 0.51, 0.6, 0.7])
@pytest.mark.parametrize("scale", [CENTIKELVIN, None])
def test_cold_sky_over_any_part_of_the_frame_leaves_the_targets_visible(
    sky: float, scale: TemperatureScale | None
) -> None:
    pixels = ground()
    horizon = int(512 * sky)
    pixels[:horizon] = 26300 + np.random.default_rng(5).integers(-10, 11, (horizon, 640))
    bare = pixels.copy()
    pixels[450:459, 300:314] += 900
    out, before = (normalise(p, DEFAULT_16BIT, scale)[450:459, 300:314].astype(int) for p in (pixels, bare))
    assert (out - before).mean() > 25
    assert (normalise(bare, DEFAULT_16BIT, scale)[horizon:] == 255).mean() < 0.1


def test_telemetry_words_and_dead_pixels_do_not_move_it() -> None:
    clean = ground()
    dirty = clean.copy()
    dirty[:2] = np.array([0, 65535], np.uint16)[np.arange(640) % 2]
    dirty[2:, 100] = 0  # a dead column
    dirty[np.random.default_rng(1).random(dirty.shape) < 0.005] = 65535
    assert window(dirty, CENTIKELVIN) == pytest.approx(window(clean, CENTIKELVIN), abs=5)
    half = clean.copy()
    half[:, ::8] = 0
    half[:, 4::16] = 65535  # three quarters of the pixels that are looked at
    assert window(half, CENTIKELVIN) == pytest.approx(window(clean, CENTIKELVIN), abs=25)


def test_step_response_is_first_order() -> None:
    normaliser = Normaliser(DEFAULT_16BIT)
    normaliser(ramp(29000, 100), CENTIKELVIN)
    for n in range(1, 30):
        normaliser(ramp(29200, 100), CENTIKELVIN)
        left = 200 * (1 - 1 / 8) ** n  # counts still to go
        assert normaliser.low == pytest.approx(28900 - left, abs=1 / 32)
        assert normaliser.high == pytest.approx(30200 - left, abs=1 / 32)


def test_weight_one_has_no_memory() -> None:
    normaliser = Normaliser(NormaliseSpec.parse("anchored:weight=1"))
    for median in (29000, 29100, 28950):
        pixels = ramp(median, 50)
        np.testing.assert_array_equal(normaliser(pixels, CENTIKELVIN), normalise(pixels, DEFAULT_16BIT, CENTIKELVIN))


def test_reset_starts_afresh() -> None:
    normaliser = Normaliser(DEFAULT_16BIT)
    normaliser(ramp(29000, 100), CENTIKELVIN)
    normaliser.reset()
    normaliser(ramp(29200, 100), CENTIKELVIN)
    assert (normaliser.low, normaliser.high) == (28900, 30200)


@pytest.mark.parametrize("median", [28600, 30100])
def test_a_scene_outside_the_old_window_is_shown_at_once(median: int) -> None:
    normaliser = Normaliser(DEFAULT_16BIT)
    normaliser(ramp(29000, 100), CENTIKELVIN)
    normaliser(ramp(median, 100), CENTIKELVIN)
    assert normaliser.low == median - 300


def test_another_gain_starts_afresh() -> None:
    normaliser = Normaliser(DEFAULT_16BIT)
    normaliser(ramp(29000, 100), CENTIKELVIN)
    normaliser(ramp(29200, 100), TemperatureScale(0.02))
    assert (normaliser.low, normaliser.high) == (28900, 29800)


def test_the_same_flight_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(4)
    flight = [ground(seed) + np.uint16(rng.integers(0, 400)) for seed in range(3)]
    one, two = Normaliser(DEFAULT_16BIT), Normaliser(DEFAULT_16BIT)
    for pixels in flight:
        assert one(pixels, CENTIKELVIN).tobytes() == two(pixels, CENTIKELVIN).tobytes()


@pytest.mark.parametrize("name", ["H20N_DJI_0001_R", "M2EA_DJI_0001_R", "M3T_DJI_0001_R"])
def test_real_counts_of_unknown_scale_give_a_usable_picture(name: str) -> None:
    path = RAW16 / f"{name}_raw16.npy"
    if not path.is_file():
        pytest.skip(f"../shared/data/raw16/{path.name} is not here")
    out = normalise(np.load(path), DEFAULT_16BIT)
    assert 40 < np.median(out) < 90
    assert out.std() > 20
    assert (out == 255).mean() < 0.005
