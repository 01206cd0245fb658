"""Checks of ``gst:`` against an OpenCV that was built with GStreamer; test_gstreamer.py looks at each of them.

Pip's OpenCV has no GStreamer, so they run in the system's Python with Debian's python3-opencv:

    inside_gstreamer.py all | CHECK

Where something is missing here it says so and ends with 3. ``all``: side by side; a line of JSON for each: its
name, and how it ended where that was wrong.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

CHECKS: dict[str, Callable[[], None]] = {}
TEST = "videotestsrc {} ! video/x-raw,format={},width=64,height=48,framerate=30/1"
SINK = "appsink drop=true max-buffers=1 sync=false"


def check(function: Callable[[], None]) -> Callable[[], None]:
    CHECKS[function.__name__] = function
    return function


def error_of(call: Callable[[], object], kind: type[Exception]) -> str:
    """What ``call`` must raise, in words."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def refused(source: str, *words: str) -> None:
    from edge.camera import open_camera
    from edge.errors import SourceError

    said = error_of(lambda: open_camera(source).close(), SourceError)
    assert all(word in said for word in words), said
    assert "\n" not in said


def bytes_of(pipeline: str) -> bytes:
    """What the pipeline makes, by GStreamer's own tool and without OpenCV."""
    with tempfile.NamedTemporaryFile() as file:
        command = f"gst-launch-1.0 -q {pipeline} ! filesink location={file.name}"
        subprocess.run(command.split(), check=True, timeout=20)
        return Path(file.name).read_bytes()


@check
def counts_arrive_bit_by_bit() -> None:
    import numpy as np

    from edge.camera import open_camera

    pipeline = TEST.format("num-buffers=4 pattern=smpte", "GRAY16_LE")
    truth = np.frombuffer(bytes_of(pipeline), "<u2").reshape(4, 48, 64)
    with open_camera(f"gst:{pipeline} ! appsink sync=false") as camera:
        assert (camera.live, camera.fps) == (False, 30.0)
        assert "finite stream, 64x48 16-bit grey, 30 fps, GSTREAMER" in camera.description, camera.description
        for i in range(4):
            frame = camera.read()
            assert frame is not None
            assert frame.seq == i
            assert frame.pixels.dtype == np.uint16
            assert np.array_equal(frame.pixels, truth[i])
        assert camera.read() is None
    assert (truth & 0xFF).any()  # so the low bytes were there to be lost

    swapped = TEST.format("num-buffers=4 pattern=smpte", "GRAY16_BE") + " ! videoconvert ! video/x-raw,format=GRAY16_LE"
    truth = np.frombuffer(bytes_of(TEST.format("num-buffers=4 pattern=smpte", "GRAY16_BE")), ">u2").reshape(4, 48, 64)
    with open_camera(f"gst:{swapped} ! appsink sync=false") as camera:
        for i in range(4):
            frame = camera.read()
            assert frame is not None
            assert np.array_equal(frame.pixels, truth[i])


@check
def live_counts() -> None:
    import numpy as np

    from edge.camera import LatestFrames, open_camera

    with open_camera(f"gst:{TEST.format('is-live=true pattern=snow', 'GRAY16_LE')} ! {SINK}") as camera:
        assert camera.live
        with LatestFrames(camera) as frames:
            seqs = [frame.seq for frame in (frames.get() for _ in range(10)) if frame]
            assert len(seqs) == 10
            assert frames.duplicates == 0
        frame = camera.read()
        assert frame is not None
        assert frame.pixels.dtype == np.uint16


@check
def brightness_of_planar_video() -> None:
    import numpy as np

    from edge.camera import open_camera

    for name in ("NV12", "I420"):
        pipeline = TEST.format("num-buffers=2", name)
        truth = np.frombuffer(bytes_of(pipeline), np.uint8).reshape(2, 72, 64)[:, :48]
        with open_camera(f"gst:{pipeline} ! appsink sync=false") as camera:
            for i in range(2):
                frame = camera.read()
                assert frame is not None
                assert np.array_equal(frame.pixels, truth[i])


@check
def what_is_no_grey_picture_is_refused() -> None:
    refused(f"gst:{TEST.format('', 'YUY2')} ! {SINK}", "packed YUV", "videoconvert")
    refused(f"gst:{TEST.format('', 'I420')} ! jpegenc ! {SINK}", "no 64x48 picture", "jpegdec")
    refused(f"gst:{TEST.format('', 'GRAY16_LE')} ! videoconvert ! {SINK}", "8-bit", "GRAY16_LE right before")
    refused(f"gst:{TEST.format('', 'RGB')} ! {SINK}", "does not start", "gst-launch-1.0")
    refused(f"gst:{TEST.format('', 'GRAY16_BE')} ! {SINK}", "big-endian", "format=GRAY16_LE")
    refused(f"gst:nosuchelement ! {SINK}", "does not start")
    refused("gst:videotestsrc ! fakesink", "ends in appsink")


@check
def a_pipeline_that_never_starts() -> None:
    """A sender that does not send: OpenCV before 4.7 waits for ever."""
    import edge.camera.live.timeout as timeout
    import edge.camera.streams as streams

    with patch.object(timeout, "OPEN_S", 1.0), patch.object(streams, "OPEN_TIMEOUT_MS", 500):
        refused(f"gst:udpsrc port=0 ! image/jpeg ! jpegdec ! {SINK}", "gst:udpsrc")


@check
def a_pipeline_that_stands_still() -> None:
    """Data stops without an end of stream: OpenCV before 4.7 waits for ever."""
    import edge.camera.live.timeout as timeout
    import edge.camera.streams as streams
    from edge.camera import open_camera
    from edge.errors import CameraError

    read, write = os.pipe()  # stays open: no end of stream
    os.write(write, bytes(range(256)) * 24 * 5)  # 5 frames
    caps = "rawvideoparse format=gray16-le width=64 height=48 framerate=30/1 ! video/x-raw,format=GRAY16_LE"
    source = f"gst:fdsrc fd={read} blocksize=6144 do-timestamp=true ! {caps} ! {SINK}"
    stalls = patch.object(timeout, "STALL_S", 1.0), patch.object(streams, "READ_TIMEOUT_MS", 500)
    with stalls[0], stalls[1], open_camera(source, reconnect_s=0) as camera:
        start = time.monotonic()
        said = error_of(lambda: [camera.read() for _ in range(9)], CameraError)
        assert "nothing for" in said, said
        assert time.monotonic() - start < 10  # not OpenCV's 30 s


@check
def rtsp_through_gstreamer() -> None:
    """As on a Jetson, with a software decoder: lost with its server, and back with it.

    OpenCV before 4.7 waits for ever where the server goes away while it opens: the time limit is for that too.
    """
    import edge.camera.live.reconnect as reconnect
    import edge.camera.live.timeout as timeout
    from edge.camera import open_camera
    from tests.support.scripted_camera import hearing

    port = "0"

    def serve() -> subprocess.Popen[str]:
        nonlocal port
        script = Path(__file__).with_name("rtsp_server.py")
        process = subprocess.Popen(
            [sys.executable, str(script), port, "320", "256", "30"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        port = process.stdout.readline().strip()
        return process

    servers = [serve()]
    source = (
        f"gst:rtspsrc location=rtsp://user:secret@127.0.0.1:{port}/cam protocols=tcp latency=0 "
        "drop-on-latency=true ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! "
        f"video/x-raw,format=GRAY8 ! {SINK}"
    )
    lines: list[str] = []
    try:
        # 20 s were not enough to start the sender where others compute, too; to come back it has many tries
        slow, quick = (patch.object(timeout, "OPEN_S", limit) for limit in (90.0, 3.0))
        delay = patch.object(reconnect, "FIRST_DELAY_S", 0.2)
        with delay, slow, hearing(lines.append), open_camera(source) as camera, quick:
            assert "secret" not in camera.description
            for _ in range(5):
                assert camera.read() is not None
            end(servers[0])
            threading.Timer(0.3, lambda: servers.append(serve())).start()
            while not any("camera back" in line for line in lines):
                frame = camera.read()
            assert frame is not None
            assert frame.pixels.shape == (256, 320)
            assert camera.read() is not None
    finally:
        for server in servers:
            end(server)
    assert not any("secret" in line for line in lines), lines


def end(process: subprocess.Popen[str]) -> None:
    with process:
        process.kill()


def missing() -> str:
    """What is missing here to run the checks."""
    try:
        import cv2

        import edge.camera  # noqa: F401
        from edge.camera.gstreamer import has_gstreamer
    except ImportError as error:
        return f"the system's Python has no {error.name}"
    return "" if has_gstreamer() else f"OpenCV {cv2.__version__} here has no GStreamer"


def run_all() -> None:
    """Each in a process of its own, forked from this one, where GStreamer has not begun: only this one starts up.

    They run side by side: most of them wait.
    """
    gc.freeze()  # no check looks through, and so copies, what all have
    running = []
    for name, function in CHECKS.items():
        said = tempfile.TemporaryFile()  # noqa: SIM115  closed below
        process = os.fork()
        if not process:
            for stream in (1, 2):
                os.dup2(said.fileno(), stream)
            signal.alarm(60)  # ends it also where it hangs in C
            function()
            return
        running.append((name, process, said))
    for name, process, said in running:
        _, status = os.waitpid(process, 0)
        with said:
            said.seek(0)
            wrong = f"{os.waitstatus_to_exitcode(status)}: {said.read().decode()}" if status else ""
        print(json.dumps([name, wrong]), flush=True)


if __name__ == "__main__":
    if why := missing():
        print(why)
        sys.exit(3)
    if sys.argv[1] == "all":
        run_all()
    else:
        CHECKS[sys.argv[1]]()
