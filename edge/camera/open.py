"""From a source string to a camera. A new kind of source is one file and one row of `KINDS`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

from edge.camera.images.filetype import IMAGES, OTHER_IMAGES, VIDEO, kind_of_file
from edge.camera.images.jpeg import more_jpegs_follow
from edge.camera.options import PROFILE_KEYS, VIEW_KEYS, Source, split_query
from edge.camera.view.looked_at import LookedAt
from edge.camera.view.options import take_view
from edge.errors import SourceError
from edge.seams import Camera


class Kind(NamedTuple):
    """One kind of source.

    ``marks``: how it is told: what stands before the colon (``sim:``), or of a path how it begins (``/dev/``), how it
    ends (``.png``), that it is a folder (``/``), or "" for every other file. ``module``: its file, imported when it is
    used, whose ``open_source(source: Source) -> Camera`` opens it. ``written``: how, for messages; "" = said already.
    ``before``: what stands before the options of how its picture is looked at (`edge.camera.view`). ``keys``: those
    that are taken here: a V4L2 camera must know its profile to be opened, raw frames their byte order.
    """

    marks: tuple[str, ...]
    module: str
    written: str
    before: str = "?"
    keys: tuple[str, ...] = VIEW_KEYS


KINDS = (
    Kind(("",), "edge.camera.video", "a video file"),
    Kind((".cptv",), "edge.camera.cptv", ""),
    Kind(
        ("/", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy"),
        "edge.camera.stills",
        "an image, a folder of images",
    ),
    Kind(
        ("?width=",),
        "edge.camera.raw_counts",
        "raw frames as FILE?width=W&height=H&format=Y16",
        keys=tuple(key for key in VIEW_KEYS if key != "endian"),
    ),
    Kind(
        ("/dev/",),
        "edge.camera.v4l2",
        "/dev/videoN?format=Y16&width=W&height=H&fps=F",
        keys=tuple(key for key in VIEW_KEYS if key not in PROFILE_KEYS),
    ),
    Kind(("sim:",), "edge.camera.simulated", "sim:..."),
    Kind(("rec:",), "edge.recording.replay", "rec:FOLDER"),
    Kind(("gst:",), "edge.camera.gstreamer", "gst:PIPELINE", "#"),
    Kind(
        ("rtsp:", "rtsps:", "http:", "https:", "udp:", "rtp:", "tcp:", "srt:", "rtmp:"),
        "edge.camera.network",
        "rtsp://..., http(s)://..., udp://...",
        "#",
    ),
)


BY_CONTENT = frozenset({"", ".cptv", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy"})
"""Endings of names that mean less than the first bytes of a file."""


def open_camera(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], reconnect_s: float | None = None
) -> Camera:
    """Open what ``source`` names; the caller closes it (``with open_camera(...) as camera``).

    - ``FILE.mp4``, ``FILE.avi``, ...: every frame of a video; ``?live=1`` plays it at its own speed
    - ``FILE.cptv``: every frame of a CPTV video, raw counts; ``?live=1`` likewise
    - ``FILE.bin?width=160&height=120&format=Y16``: raw frames without a header (edge/camera/raw_counts.py)
    - ``FOLDER`` or ``IMAGE.png``: stills in natural order (PNG, JPEG, TIFF, BMP, NPY; what a file is its content
      says). A radiometric JPEG (DJI, FLIR) gives its raw counts, with ``?raw=0`` its picture; float temperatures become
      counts of 0.01 K (``?unit=celsius|kelvin``). ``?fps=5`` names their rate, ``&live=1`` plays them at it; without a
      rate each is looked at as the first. Of a folder ``?match=*_T.JPG``, ``recursive=1``,
      ``order=natural|decimal|name|time``, ``skip_bad=1``. Several files and folders, in the order given: a sequence of
      them; its last item may be ``?...``, the options of all
    - ``/dev/video0?format=Y16&width=640&height=512&fps=30``: a V4L2 camera; ``format=Y16`` is raw counts
    - ``rtsp://...`` and other network streams; their ``?`` belongs to the server
    - ``gst:PIPELINE``: GStreamer, ends in ``appsink``
    - ``sim:...``: a simulated flight
    - ``rec:FOLDER``: a flight that --record wrote, as fast as it is read; ``?live=1`` at its own pace,
      ``?segments=4-7`` only those of its files

    How its picture is looked at, behind the ``?`` of every kind; behind a URL and a pipeline, whose ``?`` is not ours,
    behind a ``#`` at the end (``rtsp://HOST/PATH#crop=0,0,640,512``). Done in this order:

    - ``camera=boson|lepton|infiray``: what is known of that camera: telemetry rows, the raw half, the scale
      (edge/camera/devices/profiles.py); ``endian=big``: the high byte comes first; ``kelvin=0.01``: a count's worth
    - ``crop=x,y,w,h``: only this part, pixels; boxes, videos and recordings are in its pixels
    - ``palette=black-hot``: an 8-bit picture whose hot is black is inverted
    - ``mask=FILE.png``: black where not to look, of the size of the crop or of the whole picture

    A camera or stream that is lost is looked for and opened again, for at most ``reconnect_s`` seconds each
    time; None: until it is back; 0: never, its loss is a CameraError. Each loss and return is logged as a warning
    (`logging`, below "edge"). Files are not opened again.

    Raises SourceError, in one line, for anything that cannot be opened as asked.
    """
    first, others = _one_or_several(source)
    text = os.fspath(first)
    known = ", ".join(kind.written for kind in KINDS if kind.written)
    if not text:
        raise SourceError(f"the source is empty; expected {known}")
    if "\x00" in text:
        raise SourceError(f"source {text!r} has a NUL character in it; expected {known}")
    kinds = {mark: kind for kind in KINDS for mark in kind.marks}
    mark = _mark(text, kinds.keys(), known)
    for path in (text, *others) if others else ():
        if kinds[_mark(path, kinds.keys(), known)] is not kinds["/"]:
            raise SourceError(
                f"{len(others) + 1} sources were given, and {path!r} is no image and no folder of images: expected one "
                "video or camera at a time; a source with spaces, ?, * or & needs quotes"
            )
    kind = kinds[mark]
    text, view = take_view(text, kind.before, kind.keys)
    try:
        module = import_module(kind.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "edge":
            raise
        raise SourceError(f"source {text!r}: {error}") from error
    rest = text[len(mark) :] if mark.endswith(":") else text
    camera: Camera = module.open_source(Source(text, rest, reconnect_s, others))
    return LookedAt(camera, view) if view else camera


def _one_or_several(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> tuple[str | os.PathLike[str], tuple[str, ...]]:
    """The first source, with the options of all, and the others."""
    if isinstance(source, (str, os.PathLike)):
        return source, ()
    paths = [os.fspath(path) for path in source]
    query = paths.pop() if len(paths) > 1 and paths[-1].startswith("?") else ""
    return (paths[0] + query, tuple(paths[1:])) if paths else ("", ())


def _mark(text: str, marks: Collection[str], known: str) -> str:
    """By which of ``marks`` the source is told. Raises SourceError where there is none, or no such file."""
    if os.path.isfile(text) or os.path.isdir(text):
        return _mark_of_path(text, marks)  # a file may have a colon or a question mark in its name
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text)
    if scheme:
        mark = scheme[0].lower()
        if mark not in marks:
            near = get_close_matches(mark, [known for known in marks if known.endswith(":")], n=2)
            meant = f"; is {' or '.join(near)} meant?" if near else _hint(text)
            raise SourceError(f"source {text!r}: no source begins with '{mark}'{meant}; expected {known}")
        return mark
    path, options = split_query(text)
    if os.path.isfile(path) and not options.keys().isdisjoint(("width", "height", "format")):
        return "?width="
    if path.startswith("/dev/") and not (os.path.isfile(path) or os.path.isdir(path)):
        return "/dev/"
    if not os.path.exists(path):
        raise SourceError(f"source {path!r}: no such file or folder{_hint(path)}; expected {known}")
    return _mark_of_path(path, marks)


def _hint(text: str) -> str:
    """What may be meant by a source that is not there."""
    if number := re.fullmatch(r"(?:video)?([0-9]+)", text):
        return f"; a camera is /dev/video{number[1]}"
    if text in ("sim", "rec", "gst"):
        return f"; with a colon it is {text}:"
    return "; folders have / between them here" if "\\" in text else ""


def _mark_of_path(path: str, marks: Collection[str]) -> str:
    """By what is in the file, where that tells; else by its name."""
    if os.path.isdir(path):
        return "/"
    ending = os.path.splitext(path)[1].lower()
    by_name = ending if ending in marks else ""
    if by_name and by_name not in BY_CONTENT:
        return by_name
    kind = kind_of_file(path) if os.path.isfile(path) else ""
    if kind == "JPEG" and not by_name and more_jpegs_follow(path):
        return ""
    if kind in IMAGES or kind in OTHER_IMAGES:
        return ".png"
    return {"CPTV": ".cptv", VIDEO: "", "FLIR": ""}.get(kind, by_name)
