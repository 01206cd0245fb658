"""Keep OpenCV and FFmpeg off stderr while we find out what a source is, and say it in our own words.

OpenCV's log is silenced only inside `quiet`. FFmpeg reads its level once in a process, at the first open;
below "fatal" it repeats for every damaged packet what we report once. Whoever wants to see either sets
OPENCV_LOG_LEVEL or OPENCV_FFMPEG_LOGLEVEL before the start: that is left alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

AV_LOG_FATAL = "8"
SILENT = 0
_lock = threading.Lock()  # never held inside a block: an opening may hang, and must not hold up the next
_inside, _level = 0, SILENT  # the level is the process's: the first one in saves it, the last one out restores it
# OpenCV 5 has them in a submodule, OpenCV 4 at the top
_log = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2


@contextmanager
def quiet() -> Iterator[None]:
    """No log lines from OpenCV inside the block, and none below fatal from FFmpeg."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", AV_LOG_FATAL)
    if "OPENCV_LOG_LEVEL" in os.environ:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _level
    with _lock:
        if _inside == 0:
            _level = _log.getLogLevel()
            _log.setLogLevel(SILENT)
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _log.setLogLevel(_level)
