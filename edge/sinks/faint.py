"""``faint.jsonl``: what was followed and never shown, with its pictures, for somebody who reviews the flight.

A body that the model half sees stays below the threshold for a whole pass. Whoever looks at its picture afterwards can
say so: it is found after all, and an example to train on that no other frame gives.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from edge.data import Faint, Result
from edge.measure.faint_lines import FAINT_FROM, MOST_PLACES, Place
from edge.seams import Sink
from edge.sinks.line_file import LineFile
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.tracks.crops import CROPS, write_crops
from edge.track.book import Book, Track, line_of

NAME, FILE = "faint", "faint.jsonl"
A_MINUTE = 20  # faint tracks that are kept of a minute, those with the best scores: about 25 MB an hour
MINUTE_S = 60.0


class FaintSink(Sink):
    """Writes an `edge.measure.faint_lines.FaintLine` for each of the best faint tracks that ended within a minute.

    Their pictures lie in ``crops/``, as those of the tracks: ``crops/1000000012-1.png``. A minute is of the source's
    own time; what waits for its end is written when the flight ends. Needs `Result.faint`: where that is None nothing
    is noted.

    Raises SinkError where a file cannot be written.
    """

    def __init__(self, path: Path, classes: Sequence[str], most: int = A_MINUTE) -> None:
        self._folder, self._classes, self._most = path.parent, classes, most
        self._file = LineFile(path)
        self._book = Book()
        self._places: dict[int, _Places] = {}  # of the tracks that are followed
        self._shown: set[int] = set()  # those of them that were shown once: they stand in tracks.jsonl
        self._waiting: list[tuple[float, int, _Places, Track]] = []  # a heap, the faintest first
        self._left_out = 0
        self._ends: float | None = None  # when this minute is over

    def write(self, result: Result) -> None:
        """Note what is faint in one result."""
        t = result.t_source
        if self._ends is None or not self._ends - MINUTE_S <= t < self._ends:
            self._flush()
            self._ends = t + MINUTE_S
        if result.faint is not None:
            self._note(result, result.faint)

    def _note(self, result: Result, faint: Faint) -> None:
        ids = faint.found.track_ids
        assert ids is not None  # the follower gives them
        self._shown.update(ids[faint.shown & (ids > 0)].tolist())
        followed = [i for i, number in enumerate(ids.tolist()) if number > 0 and number not in self._shown]
        found = faint.found.where(np.array(followed, np.intp))
        numbers = found.track_ids.tolist() if found.track_ids is not None else []
        for number, box in zip(numbers, found.boxes.tolist(), strict=True):
            self._places.setdefault(number, _Places()).note(result.frame.seq, box)
        for track in self._book.add(replace(result, detections=found, ended_tracks=faint.ended)):
            self._over(track)
        self._shown.difference_update(faint.ended)

    def _over(self, track: Track) -> None:
        places = self._places.pop(track.number)
        if track.number in self._shown:
            return
        track.number += FAINT_FROM
        entry = (track.score, -track.number, places, track)
        if len(self._waiting) < self._most:
            heapq.heappush(self._waiting, entry)
        else:
            heapq.heappushpop(self._waiting, entry)
            self._left_out += 1

    def _flush(self) -> None:
        """Write what waits."""
        lines: list[dict[str, object]] = []
        for _, _, places, track in sorted(self._waiting, key=lambda entry: entry[3].number):
            line = line_of(track, self._classes, write_crops(self._folder, track))
            lines.append({**msgspec.to_builtins(line), "places": msgspec.to_builtins(list(places)), "left_out": 0})
        if lines:
            lines[0]["left_out"] = self._left_out
            self._file.append(lines)
            self._file.sync()
        self._waiting, self._left_out = [], 0

    def close(self) -> None:
        """Write what is left, force it to the disk and close. May be called twice."""
        try:
            for track in self._book.end():
                self._over(track)
            self._flush()
        finally:
            self._file.close()


class _Places(list[Place]):
    """Where a track was, evenly chosen where that is very often."""

    def __init__(self) -> None:
        self._told, self._every = 0, 1

    def note(self, seq: int, box: Sequence[float]) -> None:
        if self._told % self._every == 0:
            self.append(Place(seq, *(round(v, 2) for v in box)))
            if len(self) > MOST_PLACES:
                del self[1::2]
                self._every *= 2
        self._told += 1


def _make(to: SinkContext) -> FaintSink:
    return FaintSink(to.path, to.classes)


SPEC = SinkSpec(
    NAME,
    FILE,
    _make,
    beside=(CROPS,),
    heavy=True,
    help=f"also keep what was followed and stayed below the threshold, to review: the best {A_MINUTE} of a minute, in "
    f"DIR/{FILE} and DIR/{CROPS}",
)
