"""CPTV files: 16-bit Lepton video of the Cacophony Project's wildlife cameras (pip install 'thermal-edge[cptv]').

Gzip around sections of fields, each frame as bit-packed differences to the one before; read by the project's
own package, https://github.com/TheCacophonyProject/python-cptv (Apache-2.0).
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from edge.system.host import install_line

try:
    import cptv
except ModuleNotFoundError as error:
    if error.name != "cptv":
        raise
    raise ModuleNotFoundError(
        f"CPTV files need the package cptv, which is not installed: {install_line('cptv')}", name="cptv"
    ) from error

from edge.camera.decode.timeline import Timeline
from edge.camera.live.pacer import played_live
from edge.camera.options import Source
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from edge.system.files import open_regular, reason_of

LARGEST = 4096  # pixels: a damaged size must not ask for gigabytes
MOST_UNPACKED = 64 << 20  # bytes, of a small file; a larger one may unpack to so many times its size
MOST_RATIO = 20  # real ones: about 3
ZERO, FFC = timedelta(0), timedelta(seconds=1)  # a Lepton's shutter is closed for 0.9 s


def open_source(source: Source) -> Camera:
    """``FILE.cptv?live=1``: a CPTV file; ``live=1`` plays it at its own speed."""
    path, options = source.split("live")
    live = options.flag("live")
    camera = CptvFile(Path(path))
    return played_live(camera, path) if live else camera


class CptvFile(Camera):
    """Every frame of a CPTV file: (H, W) uint16 raw counts; ``t_capture`` = when delivered.

    ``utc``: the file's start and the camera's own clock. ``origin``: seconds since the first frame by that clock; where
    it shows that frames are missing, ``seq`` jumps (see `edge.camera.decode.timeline`). Flag ``ffc``: the file says
    that the shutter moved less than a second before. Pictures of the background, which the recorder computed, are no
    frames: left out.
    """

    def __init__(self, path: Path) -> None:
        """Raises SourceError where the file is missing, unreadable, or no CPTV."""
        self._path = path
        try:
            self._file = open_regular(path)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {reason_of(error)}; check the path and its rights") from error
        self._damage = ""
        try:
            self._damage = _damage(self._file)
            self._file.seek(0)
            self._open()
        except Exception as error:  # on a damaged file the package fails in many ways
            self._file.close()
            raise SourceError(f"{path}: {self._damage or error}; expected a whole CPTV file") from error

    def _open(self) -> None:
        reader = cptv.CPTVReader(self._file)
        height, width = reader.frame_dim
        if not (0 < height <= LARGEST and 0 < width <= LARGEST):
            raise ValueError(f"its frames are {width}x{height}")
        self._sections = iter(reader)
        self._utc = reader.timestamp
        # two frames ahead: the first must be there, and older files tell their rate only by their clock
        self._ahead = deque(filter(None, (self._decode(), self._decode())))
        if not self._ahead:
            raise ValueError("no frame is in it")
        self._start: timedelta | None = self._ahead[0].time_on
        self._seq = self._given = 0
        period = (self._ahead[-1].time_on or ZERO) - (self._start or ZERO)
        self.fps = float(reader.fps) or (1 / period.total_seconds() if period > ZERO else None)
        self.frames: int | None = reader.num_frames - bool(reader.background_frames) if reader.num_frames else None
        count = f"{self.frames} frames" if self.frames else "unknown length"
        rate = f"{self.fps:.4g} fps" if self.fps else "unknown rate"
        self._timeline = Timeline(1 / self.fps if self.fps else None, over_a_link=False)
        for section in self._ahead:
            self._learn(section)
        self._said = self.description = (
            f"{self._path}: CPTV video of {self._utc:%Y-%m-%d %H:%M:%S} UTC, {width}x{height} 16-bit raw counts, "
            f"{rate}, {count}" + (f"; {self._damage}" if self._damage else "")
        )

    def read(self) -> Frame | None:
        """The next frame; None after the last.

        Raises CameraError where the file is damaged or broke off, after the last readable frame.
        """
        if self._file.closed:
            raise CameraError(f"{self._path} was closed: open it again to read it")
        try:
            section = self._ahead.popleft() if self._ahead else self._learn(self._decode())
        except Exception as error:  # see above
            raise self._broke_off(str(error)) from error
        if section is None:
            if self._damage or (self.frames and self._given < self.frames):
                raise self._broke_off("the rest is missing")
            return None
        on, ffc = section.time_on, section.last_ffc_time
        shut = bool(ffc) and ZERO <= on - ffc < FFC  # 0: not said
        origin = None if on is None or self._start is None else (on - self._start).total_seconds()
        seq = self._seq if origin is None else self._seq + self._timeline.place(origin) - 1
        self.description = self._said + self._timeline.notes
        frame = Frame(
            section.pix,
            seq,
            time.monotonic(),
            utc=self._utc + (on - self._start) if on else None,
            flags=frozenset({"ffc"}) if shut else frozenset(),
            origin=origin,
        )
        self._seq = seq + 1
        self._given += 1
        return frame

    def close(self) -> None:
        """Release the file. May be called twice."""
        self._file.close()

    def _decode(self) -> Any:
        """The next section that is a frame of the camera; None at the end, or where the file is cut off."""
        return next((section for section in self._sections if not section.background_frame), None)

    def _learn(self, section: Any) -> Any:
        """The same section, whose time is now known."""
        if section is not None and section.time_on is not None and self._start is not None:
            self._timeline.learn((section.time_on - self._start).total_seconds())
        return section

    def _broke_off(self, why: str) -> CameraError:
        of = f" of {self.frames}" if self.frames else ""
        return CameraError(
            f"{self._path} broke off at frame {self._given}{of}: {self._damage or why}. The frames before were "
            "read; copy the file again"
        )


def _damage(packed: BinaryIO) -> str:
    """What is wrong with the gzip around it, which the package takes for a good end; "" if nothing.

    Raises ValueError for a bomb: a few bytes that unpack for minutes.
    """
    size = os.fstat(packed.fileno()).st_size
    most = max(MOST_UNPACKED, MOST_RATIO * size)
    try:
        with gzip.open(packed) as file:
            if not file.peek(1):
                return "the file is empty"
            unpacked = 0
            while data := file.read(1 << 20):
                unpacked += len(data)
                if unpacked > most:
                    raise ValueError(f"{size} bytes unpack to more than {most >> 20} MiB")
    except EOFError:
        return "the file is cut off"
    except (gzip.BadGzipFile, zlib.error) as error:
        return f"the file is damaged ({error})"
    return ""
