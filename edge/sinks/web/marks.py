"""What stands on the page's map: where objects are, where the aircraft was. Bounded; each change has a number, so that
a browser asks for what is new only.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from edge.data import Pose, Result, class_name
from edge.sinks.colours import on_paper
from edge.sinks.live.known import Known, Sightings

MOST_MARKS = 2000  # 120 bytes each as JSON
MOST_WAY = 900  # points of the aircraft's way
APART_S = 1.0  # between two of them


class Marks:
    """Fed by one thread, read by any. A track gets its mark when a frame told its position."""

    def __init__(self, classes: Sequence[str], most: int = MOST_MARKS, most_way: int = MOST_WAY) -> None:
        self._classes, self._most, self._most_way = classes, most, most_way
        self._sightings = Sightings()
        self._lock = threading.Lock()
        self._marks: dict[int, dict[str, Any]] = {}
        self._way: list[tuple[int, float, float]] = []
        self._way_t = float("-inf")
        self.revision = self.left_out = 0

    def note(self, result: Result) -> None:
        """Take what one result tells."""
        told = list(self._sightings.add(result))
        pose, t = result.frame.pose, result.frame.t_capture
        with self._lock:
            for known in told:
                self._mark(known)
            if pose is not None and abs(t - self._way_t) >= APART_S:
                self._way_t = t
                self._go(pose)

    def since(self, revision: int) -> dict[str, Any]:
        """What changed after this revision; 0 = all. ``left_out``: marks that are not kept any more."""
        with self._lock:
            return {
                "revision": self.revision,
                "marks": [mark for mark in self._marks.values() if mark["revision"] > revision],
                "way": [[lat, lon] for number, lat, lon in self._way if number > revision],
                "left_out": self.left_out,
            }

    def _mark(self, known: Known) -> None:
        place = known.position
        if place is None:
            return
        self.revision += 1
        name = class_name(self._classes, known.label)
        self._marks.pop(known.number, None)  # the one that changed last stands last
        self._marks[known.number] = {
            "revision": self.revision,
            "track": known.number,
            "class": name,
            "colour": on_paper(known.label),
            "score": round(known.score, 3),
            "frames": known.frames,
            "lat": round(place[0], 7),
            "lon": round(place[1], 7),
            "sigma_m": round(known.sigma, 2),
            "utc": known.utc,
        }
        if len(self._marks) > self._most:
            del self._marks[next(iter(self._marks))]
            self.left_out += 1

    def _go(self, pose: Pose) -> None:
        self.revision += 1
        self._way.append((self.revision, round(pose.latitude, 7), round(pose.longitude, 7)))
        if len(self._way) > self._most_way:
            del self._way[1::2]  # every second one goes: the whole way stays
