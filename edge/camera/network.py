"""Network streams (RTSP, HTTP, UDP, ...) through OpenCV's FFmpeg."""

from __future__ import annotations

import logging
import os
from urllib.parse import parse_qs

import cv2

from edge.camera import streams
from edge.camera.capture import Capture
from edge.camera.live.reconnect import keep_open
from edge.camera.options import VIEW_KEYS, Source
from edge.camera.streams import StreamCamera
from edge.errors import SourceError, without_password
from edge.seams import Camera

logger = logging.getLogger(__name__)
OURS = frozenset(VIEW_KEYS) - {"camera"}  # which many servers have too: camera=1


def open_source(source: Source) -> Camera:
    """``rtsp://...``, ``http(s)://...``, ``udp://...`` and what else FFmpeg knows; the ``?`` belongs to the server.

    Raises SourceError.
    """
    if "://" not in source.text:
        raise SourceError(f"source {without_password(source.text)!r}: expected two slashes, as in rtsp://HOST/PATH")
    if sent := sorted(OURS & parse_qs(source.text.partition("?")[2], keep_blank_values=True).keys()):
        logger.warning(
            "%s: %s after the ? goes to the server and is not used here; to use it here, write it at the end after a #",
            without_password(source.text),
            " and ".join(f"{key}=" for key in sent),
        )
    return keep_open(lambda: open_network(source.text), without_password(source.text), source.reconnect_s)


def open_network(url: str) -> StreamCamera:
    """Open a stream; RTSP goes over TCP, as UDP loses whole frames.

    Raises SourceError where nothing answers in time.
    """
    # OpenCV's own default lets the server choose UDP
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    parameters = streams.timeouts()
    if hasattr(cv2, "CAP_PROP_N_THREADS"):  # each decoding thread but the first holds back a frame
        parameters += [cv2.CAP_PROP_N_THREADS, 1]
    capture = Capture(url, cv2.CAP_FFMPEG, parameters)
    name = without_password(url)
    if not capture.opened:
        raise SourceError(
            f"{name}: nothing to read there (waited at most {streams.OPEN_TIMEOUT_MS / 1000:g} s); expected a video "
            f"stream that FFmpeg knows. Check address, port and path with: ffprobe {name}"
        )
    # a recording on a web server has an end, and waits to be read
    return StreamCamera(capture, name, live=not (url.startswith("http") and capture.count))
