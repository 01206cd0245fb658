"""One run has a V4L2 camera: a second process is refused and told who was first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.camera.devices.held as held
from edge.camera import gstreamer
from edge.camera.devices.held import Held
from edge.camera.gstreamer import devices_of, open_pipeline
from edge.camera.v4l2 import V4l2Camera
from edge.errors import SourceError
from tests.support.children import popen
from tests.support.fake_v4l2 import DEVICE, FakeV4l2

HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The entry of /dev/null, which plays the camera."""
    number = os.stat(DEVICE).st_rdev
    monkeypatch.setattr(held, "V4L2", os.major(number))
    monkeypatch.setattr(held, "ENTRIES", tmp_path)
    folder = tmp_path / f"{os.major(number)}:{os.minor(number)}"
    folder.mkdir()
    (folder / "dev").touch()
    return folder / "dev"


@pytest.fixture
def other(entry: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the camera."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with popen([sys.executable, "-I", "-S", "-c", HOLD, entry], **pipes) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_who_comes_second_is_told_who_was_first(
    other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    said = f"{DEVICE}: process {other.pid} looks at it already: end that one \\(ps -fp {other.pid}\\), or give another"
    with pytest.raises(SourceError, match=said):
        V4l2Camera(DEVICE)
    assert not fake.calls  # its driver was not touched
    monkeypatch.setattr(held, "LOCKS", Path("/nowhere"))
    with pytest.raises(SourceError, match="another process looks at it already: end that one .ps -fp PID.,"):
        Held(DEVICE)
    other.kill()
    other.wait(30)
    with V4l2Camera(DEVICE):
        pass


def is_free(entry: Path) -> bool:
    return not any(f":{entry.stat().st_ino} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_it_is_held_until_it_is_closed(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeV4l2())
    with V4l2Camera(DEVICE) as camera:
        assert not is_free(entry)
        Held(DEVICE).close()  # the same process: a call of it may never have returned
        assert not is_free(entry)
        camera.close()
        assert is_free(entry)
    with pytest.raises(SourceError):
        V4l2Camera(DEVICE, "NONE", 1, 1)
    assert is_free(entry)


class FakePipeline(FakeV4l2):
    """Grey pictures, as an appsink hands them over."""

    fails = False

    def __call__(self, source: str, api: int, parameters: list[int]) -> FakeV4l2:
        assert api == cv2.CAP_GSTREAMER
        self.asked_path, self.pipeline, self.released = DEVICE, source, False
        return self

    def grab(self) -> bool:
        return not self.fails

    def retrieve(self, *_: object) -> tuple[bool, np.ndarray]:
        return True, np.zeros((self.size[1], self.size[0]), np.uint8)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    made = FakePipeline()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    monkeypatch.setattr(gstreamer, "has_gstreamer", lambda: True)
    return made


PIPELINE = "v4l2src device={} ! video/x-raw,format=GRAY8 ! appsink"


def test_a_pipeline_is_refused_the_camera_of_another_process(
    other: subprocess.Popen[bytes], fake: FakePipeline, tmp_path: Path
) -> None:
    link = tmp_path / "usb-FLIR_Boson-video-index0"
    link.symlink_to(DEVICE)
    for name in (DEVICE, link):  # the lock is that of the device, by whatever name it comes
        with pytest.raises(SourceError, match=f"{name}: process {other.pid} looks at it already"):
            open_pipeline(PIPELINE.format(name))
    with pytest.raises(SourceError, match=f"{link}: process {other.pid} looks at it already"):
        Held(str(link))
    assert not hasattr(fake, "pipeline")  # nothing was started
    with open_pipeline(PIPELINE.format(tmp_path / "none")), open_pipeline("nvarguscamerasrc sensor-id=0 ! appsink"):
        pass  # what is not there, and what names no device, is GStreamer's


def test_a_pipeline_holds_its_camera_until_it_is_closed(entry: Path, fake: FakePipeline) -> None:
    with open_pipeline(PIPELINE.format(DEVICE)) as camera:
        assert not is_free(entry)
        assert camera.read() is not None
        camera.close()
        assert is_free(entry)
    fake.fails = True
    with pytest.raises(SourceError, match="no frame came"):
        open_pipeline(PIPELINE.format(DEVICE))
    assert is_free(entry)
    fake.path = None
    with pytest.raises(SourceError, match="the pipeline does not start"):
        open_pipeline(PIPELINE.format(DEVICE))
    assert is_free(entry)


@pytest.mark.parametrize(
    ("pipeline", "devices"),
    [
        ("v4l2src device=/dev/video0 ! appsink", ["/dev/video0"]),
        ("v4l2src device = (string) /dev/video0 ! appsink", ["/dev/video0"]),
        ("""v4l2src device="/dev/my cam" ! x ! v4l2src device='/dev/b' ! appsink""", ["/dev/my cam", "/dev/b"]),
        ("nvv4l2camerasrc device=/dev/video0 ! v4l2src device=/dev/video0 ! appsink", ["/dev/video0"]),
        ("uridecodebin uri=v4l2:///dev/video1 ! appsink", ["/dev/video1"]),
        ("v4l2src ! appsink", []),
        ("alsasrc device=hw:0 ! appsink", []),
        ("v4l2src other-device=/dev/video0 ! appsink", []),
        ("nvarguscamerasrc sensor-id=0 ! appsink", []),
    ],
)
def test_the_devices_that_a_pipeline_names(pipeline: str, devices: list[str]) -> None:
    assert devices_of(pipeline) == devices


def test_what_cannot_be_held_is_looked_at_all_the_same(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry.unlink()
    Held(DEVICE).close()
    entry.touch()
    monkeypatch.setattr(held, "V4L2", 81)
    one = Held(DEVICE)
    assert is_free(entry)
    one.close()
    one.close()
