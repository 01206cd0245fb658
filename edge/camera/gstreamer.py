"""GStreamer pipelines that end in an appsink: any camera that GStreamer knows."""

from __future__ import annotations

import os
import re

import cv2
import numpy as np

from edge.camera.capture import Capture, RefusedError
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


def open_source(source: Source) -> Camera:
    """``gst:PIPELINE``."""
    return keep_open(lambda: open_pipeline(source.rest), without_password(source.text), source.reconnect_s)


def open_pipeline(pipeline: str) -> StreamCamera:
    """Open a GStreamer pipeline that ends in an appsink; ``GRAY16_LE`` arrives as raw counts.

    Raises SourceError where this OpenCV has no GStreamer or the pipeline does not start.
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
    capture = Capture(pipeline, cv2.CAP_GSTREAMER, timeouts() if HAS_TIMEOUTS else ())
    if not capture.opened:
        raise SourceError(f"{name}: the pipeline does not start; try it with: gst-launch-1.0 {name[4:]}")
    camera = StreamCamera(capture, name, live=FINITE_PIPELINE.search(pipeline) is None)
    if formats and formats[-1].startswith("GRAY16") and camera.dtype == np.uint8:
        camera.close()
        raise RefusedError(
            f"{name}: 8-bit grey arrives though the pipeline makes {formats[-1]}: a later element converts it; "
            "expected video/x-raw,format=GRAY16_LE right before appsink, without videoconvert"
        )
    return camera


def has_gstreamer() -> bool:
    """Whether this OpenCV was built with GStreamer."""
    return re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()) is not None
