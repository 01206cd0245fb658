"""When things of a flight were: seconds since its begin, and the time of day where anybody knows it."""

from __future__ import annotations

import math
from bisect import bisect_left
from pathlib import Path

from edge.app.after.flight.lines import FileState, Lines
from edge.app.clock.clock_json import ClockLine
from edge.measure.detections_lines import MOST_S, FrameLine, moment
from edge.measure.track_lines import TrackLine

MOST_LINES = 100_000  # of clock.jsonl that are kept: a line each second for a day
KINDS = {
    "film": "seconds of the film",
    "utc": "time of day, as the source says it",
    "t": "the computer's monotonic clock",
}


class Times:
    """The clocks of one flight. ``kind``: which of `KINDS` its seconds are of, by its first frame. ``zero``: of its
    first frame, by that clock, None before there is one; ``zero_t``: by the monotonic clock. ``by``: who says the time
    of day, in words; "" = nobody.
    """

    def __init__(self, clock: Path) -> None:
        lines = Lines(clock, ClockLine)
        known: list[tuple[float, float]] = []
        for line in lines.each():
            if line.state == "synchronised" and line.utc is not None and len(known) < MOST_LINES:
                try:
                    known.append((line.t, moment(line.utc).timestamp()))
                except ValueError as error:
                    lines.state.refuse_line(str(error))
        self.state: FileState = lines.state
        self._known = sorted(one for one in known if abs(one[0]) <= MOST_S)
        self.kind, self.zero_t = "t", 0.0
        self.zero: float | None = None
        self._last = 0.0
        self._told = False

    @property
    def by(self) -> str:
        """Who says the time of day, in words; "" = nobody."""
        if self._known:
            return "the computer's clock, while it was synchronised (clock.jsonl)"
        return "the source" if self._told else ""

    def of_frame(self, frame: FrameLine) -> float:
        """Seconds since the first frame that was asked for; the first call sets that."""
        if self.zero is None:
            self.kind = "film" if isinstance(frame.origin, float | int) else "utc" if frame.utc else "t"
            self.zero_t = frame.t
        now = self._now(frame)
        if self.zero is None:
            self.zero = now
        self._last = now - self.zero
        self._told |= frame.utc is not None
        return self._last

    def _now(self, frame: FrameLine) -> float:
        if self.kind == "film" and isinstance(frame.origin, float | int):
            return float(frame.origin)
        if self.kind == "utc" and frame.utc:
            return moment(frame.utc).timestamp()
        if self.kind == "t":
            return frame.t
        return (self.zero or 0.0) + self._last  # a frame without: as the one before it

    def epoch(self, t: float, utc: str | None = None) -> float:
        """Seconds since 1970 of a moment by the monotonic clock, and as the source said it; NaN: nobody knows."""
        if utc is not None:
            return moment(utc).timestamp()
        if not self._known:
            return math.nan
        i = bisect_left(self._known, (t, -math.inf))
        near = min(self._known[max(i - 1, 0) : i + 1], key=lambda one: abs(one[0] - t))
        return near[1] + t - near[0]

    def of_track(self, track: TrackLine) -> tuple[float, float]:
        """First and last moment of a track, in the seconds of `of_frame`; of a film that of its best look, twice."""
        zero = self.zero or 0.0
        if self.kind == "film" and isinstance(track.origin, float | int):
            return track.origin - zero, track.origin - zero
        if self.kind == "utc" and track.first_utc and track.last_utc:
            return moment(track.first_utc).timestamp() - zero, moment(track.last_utc).timestamp() - zero
        return track.first_t - self.zero_t, track.last_t - self.zero_t

    def of_t(self, t: float) -> float | None:
        """Of a moment by the monotonic clock: None where seconds are of another clock."""
        return t - self.zero_t if self.kind == "t" else None
