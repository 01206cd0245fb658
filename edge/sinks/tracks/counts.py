"""``counts.json``: how many of each class there are, with an interval, and of which tracks each of them is made."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.geo.track_position import LEAST_NOISE_M, Float64, track_position
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.measure.counts_json import ClassCount
from edge.measure.kinds import kind_of
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec
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


class CountsSink(Sink):
    """Gathers the tracks, and counts them at the end and every minute before: see `edge.track.counting.count`.

    Tracks without a position cannot be compared with those of another pass: they are left out, and a class of which
    none has one has no count. ``clock``: seconds.

    Raises SinkError where the file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._classes, self._clock = path, classes, clock
        self._book = Book(pictures=False)
        self._tracks: list[Track] = []
        self._seen: list[tuple[float, Float64]] = []
        self._boxes, self._followed = Counter[int](), True
        self._written, self._closed = clock(), False

    def write(self, result: Result) -> None:
        """Note the tracks of one result, and the ground it saw."""
        self._tracks += self._book.add(result)
        found, t = result.detections, result.t_source
        self._boxes.update(found.labels.tolist())
        self._followed &= found.track_ids is not None or not len(found)
        if result.footprint is not None and (not self._seen or abs(t - self._seen[-1][0]) >= FOOTPRINT_S):
            self._seen.append((t, result.footprint))
        if self._clock() - self._written >= EVERY_S:
            self._write([*self._tracks, *self._book.open()])

    def close(self) -> None:
        """Count what is left, and write the file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._tracks += self._book.end()
        self._write(self._tracks)

    def _write(self, tracks: Sequence[Track]) -> None:
        counts = counted(tracks, self._seen, self._classes)
        for label, name in enumerate(self._classes):
            if boxes := self._boxes[label] if not counts[name].tracks else 0:
                counts[name] = _nothing(TOO_SHORT.format(boxes=boxes)) if self._followed else _unknown(0, NOT_FOLLOWED)
        try:
            write_private(self._path, msgspec.json.format(msgspec.json.encode(counts), indent=2) + b"\n")
        except OSError as error:
            raise SinkError(f"cannot write {self._path}: {reason_of(error)}") from None
        self._written = self._clock()


def counted(
    tracks: Sequence[Track], seen: Sequence[tuple[float, Float64]], classes: Sequence[str]
) -> dict[str, ClassCount]:
    """What ``counts.json`` says. ``seen``: seconds and footprint, (4, 2) latitude and longitude, frame after frame."""
    counts: dict[str, ClassCount] = {}
    placed = [track for track in tracks if track.where]
    ground, error_m, areas = _on_the_ground(placed, seen)
    found = count(ground, speed=speeds(classes), pass_error_m=error_m, areas=areas or None)
    for label, name in enumerate(classes):
        of_it = [track for track in tracks if track.label == label]
        if not of_it:
            counts[name] = _nothing(NONE_FOUND)
        elif label not in found:
            counts[name] = _unknown(len(of_it), NO_POSITION)
        else:
            one, without = found[label], sum(not track.where for track in of_it)
            counts[name] = ClassCount(
                tracks=len(of_it),
                count=one.count,
                low=one.low,
                high=one.high + without,
                level=one.level,
                method=one.method + (LEFT_OUT.format(tracks=without) if without else ""),
                animals=[list(ids) for ids in one.animals],
            )
    nameless = Counter(track.label for track in tracks if track.label >= len(classes))  # more than the model names
    counts.update({class_name(classes, label): _unknown(n, NO_NAME) for label, n in nameless.items()})
    return counts


def _unknown(tracks: int, why: str) -> ClassCount:
    return ClassCount(tracks=tracks, count=None, low=None, high=None, level=None, method=why, animals=[])


def _nothing(why: str) -> ClassCount:
    return ClassCount(tracks=0, count=0, low=0, high=None, level=None, method=why, animals=[])


def speeds(classes: Sequence[str]) -> dict[int, float]:
    """Metres a second that an object of a class goes between two passes, by label."""
    return {label: SPEEDS.get(kind_of(name) or "", UNKNOWN_SPEED) for label, name in enumerate(classes)}


def _on_the_ground(
    tracks: Sequence[Track], seen: Sequence[tuple[float, Float64]]
) -> tuple[list[GroundTrack], float, dict[int, Float64]]:
    """The tracks in metres; 1 sigma of what the positions of a pass err in common; and the ground that a pass saw."""
    if not tracks:
        return [], 0.0, {}
    home = tracks[0].where[0][0]
    a_latitude, a_longitude = metres_a_degree(float(home[0]))

    def metres(latitude: Any, longitude: Any) -> Float64:
        return np.stack((wrapped(longitude - home[1]) * a_longitude, (latitude - home[0]) * a_latitude), axis=-1)

    times = np.array([t for t, _ in seen])
    prints = np.array([metres(corners[:, 0], corners[:, 1]) for _, corners in seen]).reshape(-1, 4, 2)
    order = np.argsort(times, kind="stable")
    times, prints = times[order], prints[order]
    passes = pass_numbers(times, prints)
    areas = {int(number): prints[passes == number].reshape(-1, 2) for number in np.unique(passes)}
    ground, common = [], []
    for track in tracks:
        positions, covariance, factors = (np.array(rows) for rows in zip(*track.where, strict=True))
        shared = factors @ factors.transpose(0, 2, 1)
        noise = covariance - shared + LEAST_NOISE_M**2 * np.eye(2)
        own = track_position(positions, noise, np.zeros_like(factors))
        if own is None:
            continue
        common.append(float(np.trace(shared.mean(axis=0))) / 2)
        east, north = metres(own.latitude, own.longitude).tolist()
        middle = (track.began + track.ended) / 2
        frame = min(int(np.searchsorted(times, middle)), len(times) - 1)
        number = int(passes[frame]) if len(times) else 0
        sigma = math.sqrt(max(float(np.trace(own.covariance)) / 2, 0.0))
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
SPEC = SinkSpec("counts", FILE, _make, lossless=True, depth=1000, essential=True)
