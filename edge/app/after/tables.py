"""The tracks of a survey as CSV and GeoJSON, row by row: the files of a run with three things more on each track."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from edge.app.after.flight.lines import Progress
from edge.app.after.flight.tracks import all_lines
from edge.app.after.reviewed import WORDS, Reviewed
from edge.app.after.survey.survey import Survey
from edge.measure.track_lines import TrackLine
from edge.sinks.tracks.geojson import feature
from edge.sinks.tracks.track_csv import COLUMNS, cells, harmless

JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
MORE = ("flight", "individual", "verdict")
Row = tuple[TrackLine, str, "int | None", str]
"""A track, its flight, the number of the counted individual (None: of none), what a reviewer said."""


def write_csv(
    out: BinaryIO, survey: Survey, reviewed: Sequence[Reviewed | None], progress: Progress | None = None
) -> int:
    """All tracks with the columns of ``tracks.csv`` and `MORE`; returns how many."""
    text = io.TextIOWrapper(out, encoding="utf-8", errors="replace", newline="")
    rows, number = csv.writer(text), 0
    rows.writerow((*COLUMNS, *MORE))
    for track, flight, animal, verdict in _rows(survey, reviewed, progress):
        rows.writerow((*cells(track), harmless(flight), "" if animal is None else animal, verdict))
        number += 1
    text.flush()
    text.detach()
    return number


def write_geojson(
    out: BinaryIO, survey: Survey, reviewed: Sequence[Reviewed | None], progress: Progress | None = None
) -> int:
    """A point for each track with a position, with `MORE` among its properties; returns how many."""
    tracks = sum(len(flight.tracks) for flight in survey.flights)
    placed = sum(int(np.isfinite(flight.tracks.column("lat")).sum()) for flight in survey.flights)
    out.write(b'{"type":"FeatureCollection","tracks":%d,"without_position":%d,"features":[' % (tracks, tracks - placed))
    number = 0
    for track, flight, animal, verdict in _rows(survey, reviewed, progress):
        if track.position is None:
            continue
        point = feature(track, track.position)
        point["properties"] |= {"flight": flight, "individual": animal, "verdict": verdict or None}
        if survey.many:
            point["id"] = f"{flight}/{track.track}"
        out.write(b"," * (number > 0) + JSON.encode(point).encode("utf-8", "replace"))
        number += 1
    out.write(b"]}\n")
    return number


def _rows(survey: Survey, reviewed: Sequence[Reviewed | None], progress: Progress | None) -> Iterator[Row]:
    for flight, animals, told in zip(survey.flights, survey.animals, reviewed, strict=True):
        name = flight.name  # it asks the disk
        for row, track in enumerate(all_lines(flight.folder, flight.tracks, progress)):
            verdict = "" if told is None else WORDS[told.verdicts[row]]
            yield track, name, int(animals[row]) or None, verdict
