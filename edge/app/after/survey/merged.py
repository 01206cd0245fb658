"""How many there are by several flights over the same ground: an animal that two of them saw counts once.

Each flight is cut into passes as in flight (`edge.track.passes`), the passes of all flights stand in the order of their
times, and `edge.track.counting.count` does the rest: two tracks of one pass never are one, tracks of different passes
are merged one to one inside a gate.

A track's line says one error, that of its mean place: a circle that holds it in 68 of 100 cases. The count needs it in
two parts: what all tracks of a pass err in common, and what each errs beside. The surest tenth of a flight's tracks
were seen often enough that nearly all of their error is common: that is taken for it, what is more is a track's own.
The error between two tracks of different passes, which decides who may be merged, is the same however it is parted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.app.after.flight.flight import Flight
from edge.app.after.survey.agree import begin_of
from edge.errors import InputError
from edge.geo.coverage.local import Local
from edge.geo.track_position import LEAST_NOISE_M
from edge.measure.counts_json import ClassCount
from edge.sinks.tracks.counts import LEFT_OUT, NO_POSITION, NONE_FOUND, speeds
from edge.track.counting import GroundTrack, count
from edge.track.passes import pass_numbers

Float64 = npt.NDArray[np.float64]
RADIUS = math.sqrt(-2 * math.log(1 - 0.6827))  # of the circle that holds 68 %, in 1 sigma of an axis
COMMON = 0.1  # part of a flight's tracks: the surest of them tell what all have in common
MOST_OF_A_CLASS = 5000  # tracks of one class in all flights: tables of their distances take 600 MB
MOST_APART_M = 100_000.0  # of one survey


@dataclass(frozen=True)
class Merged:
    """``counts``: by class. ``animals`` in them holds keys, see `key_of`. ``passes``: of each flight."""

    counts: dict[str, ClassCount]
    passes: tuple[int, ...]


def key_of(flight: int, row: int) -> int:
    """One number for the track in row ``row`` of flight ``flight``, both from 0."""
    return flight << 32 | row


def row_of(key: int) -> tuple[int, int]:
    """The flight and the row of a key."""
    return key >> 32, key & 0xFFFFFFFF


def merged(flights: Sequence[Flight], draws: int = 200) -> Merged:
    """The count of all flights, which agree (`edge.app.after.survey.agree.check_agree`).

    Raises InputError where they are not of one place, or a class has too many tracks to be compared with one another.
    """
    classes = flights[0].classes
    order = sorted(range(len(flights)), key=lambda i: begin_of(flights[i]))
    home = _home(flights)
    ground, areas, common, passes = list[GroundTrack](), dict[int, Float64](), list[float](), [0] * len(flights)
    for i in order if home else ():
        assert home is not None
        rows, its_areas, error, its_passes = _of_flight(flights[i], i, home, sum(passes))
        ground, areas = [*ground, *rows], {**areas, **its_areas}
        passes[i] = its_passes
        if rows:
            common.append(error)
    _check_size(ground, classes)
    error_m = math.sqrt(float(np.mean(np.square(common)))) if common else 0.0
    found = count(ground, speed=speeds(classes), pass_error_m=error_m, areas=areas or None, draws=draws)
    counts = {}
    for label, name in enumerate(classes):
        tracks = sum(int((flight.tracks.column("label") == label).sum()) for flight in flights)
        if not tracks:
            counts[name] = ClassCount(tracks=0, count=0, low=0, high=None, level=None, method=NONE_FOUND, animals=[])
        elif label not in found:
            counts[name] = ClassCount(
                tracks=tracks, count=None, low=None, high=None, level=None, method=NO_POSITION, animals=[]
            )
        else:
            one = found[label]
            without = tracks - one.tracks
            counts[name] = ClassCount(
                tracks=tracks,
                count=one.count,
                low=one.low,
                high=one.high + without,
                level=one.level,
                method=one.method + (LEFT_OUT.format(tracks=without) if without else ""),
                animals=[list(keys) for keys in one.animals],
            )
    return Merged(counts, tuple(passes))


def _home(flights: Sequence[Flight]) -> Local | None:
    """Zero of the common map: the first place that a track has."""
    for flight in flights:
        lat, lon = flight.tracks.column("lat"), flight.tracks.column("lon")
        if (known := np.flatnonzero(np.isfinite(lat))).size:
            return Local(float(lat[known[0]]), float(lon[known[0]]))
    return None


def _of_flight(
    flight: Flight, number: int, home: Local, first_pass: int
) -> tuple[list[GroundTrack], dict[int, Float64], float, int]:
    """Its tracks on the ground, the ground of each of its passes, the error that they share (m), how many passes."""
    tracks, seen = flight.tracks, flight.frames.seen
    # the passes' times only tell which frames are how far apart; where they go back, the order of the file counts
    times = np.maximum.accumulate(np.array(seen.at)) if seen.at else np.zeros(0)
    prints = np.array([home.metres(corners) for corners in seen.values]).reshape(-1, 4, 2)
    passes = pass_numbers(times, prints)
    many = int(passes.max()) + 1 if len(passes) else 1
    areas = {first_pass + n: prints[passes == n].reshape(-1, 2) for n in range(many)} if len(passes) else {}
    lat, lon, sigma = (tracks.column(name) for name in ("lat", "lon", "sigma_m"))
    placed = np.flatnonzero(np.isfinite(lat))
    if not placed.size:
        return [], areas, 0.0, many
    at = home.metres(np.column_stack((lat[placed], lon[placed])))
    if np.abs(at).max() > MOST_APART_M:
        raise InputError(
            f"{flight.folder} has tracks {np.abs(at).max() / 1000:.0f} km from those of the first flight: expected "
            "flights of one survey"
        )
    whole = sigma[placed] / RADIUS
    common = float(np.quantile(whole, COMMON))
    own = np.sqrt(np.maximum(whole**2 - common**2, LEAST_NOISE_M**2))
    middles = (tracks.column("first")[placed] + tracks.column("last")[placed]) / 2
    frames = np.minimum(np.searchsorted(times, middles), max(len(times) - 1, 0))
    which = passes[frames] if len(passes) else np.zeros(len(placed), np.int32)
    epochs = tracks.column("first_epoch")[placed], tracks.column("last_epoch")[placed]
    begin = begin_of(flight)
    begin = 0.0 if math.isnan(begin) else begin  # of one flight alone: only times between its own tracks count
    first, last = (
        np.where(np.isnan(epoch), begin + tracks.column(name)[placed], epoch)
        for epoch, name in zip(epochs, ("first", "last"), strict=True)
    )
    labels, scores = tracks.column("label")[placed], tracks.column("score")[placed]
    rows = [
        GroundTrack(
            id=key_of(number, int(row)),
            label=int(labels[i]),
            score=float(scores[i]),
            east=float(at[i, 0]),
            north=float(at[i, 1]),
            sigma_m=float(own[i]),
            first_t=float(first[i]),
            last_t=float(last[i]),
            pass_number=first_pass + int(which[i]),
        )
        for i, row in enumerate(placed)
    ]
    return rows, areas, common, many


def _check_size(ground: Sequence[GroundTrack], classes: Sequence[str]) -> None:
    labels = Counter(one.label for one in ground)
    for label, tracks in labels.items():
        if tracks > MOST_OF_A_CLASS:
            name = classes[label] if label < len(classes) else str(label)
            raise InputError(
                f"{tracks} tracks of {name} in all flights: expected up to {MOST_OF_A_CLASS}, as each is compared with "
                "each other one: give fewer flights, or raise the threshold of that class and run them again"
            )
