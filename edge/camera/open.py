"""From a source string to a camera."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl

from edge.camera.devices.profiles import PROFILES, profile_of
from edge.camera.devices.usb import Place
from edge.camera.live.pacer import Paced
from edge.camera.live.reconnect import Reconnecting
from edge.camera.live.timeout import Watched
from edge.camera.stills import SUFFIXES, Stills
from edge.camera.streams import open_network, open_pipeline, without_password
from edge.camera.v4l2 import V4l2Camera
from edge.camera.video import VideoFile
from edge.errors import SourceError
from edge.recording.replay import Replay
from edge.seams import Camera
from edge.sim.camera import open_simulator
from edge.system.log import to_stderr

KNOWN = (
    "a video file, an image, a folder of images, /dev/videoN?format=Y16&width=W&height=H&fps=F, sim:..., "
    "rec:FOLDER, gst:PIPELINE, rtsp://..., http(s)://..., udp://..."
)
NETWORK = ("rtsp", "rtsps", "http", "https", "udp", "rtp", "tcp", "srt", "rtmp")
T = TypeVar("T")


def open_camera(source: str, reconnect_s: float | None = None, tell: Callable[[str], None] = to_stderr) -> Camera:
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
    time; None: until it is back; 0: never, its loss is a CameraError. ``tell`` gets a line at each loss and
    return, by default stderr. Files are not opened again.

    Raises SourceError, in one line, for anything that cannot be opened as asked.
    """
    source = os.fspath(source)
    if not source:
        raise SourceError(f"the source is empty; expected {KNOWN}")
    if "\x00" in source:
        raise SourceError(f"source {source!r} has a NUL character in it; expected {KNOWN}")
    if os.path.isfile(source) or os.path.isdir(source):
        return _open_path(source, {})  # a file may have a colon or a question mark in its name
    scheme, rest = _scheme(source)
    if scheme == "sim":
        return open_simulator(source)
    if scheme == "rec":
        return _open_recording(rest)
    if scheme == "gst":
        return _keep(lambda: open_pipeline(rest), without_password(source), reconnect_s, tell)
    if scheme in NETWORK:
        return _keep(lambda: open_network(source), without_password(source), reconnect_s, tell)
    if scheme:
        raise SourceError(f"source {source!r}: no source begins with '{scheme}:'; expected {KNOWN}")
    path, query = _query(source)
    if path.startswith("/dev/") and not (os.path.isfile(path) or os.path.isdir(path)):
        return _open_device(path, query, reconnect_s, tell)
    return _open_path(path, query)


def _keep(opener: Callable[[], Camera], name: str, reconnect_s: float | None, tell: Callable[[str], None]) -> Camera:
    """The camera that ``opener`` opens, watched, and opened again when it is lost."""
    first: list[Camera] = [Watched(opener, name)]
    if not first[0].live or reconnect_s == 0:
        return first[0]
    return Reconnecting(lambda: first.pop() if first else Watched(opener, name), name, reconnect_s, tell)


def _scheme(source: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", source, re.DOTALL)
    return (match[1].lower(), match[2]) if match else ("", source)


def _query(source: str) -> tuple[str, dict[str, str]]:
    path, mark, text = source.rpartition("?")
    if not mark:
        return source, {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise SourceError(f"source {source!r}: {text!r}; expected key=value&key=value behind the '?'") from error
    query = dict(pairs)
    if len(query) < len(pairs):
        raise SourceError(f"source {source!r}: a key stands there twice; expected each once")
    return path, query


def _open_device(path: str, query: dict[str, str], reconnect_s: float | None, tell: Callable[[str], None]) -> Camera:
    values = _Values(path, query, ("format", "width", "height", "fps", "camera", "endian", "kelvin"))
    pixel_format = values.take("format", _fourcc, "1 to 4 letters or digits such as Y16, GREY, YUYV, MJPG")
    width = values.take("width", _size, "pixels, 1 to 65535")
    height = values.take("height", _size, "pixels, 1 to 65535")
    fps = values.take("fps", _rate, "frames a second, above 0 and up to 1000")
    profile = profile_of(
        values.take("camera", {name: name for name in PROFILES}.__getitem__, f"one of {', '.join(PROFILES)}"),
        values.take("endian", {"big": "big", "little": "little"}.__getitem__, "big or little"),
        values.take("kelvin", _kelvin, "kelvin a count, above 0 and up to 10, such as 0.01"),
    )
    place = Place(path)
    return _keep(lambda: V4l2Camera(place.find(), pixel_format, width, height, fps, profile), path, reconnect_s, tell)


def _open_recording(rest: str) -> Camera:
    path, query = (rest, {}) if os.path.exists(rest) else _query(rest)
    live = _Values(f"rec:{path}", query, ("live",)).take("live", _flag, "0 or 1")
    if not path:
        raise SourceError("source 'rec:' names no recording; expected rec:FOLDER, such as rec:out/recording")
    return Replay(Path(path), live=bool(live))


def _open_path(path: str, query: dict[str, str]) -> Camera:
    where = Path(path)
    if not os.path.exists(path):
        hint = f"; a camera is /dev/video{path}" if path.isdecimal() else ""
        raise SourceError(f"source {path!r}: no such file or folder{hint}; expected {KNOWN}")
    if where.is_dir() or where.suffix.lower() in SUFFIXES:
        values = _Values(path, query, ("raw", "fps", "live"))
        raw = values.take("raw", _flag, "0 or 1")
        fps = values.take("fps", _rate, "frames a second, above 0 and up to 1000")
        live = values.take("live", _flag, "0 or 1")
        if live and not fps:
            raise SourceError(f"source {path!r}: live=1 needs a rate: expected ?fps=5&live=1")
        camera: Camera = Stills(where, raw=raw is not False, fps=fps)
    else:
        live = _Values(path, query, ("live",)).take("live", _flag, "0 or 1")
        camera = _open_cptv(where) if where.suffix.lower() == ".cptv" else VideoFile(where)
    if not live:
        return camera
    if camera.fps is None:
        camera.close()
        raise SourceError(f"source {path!r}: live=1, but the file does not say its rate; leave live=1 out")
    return Paced(camera, camera.fps)


def _open_cptv(path: Path) -> Camera:
    try:
        from edge.camera.cptv import CptvFile
    except ModuleNotFoundError as error:
        if error.name != "cptv":
            raise
        raise SourceError(
            f"{path}: CPTV files need the package cptv, which is not installed: pip install 'thermal-edge[cptv]'"
        ) from error
    return CptvFile(path)


class _Values:
    """The part behind the '?', checked as it is taken."""

    def __init__(self, path: str, query: dict[str, str], known: tuple[str, ...]) -> None:
        unknown = sorted(query.keys() - set(known))
        if unknown:
            raise SourceError(f"source {path!r}: it does not know {', '.join(unknown)}; expected {', '.join(known)}")
        self._path, self._query = path, query

    def take(self, key: str, read: Callable[[str], T], expected: str) -> T | None:
        text = self._query.get(key)
        if text is None:
            return None
        try:
            return read(text)
        except (ValueError, KeyError) as error:
            raise SourceError(f"source {self._path!r}: {key}={text!r}; expected {expected}") from error


def _fourcc(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,4} {0,3}", text) or len(text) > 4:
        raise ValueError(text)
    name = text.strip()
    return "Y16" if name.upper() == "Y16" else name


def _size(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise ValueError(text)
    return value


def _rate(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 < value <= 1000):
        raise ValueError(text)
    return value


def _kelvin(text: str) -> float:
    value = float(text)
    if not 0 < value <= 10:
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    return {"0": False, "1": True}[text]
