"""The folder of a flight as a reviewer sees it: its tracks, its faint tracks, and which pictures may be shown."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge.errors import InputError
from edge.measure.faint_lines import read_faint
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import TrackLine, read_tracks
from edge.sinks.faint import FILE as FAINT
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.jsonl import SPEC as TRACKS
from edge.system.files import read_limited, reason_of

MOST_PICTURE = 16 << 20  # bytes; crops have a few kB
COUNTS = "-counts.png"  # how the raw counts beside a picture are called
KINDS = {".png": "image/png", ".jpg": "image/jpeg"}


class Contents(NamedTuple):
    """``tracks``: those that were shown; ``faint``: those below the threshold, by their number too; ``left_out``: faint
    ones of which only the number is known. ``classes``: names by label, () before the first frame. ``stamp``: another
    one whenever a file has grown.
    """

    tracks: Sequence[TrackLine]
    faint: Sequence[TrackLine]
    left_out: int
    classes: Sequence[str]
    pictures: frozenset[str]
    stamp: str


class Flight:
    """One flight's folder, read again where its files have changed; from any thread.

    Raises InputError where the folder is none of a flight.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.resolve().name
        self._mutex = threading.Lock()
        self._known: Contents | None = None
        if not folder.is_dir() or not any(spec.path(folder).exists() for spec in (TRACKS, DETECTIONS)):
            raise InputError(f"{folder} holds no flight: expected what edge run --out wrote, with tracks.jsonl in it")
        self.contents()

    def contents(self) -> Contents:
        """What is in it now. Raises InputError where a file cannot be read or holds anything else."""
        with self._mutex:
            stamp = "-".join(_stamp(self.folder / name) for name in (str(TRACKS.file), FAINT))
            if self._known is None or self._known.stamp != stamp or not self._known.classes:
                self._known = self._read(stamp)
            return self._known

    def _read(self, stamp: str) -> Contents:
        path = TRACKS.path(self.folder)
        tracks = read_tracks(path) if path.exists() else []
        faint, left_out = read_faint(self.folder / FAINT) if (self.folder / FAINT).exists() else ([], 0)
        pictures = frozenset(name for track in (*tracks, *faint) for name in track.crops)
        return Contents(tracks, faint, left_out, self._classes(), pictures, stamp)

    def _classes(self) -> Sequence[str]:
        path = DETECTIONS.path(self.folder)
        try:
            return tuple(DetectionsFile(path).first.classes) if path.stat().st_size else ()
        except OSError:  # not there yet, or not handed on with the tracks
            return ()

    def picture(self, name: str) -> tuple[bytes, str] | None:
        """The file of a picture that a track names, and its media type; None for anything else.

        A link in a folder from elsewhere could lead to any file of this machine: it is not followed out of the folder.
        """
        kind = KINDS.get(Path(name).suffix)
        if kind is None or name not in self.contents().pictures:
            return None
        data = inside(self.folder, name)
        return None if data is None else (data, kind)


def shown_crops(track: TrackLine) -> list[str]:
    """Its pictures for the eye, the best first: without the raw counts."""
    return [name for name in track.crops if not name.endswith(COUNTS)]


def inside(folder: Path, name: str) -> bytes | None:
    """A file below the folder; None where it is not there, is too large, or lies elsewhere."""
    try:
        path = (folder / name).resolve()
        return read_limited(path, MOST_PICTURE) if path.is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle; ValueError: a zero character
        return None


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except FileNotFoundError:
        return "0"
    except OSError as error:
        raise InputError(f"cannot read {path}: {reason_of(error)}") from None
    return f"{found.st_ino:x}.{found.st_size:x}.{found.st_mtime_ns:x}"
