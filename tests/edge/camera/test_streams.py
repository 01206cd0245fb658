"""Network streams against servers of our own, GStreamer against a fake, and closing under a blocked read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.camera.live.reconnect as reconnect
import edge.camera.streams as streams
from edge.camera.capture import Capture
from edge.camera.open import open_camera
from edge.errors import CameraError, SourceError
from tests.support.streams import FakePipeline, clip, http_server

WAIT_S = 10.0
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with http_server() as start:
        yield start


def test_stream_that_ends_is_a_failure(tmp_path: Path, serve: Serve) -> None:
    address = serve(clip(tmp_path / "a.ts", "MPEG"))
    with open_camera(f"http://{address}/a.ts", reconnect_s=0) as camera:
        assert (camera.live, camera.frames) == (True, None)
        assert "stream, 64x48 8-bit grey" in camera.description
        # the first of 40 went into checking what comes
        assert [frame.seq for frame in (camera.read() for _ in range(39)) if frame] == list(range(39))
        with pytest.raises(CameraError, match="the stream stopped after 39 frames"):
            camera.read()


def test_stream_that_breaks_off_is_opened_again(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reconnect, "FIRST_DELAY_S", 0.01)
    body = clip(tmp_path / "a.ts", "MPEG")
    address = serve(body[: len(body) // 2 + 77])
    with open_camera(f"http://user:secret@{address}/a.ts") as camera:
        while not any(line.startswith("camera back") for line in caplog.messages):
            frame = camera.read()
        assert frame is not None
        assert frame.pixels.max() < 40  # the clip grows brighter: this is its beginning again
    assert caplog.messages[0].startswith(f"camera lost: http://user:***@{address}/a.ts: the stream stopped after")
    assert not any("secret" in line for line in caplog.messages)


def test_stream_that_goes_silent(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_TIMEOUT_MS", 150)
    address = serve(clip(tmp_path / "a.ts", "MPEG"), hang_up=False)
    with (
        open_camera(f"http://{address}/a.ts", reconnect_s=0) as camera,
        pytest.raises(CameraError, match="nothing for 0.15 s"),
    ):
        list(iter(camera.read, None))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_server_that_never_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(streams, "OPEN_TIMEOUT_MS", 150)
    address = serve(None)
    with pytest.raises(SourceError, match=r"nothing to read there \(waited at most 0.15 s\)"):
        open_camera(f"{scheme}://{address}/x")


def test_nobody_there_and_no_password_in_the_message() -> None:
    with pytest.raises(SourceError) as caught:
        open_camera("rtsp://user:secret@127.0.0.1:9/cam")
    assert "rtsp://user:***@127.0.0.1:9/cam: nothing to read there" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   NO\n")
    with pytest.raises(SourceError, match=r"without GStreamer.*apt install python3-opencv.*--system-site-packages"):
        open_camera("gst:videotestsrc ! appsink")


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakePipeline]:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   YES (1.20.3)\n")

    def make(*arguments: Any, **options: Any) -> FakePipeline:
        fake = FakePipeline(*arguments, **options)
        monkeypatch.setattr(cv2, "VideoCapture", fake)
        return fake

    return make


RAW = [np.full((6, 8), 7000 + i, np.uint16) for i in range(3)]


def test_live_pipeline_keeps_16_bit_and_its_stop_is_a_failure(pipeline: Callable[..., FakePipeline]) -> None:
    fake = pipeline(RAW)
    with open_camera("gst:v4l2src ! video/x-raw,format=GRAY16_LE ! appsink drop=true", reconnect_s=0) as camera:
        assert fake.source == "v4l2src ! video/x-raw,format=GRAY16_LE ! appsink drop=true"
        assert camera.live
        frames = [camera.read(), camera.read()]
        with pytest.raises(CameraError, match="the stream stopped after 2 frames"):
            camera.read()
    for i, frame in enumerate(frames):
        assert frame is not None
        assert frame.seq == i
        assert np.array_equal(frame.pixels, RAW[i + 1])
    assert fake.released


def test_finite_pipeline_gives_every_frame_and_ends(pipeline: Callable[..., FakePipeline]) -> None:
    pipeline(RAW)
    with open_camera("gst:filesrc location=a.mkv ! decodebin ! appsink") as camera:
        assert not camera.live
        frames = [camera.read() for _ in range(4)]
    assert [frame and frame.seq for frame in frames] == [0, 1, 2, None]


def test_pipelines_that_give_nothing_usable(pipeline: Callable[..., FakePipeline]) -> None:
    with pytest.raises(SourceError, match="expected a pipeline that ends in appsink"):
        open_camera("gst:videotestsrc ! autovideosink")
    pipeline([], opens=False)
    with pytest.raises(SourceError, match="the pipeline does not start"):
        open_camera("gst:broken ! appsink")
    fake = pipeline([])
    with pytest.raises(SourceError, match="no frame came"):
        open_camera("gst:v4l2src ! appsink")
    assert fake.released
    pipeline([*RAW, RAW[0][:4]])
    with open_camera("gst:v4l2src ! appsink", reconnect_s=0) as camera:
        camera.read()
        camera.read()
        with pytest.raises(CameraError, match="is 8x4, those before it were 8x6"):
            camera.read()
    pipeline([RAW[0], RAW[1], None])
    with open_camera("gst:v4l2src ! appsink", reconnect_s=0) as camera:
        camera.read()
        with pytest.raises(CameraError, match="could not be decoded"):
            camera.read()


def test_release_waits_for_the_thread_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV would free what a blocked grab is using."""
    inside, let_go = threading.Event(), threading.Event()
    log: list[str] = []

    class Slow(FakePipeline):
        def grab(self) -> bool:
            inside.set()
            assert let_go.wait(WAIT_S)
            log.append("grab ends")
            return True

        def release(self) -> None:
            log.append("release")

    monkeypatch.setattr(cv2, "VideoCapture", Slow(RAW))
    capture = Capture("x", cv2.CAP_GSTREAMER)
    reader = threading.Thread(target=capture.grab)
    reader.start()
    assert inside.wait(WAIT_S)
    start = time.monotonic()
    capture.release()
    assert time.monotonic() - start < WAIT_S / 2
    assert log == []
    let_go.set()
    reader.join(WAIT_S)
    assert log == ["grab ends", "release"]
    assert not capture.grab()
    assert capture.retrieve() is None
