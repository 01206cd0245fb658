"""``tracks.jsonl``: a line for each animal, person or vehicle that was followed, when it is over; and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec

from edge.data import Pixels, Result
from edge.errors import SinkError
from edge.seams import Sink
from edge.sinks.line_file import LineFile
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import has_room, reason_of, write_whole
from edge.track.book import Book, Track, line_of

CROPS = "crops"
RESERVE_BYTES = 64 << 20  # left free on the disk, as by the pictures: the lines go on


class TracksSink(Sink):
    """Writes an `edge.measure.track_lines.TrackLine` for each track that is over; at the end for those that are not.

    Its pictures lie in ``crops/``: ``000012-1.png``, 8 bits as the model saw it, and of a camera with raw counts
    ``000012-1-counts.png``, 16 bits, the same place. A line is written after its pictures, so that none is named that
    is not there; where less than ``reserve`` bytes are free, lines are written without pictures.

    Raises SinkError where a file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str], reserve: int = RESERVE_BYTES) -> None:
        self._classes, self._reserve, self._book = classes, reserve, Book()
        self._folder = path.parent / CROPS
        self._file = LineFile(path)

    def write(self, result: Result) -> None:
        """Note the tracks of one result, and write those that are over."""
        self._write(self._book.add(result))

    def _write(self, tracks: Sequence[Track]) -> None:
        if not tracks:
            return
        lines = [msgspec.to_builtins(line_of(track, self._classes, self._crops(track))) for track in tracks]
        self._file.append(lines)
        self._file.sync()

    def _crops(self, track: Track) -> list[str]:
        """Write the pictures of a track; returns their names within the run's folder, the best first."""
        names = []
        try:
            self._folder.mkdir(exist_ok=True)
            if not has_room(self._folder, self._reserve):
                return []
            for place, view in enumerate(track.views, 1):
                for pixels, ending in ((view.picture, ""), (view.counts, "-counts")):
                    if pixels is not None:
                        name = crop_name(track.number, place, ending)
                        write_whole(self._folder.parent / name, _png(pixels))
                        names.append(name)
        except OSError as error:
            raise SinkError(
                f"cannot write {self._folder}: {reason_of(error)}: free some space or give another --out"
            ) from None
        return names

    def close(self) -> None:
        """Write what is left, force it to the disk and close. May be called twice."""
        try:
            self._write(list(self._book.end()))
        finally:
            self._file.close()


def crop_name(track: int, place: int, ending: str = "") -> str:
    """Within the run's folder, of the track's picture at ``place``, 1 the best."""
    return f"{CROPS}/{track:06d}-{place}{ending}.png"


def _png(pixels: Pixels) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise SinkError("OpenCV cannot encode a PNG of a few pixels")
    return data.tobytes()


def _make(to: SinkContext) -> TracksSink:
    return TracksSink(to.path, to.classes)


SPEC = SinkSpec("tracks", "tracks.jsonl", _make, lossless=True, depth=1000, essential=True, beside=(CROPS,))
