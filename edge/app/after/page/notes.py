"""What is not known, and what a reader must keep in mind: said plainly, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edge.app.after.flight.flight import Flight
from edge.app.after.flight.lines import FileState
from edge.app.after.page.words import many, number, section, text
from edge.app.after.survey.survey import Survey

MOST = 200  # notes that are shown


def notes(survey: Survey, states: Sequence[Sequence[FileState]]) -> str:
    """The section; "" where there is nothing to say. ``states``: of the files of each flight."""
    lines = list(survey.said)
    for flight, its in zip(survey.flights, states, strict=True):
        begin = f"{flight.name}: " if survey.many else ""
        lines += [begin + line for line in _of_flight(flight, its, survey.many)]
    if not lines:
        return ""
    shown = "".join(f"<li>{text(line)}</li>" for line in lines[:MOST])
    more = f"<li>and {many(len(lines) - MOST, 'note')} more</li>" if len(lines) > MOST else ""
    return section("notes", "What is not known", f"<ul>{shown}{more}</ul>")


def _of_flight(flight: Flight, states: Sequence[FileState], merged: bool) -> Iterator[str]:
    report, frames, tracks = flight.facts.report, flight.frames, flight.tracks
    if not flight.facts.ended:
        seconds = f"up to {frames.seconds:.0f} s" if frames.frames else "and hold no frame"
        yield (
            "no report.json: the run did not end (power was cut, or it still runs). Everything here is read from "
            f"detections.jsonl and tracks.jsonl, {seconds}; speed, health and settings of the run are not known"
        )
    elif report.ended == "failed":
        yield f"the run failed: {report.error or 'the report does not say why'}"
    elif report.ended in ("stopped", "interrupted") and report.clock is None:  # a live flight always ends so
        yield f"the run was {report.ended} before its source ended"
    for state in states:
        if state.state == "damaged" or state.bad or state.torn:
            yield f"{state.name}: {state.in_words}"
    if frames.first is None and frames.state.state != "not there":
        yield (
            "detections.jsonl has no first line that names the classes and the size of the frames: it is damaged, or "
            "of version 0.1.0. Run the recording again for all of this report"
        )
    if tracks.open:
        yield (
            f"{many(len(tracks.open), 'track')} had not ended when the run was cut off: made from detections.jsonl, "
            "without pictures, placed where the surest frame saw it"
        )
    if tracks.over:
        yield f"{many(tracks.over, 'track')} more than a report holds: left out of everything here"
    yield from _of_counts(flight, merged)
    yield from _of_places(flight)
    if not flight.times.by:
        yield (
            "the time of day is not known: times are seconds since the first frame. A live flight has it in "
            "clock.jsonl once the computer's clock is synchronised, by the network or the autopilot"
        )
    if frames.stills and frames.stills == frames.frames:
        yield "these are stills: seconds are those in which they were read; the time between them is not known"
    if frames.back:
        yield f"{many(frames.back, 'frame')} earlier than the one before: the source's clock went back"
    if flight.earlier:
        yield (
            f"an earlier run stands in {', '.join(flight.earlier)}: it is not in this report. Give that folder as a "
            "further DIR to count both together"
        )
    if report.spare:
        yield (
            f"detections went on in {report.spare.file} ({report.spare.because}): those are not in this report; the "
            "tracks and the count are whole"
        )
    yield from _of_pictures(flight)


def _of_counts(flight: Flight, merged: bool) -> Iterator[str]:
    if flight.counts is None or merged:
        return
    told = sum(one.tracks for one in flight.counts.values())
    if told < len(flight.tracks):
        why = "was written up to a minute before the run was cut off" if not flight.facts.ended else "does not say why"
        yield (
            f"counts.json knows {number(told)} of {many(len(flight.tracks), 'track')}: it {why}. The others are below, "
            "and are not counted"
        )


def _of_places(flight: Flight) -> Iterator[str]:
    frames = flight.frames
    placed = int(np.isfinite(flight.tracks.column("lat")).sum())
    if not placed and not frames.way.at:
        yield (
            "no poses: nobody knows where the aircraft was, so there is no map and nothing is counted on the ground. "
            "Run again with --pose (mavlink:, tlog:, srt: or klv:) and --lens"
        )
        return
    if placed < len(flight.tracks):
        without = many(len(flight.tracks) - placed, "track")
        yield f"{without} of {number(len(flight.tracks))} without a position: not on the map"
    if flight.no_lens and not frames.seen.at:
        yield f"the ground in the pictures is not drawn: {flight.no_lens}"
    elif (position := flight.facts.report.position) and not position.ground.startswith("level"):
        yield f"the ground in the pictures is drawn as if it were level; the positions were made with {position.ground}"
    if flight.ground is None and not any(s.name == "coverage.geojson" and s.state == "damaged" for s in flight.states):
        yield "what ground was searched well enough is not known: run with --coverage"


def _of_pictures(flight: Flight) -> Iterator[str]:
    report, frames = flight.facts.report, flight.frames
    if report.overflowed:
        yield (
            f"in {many(report.overflowed, 'frame')} numbers inside the network became too large: objects may be "
            "missing there"
        )
    if report.unconverged:
        yield f"in {many(report.unconverged, 'frame')} double boxes may be left: their suppression needed more steps"
    if frames.strip["spared"].sum():
        yield (
            f"{many(int(frames.strip['spared'].sum()), 'frame')} were not searched, as the board was hot, weak or "
            "late: what was seen only then is missing"
        )
    for name, sink in report.sinks.items():
        if sink.skipped or sink.error:
            yield f"{name}: {many(sink.skipped, 'frame')} missing in it{f', {sink.error}' if sink.error else ''}"
