"""Merge what a job found: a folder for each flight, and the files of the survey."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge.app.after.report import CSV, GEOJSON, MOST_FLIGHTS, write_flight_report
from edge.app.after.survey.survey import Survey
from edge.app.output import PAGE
from edge.archive.job import Job, Options, jobs_of, read_job
from edge.archive.manifest import Manifest
from edge.archive.merge import survey_json as to
from edge.archive.merge.folders import flight_folder
from edge.archive.merge.parts import Parts, flights_of
from edge.archive.merge.rows import individuals_of, rows_of, write_csv, write_geojson
from edge.errors import InputError, SinkError
from edge.measure.counts_json import ClassCount
from edge.measure.read_detections import DetectionsFile
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.system.declared import MOST_JSON, decoded
from edge.system.files import read_limited, reason_of, write_whole, written_whole
from edge.system.host import versions

JSON, PARQUET, FLIGHTS, MERGED = "survey.json", "tracks.parquet", "flights", "merged"
NEEDED = "pip install 'thermal-edge[parquet]'"
TOGETHER = "not counted together: {why}"
Progress = Callable[[str, float], None]  # what is done, and which part of it, 0..1


@dataclass(frozen=True)
class Merged:
    """``folders``: of the flights that have results, by the digest of what the flight holds; ``lines``: for a person,
    one a file and one a thing that is to be known.
    """

    job: Path
    out: Path
    survey: to.SurveyJson
    folders: dict[str, Path]
    lines: list[str] = field(default_factory=list)


def job_of(archive: Path, model: Path | None, but: Path | None = None) -> Path:
    """The folder of the job of a bundle, of several that which was begun last; without ``model`` the last of all.
    ``but``: one that is not meant. Raises InputError where there is none.
    """
    found = [folder for folder in jobs_of(archive) if folder != but]
    if model is not None:
        digest = Job.of(model, Options()).model_sha256
        found = [folder for folder in found if read_job(folder).model_sha256 == digest]
    if not found:
        whose = f" with {model}" if model else ""
        raise InputError(f"{archive} has no job{whose}: run: edge archive run {archive}")
    return found[0]


def merge(archive: Path, job: Path, out: Path | None = None, progress: Progress = lambda _what, _part: None) -> Merged:
    """Write ``out``, by default ``archive/merged/JOB``: ``flights/``, ``survey.json``, ``tracks.csv``,
    ``tracks.geojson``, ``tracks.parquet`` where pyarrow is there, and ``report.html`` where the flights can be counted
    together. Units without a result are named, and the rest is merged; to be run again when more are there.

    Raises InputError where nothing can be merged, SinkError where it cannot be written.
    """
    manifest, of_job = Manifest(archive), read_job(job)
    out = out or archive / MERGED / job.name
    rows: list[to.FlightRow] = []
    folders: dict[str, Path] = {}
    copies: dict[str, str] = {}
    done = 0
    for parts in flights_of(manifest, job):
        progress(f"joining {parts.name}", done / max(manifest.head.units, 1))
        done += len(parts.units)
        if parts.digest in folders:
            copies[parts.flight] = folders[parts.digest].name
            continue
        row, folder = _flight(parts, job.name, out)
        rows.append(row)
        if folder is not None:
            folders[parts.digest] = folder
    if not folders:
        why = rows[0].error or (rows[0].missing[0].why if rows[0].missing else "") if rows else ""
        raise InputError(f"{job} has no result of any unit ({why}): run: edge archive run {archive}")
    lines: list[str] = []
    survey, said = _report(list(folders.values()), out, lines, progress)
    _tables(list(folders.values()), out, survey, lines)
    found = to.SurveyJson(
        format=to.FORMAT,
        job=to.JobFacts(
            name=job.name,
            model=of_job.model,
            model_sha256=of_job.model_sha256,
            code_sha256=of_job.code_sha256,
            options=of_job.options,
        ),
        archive=str(archive),
        whole=sum(not row.missing and row.folder is not None for row in rows),
        incomplete=sum(bool(row.missing) and row.folder is not None for row in rows),
        without=sum(row.folder is None for row in rows),
        copies=copies,
        not_read=manifest.head.unread,
        frames=sum(row.frames for row in rows),
        counts=_all_counts(rows, survey, said),
        said=said,
        flights=rows,
        versions=versions({}),
    )
    try:
        write_whole(out / JSON, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    except OSError as error:
        raise SinkError(f"{out / JSON}: {reason_of(error)}: free some space") from None
    return Merged(job, out, found, folders, lines)


def _flight(parts: Parts, job: str, out: Path) -> tuple[to.FlightRow, Path | None]:
    folder, error, frames = None, None, 0
    counts: dict[str, to.SurveyCount] = {}
    if parts.there:
        try:
            folder = flight_folder(parts, job, out / FLIGHTS)
            frames = sum(1 for _ in DetectionsFile(DETECTIONS.path(folder)))
            counts = _counts(folder)
        except InputError as wrong:  # one flight that is damaged costs no other
            folder, error, frames = None, str(wrong), 0
    missing = [to.Missing(unit.number + 1, why) for unit, why in parts.missing]
    row = to.FlightRow(
        name=parts.name,
        flight=parts.flight,
        folder=None if folder is None else f"{FLIGHTS}/{folder.name}",
        units=len(parts.units),
        missing=missing,
        error=error,
        frames=frames,
        counts=counts,
    )
    return row, folder


def _counts(folder: Path) -> dict[str, to.SurveyCount]:
    try:
        return _short(decoded(read_limited(folder / COUNTS, MOST_JSON), dict[str, ClassCount]))
    except OSError as error:
        raise InputError(f"cannot read {folder / COUNTS}: {reason_of(error)}") from None
    except ValueError as error:
        raise InputError(f"{folder / COUNTS}: {error}: expected it as edge run writes it") from None


def _short(counts: dict[str, ClassCount]) -> dict[str, to.SurveyCount]:
    return {
        name: to.SurveyCount(
            tracks=one.tracks, count=one.count, low=one.low, high=one.high, level=one.level, method=one.method
        )
        for name, one in counts.items()
    }


def _report(
    folders: Sequence[Path], out: Path, lines: list[str], progress: Progress
) -> tuple[Survey | None, list[str]]:
    """``report.html`` with the tables, and a common count; where there can be none, why."""
    try:
        if len(folders) > MOST_FLIGHTS:
            raise InputError(f"{len(folders)} flights, a report takes up to {MOST_FLIGHTS}")
        written = write_flight_report(folders, out, progress)
    except InputError as error:
        return None, [TOGETHER.format(why=error)]
    lines += written.lines
    return written.survey, list(written.survey.said)


def _tables(folders: Sequence[Path], out: Path, survey: Survey | None, lines: list[str]) -> None:
    individuals = individuals_of(survey)
    try:
        for name in (PAGE, PARQUET) if survey is None else (PARQUET,):
            (out / name).unlink(missing_ok=True)  # of a merge before, of other flights
        if survey is None:
            with written_whole(out / CSV) as file:
                lines.append(f"{out / CSV}: {write_csv(file, rows_of(folders, individuals))} tracks")
            with written_whole(out / GEOJSON) as file:
                lines.append(f"{out / GEOJSON}: {write_geojson(file, rows_of(folders, individuals))} tracks on the map")
    except OSError as error:
        raise SinkError(f"cannot write into {out}: {reason_of(error)}: free some space or give --out FOLDER") from None
    try:
        from edge.archive.merge.parquet import write_parquet
    except ImportError:
        lines.append(f"! {PARQUET} was not written: {NEEDED}")
        return
    lines.append(f"{out / PARQUET}: {write_parquet(out / PARQUET, rows_of(folders, individuals))} tracks")


def _all_counts(rows: Sequence[to.FlightRow], survey: Survey | None, said: Sequence[str]) -> dict[str, to.SurveyCount]:
    """Of all flights; where they were not counted together, their tracks alone: sums would count animals twice."""
    if survey is not None and survey.counts is not None:
        return _short(survey.counts)
    tracks = Counter[str]()
    for row in rows:
        tracks.update({name: one.tracks for name, one in row.counts.items()})
    why = said[0] if said else TOGETHER.format(why="nobody counted")
    return {
        name: to.SurveyCount(tracks=number, count=None, low=None, high=None, level=None, method=why)
        for name, number in tracks.items()
    }
