"""RTSP over TCP from a real server (GStreamer's, in a process of its own) into OpenCV's FFmpeg."""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import edge.camera.live.reconnect as reconnect
import edge.camera.streams as streams
from edge.camera import LatestFrames, open_camera
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from tests.support.rtsp_server import ACROSS, BRIGHT, DARK, DOWN
from tests.support.scripted_camera import outages_of
from tests.support.streams import WAIT_S, RtspServer, rtsp_missing


@pytest.fixture(scope="module")
def can_serve() -> None:
    if why := rtsp_missing():
        pytest.skip(why)


@pytest.fixture
def server(can_serve: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[RtspServer]:
    monkeypatch.setattr(reconnect, "FIRST_DELAY_S", 0.1)
    # how long silence may last is the matter of one test alone; a busy machine holds up a server that begins to encode
    monkeypatch.setattr(streams, "READ_TIMEOUT_MS", 1000 * round(WAIT_S))
    started = RtspServer()
    yield started
    started.kill()


def made_ms(frame: Frame) -> int:
    """When the picture was made; fails where it is not whole."""
    assert frame.pixels.dtype == np.uint8
    h, w = frame.height // DOWN, frame.width // ACROSS
    blocks = frame.pixels.reshape(DOWN, h, ACROSS, w).mean((1, 3)).ravel()
    assert np.all(np.minimum(abs(blocks - BRIGHT), abs(blocks - DARK)) < 25)
    return sum(1 << i for i, block in enumerate(blocks) if block > (BRIGHT + DARK) / 2)


def take(camera: object, n: int) -> list[Frame]:
    frames = [camera.read() for _ in range(n)]  # type: ignore[attr-defined]
    return [frame for frame in frames if frame is not None]


def test_every_picture_arrives_once_and_in_order_until_the_server_dies(server: RtspServer) -> None:
    with open_camera(server.url, reconnect_s=0) as camera:
        assert camera.description.startswith(f"{server.url}: stream, 320x256 8-bit grey, ")
        assert camera.fps == pytest.approx(30, abs=0.1)  # FFmpeg's guess
        frames = take(camera, 20)
        server.kill()
        with pytest.raises(CameraError, match="the stream stopped after"):
            take(camera, 1000)
    made = [made_ms(frame) for frame in frames]
    assert made == sorted(set(made))
    assert [frame.seq for frame in frames] == list(range(20))


def test_the_newest_picture_however_slow_the_detector(server: RtspServer) -> None:
    with open_camera(server.url) as camera, LatestFrames(camera) as frames:
        start, made = time.monotonic(), []
        for _ in range(7):
            if made:
                time.sleep(0.2)
            frame = frames.get()
            assert frame is not None
            made.append(made_ms(frame))
        elapsed_ms = (time.monotonic() - start) * 1000
        assert frames.dropped > 6
    assert made[-1] - made[0] > elapsed_ms / 2  # a queue gives picture after picture: 7 of them are 0.2 s


def test_server_killed_and_started_again(server: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    with open_camera(server.url) as camera:
        before = take(camera, 5)
        server.kill()
        threading.Timer(0.3, server.start).start()
        while not any("camera back" in line for line in caplog.messages):
            after = take(camera, 1)
        assert made_ms(after[0]) > made_ms(before[-1])
        assert outages_of(camera) == 1
        assert camera.lost_s > 0.3  # type: ignore[attr-defined]
        seqs = [frame.seq for frame in take(camera, 3)]
        assert seqs == [after[0].seq + 1 + i for i in range(3)]
    assert "the stream stopped" in caplog.messages[0]


def test_server_that_goes_silent(server: RtspServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_TIMEOUT_MS", 2000)  # longer than a busy machine holds up a server
    with open_camera(server.url, reconnect_s=0) as camera:
        take(camera, 5)
        server.process.send_signal(signal.SIGSTOP)  # the connection stays open
        with pytest.raises(CameraError, match="nothing for 2 s"):
            take(camera, 1000)


def test_server_that_comes_back_with_another_size(server: RtspServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "DIFFERENT", 1)
    with open_camera(server.url) as camera:
        take(camera, 5)
        server.kill()
        server.start(width=160, height=128)
        with pytest.raises(CameraError, match=r"came back different.*160x128 8-bit, before it was 320x256 8-bit"):
            take(camera, 1000)


class Cut:
    """A proxy on the way to the server that breaks each connection after so many bytes, inside a picture."""

    def __init__(self, port: int, limits: list[int]) -> None:
        self._port, self._limits = port, limits
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cuts = 0
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            limit = self._limits.pop(0) if self._limits else 1 << 60
            server = socket.create_connection(("127.0.0.1", self._port))
            for job in (self._up, self._down):
                self._threads.append(threading.Thread(target=job, args=(client, server, limit), daemon=True))
                self._threads[-1].start()

    def _up(self, client: socket.socket, server: socket.socket, _limit: int) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
        except OSError:
            pass
        server.close()
        client.close()

    def _down(self, client: socket.socket, server: socket.socket, limit: int) -> None:
        try:
            while limit and (data := server.recv(min(limit, 65536))):
                limit -= len(data)
                client.sendall(data)
        except OSError:
            pass
        self.cuts += limit == 0
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the other thread

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(WAIT_S)


def opened_before_the_cut(port: int) -> tuple[Cut, Camera]:
    """On a busy machine the cut may come before the first picture is read: then it is tried again."""
    for _ in range(5):
        cut = Cut(port, [8_011])
        try:
            return cut, open_camera(f"rtsp://127.0.0.1:{cut.port}/cam")
        except SourceError:
            cut.close()
    raise AssertionError("five times no first picture")


def test_session_cut_inside_a_picture(server: RtspServer) -> None:
    """What was cut in two is at most the last picture before the outage; nothing of before comes again after it."""
    cut, camera = opened_before_the_cut(server.port)
    try:
        with camera:
            frames = take(camera, 1)
            while outages_of(camera) < 1 or camera.away:  # type: ignore[attr-defined]
                frames += take(camera, 1)
            frames += take(camera, 5)
            assert cut.cuts == 1
            outages = outages_of(camera)  # a busy machine may have had another one
    finally:
        cut.close()
    lasts = [i for i, (a, b) in enumerate(itertools.pairwise(frames)) if b.seq - a.seq > 1]
    assert 1 <= len(lasts) <= outages
    made = [made_ms(frame) for i, frame in enumerate(frames) if i not in lasts]
    assert made == sorted(set(made))
