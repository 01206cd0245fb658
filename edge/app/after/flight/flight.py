"""A flight's folder as far as it can be read: `read_flight`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.app.after.flight.facts import Facts, lens_of, read_facts
from edge.app.after.flight.frames import Frames, begin_frames, read_frames
from edge.app.after.flight.ground import Ground, read_ground
from edge.app.after.flight.lines import FileState, Progress, whole
from edge.app.after.flight.times import Times
from edge.app.after.flight.tracks import OpenTracks, Tracks, read_columns
from edge.data import class_name
from edge.errors import InputError
from edge.measure.counts_json import ClassCount
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FILE as COUNTS
from edge.sinks.tracks.jsonl import SPEC as TRACKS

MOST_COUNTS = 64 << 20  # bytes of counts.json: of a million tracks it has 40 MB
OF_A_FLIGHT = (str(DETECTIONS.file), str(TRACKS.file), COUNTS, "report.json", "run.json")


@dataclass(frozen=True)
class Flight:
    """``counts``: None where counts.json cannot be used. ``no_lens``: why the ground in the pictures is not known, ""
    where it is. ``ground``: None without coverage.geojson. ``earlier``: folders of earlier runs within this one.
    """

    folder: Path
    facts: Facts
    times: Times
    frames: Frames
    tracks: Tracks
    counts: dict[str, ClassCount] | None
    ground: Ground | None
    no_lens: str
    states: tuple[FileState, ...]
    earlier: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of its folder; of one that is called out the folder above says more."""
        path = self.folder.resolve()
        return f"{path.parent.name}/{path.name}" if path.name == "out" else path.name or str(path)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names by label: of the first line of the detections, else of what else names some."""
        if self.frames.first is not None:
            return tuple(self.frames.first.classes)
        thresholds = self.facts.both("thresholds")
        if isinstance(thresholds, Mapping) and thresholds:
            return tuple(thresholds)
        most = max(self.tracks.names, default=-1)
        return tuple(self.tracks.names.get(i, class_name((), i)) for i in range(min(most, 1000) + 1))


def read_flight(folder: Path, progress: Progress | None = None) -> Flight:
    """All that the folder holds.

    Raises InputError where it is no folder, or holds nothing that a run writes.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: expected what edge run --out wrote")
    if not any(os.path.lexists(folder / name) for name in OF_A_FLIGHT):
        raise InputError(
            f"{folder} holds none of {', '.join(OF_A_FLIGHT)}: expected the folder that edge run --out wrote"
        )
    facts = read_facts(folder)
    times = Times(folder / "clock.jsonl")
    frames = begin_frames(folder, times)
    lens = lens_of(facts.report.position, None if frames.first is None else frames.first.frame)
    tracks = read_columns(folder, times, progress)
    unfinished = OpenTracks(tracks)
    read_frames(folder, frames, None if isinstance(lens, str) else lens, unfinished, progress)
    for track in unfinished.lines():
        tracks.add(track, times)
        tracks.open.append(track)
    tracks.over += unfinished.over
    counts, of_counts = whole(folder / COUNTS, dict[str, ClassCount], MOST_COUNTS)
    if counts is not None and (wrong := _wrong(counts, tracks)):
        of_counts.refuse(wrong)
        counts = None
    ground, of_ground = read_ground(folder)
    states = (*facts.states, frames.state, tracks.state, of_counts, of_ground, times.state, frames.traced)
    earlier = tuple(sorted(path.name for path in folder.glob("earlier-*") if path.is_dir()))[:100]
    no_lens = lens if isinstance(lens, str) else ""
    return Flight(folder, facts, times, frames, tracks, counts, ground, no_lens, states, earlier)


def _wrong(counts: Mapping[str, ClassCount], tracks: Tracks) -> str:
    """What of counts.json cannot be; "" = nothing."""
    known, used = set(tracks.ints["track"]), set[int]()
    for name, one in counts.items():
        low, number, high = one.low, one.count, one.high
        if number is not None and (low is None or not low <= number <= (number if high is None else high)):
            return f"{name[:60]}: {low} to {high} does not hold {number}"
        for animal in one.animals:
            if not animal or not known.issuperset(animal):
                return f"{name[:60]} counts tracks that tracks.jsonl does not have"
            if not used.isdisjoint(animal):
                return f"a track of {name[:60]} is counted twice"
            used.update(animal)
    return ""


def thresholds_of(flight: Flight) -> dict[str, float]:
    """Lowest score that was written, by class; {}: nobody says."""
    first = flight.frames.first
    if first is not None and not isinstance(first.thresholds, msgspec.UnsetType):
        return dict(first.thresholds)
    found = flight.facts.both("thresholds")
    return dict(found) if isinstance(found, dict) else {}
