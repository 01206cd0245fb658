"""A V4L2 camera that is lost and comes back, from `open_camera` down to cv2.VideoCapture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.camera.live.reconnect as reconnect
import edge.camera.v4l2 as device
from edge.camera import LatestFrames, open_camera
from edge.errors import CameraError
from tests.support.fake_sysfs import FakeSysfs
from tests.support.fake_v4l2 import FakeV4l2, counts
from tests.support.scripted_camera import WAIT_S, frame_of, hearing, outages_of


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSysfs:
    return FakeSysfs(tmp_path, monkeypatch)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "STALL_S", 0.05)
    monkeypatch.setattr(device, "FIRST_FRAME_S", 0.05)
    monkeypatch.setattr(device, "RETRY_S", 0.001)
    monkeypatch.setattr(reconnect, "FIRST_DELAY_S", 0.002)
    monkeypatch.setattr(reconnect, "LONGEST_DELAY_S", 0.01)


@pytest.mark.usefixtures("quick")
def test_replugged_as_another_device_number(sysfs: FakeSysfs, monkeypatch: pytest.MonkeyPatch) -> None:
    sysfs.plug("null")
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    lines: list[str] = []

    def replug(line: str) -> None:
        lines.append(line)
        if "not plugged in" in line:  # someone plugs it in again, elsewhere
            sysfs.plug("zero", port="1-3")
            fake.path = "/dev/zero"

    with hearing(replug), open_camera("/dev/null?format=Y16&width=80&height=60") as camera:
        before = frame_of(camera)
        sysfs.unplug("null")
        fake.path = None
        after = frame_of(camera)
        assert np.array_equal(after.pixels, counts(fake.made))
        assert (before.seq, after.seq) == (0, 2)
        assert fake.asked_path == "/dev/zero"
        assert fake.calls[-4:-1] == fake.calls[:3]  # size, format and conversion were asked for again
        assert camera.description.startswith("/dev/zero: V4L2 camera, 80x60 16-bit Y16")
        assert [line[:11] for line in lines] == ["camera lost", "camera stil", "camera back"]
    assert fake.released


@pytest.mark.usefixtures("quick")
def test_camera_that_comes_back_with_8_bits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    with open_camera("/dev/null?format=Y16") as camera:
        frame_of(camera)
        fake.moods, fake.formats = "s" * 1000, ("YUYV",)
        with pytest.raises(CameraError, match="came back different.*driver refused format.*gives YUYV"):
            camera.read()


@pytest.mark.usefixtures("quick")
def test_camera_that_comes_back_in_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)

    def grow(_line: str) -> None:
        fake.moods, fake.size = "", (160, 120)

    with hearing(grow), open_camera("/dev/null?format=Y16") as camera:
        frame_of(camera)
        fake.moods = "s" * 1000
        with pytest.raises(CameraError, match="it gives 160x120 16-bit, before it was 80x60 16-bit"):
            camera.read()


@pytest.mark.usefixtures("quick")
def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        frame_of(camera)
        fake.moods = "s" * 1000
        with pytest.raises(CameraError, match="no new frame for 0.05 s"):
            camera.read()


@pytest.mark.usefixtures("quick")
@settings(max_examples=25, deadline=None)
@given(st.text("....tscphg", max_size=30), st.sampled_from(["4.11", "4.12"]))
def test_bad_buffers_never_come_through(moods: str, handover: str) -> None:
    """Cut, padded, half-height, damaged and old buffers are left out; each that was a frame leaves a gap."""
    fake = FakeV4l2(handover=handover)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "VideoCapture", fake)
        patch.setattr(device, "STALL_S", WAIT_S)
        with open_camera("/dev/null?format=Y16") as camera:
            made, seq = fake.made, -1
            fake.moods = moods + "."
            while fake.moods:
                frame = frame_of(camera)
                assert np.array_equal(frame.pixels, counts(fake.made))
                seq += fake.made - made
                made = fake.made
                assert frame.seq == seq
            assert outages_of(camera) == 0


@pytest.mark.usefixtures("quick")
def test_capture_goes_on_behind_the_loop(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    with open_camera("/dev/null?format=Y16") as camera, LatestFrames(camera) as frames:
        before = frames.get()
        fake.moods = "t" * 60
        while outages_of(camera) == 0 or camera.away:  # type: ignore[attr-defined]
            frames.get()
        after = frames.get()
    assert before is not None
    assert after is not None
    assert after.seq > before.seq
    assert [line[:11] for line in caplog.messages if "still" not in line] == ["camera lost", "camera back"]
