"""One reviewed flight: which of its frames are worth training on, and what stands in each of them.

A box in a frame is an object where somebody said that its track is right, with the class that they named; nothing where
they said that it is wrong; and an ignored region, neither object nor background, where they were unsure or nobody has
looked. So is the place of a track in a frame in which it was not found, between two in which it was: something is
there, and nobody knows its box.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.app.review.flight import Flight
from edge.app.review.line import ReviewLine
from edge.app.review.standing import Opinion
from edge.app.review.store import Review
from edge.errors import InputError
from edge.measure.detections_lines import FrameLine
from edge.measure.faint_lines import FaintLine
from edge.measure.read_detections import DetectionsFile, searched
from edge.measure.track_lines import TrackLine
from edge.sinks.jsonl import SPEC as DETECTIONS

APART_S = 1.0  # two frames of one track are at least so far apart: neighbours show the same
MOST = 5  # frames that are chosen for one track

Box = tuple[float, float, float, float]
OBJECT, IGNORED = "object", "ignored"


@dataclass(frozen=True)
class Region:
    """A box in a frame. ``kind``: `OBJECT` or `IGNORED`. ``label``: of the flight's classes. ``why``: ``right``,
    ``missed``, ``unsure``, ``not reviewed``, ``not found`` (between two frames of its track), ``no class``.
    """

    box: Box
    label: int
    kind: str
    why: str
    track: int | None = None


@dataclass(frozen=True)
class Chosen:
    """A frame to train on. ``utc``: ISO 8601 or None. ``wrong``: boxes of wrong tracks, which are background."""

    seq: int
    utc: str | None
    width: int
    height: int
    regions: tuple[Region, ...]
    wrong: int

    @property
    def objects(self) -> int:
        return sum(region.kind == OBJECT for region in self.regions)


@dataclass(frozen=True)
class Reviewed:
    """What a flight gives. ``left_out``: frames, and marks, that cannot be trained on, by why."""

    folder: Path
    name: str
    classes: tuple[str, ...]
    tracks: int
    reviewed: int
    chosen: tuple[Chosen, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    torn: int = 0


def reviewed_flight(folder: Path, apart_s: float = APART_S, most: int = MOST) -> Reviewed:
    """The frames of a flight's folder that its review speaks of. ``apart_s``: least seconds between two frames of one
    track; ``most``: frames of one track.

    Raises InputError where the folder is none of a flight, or a file in it cannot be read.
    """
    flight, review = Flight(folder), Review.read(folder)
    detections = DetectionsFile(DETECTIONS.path(folder))
    there = flight.contents()
    of = review.opinions
    left_out = Counter[str]()
    looked = _Looked(detections)
    blind = {mark.frame for mark in review.missed if mark.box is None}
    if blind:
        left_out["frames with a missed one without a box"] = len(blind)
    needed: set[int] = {mark.frame for mark in review.missed if mark.frame is not None and mark.box is not None}
    for track in (*there.tracks, *there.faint):
        if (opinion := of.get(track.track)) and opinion.verdict != "unsure":
            needed.update(looked.spread(track, apart_s, most))
    needed -= {seq for seq in blind if seq is not None}
    frames = _Frames(detections, there.tracks, [one for one in there.faint if isinstance(one, FaintLine)], of, looked)
    chosen = []
    marks: dict[int, list[ReviewLine]] = {}
    for mark in review.missed:
        if mark.frame is not None:
            marks.setdefault(mark.frame, []).append(mark)
    for frame in frames.of(needed):
        if not searched(frame) and frame.seq not in marks:
            left_out["frames that were not searched"] += 1
            continue
        chosen.append(frames.chosen(frame, marks.get(frame.seq, ())))
    if unknown := len(needed) - len(chosen) - left_out["frames that were not searched"]:
        left_out["frames that detections.jsonl does not have"] = unknown
    both = [track for track in (*there.tracks, *there.faint) if track.track in of]
    known = len(there.tracks) + len(there.faint)
    told = {why: n for why, n in left_out.items() if n}
    return Reviewed(
        folder, flight.name, tuple(detections.first.classes), known, len(both), tuple(chosen), told, review.torn
    )


class _Looked:
    """When every frame was, and in which each track was found."""

    def __init__(self, detections: DetectionsFile) -> None:
        self.t: dict[int, float] = {}
        self.seen: dict[int, list[int]] = {}
        for frame in detections:
            self.t[frame.seq] = frame.t
            for found in frame.detections:
                if isinstance(found.track, int):
                    self.seen.setdefault(found.track, []).append(frame.seq)

    def spread(self, track: TrackLine, apart_s: float, most: int) -> list[int]:
        """The track's best frame, and others of it that are far enough apart."""
        there = (
            [place.seq for place in track.places] if isinstance(track, FaintLine) else self.seen.get(track.track, [])
        )
        taken, apart_s = list[int](), apart_s - 1e-6  # times are rounded to a millionth
        for seq in (track.best_seq, *there):
            t = self.t.get(seq)
            if len(taken) < most and t is not None and all(abs(t - self.t[one]) >= apart_s for one in taken):
                taken.append(seq)
        return taken


class _Frames:
    """What stands in the frames of one flight."""

    def __init__(
        self,
        detections: DetectionsFile,
        tracks: Sequence[TrackLine],
        faint: Sequence[FaintLine],
        of: Mapping[int, Opinion],
        looked: _Looked,
    ) -> None:
        self._detections, self._of = detections, of
        self._label = {track.track: track.label for track in (*tracks, *faint)}
        self._seen = looked.seen
        self._faint = {line.track: {place.seq: _box(place) for place in line.places} for line in faint}
        self._boxes: dict[tuple[int, int], Box] = {}  # of a track in a frame, as far as they are needed

    def of(self, needed: set[int]) -> Iterator[FrameLine]:
        """Their lines, in the order of the file."""
        for track, seqs in self._seen.items():
            for seq in needed:
                self._boxes.update({(track, one): (0.0,) * 4 for one in _around(seqs, seq) or ()})
        kept = []
        for frame in self._detections:
            for found in frame.detections:
                if isinstance(found.track, int) and (found.track, frame.seq) in self._boxes:
                    self._boxes[found.track, frame.seq] = found.box
            if frame.seq in needed:
                kept.append(frame)
        return iter(kept)

    def chosen(self, frame: FrameLine, marks: Sequence[ReviewLine]) -> Chosen:
        """The frame with its regions."""
        seq, regions, wrong = frame.seq, list[Region](), 0
        found_here = set[int]()
        for found in frame.detections:
            track = found.track if isinstance(found.track, int) else None
            if track is not None:
                found_here.add(track)
            region = self._region(found.box, track, self._label.get(track or 0, found.label))
            wrong += region is None
            regions += [region] if region else []
        for track, seqs in self._seen.items():
            if track not in found_here and (ends := _around(seqs, seq)):
                regions += self._between(track, seq, ends, [self._boxes[track, one] for one in ends])
        for track, places in self._faint.items():
            if seq in places:
                region = self._region(places[seq], track, self._label[track])
                wrong += region is None
                regions += [region] if region else []
            elif ends := _around(sorted(places), seq):
                regions += self._between(track, seq, ends, [places[one] for one in ends])
        regions += [self._missed(mark) for mark in marks if mark.box is not None]
        size = self._detections.size(frame)
        inside = (_clipped(region, size.width, size.height) for region in regions)
        return Chosen(seq, frame.utc, size.width, size.height, tuple(r for r in inside if r), wrong)

    def _region(self, box: Box, track: int | None, label: int) -> Region | None:
        """None for what is wrong: nothing is there."""
        opinion = None if track is None else self._of.get(track)
        if opinion is None:
            return Region(box, label, IGNORED, "not reviewed", track)
        if opinion.verdict == "right":
            return Region(box, label if opinion.label is None else opinion.label, OBJECT, "right", track)
        return None if opinion.verdict == "wrong" else Region(box, label, IGNORED, "unsure", track)

    def _between(self, track: int, seq: int, ends: tuple[int, int], boxes: Sequence[Box]) -> list[Region]:
        """Where it must be in a frame in which it was not found."""
        opinion = self._of.get(track)
        if opinion is not None and opinion.verdict == "wrong":
            return []
        part = (seq - ends[0]) / (ends[1] - ends[0])
        x1, y1, x2, y2 = (a + part * (b - a) for a, b in zip(*boxes, strict=True))
        return [Region((x1, y1, x2, y2), self._label.get(track, 0), IGNORED, "not found", track)]

    def _missed(self, mark: ReviewLine) -> Region:
        assert mark.box is not None
        classes = self._detections.first.classes
        label = 0 if mark.label is None and len(classes) == 1 else mark.label
        if label is None:
            return Region(mark.box, 0, IGNORED, "no class")
        return Region(mark.box, label, OBJECT, "missed")


def _around(seqs: Sequence[int], seq: int) -> tuple[int, int] | None:
    """The two of them between which ``seq`` lies; None where it is one of them, or lies outside."""
    at = bisect_left(seqs, seq)
    if at in (0, len(seqs)) or seqs[at] == seq:
        return None
    return seqs[at - 1], seqs[at]


def _box(place: object) -> Box:
    return place.x1, place.y1, place.x2, place.y2  # type: ignore[attr-defined]


def _clipped(region: Region, width: int, height: int) -> Region | None:
    x1, y1, x2, y2 = region.box
    box = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    if not (box[0] < box[2] and box[1] < box[3]):
        return None
    return Region(box, region.label, region.kind, region.why, region.track)


def check_folders(folders: Sequence[Path]) -> dict[Path, str]:
    """A name for each flight, as its folder of pictures is called. Raises InputError where one comes twice."""
    names: dict[Path, str] = {}
    for folder in folders:
        path = folder.resolve()
        if path in names:
            raise InputError(f"{folder} is given twice: give each flight once")
        own = path.name
        if own in names.values():
            own = f"{path.parent.name}-{own}"
        if own in names.values():
            raise InputError(f"{folder}: another flight is called {own} too: rename one of the two folders")
        names[path] = own
    return names
