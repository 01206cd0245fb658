"""``counts.json``: how many of each class there are, with an interval, and of which tracks each of them is made."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.geo.track_position import LEAST_NOISE_M, Float64, track_position
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.measure.counts_json import ClassCount
from edge.measure.kinds import kind_of
from edge.measure.thinned import Thinned
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.activity import State, here
from edge.system.files import reason_of, write_private
from edge.track.book import Book, Track
from edge.track.counting import GroundTrack, count
from edge.track.passes import pass_numbers

EVERY_S = 60.0  # counted again while it flies, so that a power cut costs a minute of it
FOOTPRINT_S = 0.5  # between two footprints that are kept
SPEEDS = {"person": 1.0, "animal": 0.3, "vehicle": 0.0}  # m/s between two passes, by kind of class; chosen
UNKNOWN_SPEED = 0.3  # of a class of which nobody knows what it is
NO_POSITION = "no positions: whether two tracks are of one animal cannot be told"
NO_NAME = "the model does not name this class: it is not counted"
NONE_FOUND = "none was found; how many were missed is not known"
NOT_FOLLOWED = "frames do not follow each other in time: nothing was followed, and boxes are not counted"
TOO_SHORT = "none was followed: its {boxes} boxes came one by one; how many were missed is not known"
LEFT_OUT = "; {tracks} tracks without a position are not in it, and the interval allows for each to be one more"
TOO_MANY = "; {tracks} tracks after the first {most} are not in it, and the interval allows for each to be one more"
REST = 20  # times as long as a count took: at most a twentieth of one thread's time
MOST_OF_A_CLASS = 2000  # tracks that are compared with one another: of more that takes minutes of a small board
MOST_SEEN = 8000  # footprints: an hour; of more every second one goes


@dataclass(frozen=True, slots=True)
class Ended:
    """What of a track is counted. ``place``: latitude, longitude of the first frame that told one; then of their mean;
    1 sigma of the mean along an axis without what all tracks of a pass err in common, metres; and the square of that,
    metres squared. None: no frame told one.
    """

    number: int
    label: int
    score: float
    began: float
    ended: float
    place: tuple[float, float, float, float, float, float] | None

    @classmethod
    def of(cls, track: Track) -> Ended:
        """The same of a track that will not change."""
        return cls(track.number, track.label, track.score, track.began, track.ended, _place(track))


class Gathered:
    """Tracks that are over: those of which a count is made, at most `MOST_OF_A_CLASS` a class. ``more``: how many of
    each label came after them.
    """

    def __init__(self) -> None:
        self.kept: list[Ended] = []
        self.more = Counter[int]()
        self._many = Counter[int]()

    def add(self, tracks: Sequence[Track]) -> None:
        """They are over now."""
        for track in tracks:
            label = track.label
            if self._many[label] < MOST_OF_A_CLASS:
                self._many[label] += 1
                self.kept.append(Ended.of(track))
            else:
                self.more[label] += 1


COUNTING = State("counting what was found", "the count of what was found has not ended")


class CountsSink(Sink):
    """Gathers the tracks, and counts them at the end and every minute before, more rarely where that takes long: see
    `edge.track.counting.count`.

    Tracks without a position cannot be compared with those of another pass: they are left out, and a class of which
    none has one has no count. ``clock``: seconds.

    Raises SinkError where the file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._classes, self._clock = path, classes, clock
        self._book = Book(pictures=False)
        self._over = Gathered()
        self._seen = Thinned[Float64](FOOTPRINT_S, MOST_SEEN)
        self._boxes, self._followed = Counter[int](), True
        self._next, self._closed = clock() + EVERY_S, False

    def write(self, result: Result) -> None:
        """Note the tracks of one result, and the ground it saw."""
        self._over.add(self._book.add(result))
        found, t = result.detections, result.t_source
        self._boxes.update(found.labels.tolist())
        self._followed &= found.track_ids is not None or not len(found)
        if result.footprint is not None:
            self._seen.note(t, result.footprint)
        if self._clock() >= self._next:
            begin = self._clock()
            self._write([*self._over.kept, *map(Ended.of, self._book.open())])
            now = self._clock()
            self._next = now + max(EVERY_S, REST * (now - begin))

    def close(self) -> None:
        """Count what is left, and write the file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._over.add(list(self._book.end()))
        self._write(self._over.kept)

    def _write(self, tracks: Sequence[Ended]) -> None:
        # thousands of tracks take longer than a sink may be silent, most of all when the flight has ended
        counts = counted(tracks, self._seen, self._classes, self._over.more, lambda: here().goes_on(COUNTING))
        for label, name in enumerate(self._classes):
            if boxes := self._boxes[label] if not counts[name].tracks else 0:
                counts[name] = _nothing(TOO_SHORT.format(boxes=boxes)) if self._followed else _unknown(0, NOT_FOLLOWED)
        try:
            write_private(self._path, msgspec.json.format(msgspec.json.encode(counts), indent=2) + b"\n")
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {reason_of(error)}") from None


def counted(
    tracks: Sequence[Ended],
    seen: Thinned[Float64],
    classes: Sequence[str],
    more: Mapping[int, int] = MappingProxyType({}),
    alive: Callable[[], None] = lambda: None,
) -> dict[str, ClassCount]:
    """What ``counts.json`` says. ``seen``: footprints, (4, 2) latitude and longitude, frame after frame.
    ``more``: by label, tracks that were too many to be kept. ``alive``: see `edge.track.counting.count`.
    """
    counts: dict[str, ClassCount] = {}
    ground, error_m, areas = _on_the_ground([track for track in tracks if track.place], seen)
    found = count(ground, speed=speeds(classes), pass_error_m=error_m, areas=areas or None, alive=alive)
    for label, name in enumerate(classes):
        of_it, others = [track for track in tracks if track.label == label], more.get(label, 0)
        if not of_it:
            counts[name] = _nothing(NONE_FOUND)
        elif label not in found:
            counts[name] = _unknown(len(of_it) + others, NO_POSITION)
        else:
            one, without = found[label], sum(track.place is None for track in of_it)
            said = (LEFT_OUT.format(tracks=without) if without else "") + (
                TOO_MANY.format(tracks=others, most=MOST_OF_A_CLASS) if others else ""
            )
            counts[name] = ClassCount(
                tracks=len(of_it) + others,
                count=one.count,
                low=one.low,
                high=one.high + without + others,
                level=one.level,
                method=one.method + said,
                animals=[list(ids) for ids in one.animals],
            )
    nameless = Counter(track.label for track in tracks if track.label >= len(classes))  # more than the model names
    nameless.update({label: n for label, n in more.items() if label >= len(classes)})
    counts.update({class_name(classes, label): _unknown(n, NO_NAME) for label, n in nameless.items()})
    return counts


def _unknown(tracks: int, why: str) -> ClassCount:
    return ClassCount(tracks=tracks, count=None, low=None, high=None, level=None, method=why, animals=[])


def _nothing(why: str) -> ClassCount:
    return ClassCount(tracks=0, count=0, low=0, high=None, level=None, method=why, animals=[])


def speeds(classes: Sequence[str]) -> dict[int, float]:
    """Metres a second that an object of a class goes between two passes, by label."""
    return {label: SPEEDS.get(kind_of(name) or "", UNKNOWN_SPEED) for label, name in enumerate(classes)}


def _place(track: Track) -> tuple[float, float, float, float, float, float] | None:
    """See `Ended`."""
    if not track.where:
        return None
    positions, covariance, factors = track.where.parts()
    shared = factors @ factors.transpose(0, 2, 1)
    noise = covariance - shared + LEAST_NOISE_M**2 * np.eye(2)
    own = track_position(positions, noise, np.zeros_like(factors))
    if own is None:
        return None
    sigma = math.sqrt(max(float(np.trace(own.covariance)) / 2, 0.0))
    common = float(np.trace(shared.mean(axis=0))) / 2
    return float(positions[0, 0]), float(positions[0, 1]), own.latitude, own.longitude, sigma, common


def _on_the_ground(
    tracks: Sequence[Ended], seen: Thinned[Float64]
) -> tuple[list[GroundTrack], float, dict[int, Float64]]:
    """The tracks, each with a place, in metres; 1 sigma of what the positions of a pass err in common; and the ground
    that a pass saw.
    """
    if not tracks or tracks[0].place is None:
        return [], 0.0, {}
    home = tracks[0].place
    a_latitude, a_longitude = metres_a_degree(home[0])

    def metres(latitude: Any, longitude: Any) -> Float64:
        return np.stack((wrapped(longitude - home[1]) * a_longitude, (latitude - home[0]) * a_latitude), axis=-1)

    times = np.array(seen.at)
    prints = np.array([metres(corners[:, 0], corners[:, 1]) for corners in seen.values]).reshape(-1, 4, 2)
    order = np.argsort(times, kind="stable")
    times, prints = times[order], prints[order]
    passes = pass_numbers(times, prints)
    areas = {int(number): prints[passes == number].reshape(-1, 2) for number in np.unique(passes)}
    ground, common = [], []
    for track in tracks:
        assert track.place is not None
        _, _, latitude, longitude, sigma, shared = track.place
        common.append(shared)
        east, north = metres(latitude, longitude).tolist()
        middle = (track.began + track.ended) / 2
        frame = min(int(np.searchsorted(times, middle)), len(times) - 1)
        number = int(passes[frame]) if len(times) else 0
        ground.append(
            GroundTrack(
                id=track.number,
                label=track.label,
                score=track.score,
                east=east,
                north=north,
                sigma_m=sigma,
                first_t=track.began,
                last_t=track.ended,
                pass_number=number,
            )
        )
    return ground, math.sqrt(float(np.mean(common))) if common else 0.0, areas


def _make(to: SinkContext) -> CountsSink:
    return CountsSink(to.path, to.classes)


FILE = "counts.json"
SPEC = SinkSpec("counts", FILE, _make, lossless=True, depth=1000, essential=True, pixels=False)
