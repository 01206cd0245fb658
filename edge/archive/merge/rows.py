"""The tracks of all flights, row by row: of a hundred thousand flights one at a time is in memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from edge.app.after.survey.survey import Survey
from edge.app.after.tables import MORE
from edge.measure.track_lines import TrackLine, read_tracks
from edge.sinks.tracks.geojson import feature
from edge.sinks.tracks.jsonl import SPEC as TRACKS
from edge.sinks.tracks.track_csv import COLUMNS, cells, harmless


class Row(NamedTuple):
    """A track. ``flight``: the name of its folder; ``individual``: the number of the counted object over all flights,
    None: nobody counted them together, or it was not counted.
    """

    track: TrackLine
    flight: str
    individual: int | None


def individuals_of(survey: Survey | None) -> dict[str, dict[int, int]]:
    """By flight and track, where all were counted together."""
    flights = zip(survey.flights, survey.animals, strict=True) if survey else ()
    return {
        flight.name: {
            track: int(animal) for track, animal in zip(flight.tracks.ints["track"], animals, strict=True) if animal
        }
        for flight, animals in flights
    }


def rows_of(folders: Sequence[Path], individuals: Mapping[str, Mapping[int, int]]) -> Iterator[Row]:
    """Flight by flight, in the order in which tracks ended. Raises InputError where a file is damaged."""
    for folder in folders:
        own = individuals.get(folder.name, {})
        for track in read_tracks(TRACKS.path(folder)):
            yield Row(track, folder.name, own.get(track.track))


def write_csv(out: BinaryIO, rows: Iterable[Row]) -> int:
    """The columns that ``edge report`` of several flights writes; nobody's verdict is known here. Returns how many."""
    text, number = io.TextIOWrapper(out, encoding="utf-8", errors="replace", newline=""), 0
    table = csv.writer(text)
    table.writerow((*COLUMNS, *MORE))
    for row in rows:
        table.writerow((*cells(row.track), harmless(row.flight), "" if row.individual is None else row.individual, ""))
        number += 1
    text.flush()
    text.detach()
    return number


def write_geojson(out: BinaryIO, rows: Iterable[Row]) -> int:
    """A point for each track with a position; returns how many."""
    out.write(b'{"type":"FeatureCollection","features":[')
    number = 0
    for row in rows:
        if row.track.position is None:
            continue
        point = feature(row.track, row.track.position)
        point["id"] = f"{row.flight}/{row.track.track}"
        point["properties"] |= {"flight": row.flight, "individual": row.individual, "verdict": None}
        out.write(b"," * (number > 0) + json.dumps(point, separators=(",", ":"), allow_nan=False).encode())
        number += 1
    out.write(b"]}\n")
    return number
