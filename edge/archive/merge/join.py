"""The results of a flight's units as those of one run: a folder as ``edge run --out`` leaves it."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import msgspec
from msgspec.structs import replace

from edge.app.start.start import FILE as START
from edge.archive.merge.stitch import Edges, as_one, edges_of, numbers
from edge.errors import InputError, SinkError
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import TrackLine, read_tracks
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.crops import CROPS
from edge.sinks.tracks.jsonl import SPEC as TRACKS
from edge.system.files import reason_of, sync_folder, written_whole

FILES_A_TRACK = 6  # three looks, each with its counts
APART_S = 10.0  # between stills of two units, whose times are those of their reading: far more than a track lasts
Number = Callable[[int, int], int]  # of a unit and its track: the flight's


@dataclass(frozen=True)
class Shift:
    """What is added to the numbers and times of a unit that begins again from 0, as stills do."""

    seq: int = 0
    t: float = 0.0


def join_units(units: Sequence[Path], out: Path) -> Path:
    """Make ``out`` of the results of all units of one flight, in their order; ``out`` is there whole or not at all.

    Frames stand one after the other; a track that goes on in the next unit keeps its number. Units of stills begin
    again from 0: their numbers and times go on behind those of the unit before, and no track goes over their border.
    Pictures are linked where the file system can, else copied. ``run.json`` is that of the first unit.

    Raises InputError where units are not of one flight, SinkError where it cannot be written.
    """
    files = [DetectionsFile(DETECTIONS.path(unit)) for unit in units]
    first = files[0].first
    for unit, file in zip(units, files, strict=True):
        if (file.first.frame, file.first.classes) != (first.frame, first.classes):
            raise InputError(f"{unit}: another frame's size or other classes than in {units[0]}: not of one flight")
    shifts = _shifts(files)
    edges = [edges_of(_shifted(file, shift)) for file, shift in zip(files, shifts, strict=True)]
    known = numbers(edges)
    offsets = list(accumulate((one.highest for one in edges), initial=0))

    def number(unit: int, track: int) -> int:
        return known[unit].get(track, offsets[unit] + track)

    work = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        shutil.rmtree(work, ignore_errors=True)
        (work / CROPS).mkdir(parents=True)
        with written_whole(DETECTIONS.path(work)) as lines:
            for line in _lines(files, shifts, number):
                lines.write(line + b"\n")
        with written_whole(TRACKS.path(work)) as lines:
            for track in _tracks(units, shifts, edges, number, work):
                lines.write(msgspec.json.encode(track) + b"\n")
        with suppress(FileNotFoundError):
            shutil.copy2(units[0] / START, work / START)
        shutil.rmtree(out, ignore_errors=True)
        work.rename(out)
        sync_folder(out.parent)
    except OSError as error:
        raise SinkError(f"{out}: {reason_of(error)}: free some space") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out


def _shifts(files: Sequence[DetectionsFile]) -> list[Shift]:
    """Of each unit; none where its numbers go on by themselves, as those of a recording do."""
    shifts: list[Shift] = []
    last_seq, last_t = -1, 0.0
    for file in files:
        shift, begun = Shift(), False
        for frame in file:
            if not begun and frame.seq <= last_seq:
                shift = Shift(last_seq + 1 - frame.seq, last_t + APART_S - frame.t)
            begun = True
            last_seq, last_t = frame.seq + shift.seq, frame.t + shift.t
        shifts.append(shift)
    return shifts


def _shifted(frames: DetectionsFile, shift: Shift) -> Iterator[FrameLine]:
    for frame in frames:
        frame.seq, frame.t = frame.seq + shift.seq, frame.t + shift.t
        yield frame


def _lines(files: Sequence[DetectionsFile], shifts: Sequence[Shift], number: Number) -> Iterator[bytes]:
    yield msgspec.json.encode(files[0].first)
    for i, file in enumerate(files):
        for frame in _shifted(file, shifts[i]):
            for found in frame.detections:
                if isinstance(found.track, int):
                    found.track = number(i, found.track)
            yield msgspec.json.encode(frame)


def _tracks(
    units: Sequence[Path], shifts: Sequence[Shift], edges: Sequence[Edges], number: Number, work: Path
) -> Iterator[TrackLine]:
    """In the order in which they end."""
    parts: dict[int, list[tuple[int, TrackLine]]] = defaultdict(list)
    for i, unit in enumerate(units):
        for track in read_tracks(TRACKS.path(unit)):
            if track.track > edges[i].highest:
                raise InputError(f"{unit}: track {track.track} is in no frame of it: detect in that unit again")
            parts[number(i, track.track)].append((i, _later(track, shifts[i])))
    for whole, of_it in sorted(parts.items(), key=lambda item: (item[1][-1][1].last_t, item[0])):
        crops = {
            place: [_picture(units[i] / name, work / CROPS, f"{whole:06d}-{place}") for name in track.crops]
            for place, (i, track) in enumerate(of_it)
        }
        yield as_one([track for _, track in of_it], whole, crops, FILES_A_TRACK)


def _later(track: TrackLine, shift: Shift) -> TrackLine:
    return replace(
        track,
        first_seq=track.first_seq + shift.seq,
        last_seq=track.last_seq + shift.seq,
        best_seq=track.best_seq + shift.seq,
        first_t=track.first_t + shift.t,
        last_t=track.last_t + shift.t,
    )


def _picture(source: Path, folder: Path, begins: str) -> str:
    to = folder / f"{begins}-{source.name}"
    linked(source, to)
    return f"{CROPS}/{to.name}"


def linked(source: Path, to: Path) -> None:
    """The same file under another name; a copy where the file system cannot. Raises OSError."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copyfile(source, to)
