"""Keep OpenCV and FFmpeg off stderr while we find out what a source is, and say it in our own words.

OpenCV's log is silenced only inside `quiet`. FFmpeg reads its level once in a process, at the first open;
below "fatal" it repeats for every damaged packet what we report once. Whoever wants to see either sets
OPENCV_LOG_LEVEL or OPENCV_FFMPEG_LOGLEVEL before the start: that is left alone. What libjpeg says about damaged data is
caught by `overheard`.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import cv2

AV_LOG_FATAL = "8"
SILENT = 0
LIBRARIES = (b"Corrupt JPEG data", b"Premature end of JPEG", b"Warning: unknown JFIF", b"libpng ", b"Invalid SOS")
_lock = threading.Lock()  # never held inside a block: an opening may hang, and must not hold up the next
_hearing = threading.Lock()  # stderr is the process's: one listens at a time
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


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What C libraries write to stderr inside the block, a line each, in the list once the block has ended.

    libjpeg and libpng know no other way to say that data are damaged. What others wrote meanwhile (a log line of
    another thread) is passed on when the block ends: it should hold one call of a few milliseconds.
    """
    said: list[str] = []
    with _hearing:
        try:
            real = os.dup(2)
        except OSError:  # there is no stderr: nothing is said to anyone
            yield said
            return
        with _ear() as ear:
            os.dup2(ear.fileno(), 2)
            try:
                yield said
            finally:
                os.dup2(real, 2)
                os.close(real)
                if size := os.fstat(ear.fileno()).st_size:
                    ear.seek(0)
                    said += _passed_on(ear.read(size))


def _ear() -> IO[bytes]:
    # in memory where the system can: a full disk must not stop a flight
    return os.fdopen(os.memfd_create("stderr"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _passed_on(written: bytes) -> list[str]:
    """The lines of libraries; all others go to stderr after all."""
    said = []
    for line in written.splitlines(keepends=True):
        if line.startswith(LIBRARIES):
            said.append(line.decode("ascii", "replace").strip())
        else:
            os.write(2, line)
    return said
