"""Senders of streams, real and fake: an HTTP server, an RTSP server, and cv2.VideoCapture on a GStreamer pipeline."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.conftest import ROOT
from tests.support.children import popen, run_child

WAIT_S = 20.0
SYSTEM_PYTHON = shutil.which("python3", path=os.defpath)
NEEDS = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-ugly python3-gi"


def clip(path: Path, codec: str, n: int = 40) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 10.0, (64, 48))
    for i in range(n):
        writer.write(np.full((48, 64, 3), 5 * i, np.uint8))
    writer.release()
    return path.read_bytes()


@contextmanager
def http_server() -> Iterator[Callable[[bytes | None, bool], str]]:
    """Starts a server: sends the body over HTTP, then hangs up or goes silent; None: it never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()
    threads: list[threading.Thread] = []

    def start(body: bytes | None, hang_up: bool = True) -> str:
        def answer() -> None:
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(9999)
                    if body is not None:
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
                    if body is None or not hang_up:
                        done.wait(WAIT_S)

        threads.append(threading.Thread(target=answer))
        threads[-1].start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    try:
        yield start
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(WAIT_S)


class FakePipeline:
    """cv2.VideoCapture on a GStreamer pipeline that gives ``pictures`` and then stops."""

    def __init__(self, pictures: list[Any], opens: bool = True) -> None:
        self.pictures, self.opens, self.released = list(pictures), opens, False

    def __call__(self, source: str, api: int, parameters: list[int]) -> FakePipeline:
        assert api == cv2.CAP_GSTREAMER
        self.source = source
        return self

    def isOpened(self) -> bool:
        return self.opens

    def getBackendName(self) -> str:
        return "GSTREAMER"

    def get(self, what: int) -> float:
        return 30.0 if what == cv2.CAP_PROP_FPS else -1.0

    def grab(self) -> bool:
        return bool(self.pictures)

    def retrieve(self) -> tuple[bool, Any]:
        picture = self.pictures.pop(0)
        return picture is not None, picture

    def release(self) -> None:
        self.released = True


@functools.cache
def rtsp_missing() -> str:
    """What the server lacks here."""
    probe = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None); "
        "exit(Gst.ElementFactory.find('x264enc') is None)"
    )
    if SYSTEM_PYTHON and run_child([SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode == 0:
        return ""
    return f"needs GStreamer's RTSP server for the system's Python (Debian: apt install {NEEDS})"


class RtspServer:
    """rtsp_server.py on a port of its own, to be killed, frozen and started again."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self, width: int = 320, height: int = 256) -> None:
        """Starts it; on the port it had, if it had one, which another program may hold for a moment."""
        script, until = ROOT / "tests/support/rtsp_server.py", time.monotonic() + WAIT_S
        port = ""
        while not port:
            assert time.monotonic() < until, f"no RTSP server could be started on port {self.port}"
            self.process = popen(
                [str(SYSTEM_PYTHON), str(script), str(self.port), str(width), str(height), "30"],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self.process.stdout
            port = self.process.stdout.readline()
            if not port:
                self.process.communicate(timeout=WAIT_S)
                time.sleep(0.2)
        self.port = int(port)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=WAIT_S)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam"
