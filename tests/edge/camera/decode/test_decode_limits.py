"""Colour, counts under another name, pauses: one step below the limit and one above; bytes and sides in their order."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from edge.camera.capture import Capture
from edge.camera.decode.codecs import counts_as_yuv
from edge.camera.decode.grey import decode_y16, to_grey
from edge.camera.decode.timeline import Timeline, clock
from edge.camera.images.values import How, to_picture, told_unit
from edge.camera.v4l2 import _fourcc, _size


def tinted(green: int, others: int, part: float = 1.0) -> np.ndarray:
    """(30, 60, 3) uint8 BGR: so much of it of that colour, the rest grey."""
    picture = np.full((30, 60, 3), others, np.uint8)
    picture[:, : round(60 * part), 1] = green
    return picture


@pytest.mark.parametrize(
    ("picture", "counts"),
    [
        (tinted(161, 100), True),
        (tinted(160, 100), False),
        (tinted(39, 100), True),
        (tinted(40, 100), False),
        (tinted(200, 100, 1.0), True),
        (tinted(200, 100, 0.95), False),  # all of it, but for 19 of 20 columns of those that are looked at
        (tinted(200, 100, 0.5), False),
        (tinted(200, 100)[..., :2], False),
        (tinted(200, 100)[..., 1], False),
    ],
)
def test_counts_as_yuv(picture: np.ndarray, counts: bool) -> None:
    assert counts_as_yuv(picture) is counts


def coloured(n: int, spread: int, dtype: type = np.uint8, channels: int = 3) -> np.ndarray:
    """(100, 100, C) of which ``n`` pixels have one channel that is ``spread`` above the others."""
    picture = np.full((100, 100, channels), 50, dtype)
    picture.reshape(-1, channels)[:n, 2] += dtype(spread)
    return picture


@pytest.mark.parametrize(
    ("picture", "part", "luma"),
    [
        (coloured(10_000, 16), 0.0, False),
        (coloured(10_000, 17), 1.0, True),
        (coloured(2, 99), 0.0, False),  # 0.0002 and less is none
        (coloured(3, 99), 0.0003, False),
        (coloured(500, 99), 0.05, False),
        (coloured(501, 99), 0.0501, True),
        (coloured(501, 99, channels=4), 0.0501, True),
    ],
)
def test_how_much_of_a_picture_is_in_colour(picture: np.ndarray, part: float, luma: bool) -> None:
    grey, colour = to_grey(picture)
    assert colour == pytest.approx(part)
    assert grey.dtype == picture.dtype
    red = picture[0, 0, 2]
    assert grey[0, 0] == (round(50 + 0.299 * (int(red) - 50)) if luma else 50)
    assert grey[99, 99] == (grey[0, 0] if picture[99, 99, 2] == red else 50)


@pytest.mark.parametrize("step", [256, 257])
def test_8_bit_colours_widened_to_16_bits_are_judged_as_8_bit_ones(step: int) -> None:
    for spread, part in ((16, 0.0), (17, 1.0)):
        wide = coloured(10_000, spread).astype(np.uint16) * np.uint16(step)
        grey, colour = to_grey(wide)
        assert (grey.dtype, colour) == (np.uint16, part)
        assert part or np.array_equal(grey, wide[..., 1])


@pytest.mark.parametrize("channels", [3, 4])
def test_bands_of_counts_are_grey_only_if_they_are_equal(channels: int) -> None:
    """Thermal frames differ by far fewer counts than a colour does: of three the second was taken, without a word."""
    counts = np.random.default_rng(1).integers(28000, 30000, (300, 400), dtype=np.uint16)
    equal = np.dstack([counts] * 3 + [counts * 0 + 65535])[..., :channels].copy()
    grey, colour = to_grey(equal)
    assert np.array_equal(grey, counts)
    assert colour == 0.0
    for band in range(3):
        other = equal.copy()
        other[1, 1, band] += 1  # one pixel of one band, and none of those that are looked at for a colour
        with pytest.raises(
            ValueError, match=r"^3 bands of 16 bits that differ by up to 1 counts: several pictures, or"
        ):
            to_grey(other)
    far = equal.copy()
    far[..., 2] = 65535 - counts
    with pytest.raises(ValueError, match=r"differ by up to 95\d\d counts: .* photometric='minisblack'"):
        to_grey(far)


def test_without_colour_the_green_channel_is_exact() -> None:
    picture = np.zeros((6, 9, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = 100, np.arange(54).reshape(6, 9) % 9 + 100, 101
    grey, colour = to_grey(picture)
    assert np.array_equal(grey, picture[..., 1])
    assert colour == 0.0
    large = np.zeros((300, 301, 3), np.uint8)  # only every third pixel of every third row is looked at
    large[1::3, :, 2] = 255
    assert to_grey(large)[1] == 0.0
    large[::3, ::3, 2] = 255
    assert to_grey(large)[1] == 1.0


def test_a_raw_buffer_is_rows_of_low_byte_first() -> None:
    data = np.array([[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C]], np.uint8)
    assert decode_y16(data, 2, 3).tolist() == [[0x0201, 0x0403, 0x0605], [0x0807, 0x0A09, 0x0C0B]]
    with pytest.raises(ValueError, match=r"6 bytes .* for 3x2 at 16 bit, expected 12; it is 8 bit"):
        decode_y16(data[:, :6], 2, 3)
    with pytest.raises(ValueError, match=r"10 bytes .* expected 12$"):
        decode_y16(data[:, :10], 2, 3)


# ---- float temperatures ----


def around(median: float, low: float | None = None, high: float | None = None) -> np.ndarray:
    """101 values that are no whole numbers, with that median."""
    values = np.full(101, median, np.float64)
    values[0], values[-1] = (median - 0.25 if low is None else low), (median + 0.25 if high is None else high)
    return values


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (around(-60.0), "celsius"),
        (around(-60.1), None),
        (around(149.9), "celsius"),
        (around(150.1, high=151.0), None),
        (around(0.5, 0.0, 1.0), None),  # a picture of 0..1
        (around(0.5, 0.0, 1.1), "celsius"),
        (around(0.5, -0.1, 1.0), "celsius"),
        (around(213.2), "kelvin"),
        (around(213.1), None),
        (around(423.1), "kelvin"),
        (around(423.2), None),
        (around(293.5, low=10.5), "kelvin"),  # a single cold pixel of 101
        (np.concatenate([np.full(20, 150.25), around(293.5)]), "kelvin"),
        (np.concatenate([np.full(20, 149.75), around(293.5)]), None),
        (np.full(101, 20.0), None),  # whole numbers are counts
    ],
)
def test_the_unit_that_values_are_in(values: np.ndarray, unit: str | None) -> None:
    assert told_unit(values) == unit


def test_degrees_and_kelvin_become_hundredths_of_a_kelvin() -> None:
    celsius = np.array([[20.0, -40.0, 100.0], [0.004, 0.006, 382.2]], np.float64)
    found = to_picture(celsius, How(unit="celsius"))
    assert found.pixels.tolist() == [[29315, 23315, 37315], [27315, 27316, 65535]]
    assert (found.unit, found.empty, found.clipped) == ("celsius", 0, 0)
    assert found.temperature is not None
    assert found.temperature.celsius(29315) == pytest.approx(20.0)
    kelvin = np.array([[293.15, 0.001, np.nan], [-1.0, 655.354, 655.36]], np.float64)
    found = to_picture(kelvin, How(unit="kelvin"))
    assert found.pixels.tolist() == [[29315, 1, 0], [0, 65535, 65535]]
    assert (found.unit, found.empty, found.clipped) == ("kelvin", 2, 1)


def test_whole_numbers_of_any_type_that_fit_are_counts() -> None:
    for dtype in (np.int16, np.int32, np.uint32, np.int64):
        values = np.array([[0, 32767, 5]]).astype(dtype)
        assert to_picture(values, How()).pixels.tolist() == [[0, 32767, 5]]
        assert to_picture(values, How()).pixels.dtype == np.uint16
    assert to_picture(np.array([[65535]], np.int32), How()).pixels.tolist() == [[65535]]
    for wrong in (65536, -1):
        with pytest.raises(ValueError, match=rf"values {wrong} \.\. {wrong}; expected 0 \.\. 65535"):
            to_picture(np.array([[wrong]], np.int32), How())
    found = to_picture(np.array([[-9999, 7, 8]], np.int16), How(), nodata=-9999)
    assert (found.pixels.tolist(), found.empty, found.clipped) == ([[0, 7, 8]], 1, 0)


# ---- times ----


@pytest.mark.parametrize(
    ("step", "gap", "paused"), [(0.1, 2.0, False), (0.1, 2.1, True), (0.6, 2.9, False), (0.6, 3.2, True)]
)
def test_a_pause_is_longer_than_two_seconds_and_five_steps(step: float, gap: float, paused: bool) -> None:
    line = Timeline(None, varies=True)
    times = [0.0]
    for k in range(20):
        times.append(times[-1] + (gap if k == 10 else step))
    for t in times:
        line.learn(t)
    assert [line.place(t) for t in times] == [1] * 21
    assert (line.notes != "") is paused


def test_what_a_player_shows() -> None:
    assert [clock(t) for t in (0, 59.9994, 59.9996, 3599.5, 3600, 3723.4, -2)] == [
        "0:00.000", "0:59.999", "1:00.000", "59:59.500", "1:00:00.000", "1:02:03.400", "0:00.000",
    ]  # fmt: skip


# ---- what a driver says ----


class Driver:
    """Stands for cv2.VideoCapture."""

    def __init__(self, **values: float) -> None:
        self.values = {getattr(cv2, f"CAP_PROP_{name}"): value for name, value in values.items()}

    def get(self, what: int) -> float:
        return self.values[what]

    def isOpened(self) -> bool:
        return True

    def getBackendName(self) -> str:
        return "FFMPEG"


def opened(monkeypatch: pytest.MonkeyPatch, **values: float) -> Capture:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Driver(**values))
    return Capture("clip.mp4", cv2.CAP_FFMPEG)


@pytest.mark.parametrize(
    ("fps", "told"), [(0.0, None), (0.001, 0.001), (1000.0, 1000.0), (1000.1, None), (-25.0, None), (math.inf, None)]
)
def test_a_rate_that_can_be(fps: float, told: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, FPS=fps).fps == told


@pytest.mark.parametrize(("count", "told"), [(0, None), (1, 1), (999_999_999, 999_999_999), (1e9, None), (-9e18, None)])
def test_a_number_of_frames_that_can_be(count: float, told: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, FRAME_COUNT=count).count == told


def test_four_letters_are_low_byte_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said = opened(monkeypatch, FOURCC=float(ord("Y") | ord("1") << 8 | ord("6") << 16 | ord(" ") << 24))
    assert said.fourcc == "Y16"
    assert opened(monkeypatch, CODEC_PIXEL_FORMAT=-1.0).pixel_format == b"\xff\xff\xff\xff"
    assert opened(monkeypatch, CODEC_PIXEL_FORMAT=float(0x30323449)).pixel_format == b"I420"


def test_what_a_v4l2_source_may_say() -> None:
    assert [_fourcc(text) for text in ("y16", "Y16 ", "YUYV", "mjpg")] == ["Y16", "Y16", "YUYV", "mjpg"]
    assert [_size(text) for text in ("1", "65535")] == [1, 65535]
    for wrong in ("0", "65536", "-1", "x"):
        with pytest.raises(ValueError):  # noqa: PT011
            _size(wrong)
    for wrong in ("", "YUYV2", "Y-16", "    "):
        with pytest.raises(ValueError):  # noqa: PT011
            _fourcc(wrong)
