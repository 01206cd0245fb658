"""GStreamer pipelines that end in an appsink: any camera that GStreamer knows."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress

import cv2
import numpy as np

from edge.camera.capture import Capture, RefusedError
from edge.camera.devices.held import Held
from edge.camera.live.reconnect import keep_open
from edge.camera.options import Source
from edge.camera.streams import StreamCamera, timeouts
from edge.errors import SourceError, without_password
from edge.seams import Camera

# before that (Debian 12 has 4.6) it refuses to open when given any (opencv/opencv#22919)
HAS_TIMEOUTS = tuple(int(part) for part in cv2.__version__.split(".")[:2]) >= (4, 7)
PIPELINE_FORMAT = re.compile(r"format\s*=\s*(?:\(string\))?\s*(\w+)")
# such a pipeline ends by itself; any other is a camera, and its end is a failure
FINITE_PIPELINE = re.compile(r"\bfilesrc\b|\bmultifilesrc\b|file://|\bnum-buffers\s*=")


# what names a device: v4l2src, nvv4l2camerasrc and others by a property, a decoder by the URI of one
DEVICE = re.compile(
    r"""(?<![\w-])device\s*=\s*(?:\(string\)\s*)?(?:"([^"]*)"|'([^']*)'|(\S+))|v4l2://(/[^\s"']+)""",
)


class PipelineCamera(StreamCamera):
    """The frames of a pipeline. ``held``: its devices, which no other process may have before it is closed."""

    held: ExitStack | None = None

    def close(self) -> None:
        """Stop the pipeline, and let others have its devices. May be called twice."""
        super().close()
        if self.held is not None:
            self.held.close()


def open_source(source: Source) -> Camera:
    """``gst:PIPELINE``."""
    return keep_open(lambda: open_pipeline(source.rest), without_password(source.text), source.reconnect_s)


def open_pipeline(pipeline: str) -> StreamCamera:
    """Open a GStreamer pipeline that ends in an appsink; ``GRAY16_LE`` arrives as raw counts.

    V4L2 devices that it names are held as those of a ``/dev/video*`` source are.

    Raises SourceError where this OpenCV has no GStreamer, where the pipeline does not start, and where another process
    has its device.
    """
    name = without_password(f"gst:{pipeline}")
    if not has_gstreamer():
        raise SourceError(
            f"{name}: this OpenCV ({cv2.__version__}, {os.path.dirname(cv2.__file__)}) was built without "
            "GStreamer, as all pip wheels are; expected the system's: JetPack's own on a Jetson, elsewhere apt install "
            "python3-opencv; make the environment with --system-site-packages, and pip uninstall "
            "opencv-python from it"
        )
    if not re.search(r"\bappsink\b", pipeline):
        raise SourceError(
            f"{name}: expected a pipeline that ends in appsink, for example "
            "'... ! appsink drop=true max-buffers=1 sync=false'"
        )
    formats = PIPELINE_FORMAT.findall(pipeline)
    if formats and formats[-1] == "GRAY16_BE":  # OpenCV takes it, and hands each count over with its bytes swapped
        raise SourceError(
            f"{name}: its counts are big-endian, expected GRAY16_LE: put ! videoconvert ! "
            "video/x-raw,format=GRAY16_LE ! before appsink, which loses nothing"
        )
    with ExitStack() as stack:
        for device in devices_of(pipeline):
            with suppress(OSError):  # it is not there: the pipeline does not start, and says so
                stack.callback(Held(device).close)
        capture = Capture(pipeline, cv2.CAP_GSTREAMER, timeouts() if HAS_TIMEOUTS else ())
        if not capture.opened:
            raise SourceError(f"{name}: the pipeline does not start; try it with: gst-launch-1.0 {name[4:]}")
        finite = FINITE_PIPELINE.search(pipeline) is not None
        camera = PipelineCamera(capture, name, live=not finite)
        camera.held = stack.pop_all()
    if formats and formats[-1].startswith("GRAY16") and camera.dtype == np.uint8:
        camera.close()
        raise RefusedError(
            f"{name}: 8-bit grey arrives though the pipeline makes {formats[-1]}: a later element converts it; "
            "expected video/x-raw,format=GRAY16_LE right before appsink, without videoconvert"
        )
    return camera


def devices_of(pipeline: str) -> list[str]:
    """The devices that a pipeline names, each once. One that names none, as of ``nvarguscamerasrc``, has none here."""
    named = ["".join(groups) for groups in DEVICE.findall(pipeline)]
    return list(dict.fromkeys(path for path in named if path.startswith("/")))


def has_gstreamer() -> bool:
    """Whether this OpenCV was built with GStreamer."""
    return re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()) is not None
