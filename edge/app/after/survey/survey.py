"""What a report is about: one flight, or several that are counted together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.app.after.flight.flight import Flight, read_flight
from edge.app.after.flight.lines import Progress
from edge.app.after.survey.agree import begin_of, check_agree
from edge.app.after.survey.merged import merged, row_of
from edge.app.report_json import MissionReport
from edge.geo.coverage.local import Local
from edge.measure.counts_json import ClassCount


@dataclass(frozen=True)
class Survey:
    """``counts``: of all flights, None where nobody counted. ``passes``: of each flight, () of one alone. ``said``:
    what a reader of a common count must know. ``animals``: of each flight (N,) int64, the counted object of each track,
    from 1 through all classes; 0 = none.
    """

    flights: tuple[Flight, ...]
    counts: dict[str, ClassCount] | None
    passes: tuple[int, ...]
    said: tuple[str, ...]
    animals: tuple[npt.NDArray[np.int64], ...] = field(repr=False)

    @property
    def many(self) -> bool:
        return len(self.flights) > 1

    @property
    def title(self) -> str:
        """The mission's name, where all flights have the same, else those of the folders."""
        names = {mission.name for one in self.flights if (mission := _mission(one)) is not None}
        if len(names) == 1 and all(_mission(one) for one in self.flights):
            return names.pop()
        return ", ".join(one.name for one in self.flights[:3]) + f" and {len(self.flights) - 3} more" * (
            len(self.flights) > 3
        )

    @property
    def home(self) -> Local | None:
        """Zero of the map: the middle of all that has a place; None where nothing has."""
        low, high = [math.inf] * 2, [-math.inf] * 2
        for one in self.flights:
            ways = np.array(one.frames.way.values).reshape(-1, 3)[:, :2]
            tracks = np.column_stack((one.tracks.column("lat"), one.tracks.column("lon")))
            places = np.concatenate((ways, tracks))
            places = places[np.isfinite(places).all(axis=1)]
            if len(places):
                low, high = np.minimum(low, places.min(0)).tolist(), np.maximum(high, places.max(0)).tolist()
        if low[0] > high[0]:
            return None
        if high[1] - low[1] > 180:  # across the 180th meridian
            return Local((low[0] + high[0]) / 2, 180.0)
        return Local((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)


def read_survey(folders: Sequence[Path], progress: Progress | None = None) -> Survey:
    """One flight with the count that it made; of several the count of all.

    Raises InputError where a folder is none of a flight, or the flights cannot be counted together.
    """
    flights = []
    for folder in folders:
        named = _named(folder, progress) if len(folders) > 1 else progress
        flights.append(read_flight(folder, named))
    if len(flights) == 1:
        (flight,) = flights
        return Survey((flight,), flight.counts, (), (), (_numbered(flight),))
    said = check_agree(flights)
    flights.sort(key=begin_of)
    if progress:
        progress("counting all flights together", 0.0)
    found = merged(flights)
    animals = tuple(np.zeros(len(flight.tracks), np.int64) for flight in flights)
    number = 0
    for one in found.counts.values():
        for animal in one.animals:
            number += 1
            for of_flight, row in map(row_of, animal):
                animals[of_flight][row] = number
    return Survey(tuple(flights), found.counts, found.passes, tuple(said), animals)


def _numbered(flight: Flight) -> npt.NDArray[np.int64]:
    numbers = np.zeros(len(flight.tracks), np.int64)
    rows = {track: row for row, track in enumerate(flight.tracks.ints["track"])}
    number = 0
    for one in (flight.counts or {}).values():
        for animal in one.animals:
            number += 1
            numbers[[rows[track] for track in animal]] = number
    return numbers


def _named(folder: Path, progress: Progress | None) -> Progress | None:
    return progress and (lambda what, part: progress(f"{folder.name}/{what}", part))


def _mission(flight: Flight) -> MissionReport | None:
    return flight.facts.report.mission or flight.facts.start.mission
