"""``tracks.jsonl``: a line for each animal, person or vehicle that was followed, when it is over; and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge.data import Result
from edge.seams import Sink
from edge.sinks.line_file import LineFile
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.tracks.crops import CROPS, RESERVE_BYTES, write_crops
from edge.track.book import Book, Track, line_of

DEPTH = 300  # results with their pixels that wait for a slow disk: 10 s at 30 Hz, 300 MB at 640x512


class TracksSink(Sink):
    """Writes an `edge.measure.track_lines.TrackLine` for each track that is over; at the end for those that are not.

    Its pictures lie in ``crops/``: ``000012-1.png``, 8 bits as the model saw it, and of a camera with raw counts
    ``000012-1-counts.png``, 16 bits, the same place. A line is written after its pictures, so that none is named that
    is not there; where less than ``reserve`` bytes are free, lines are written without pictures.

    Raises SinkError where a file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str], reserve: int = RESERVE_BYTES) -> None:
        self._classes, self._reserve, self._book = classes, reserve, Book()
        self._folder = path.parent
        self._file = LineFile(path)

    def write(self, result: Result) -> None:
        """Note the tracks of one result, and write those that are over."""
        self._write(self._book.add(result))

    def _write(self, tracks: Sequence[Track]) -> None:
        if not tracks:
            return
        crops = [write_crops(self._folder, track, self._reserve) for track in tracks]
        lines = [line_of(track, self._classes, names) for track, names in zip(tracks, crops, strict=True)]
        self._file.append(map(msgspec.to_builtins, lines))
        self._file.sync()

    def close(self) -> None:
        """Write what is left, force it to the disk and close. May be called twice."""
        try:
            self._write(list(self._book.end()))
        finally:
            self._file.close()


def _make(to: SinkContext) -> TracksSink:
    return TracksSink(to.path, to.classes)


SPEC = SinkSpec("tracks", "tracks.jsonl", _make, lossless=True, depth=DEPTH, essential=True, beside=(CROPS,))
