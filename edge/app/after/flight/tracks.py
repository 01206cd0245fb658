"""The tracks of a flight as columns: a million of them take 150 MB, and no object each."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from edge.app.after.flight.lines import FileState, Lines, Progress
from edge.app.after.flight.times import Times
from edge.measure.detections_lines import DetectionLine
from edge.measure.track_lines import GroundPosition, TrackLine, checked
from edge.sinks.tracks.jsonl import SPEC as TRACKS

NUMBERS = ("track", "label", "frames", "best_seq", "pictures")
REALS = (
    *("score", "first", "last", "first_epoch", "last_epoch", "lat", "lon", "sigma_m"),
    *("celsius_min", "celsius_mean", "celsius_max", "width", "height"),
)
UNKNOWN = (math.nan,) * 3
MOST_TRACKS = 2_000_000  # of a flight
MOST_NUMBER = 2**31 - 1  # of a track, a class, a frame
MOST_OPEN = 10_000  # that had not ended when the run was cut off


@dataclass
class Tracks:
    """A table, by columns. ``ints``: by `NUMBERS`; ``reals``: by `REALS`, in seconds of the flight, seconds since 1970,
    degrees, metres, degrees C, pixels of the frame; NaN: not known. ``names``: of each label. ``open``: the last rows:
    had not ended when the run was cut off, and are made from detections.jsonl. ``over``: tracks that are too many.
    """

    ints: dict[str, array[int]] = field(default_factory=lambda: {name: array("q") for name in NUMBERS})
    reals: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in REALS})
    names: dict[int, str] = field(default_factory=dict)
    state: FileState = field(default_factory=lambda: FileState(str(TRACKS.file)))
    open: list[TrackLine] = field(default_factory=list)
    over: int = 0

    def __len__(self) -> int:
        return len(self.ints["track"])

    def column(self, name: str) -> npt.NDArray[np.float64] | npt.NDArray[np.int64]:
        """(N,) float64 or int64."""
        return np.array(self.ints[name] if name in self.ints else self.reals[name])

    def add(self, track: TrackLine, times: Times) -> None:
        """One row more."""
        first, last = times.of_track(track)
        where, (low, mean, high), (x1, y1, x2, y2) = track.position, track.celsius or UNKNOWN, track.box
        lat, lon, sigma = (where.lat, where.lon, where.sigma_m) if where else UNKNOWN
        pictures = sum(not name.endswith("-counts.png") for name in track.crops)
        epochs = times.epoch(track.first_t, track.first_utc), times.epoch(track.last_t, track.last_utc)
        numbers = track.track, track.label, track.frames, track.best_seq, pictures
        reals = track.score, first, last, *epochs, lat, lon, sigma, low, mean, high, x2 - x1, y2 - y1
        for of_int, number in zip(self.ints.values(), numbers, strict=True):
            of_int.append(number)
        for of_real, real in zip(self.reals.values(), reals, strict=True):
            of_real.append(real)
        self.names.setdefault(track.label, track.name)


def track_lines(folder: Path) -> Lines[TrackLine]:
    """``tracks.jsonl``, line by line."""
    return Lines(TRACKS.path(folder), TrackLine, also=_sound)


def _sound(track: TrackLine) -> TrackLine:
    """Raises ValueError for what no run writes, and for numbers that are no track's."""
    if max(track.track, track.label, track.frames, abs(track.best_seq)) > MOST_NUMBER:
        raise ValueError(f"a number of track {track.track} is too large")
    return checked(track)


def all_lines(folder: Path, tracks: Tracks, progress: Progress | None = None) -> Iterator[TrackLine]:
    """The line of each row of ``tracks``, in their order, read anew; fewer where the file was changed meanwhile."""
    seen, most = set[int](), len(tracks) - len(tracks.open)
    for track in track_lines(folder).each(progress):
        if track.track not in seen and len(seen) < most:
            seen.add(track.track)
            yield track
    yield from tracks.open


def read_columns(folder: Path, times: Times, progress: Progress | None = None) -> Tracks:
    """The tracks that had ended, in the order in which they did."""
    tracks, lines = Tracks(), track_lines(folder)
    seen = set[int]()
    for track in lines.each(progress):
        if track.track in seen:
            lines.state.refuse_line(f"track {track.track} is there twice")
        elif len(tracks) >= MOST_TRACKS:
            tracks.over += 1
        else:
            seen.add(track.track)
            tracks.add(track, times)
    tracks.state = lines.state
    return tracks


class OpenTracks:
    """Gathers, from the detections, tracks that tracks.jsonl does not have: a power cut came before they ended.

    ``over``: detections of tracks that are too many.
    """

    def __init__(self, ended: Tracks) -> None:
        self._ended = set(ended.ints["track"])
        self._found: dict[int, TrackLine] = {}
        self._near: dict[int, tuple[float, float, float]] = {}
        self.over = 0

    def note(self, found: DetectionLine, seq: int, t: float, utc: str | None, origin: str | float | None) -> None:
        """One detection that has a track."""
        number = found.track
        if not isinstance(number, int) or number in self._ended:
            return
        before = self._found.get(number)
        if before is None and (len(self._found) >= MOST_OPEN or max(number, found.label, abs(seq)) > MOST_NUMBER):
            self.over += 1
            return
        place = found.position if isinstance(found.position, tuple) else None
        if place is not None and (number not in self._near or place[2] < self._near[number][2]):
            self._near[number] = place
        best = before is None or found.score > before.score
        celsius = found.celsius if isinstance(found.celsius, tuple) else None
        best_of = before if before is not None and not best else None
        self._found[number] = TrackLine(
            track=number,
            label=best_of.label if best_of else found.label,
            name=best_of.name if best_of else found.name,
            first_seq=before.first_seq if before else seq,
            last_seq=seq,
            first_t=before.first_t if before else t,
            last_t=t,
            first_utc=before.first_utc if before else utc,
            last_utc=utc,
            frames=1 + (before.frames if before else 0),
            score=best_of.score if best_of else found.score,
            best_seq=best_of.best_seq if best_of else seq,
            box=best_of.box if best_of else found.box,
            origin=best_of.origin if best_of else origin,
            celsius=best_of.celsius if best_of else celsius,
            position=None,
            crops=[],
        )

    def lines(self) -> Iterator[TrackLine]:
        """They, by their number: each at the place of its surest detection, as sure as that one."""
        for number in sorted(self._found):
            track = self._found[number]
            if number in self._near:
                track = msgspec.structs.replace(track, position=GroundPosition(*self._near[number]))
            yield track
