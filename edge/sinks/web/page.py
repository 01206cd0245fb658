"""What the page of one run shows: the newest result, figures, counts, marks, events; fed by the run."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.data import Result, class_name
from edge.sinks.web.events import Events
from edge.sinks.web.marks import Marks
from edge.sinks.web.vitals import Changes, Vitals, in_words, meaning

MOST_LIVE = (
    4000  # tracks that are known to have been told of: of a result that was left out nobody hears that one ended
)
MOST_NOW = 100  # detections of the newest frame that are listed
COUNTS, COVERAGE = "counts.json", "coverage.geojson"  # in the run's folder, written by their sinks
MOST_COUNTS = 1 << 20  # bytes; one has some kB

log = logging.getLogger(__name__)


class Page:
    """Of one run. ``look``: how it is now; called in the page's thread. ``clock``: seconds.

    ``folder``: of the run, None until it is there. ``newest``: the last result, None before the first one.
    """

    def __init__(self, look: Callable[[], Vitals], clock: Callable[[], float] = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self.events = Events()
        self._changes = Changes(self.events)
        self.classes: tuple[str, ...] = ()
        self.marks = Marks(())
        self.folder: Path | None = None
        self.newest: Result | None = None
        self._live: dict[int, None] = {}  # the one that was seen last stands last
        self._conditions: frozenset[str] = frozenset()
        self._posed: float | None = None
        self._counts: tuple[int, Any] = (0, None)

    def begin(self, classes: Sequence[str], folder: Path) -> None:
        """The run has its folder, and its model these classes."""
        self.classes, self.folder, self.marks = tuple(classes), folder, Marks(classes)

    def note(self, result: Result) -> None:
        """Take one result; of one thread."""
        self.newest = result
        if result.frame.pose is not None:
            self._posed = self._clock()
        self._note_tracks(result)
        self._note_conditions(result)
        self.marks.note(result)

    def notice(self, text: str) -> None:
        """The run gave something up, or takes it up again; from any thread."""
        good = " ends:" in text
        self.events.add("degrade", "good" if good else "warning", f"Degrade step: {text}")

    def watch(self) -> None:
        """Note what changed in how the run is; in the page's thread, now and then."""
        self._changes.note(self._look())

    def state(self) -> str:
        """All that changes, as JSON; what is no number is null."""
        result, vitals = self.newest, self._look()
        said = {
            **in_words(vitals),
            "time": time.time(),
            "run": self.events.run,
            "marks_revision": self.marks.revision,
            "counts": self._read_counts(),
            "coverage": self._stamp(COVERAGE),
            "frame": None if result is None else _frame(result, self.classes),
            "pose_age_s": None if self._posed is None else self._clock() - self._posed,
            "pose": None if result is None else _pose(result),
            "footprint": None if result is None or result.footprint is None else result.footprint.tolist(),
        }
        return json.dumps(clean(said), separators=(",", ":"), allow_nan=False)

    def _note_tracks(self, result: Result) -> None:
        found = result.detections
        if found.track_ids is not None:
            for i in np.flatnonzero(found.track_ids > 0).tolist():
                number = int(found.track_ids[i])
                if self._live.pop(number, True):
                    self.events.add("found", "info", _found(result, i, self.classes), track=number)
                self._live[number] = None
        for number in result.ended_tracks:
            self._live.pop(number, None)
        while len(self._live) > MOST_LIVE:
            del self._live[next(iter(self._live))]

    def _note_conditions(self, result: Result) -> None:
        now, before = result.warnings, self._conditions
        for name in sorted(now - before):
            seen = result.seen.get(name)
            text = f"{_title(name)}: {meaning(name)}" + (f" ({seen})" if seen else "")
            self.events.add("condition", "warning", text)
        for name in sorted(before - now):
            self.events.add("condition", "good", f"{_title(name)}: over")
        self._conditions = now

    def _stamp(self, name: str) -> int | None:
        """When a file of the run was written, None where there is none: a browser asks for it anew where it differs."""
        try:
            return None if self.folder is None else os.stat(self.folder / name).st_mtime_ns // 1_000_000
        except OSError:
            return None

    def _read_counts(self) -> dict[str, Any] | None:
        """counts.json, as it stands there; None before it does."""
        stamp = self._stamp(COUNTS)
        if stamp is None or self.folder is None:
            return None
        if stamp != self._counts[0]:
            try:
                with (self.folder / COUNTS).open("rb") as file:
                    told = json.loads(file.read(MOST_COUNTS))
                self._counts = (stamp, {name: {**one, "animals": None} for name, one in told.items()})
            except (OSError, ValueError, AttributeError, TypeError) as error:
                log.debug("page: %s: %r", COUNTS, error)
        return {"age_s": max(time.time() - self._counts[0] / 1e3, 0.0), "classes": self._counts[1]}


def clean(value: Any) -> Any:
    """The same with None for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): clean(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(one) for one in value]
    return value


def _frame(result: Result, classes: Sequence[str]) -> dict[str, Any]:
    frame, found = result.frame, result.detections
    rows = range(min(len(found), MOST_NOW))
    return {
        "seq": frame.seq,
        "utc": None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds"),
        "width": frame.width,
        "height": frame.height,
        "flags": sorted(frame.flags),
        "found": len(found),
        "now": [_one(result, i, classes) for i in rows],
    }


def _one(result: Result, i: int, classes: Sequence[str]) -> dict[str, Any]:
    found = result.detections
    track = -1 if found.track_ids is None else int(found.track_ids[i])
    place = None if found.positions is None else found.positions[i].tolist()
    return {
        "track": track if track > 0 else None,
        "class": class_name(classes, int(found.labels[i])),
        "score": round(float(found.scores[i]), 3),
        "celsius": None if found.celsius is None else round(float(found.celsius[i, 2]), 1),
        "sigma_m": None if place is None else round(place[2], 1),
    }


def _pose(result: Result) -> dict[str, Any] | None:
    pose = result.frame.pose
    if pose is None:
        return None
    return {
        "lat": pose.latitude,
        "lon": pose.longitude,
        "height": pose.height,
        "yaw": pose.yaw,
        "pitch": pose.pitch,
        "speed": pose.speed_m_s,
    }


def _found(result: Result, i: int, classes: Sequence[str]) -> str:
    one = _one(result, i, classes)
    warm = "" if one["celsius"] is None or math.isnan(one["celsius"]) else f", {one['celsius']:.1f} °C"
    return f"{one['class']} {one['track']} found, score {one['score']:.2f}{warm}"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
