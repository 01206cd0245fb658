"""What is known of every track of a run, gathered from its results."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.data import Detections, Int32, Pixels, Result, class_name
from edge.geo.track_position import Float64, TrackPosition, track_position
from edge.measure.track_lines import GroundPosition, TrackLine

VIEWS = 3  # pictures kept of one track
APART_S = 0.5  # two of them are at least so far apart: neighbours show the same
CONTEXT = 2.0  # a picture's side, in sides of the box
MOST_POSITIONS = 1000  # kept of one track; of more every second one goes: neighbours tell the same
OVER_S = 60.0  # not seen for so long, by the source's own time: a tracker gives it up after some seconds
LEAST_PX = 48  # and at least this: a few pixels alone tell nobody anything


Three = tuple[float, float, float]
Four = tuple[float, float, float, float]
Place = tuple[Float64, Float64, Float64]
"""A row each of `Detections.positions`, ``position_covariances`` and ``position_factors``."""


@dataclass(frozen=True, slots=True)
class View:
    """One look at an object. The arrays are copies, the view's own.

    ``box``: xyxy, sensor pixels. ``celsius``: minimum, mean, maximum, or None. ``picture``: (h, w) uint8, normalised,
    around the box, or None in a book without pictures. ``counts``: (h, w) uint16 of the same place, or None there and
    for a camera of 8 bits.
    """

    seq: int
    t: float
    score: float
    box: Four
    celsius: Three | None
    origin: str | float | None
    picture: npt.NDArray[np.uint8] | None
    counts: npt.NDArray[np.uint16] | None


class Places:
    """What the frames told of one object's position, evenly chosen where they are very many; ``told``: how many did.

    A row of numbers each, in one block: some 200 bytes, so that a track in view has 200 kB of them at most.
    """

    __slots__ = ("_every", "_rows", "_wide", "told")

    def __init__(self) -> None:
        self._rows = array("d")
        self.told, self._every, self._wide = 0, 1, 0

    def __len__(self) -> int:
        return len(self._rows) // self._wide if self._wide else 0

    def note(self, place: Place) -> None:
        """A frame told this."""
        if self.told % self._every == 0:
            for part in place:
                self._rows.frombytes(np.asarray(part, np.float64).tobytes())
            self._wide = self._wide or len(self._rows)
            if len(self) > MOST_POSITIONS:
                self._rows = array("d", self._table()[::2].tobytes())
                self._every *= 2
        self.told += 1

    def parts(self) -> tuple[Float64, Float64, Float64]:
        """Copies: positions (N, 3), covariances (N, 2, 2), factors (N, 2, K), as `edge.geo.track_position` has them."""
        table = self._table().copy()
        return table[:, :3], table[:, 3:7].reshape(-1, 2, 2), table[:, 7:].reshape(len(table), 2, -1)

    def mean(self) -> TrackPosition | None:
        """The mean place, weighted by how good each is; None where no frame told one."""
        return track_position(*self.parts()) if self else None

    def _table(self) -> Float64:
        """(N, 7 + 2 K), the block itself: it cannot grow while this is there."""
        return np.frombuffer(self._rows, np.float64).reshape(-1, self._wide)


@dataclass(slots=True)
class Track:
    """One object that was followed. ``utc``: ISO 8601, or None. ``began``, ``ended``: seconds by the source's own time.
    ``where``: see `Places`. ``views``: the best first.
    """

    number: int
    first_seq: int
    first_t: float
    began: float
    first_utc: str | None
    last_seq: int = 0
    last_t: float = 0.0
    ended: float = 0.0
    last_utc: str | None = None
    frames: int = 0
    votes: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    where: Places = field(default_factory=Places)
    views: list[View] = field(default_factory=list)

    @property
    def label(self) -> int:
        """The class for which most score was given; of two alike the first in the model's list."""
        return min(self.votes, key=lambda label: (-self.votes[label], label))

    @property
    def score(self) -> float:
        return self.views[0].score


def places_of(found: Detections, which: npt.NDArray[np.integer]) -> list[Place | None]:
    """The places of the detections ``which``, (M,) int, None for one that has none; copies."""
    places, covariances, factors = found.positions, found.position_covariances, found.position_factors
    if places is None or covariances is None or factors is None:
        return [None] * len(which)
    good = np.isfinite(places[which]).all(axis=1).tolist()
    rows = zip(places[which], covariances[which], factors[which], strict=True)
    return [row if ok else None for ok, row in zip(good, rows, strict=True)]


class Book:
    """The tracks of one run that are not over yet. ``pictures``: whether their views have some."""

    def __init__(self, pictures: bool = True) -> None:
        self._tracks: dict[int, Track] = {}
        self._pictures = pictures
        self._looked = -math.inf

    def add(self, result: Result) -> list[Track]:
        """Note every track of this result; returns those that are over now, by their number.

        Over are those that the result says, and those not seen for `OVER_S`: a sink that leaves results out may miss
        the one that says so.
        """
        found, t = result.detections, result.t_source
        if found.track_ids is not None and len(found):
            self._note(result, found.track_ids)
        over = set(result.ended_tracks)
        if not 0 <= t - self._looked < OVER_S / 2:
            self._looked = t
            over |= {number for number, track in self._tracks.items() if abs(t - track.ended) > OVER_S}
        return [self._tracks.pop(number) for number in sorted(over) if number in self._tracks]

    def open(self) -> list[Track]:
        """Those that are not over, by their number."""
        return [self._tracks[number] for number in sorted(self._tracks)]

    def end(self) -> Iterator[Track]:
        """All that are left, by their number; afterwards the book is empty."""
        for number in sorted(self._tracks):
            yield self._tracks.pop(number)

    def _note(self, result: Result, ids: Int32) -> None:
        frame, found, t = result.frame, result.detections, result.t_source
        utc = None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds")
        rows = np.flatnonzero(ids > 0)
        # lists: a step for each detection is not to be one of numpy's
        told = ids[rows].tolist(), found.scores[rows].tolist(), found.labels[rows].tolist()
        boxes, celsius = found.boxes[rows].tolist(), _celsius(found, rows)
        for number, score, label, box, warmth, place in zip(*told, boxes, celsius, places_of(found, rows), strict=True):
            track = self._tracks.get(number)
            if track is None:
                track = self._tracks[number] = Track(number, frame.seq, frame.t_capture, t, utc)
            track.last_seq, track.last_t, track.ended, track.last_utc = frame.seq, frame.t_capture, t, utc
            track.frames += 1
            track.votes[label] += score
            if place is not None:
                track.where.note(place)
            if _worth_keeping(track.views, score, t):
                _keep(track.views, _view(result, score, tuple(box), warmth, self._pictures))


def _worth_keeping(views: list[View], score: float, t: float) -> bool:
    """Whether a look with this score at ``t`` becomes one of the views: it beats those around it, or the worst."""
    near = [view.score for view in views if abs(view.t - t) < APART_S]
    if near:
        return score > max(near)
    return len(views) < VIEWS or score > views[-1].score


def _keep(views: list[View], new: View) -> None:
    views[:] = [view for view in views if abs(view.t - new.t) >= APART_S]
    views.append(new)
    views.sort(key=lambda view: (-view.score, view.t))
    del views[VIEWS:]


def _view(result: Result, score: float, box: Four, celsius: Three | None, pictures: bool) -> View:
    frame = result.frame
    picture = counts = None
    if pictures:
        x1, y1, x2, y2 = box
        side = max(CONTEXT * max(x2 - x1, y2 - y1), LEAST_PX)
        place = (*_span((x1 + x2) / 2, side, frame.width), *_span((y1 + y2) / 2, side, frame.height))
        picture = _cut(result.picture, place)
        counts = _cut(frame.pixels, place) if frame.pixels.dtype == np.uint16 else None
    return View(frame.seq, result.t_source, score, box, celsius, frame.origin, picture, counts)


def _celsius(found: Detections, which: npt.NDArray[np.integer]) -> list[Three | None]:
    if found.celsius is None:
        return [None] * len(which)
    return [None if math.isnan(mean) else (least, mean, most) for least, mean, most in found.celsius[which].tolist()]


def _rounded(values: tuple[float, ...]) -> Any:
    return tuple(round(v, 2) for v in values)


def _position(where: Places) -> GroundPosition | None:
    found = where.mean()
    if found is None:
        return None
    return GroundPosition(round(found.latitude, 7), round(found.longitude, 7), round(found.sigma_m, 2))


def _span(centre: float, side: float, end: int) -> tuple[int, int]:
    """From and to, whole pixels within 0..end, of ``side`` pixels if there are so many, moved inwards at an edge."""
    length = min(round(side), end)
    first = min(max(round(centre - length / 2), 0), end - length)
    return first, first + length


def _cut(picture: Pixels, place: tuple[int, int, int, int]):  # type: ignore[no-untyped-def]
    left, right, top, bottom = place
    return picture[top:bottom, left:right].copy()


def line_of(track: Track, classes: Sequence[str], crops: Sequence[str]) -> TrackLine:
    """What ``tracks.jsonl`` says of a track; ``crops``: its pictures, names within the run's folder."""
    best = track.views[0]
    return TrackLine(
        track=track.number,
        label=track.label,
        name=class_name(classes, track.label),
        first_seq=track.first_seq,
        last_seq=track.last_seq,
        first_t=round(track.first_t, 6),
        last_t=round(track.last_t, 6),
        first_utc=track.first_utc,
        last_utc=track.last_utc,
        frames=track.frames,
        score=round(best.score, 4),
        best_seq=best.seq,
        box=_rounded(best.box),
        origin=best.origin,
        celsius=best.celsius and _rounded(best.celsius),
        position=_position(track.where),
        crops=list(crops),
    )
