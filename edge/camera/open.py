"""From a source string to a camera. A new kind of source is one file and one row of `KINDS`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from importlib import import_module
from typing import NamedTuple

from edge.camera.options import Source, split_query
from edge.errors import SourceError
from edge.seams import Camera


class Kind(NamedTuple):
    """One kind of source.

    ``marks``: how it is told: what stands before the colon (``sim:``), or of a path how it begins (``/dev/``), how it
    ends (``.png``), that it is a folder (``/``), or "" for every other file. ``module``: its file, imported when it is
    used, whose ``open_source(source: Source) -> Camera`` opens it. ``written``: how, for messages; "" = said already.
    """

    marks: tuple[str, ...]
    module: str
    written: str


KINDS = (
    Kind(("",), "edge.camera.video", "a video file"),
    Kind((".cptv",), "edge.camera.cptv", ""),
    Kind(
        ("/", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy"),
        "edge.camera.stills",
        "an image, a folder of images",
    ),
    Kind(("/dev/",), "edge.camera.v4l2", "/dev/videoN?format=Y16&width=W&height=H&fps=F"),
    Kind(("sim:",), "edge.camera.simulated", "sim:..."),
    Kind(("rec:",), "edge.recording.replay", "rec:FOLDER"),
    Kind(("gst:",), "edge.camera.gstreamer", "gst:PIPELINE"),
    Kind(
        ("rtsp:", "rtsps:", "http:", "https:", "udp:", "rtp:", "tcp:", "srt:", "rtmp:"),
        "edge.camera.network",
        "rtsp://..., http(s)://..., udp://...",
    ),
)


def open_camera(source: str | os.PathLike[str], reconnect_s: float | None = None) -> Camera:
    """Open what ``source`` names; the caller closes it (``with open_camera(...) as camera``).

    - ``FILE.mp4``, ``FILE.avi``, ...: every frame of a video; ``?live=1`` plays it at its own speed
    - ``FILE.cptv``: every frame of a CPTV video, raw counts; ``?live=1`` likewise
    - ``FOLDER`` or ``IMAGE.png``: stills in natural order (PNG, JPEG, TIFF, BMP, NPY; 8 or 16 bit). A DJI
      R-JPEG gives its raw counts, with ``?raw=0`` its picture. ``?fps=5`` names their rate, ``&live=1``
      plays them at it
    - ``/dev/video0?format=Y16&width=640&height=512&fps=30``: a V4L2 camera; ``format=Y16`` is raw counts.
      ``camera=boson|lepton|infiray``: what is known of it (edge/camera/devices/profiles.py); ``kelvin=0.01``: a count's
      worth; ``endian=big``: the high byte comes first
    - ``rtsp://...`` and other network streams; their ``?`` belongs to the server
    - ``gst:PIPELINE``: GStreamer, ends in ``appsink``
    - ``sim:...``: a simulated flight
    - ``rec:FOLDER``: a flight that --record wrote, as fast as it is read; ``?live=1`` at its own pace

    A camera or stream that is lost is looked for and opened again, for at most ``reconnect_s`` seconds each
    time; None: until it is back; 0: never, its loss is a CameraError. Each loss and return is logged as a warning
    (`logging`, below "edge"). Files are not opened again.

    Raises SourceError, in one line, for anything that cannot be opened as asked.
    """
    text = os.fspath(source)
    known = ", ".join(kind.written for kind in KINDS if kind.written)
    if not text:
        raise SourceError(f"the source is empty; expected {known}")
    if "\x00" in text:
        raise SourceError(f"source {text!r} has a NUL character in it; expected {known}")
    module_of = {mark: kind.module for kind in KINDS for mark in kind.marks}
    mark = _mark(text, module_of.keys(), known)
    try:
        module = import_module(module_of[mark])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "edge":
            raise
        raise SourceError(f"source {text!r}: {error}") from error
    rest = text[len(mark) :] if mark.endswith(":") else text
    camera: Camera = module.open_source(Source(text, rest, reconnect_s))
    return camera


def _mark(text: str, marks: Collection[str], known: str) -> str:
    """By which of ``marks`` the source is told. Raises SourceError where there is none, or no such file."""
    if os.path.isfile(text) or os.path.isdir(text):
        return _mark_of_path(text, marks)  # a file may have a colon or a question mark in its name
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text)
    if scheme:
        mark = scheme[0].lower()
        if mark not in marks:
            raise SourceError(f"source {text!r}: no source begins with '{mark}'; expected {known}")
        return mark
    path, _ = split_query(text)
    if path.startswith("/dev/") and not (os.path.isfile(path) or os.path.isdir(path)):
        return "/dev/"
    if not os.path.exists(path):
        hint = f"; a camera is /dev/video{path}" if path.isdecimal() else ""
        raise SourceError(f"source {path!r}: no such file or folder{hint}; expected {known}")
    return _mark_of_path(path, marks)


def _mark_of_path(path: str, marks: Collection[str]) -> str:
    ending = os.path.splitext(path)[1].lower()
    return "/" if os.path.isdir(path) else ending if ending in marks else ""
