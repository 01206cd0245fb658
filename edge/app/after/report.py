"""The report after landing: ``report.html``, ``tracks.csv`` and ``tracks.geojson`` of one flight or of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge.app.after.flight.lines import Progress
from edge.app.after.page.write import write_page
from edge.app.after.reviewed import reviewed
from edge.app.after.survey.survey import Survey, read_survey
from edge.app.after.tables import write_csv, write_geojson
from edge.app.output import PAGE
from edge.errors import InputError, SinkError
from edge.system.files import private_folder, reason_of, written_private

CSV, GEOJSON = "tracks.csv", "tracks.geojson"
MOST_FLIGHTS = 100


class Written(NamedTuple):
    """``lines``: for a person, one a file and one a thing that is to be known."""

    survey: Survey
    lines: list[str]


def write_flight_report(folders: Sequence[Path], out: Path | None = None, progress: Progress | None = None) -> Written:
    """Write the three files, each whole or not at all, into ``out``; of one flight by default into its own folder.

    Raises InputError where a folder is none of a flight, flights cannot be counted together,
    or several have no ``out``; SinkError where a file cannot be written.
    """
    if len(folders) > MOST_FLIGHTS:
        raise InputError(f"{len(folders)} flights: expected up to {MOST_FLIGHTS}; give a part of them")
    if out is None:
        if len(folders) > 1:
            raise InputError("several flights need a folder for what is made of all of them: give --out FOLDER")
        out = folders[0]
    survey = read_survey(folders, progress)
    told = [reviewed(flight) for flight in survey.flights]
    verdicts = [one for one, _ in told]
    states = [(*flight.states, state) for flight, (_, state) in zip(survey.flights, told, strict=True)]
    try:
        private_folder(out)  # positions of people are in these files
        with written_private(out / CSV) as file:
            rows = write_csv(file, survey, verdicts, progress)
        with written_private(out / GEOJSON) as file:
            placed = write_geojson(file, survey, verdicts, progress)
        with written_private(out / PAGE) as file:
            pictures = write_page(file, survey, verdicts, states, progress)
    except OSError as error:
        raise SinkError(f"cannot write into {out}: {reason_of(error)}: free some space or give --out FOLDER") from None
    size = (out / PAGE).stat().st_size / 1e6
    left = f", {pictures.left_out} left out for its size" if pictures.left_out else ""
    lines = [
        f"{out / PAGE}: {size:.1f} MB with {pictures.embedded} pictures{left}; it opens by a double click, and needs "
        "no network",
        f"{out / CSV}: {rows} tracks",
        f"{out / GEOJSON}: {rows} tracks, {placed} of them on the map",
    ]
    return Written(survey, lines)
