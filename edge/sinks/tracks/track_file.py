"""A file that is made of all tracks so far, and written anew, whole, while the flight goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from edge.data import Result
from edge.errors import SinkError
from edge.measure.track_lines import TrackLine
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.tracks.crops import crop_name
from edge.system.files import reason_of, write_private
from edge.track.book import Book, Track, line_of

EVERY_S = 10.0  # at most so often: the whole file is written each time
REST = 20  # and after so many times as long as that took: of ten thousand tracks it takes two seconds
MOST_TRACKS = 20_000  # of a flight that one file shows: a kilobyte each, with pictures ten
DEPTH = 120  # results that may wait while it is

LATER = "edge report makes tables with all of them, from tracks.jsonl"

log = logging.getLogger(__name__)

Picture = Callable[[TrackLine], "bytes | None"]
"""The PNG of a track's best look, or None."""


class Format(Protocol):
    """A file's bytes from the tracks: pure, the same tracks give the same bytes."""

    def __call__(self, tracks: Sequence[TrackLine], picture: Picture | None = None) -> bytes: ...


class TrackFileSink(Sink):
    """Gathers the tracks of a run, and writes ``path`` as ``form`` makes it: when it is closed, and every ``every_s``
    (a large file more rarely) while more of them are over, so that a map can be looked at in flight and a power cut
    costs no more. The file is there whole or not at all.

    ``pictures``: whether the format shows them: they are kept in memory, a few kilobytes a track. A file has the first
    `MOST_TRACKS` of them; that there are more is said once, and how many at the end.

    Raises SinkError where the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        form: Format,
        pictures: bool = False,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._classes, self._form = path, classes, form
        self._every_s, self._clock = every_s, clock
        self._book = Book(pictures)
        self._lines: list[TrackLine] = []
        self._more = 0
        self._pictures: dict[int, bytes] | None = {} if pictures else None
        self._next, self._behind, self._closed = clock() + every_s, False, False

    def write(self, result: Result) -> None:
        """Note the tracks of one result; write the file if that is due."""
        for track in self._book.add(result):
            self._over(track)
        self.idle()

    def idle(self) -> None:
        """Write the file, if tracks are over that it does not have and the last time is long enough ago."""
        if self._behind and self._clock() >= self._next:
            self._write()

    def close(self) -> None:
        """Write the file with all tracks. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for track in self._book.end():
            self._over(track)
        self._write()
        if self._more:
            log.warning("%s: %d tracks more were not written: %s", self._path.name, self._more, LATER)
        if left_out := sum(line.position is None for line in self._lines):
            log.info("%s: %d of %d tracks have no position", self._path.name, left_out, len(self._lines))

    def _over(self, track: Track) -> None:
        if len(self._lines) >= MOST_TRACKS:
            if not self._more:
                log.warning("%s: it has %d tracks, and takes no more: %s", self._path.name, MOST_TRACKS, LATER)
            self._more += 1
            return
        self._behind = True
        self._lines.append(line_of(track, self._classes, [crop_name(track.number, 1)]))
        if self._pictures is not None and (picture := track.views[0].picture) is not None:
            self._pictures[track.number] = png_of(picture)

    def _write(self) -> None:
        begin = self._clock()
        # where the disk is nearly full, pictures are not written: none is named that is not there
        lines = [
            line if (self._path.parent / line.crops[0]).exists() else msgspec.structs.replace(line, crops=[])
            for line in self._lines
        ]
        kept = self._pictures
        write_tracks(self._path, self._form, lines, None if kept is None else lambda line: kept.get(line.track))
        now = self._clock()
        self._next, self._behind = now + max(self._every_s, REST * (now - begin)), False


def write_tracks(path: Path, form: Format, tracks: Sequence[TrackLine], picture: Picture | None) -> None:
    """Write one file of these tracks, by their number. Raises SinkError where it cannot be written."""
    try:
        write_private(path, form(sorted(tracks, key=lambda line: line.track), picture))
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}: free some space or give another --out") from None


def png_of(picture: npt.NDArray[np.uint8]) -> bytes:
    """(H, W) uint8 as a PNG. Raises SinkError where OpenCV cannot."""
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise SinkError("OpenCV cannot encode a PNG of a few pixels")
    return data.tobytes()


def spec(name: str, form: Format, help: str, pictures: bool = False) -> SinkSpec:
    """The row of such a file: ``tracks.NAME``."""

    def make(to: SinkContext) -> TrackFileSink:
        return TrackFileSink(to.path, to.classes, form, pictures)

    return SinkSpec(name, f"tracks.{name}", make, depth=DEPTH, help=help, pixels=pictures)
