"""Profiles on made-up frames of the documented layouts, through the real V4L2 code with a fake OpenCV device."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.camera.devices.profiles import PROFILES, lepton_shutter_closed, profile_of
from edge.camera.open import open_camera
from edge.data import TemperatureScale
from edge.errors import SourceError

DEVICE = "/dev/null"  # a character device that everyone may open
Counts16 = npt.NDArray[np.uint16]


def scene(width: int, height: int, level: float = 29500.0, seed: int = 0) -> Counts16:
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 4) * 500
    return np.rint(level + ground + rng.normal(0, 5, (height, width))).clip(0, 65535).astype(np.uint16)


def telemetry(width: int, rows: int, status: int = 0, msw_first: bool = False) -> Counts16:
    """Mostly zero, with counters that run to 65535, as telemetry is."""
    words = np.zeros((rows, width), np.uint16)
    words[0, :3] = 0x0E0A, 65535, 3
    words[0, 3:5] = (status >> 16, status & 65535) if msw_first else (status & 65535, status >> 16)
    words[1:, ::7] = 12345
    return words


class Device:
    """cv2.VideoCapture that delivers what ``make`` gives, without conversion."""

    def __init__(self, fourcc: str, make: Callable[[], npt.NDArray[np.generic]], size: tuple[int, int]) -> None:
        self.fourcc, self.make, self.size = fourcc, make, size
        self.converts = 1.0

    def __call__(self, *_: object) -> Device:
        return self

    def isOpened(self) -> bool:
        return True

    def getBackendName(self) -> str:
        return "V4L2"

    def release(self) -> None: ...

    def get(self, what: int) -> float:
        return {
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*self.fourcc.ljust(4)),
            cv2.CAP_PROP_CONVERT_RGB: self.converts,
            cv2.CAP_PROP_FPS: 30.0,
            cv2.CAP_PROP_POS_MSEC: time.monotonic() * 1000,
        }.get(what, -1.0)

    def set(self, what: int, value: float) -> bool:
        if what == cv2.CAP_PROP_CONVERT_RGB:
            self.converts = value
        return what != cv2.CAP_PROP_FOURCC or value == self.get(what)

    def grab(self) -> bool:
        time.sleep(0.001)
        return True

    def retrieve(self) -> tuple[bool, npt.NDArray[np.generic]]:
        return True, self.make()


Plug = Callable[..., None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    def make(fourcc: str, delivered: npt.NDArray[np.generic], size: tuple[int, int] | None = None) -> None:
        height, width = delivered.shape[:2]
        device = Device(fourcc, delivered.copy, size or (width, height))
        monkeypatch.setattr(cv2, "VideoCapture", device)

    return make


@pytest.mark.parametrize("at_top", [True, False])
@pytest.mark.parametrize(("camera", "width", "height", "rows"), [("boson", 640, 512, 2), ("lepton", 160, 120, 2)])
def test_telemetry_rows_are_cut_off_wherever_they_are(
    plug: Plug, camera: str, width: int, height: int, rows: int, at_top: bool
) -> None:
    picture, words = scene(width, height), telemetry(width, rows)
    plug("Y16", np.vstack([words, picture] if at_top else [picture, words]))
    with open_camera(f"{DEVICE}?camera={camera}") as opened:
        frame = opened.read()
        assert f"{rows} telemetry rows at the {'top' if at_top else 'bottom'}" in opened.description
        assert "not verified on hardware" in opened.description
    np.testing.assert_array_equal(frame.pixels, picture)
    assert frame.flags == set()


@pytest.mark.parametrize("msw_first", [True, False])
@pytest.mark.parametrize("at_top", [True, False])
def test_a_leptons_telemetry_tells_of_its_shutter(plug: Plug, at_top: bool, msw_first: bool) -> None:
    for state, closed in ((0, False), (1, False), (2, True), (3, False)):
        # around the state: shutter lockout, AGC, and an FFC that is wished for
        words = telemetry(160, 2, state << 4 | 1 << 15 | 1 << 12 | 1 << 3, msw_first)
        assert lepton_shutter_closed(words[0]) == closed
        plug("Y16", np.vstack([words, scene(160, 120)] if at_top else [scene(160, 120), words]))
        with open_camera(f"{DEVICE}?camera=lepton") as opened:
            assert ("ffc" in opened.read().flags) == closed


def test_a_lepton_has_a_scale_only_where_its_counts_can_be_temperatures(plug: Plug) -> None:
    plug("Y16", scene(160, 120, 29500))
    with open_camera(f"{DEVICE}?camera=lepton") as opened:
        assert opened.read().temperature == TemperatureScale(0.01)
    plug("Y16", scene(160, 120, 8000))  # 14-bit counts, TLinear off
    with open_camera(f"{DEVICE}?camera=lepton") as opened:
        assert opened.read().temperature is None
        assert "TLinear is off" in opened.description
    with open_camera(f"{DEVICE}?camera=lepton&kelvin=0.04") as opened:
        assert opened.read().temperature == TemperatureScale(0.04)


def test_infirays_lower_half_is_the_raw_one(plug: Plug) -> None:
    raw = scene(256, 192, 293.15 * 64)
    delivered = np.vstack([np.full((192, 256), 0x8050, np.uint16), raw])
    plug("YUYV", delivered.view(np.uint8).reshape(384, 256, 2))
    with open_camera(f"{DEVICE}?camera=infiray") as opened:
        frame = opened.read()
    np.testing.assert_array_equal(frame.pixels, raw)
    assert frame.temperature is not None
    assert float(np.median(frame.temperature.celsius(frame.pixels))) == pytest.approx(20, abs=2)


def test_swapped_bytes_are_refused_with_the_option_that_helps(plug: Plug) -> None:
    picture = scene(80, 64)
    plug("Y16", picture.byteswap())
    with pytest.raises(SourceError, match="endian=big"):
        open_camera(f"{DEVICE}?format=Y16")
    with open_camera(f"{DEVICE}?format=Y16&endian=big") as opened:
        np.testing.assert_array_equal(opened.read().pixels, picture)
        assert "big-endian" in opened.description
    with open_camera(f"{DEVICE}?format=Y16&endian=little") as opened:
        np.testing.assert_array_equal(opened.read().pixels, picture.byteswap())


def test_without_a_profile_frames_are_as_they_came(plug: Plug) -> None:
    picture = scene(80, 66)
    plug("Y16", picture)
    with open_camera(f"{DEVICE}?format=Y16&kelvin=0.01") as opened:
        frame = opened.read()
    np.testing.assert_array_equal(frame.pixels, picture)
    assert frame.temperature == TemperatureScale(0.01)


def test_what_does_not_fit_is_refused(plug: Plug) -> None:
    plug("Y16", scene(336, 256))
    with pytest.raises(SourceError, match=r"336x256 came, and camera=boson has 640x512, 640x514"):
        open_camera(f"{DEVICE}?camera=boson")
    plug("GREY", np.zeros((512, 640), np.uint8))
    with pytest.raises(SourceError, match="need raw counts"):
        open_camera(f"{DEVICE}?camera=boson&format=GREY")
    for query, expected in (
        ("camera=flir", "one of boson, generic, infiray, lepton"),
        ("endian=middle", "big or little"),
        ("kelvin=0", "above 0"),
        ("kelvin=nan", "above 0"),
    ):
        with pytest.raises(SourceError, match=expected):
            open_camera(f"{DEVICE}?{query}")


def test_the_profiles_are_complete() -> None:
    assert all(profile.name == name for name, profile in PROFILES.items())
    assert profile_of(None, None, None) is PROFILES["generic"]
