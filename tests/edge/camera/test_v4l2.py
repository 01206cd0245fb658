"""V4L2 against a fake that behaves as OpenCV's cap_v4l.cpp does, version by version; no camera here."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.camera.v4l2 as device
from edge.camera.decode.grey import decode_y16
from edge.camera.open import open_camera
from edge.camera.v4l2 import V4l2Camera
from edge.errors import CameraError, SourceError
from tests.support.fake_v4l2 import DEVICE, FakeV4l2, H, W, code, counts


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeV4l2]:
    monkeypatch.setattr(device, "STALL_S", 0.05)
    monkeypatch.setattr(device, "FIRST_FRAME_S", 0.05)
    monkeypatch.setattr(device, "RETRY_S", 0.001)
    monkeypatch.delenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", raising=False)

    def make(**behaviour: Any) -> FakeV4l2:
        fake = FakeV4l2(**behaviour)
        monkeypatch.setattr(cv2, "VideoCapture", fake)
        return fake

    return make


Plug = Callable[..., FakeV4l2]


@pytest.mark.parametrize("handover", ["4.10", "4.11", "4.12"])
def test_raw_counts_from_every_opencv(plug: Plug, handover: str) -> None:
    plug(handover=handover)
    with open_camera(f"{DEVICE}?format=Y16&width={W}&height={H}") as camera:
        assert (camera.live, camera.fps, camera.frames) == (True, 60.0, None)
        for i in (2, 3, 4):  # the first one went into checking what comes
            frame = camera.read()
            assert frame is not None
            assert frame.pixels.dtype == np.uint16
            assert np.array_equal(frame.pixels, counts(i))
            assert frame.seq == i - 2


def test_order_of_the_calls_and_the_timeout(plug: Plug) -> None:
    fake = plug()
    with V4l2Camera(DEVICE, "Y16", W, H, 60):
        assert [call[0] for call in fake.calls] == [
            cv2.CAP_PROP_FRAME_WIDTH,
            cv2.CAP_PROP_FRAME_HEIGHT,
            cv2.CAP_PROP_FOURCC,
            cv2.CAP_PROP_CONVERT_RGB,
            cv2.CAP_PROP_FPS,
        ]
        assert fake.calls[2][1] == code("Y16 ")
        assert os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] == "2"
    assert fake.released


@pytest.mark.parametrize("refusal", ["reverts", "lies"])
def test_refused_format(plug: Plug, refusal: str) -> None:
    fake = plug(formats=("YUYV",), refusal=refusal)
    with pytest.raises(SourceError, match=r"refused format: asked for .*format Y16, it gives YUYV 80x60"):
        V4l2Camera(DEVICE, "Y16", W, H)
    assert fake.released


def test_refused_size(plug: Plug) -> None:
    plug()
    with pytest.raises(SourceError, match=r"refused width, height: asked for width 640 height 512 .*gives Y16 80x60"):
        V4l2Camera(DEVICE, "Y16", 640, 512)


def test_conversion_that_stays_on_is_refused(plug: Plug) -> None:
    plug(keeps_converting=True)
    with pytest.raises(SourceError, match="refused raw counts"):
        V4l2Camera(DEVICE, "Y16")


def test_8_bit_is_never_taken_for_16(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = plug()
    monkeypatch.setattr(fake, "retrieve", lambda: (True, (counts(1) >> 8).astype(np.uint8)))
    with pytest.raises(SourceError, match="only the high byte of each count came"):
        V4l2Camera(DEVICE, "Y16")


def test_camera_that_has_only_y16_gives_it_unasked(plug: Plug) -> None:
    plug(formats=("Y16",))
    with V4l2Camera(DEVICE) as camera:
        frame = camera.read()
        assert frame is not None
        assert frame.pixels.dtype == np.uint16


def test_8_bit_camera(plug: Plug) -> None:
    plug(formats=("GREY",))
    with V4l2Camera(DEVICE) as camera:
        assert camera.description == (
            f"{DEVICE}: V4L2 camera, 80x60 8-bit GREY, 60 fps, V4L2 of OpenCV {cv2.__version__}"
            "; for raw counts ask for ?format=Y16"
        )
        frame = camera.read()
        assert frame is not None
        assert np.array_equal(frame.pixels, (counts(2) >> 8).astype(np.uint8))


def test_other_rate_is_noted(plug: Plug) -> None:
    plug(driver_fps=9.0)
    with V4l2Camera(DEVICE, "Y16", fps=60) as camera:
        assert camera.fps == 9.0
        assert camera.description.endswith("; asked for 60 fps, the driver refused")


def test_capture_time_is_the_drivers(plug: Plug) -> None:
    now = time.monotonic()
    plug(clock=lambda: now - 0.4)
    with V4l2Camera(DEVICE, "Y16") as camera:
        frame = camera.read()
    assert frame is not None
    assert frame.t_capture == pytest.approx(now - 0.4, abs=0.01)


@pytest.mark.parametrize("clock", [lambda: 0.0, time.time, lambda: time.monotonic() - 100])
def test_capture_time_of_another_clock_is_not_believed(plug: Plug, clock: Callable[[], float]) -> None:
    plug(clock=clock)
    with V4l2Camera(DEVICE, "Y16") as camera:
        before = time.monotonic()
        frame = camera.read()
    assert frame is not None
    assert before <= frame.t_capture <= time.monotonic()


def test_old_buffers_and_timeouts_are_waited_out(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "STALL_S", 60.0)  # on a busy machine no more than a moment
    monkeypatch.setattr(device, "FIRST_FRAME_S", 60.0)
    fake = plug(moods=".sst.s.")
    with V4l2Camera(DEVICE, "Y16") as camera:
        frames = [camera.read(), camera.read()]
        assert fake.moods == ""
    for frame, i in zip(frames, (2, 3), strict=True):
        assert frame is not None
        assert np.array_equal(frame.pixels, counts(i))
        assert frame.seq == i - 2


def test_cut_off_buffer_is_dropped_and_leaves_a_gap(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "STALL_S", 60.0)
    monkeypatch.setattr(device, "FIRST_FRAME_S", 60.0)
    plug(handover="4.11", moods="c..c.")  # the one before the first good one is not counted
    with V4l2Camera(DEVICE, "Y16") as camera:
        first, second = camera.read(), camera.read()
    assert first is not None
    assert second is not None
    assert (first.seq, second.seq) == (0, 2)


@pytest.mark.parametrize(("mood", "why"), [("s", "the same buffer came again"), ("t", "nothing came")])
def test_unplugged(plug: Plug, mood: str, why: str) -> None:
    fake = plug()
    with V4l2Camera(DEVICE, "Y16") as camera:
        assert camera.read() is not None
        fake.moods = mood * 1000
        with pytest.raises(CameraError, match=f"no new frame for 0.05 s: {why}"):
            camera.read()


@pytest.mark.parametrize("mood", ["s", "t"])
def test_unplugged_with_its_node_gone_is_known_at_once(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mood: str
) -> None:
    node = tmp_path / "video0"
    node.symlink_to(DEVICE)
    fake = plug(path=str(node))
    monkeypatch.setattr(device, "STALL_S", 1e9)  # without that, the test would never end
    with V4l2Camera(str(node), "Y16") as camera:
        assert camera.read() is not None
        fake.moods = mood * 1000
        node.unlink()
        with pytest.raises(CameraError, match="video0: unplugged"):
            camera.read()


def test_no_first_frame(plug: Plug) -> None:
    fake = plug(moods="t" * 1000)
    with pytest.raises(SourceError, match=r"no new frame .* check cable and power"):
        V4l2Camera(DEVICE, "Y16")
    assert fake.released


def test_read_after_close(plug: Plug) -> None:
    plug()
    camera = V4l2Camera(DEVICE, "Y16")
    camera.close()
    camera.close()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "usermod -aG video"),
        (OSError(errno.EBUSY, "Device or resource busy"), r"busy; close the program that has it \(fuser -v"),
        (OSError(errno.ENODEV, "No such device"), "no such camera"),
    ],
)
def test_device_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch, problem: OSError, said: str) -> None:
    def refuse(*_: object) -> int:
        raise problem

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError, match=said):
        V4l2Camera(DEVICE)


def test_absent_device_and_what_is_no_device(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="/dev/video97: no such camera; V4L2 devices here: "):
        open_camera("/dev/video97?format=Y16")
    with pytest.raises(SourceError, match="OpenCV cannot capture from it"):
        open_camera("/dev/null")
    (tmp_path / "video0").write_text("x")
    with pytest.raises(SourceError, match="not a device"):
        V4l2Camera(str(tmp_path / "video0"))


@settings(deadline=None)  # a busy machine is no failure
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["HxW u2", "1xB", "B", "Hx2W", "HxWx2", "1xHxW u2"]),
)
def test_y16_of_any_shape_with_the_right_bytes(height: int, width: int, seed: int, shape: str) -> None:
    raw = np.random.default_rng(seed).integers(0, 65536, (height, width), dtype=np.uint16)
    data = raw.astype("<u2").view(np.uint8)
    handed: npt.NDArray[Any] = {
        "HxW u2": raw,
        "1xB": data.reshape(1, -1),
        "B": data.reshape(-1),
        "Hx2W": data.reshape(height, 2 * width),
        "HxWx2": data.reshape(height, width, 2),
        "1xHxW u2": raw[None],
    }[shape]
    got = decode_y16(handed, height, width)
    assert got.dtype == np.uint16
    assert got.flags.c_contiguous
    assert np.array_equal(got, raw)


@settings(deadline=None)  # a busy machine is no failure
@given(n=st.integers(0, 200), height=st.integers(1, 8), width=st.integers(1, 8))
def test_y16_of_any_other_size_is_refused(n: int, height: int, width: int) -> None:
    if n == height * width * 2:
        n += 1
    with pytest.raises(ValueError, match=f"expected {height * width * 2}"):
        decode_y16(np.zeros(n, np.uint8), height, width)
