"""What is known of the tracks that are in view, and when that is worth telling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edge.data import Result
from edge.track.book import Place, Places, places_of

GONE_S = 10.0  # not found for so long: it is over
GROWN = 1.05  # so many times as many frames told a position: how sure it is, is computed again
BETTER = 0.7  # a position is told again when its error is so much smaller
AGAIN_S = 5.0  # but not sooner after the last time
REPEAT_S = 10.0  # what was told once is told a second time: a map may miss the first


@dataclass(slots=True)
class Known:
    """One track. ``utc``: of the last frame, ISO 8601, or None. ``sigma``: 1-sigma error of its place, metres, as of
    nearly all frames. ``told_*``: as it was told last.
    """

    number: int
    frames: int = 0
    score: float = 0.0
    last_t: float = 0.0
    utc: str | None = None
    votes: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    where: Places = field(default_factory=Places)
    sigma: float = float("inf")
    told: int = 0
    told_t: float = 0.0
    told_sigma: float = float("inf")
    told_label: int = -1
    _known_of: int = 0

    @property
    def label(self) -> int:
        """The class for which most score was given."""
        return min(self.votes, key=lambda label: (-self.votes[label], label))

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude, longitude, degrees: the mean, weighted by how good each is; None: no frame told one."""
        found = self.where.mean()
        return None if found is None else (found.latitude, found.longitude)

    def place(self, place: Place) -> None:
        """A frame told this position."""
        self.where.note(place)
        if self.where.told >= GROWN * self._known_of:
            self.measure()

    def measure(self) -> None:
        """Compute how sure its place is."""
        found = self.where.mean()
        if found is not None:
            self.sigma, self._known_of = found.sigma_m, self.where.told

    @property
    def changed(self) -> bool:
        """Whether more is known than was told."""
        return self.told == 0 or self.sigma <= BETTER * self.told_sigma or self.label != self.told_label


class Sightings:
    """The tracks in view of one run. Only those with a position are worth telling."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}

    def add(self, result: Result) -> Iterator[Known]:
        """Note one result; those that are to be told now, and are taken to be."""
        self._note(result)
        t = result.frame.t_capture
        for known in list(self._known.values()):
            over = t - known.last_t > GONE_S
            if known.told and not over and t - known.told_t < AGAIN_S:
                continue  # nothing to say, the most of the time
            if over:
                del self._known[known.number]
                known.measure()
            if known.where and (self._due(known, t) or (over and (known.changed or known.told == 1))):
                yield self._told(known, t)

    def end(self) -> Iterator[Known]:
        """Those of which more is known than was told, or that were told but once."""
        for known in self._known.values():
            known.measure()
            if known.where and (known.changed or known.told == 1):
                yield self._told(known, known.last_t)
        self._known.clear()

    def _due(self, known: Known, t: float) -> bool:
        if known.told == 0:
            return True
        since = t - known.told_t
        return since >= AGAIN_S and (known.changed or (known.told == 1 and since >= REPEAT_S))

    def _told(self, known: Known, t: float) -> Known:
        known.measure()
        known.told, known.told_t = known.told + 1, t
        known.told_sigma, known.told_label = known.sigma, known.label
        return known

    def _note(self, result: Result) -> None:
        frame, found = result.frame, result.detections
        if found.track_ids is None:
            return
        utc = None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds")
        rows = np.flatnonzero(found.track_ids > 0)
        # lists: a step for each detection is not to be one of numpy's
        told = found.track_ids[rows].tolist(), found.scores[rows].tolist(), found.labels[rows].tolist()
        for number, score, label, place in zip(*told, places_of(found, rows), strict=True):
            known = self._known.setdefault(number, Known(number))
            known.frames, known.last_t, known.utc = known.frames + 1, frame.t_capture, utc
            known.score = max(known.score, score)
            known.votes[label] += score
            if place is not None:
                known.place(place)
