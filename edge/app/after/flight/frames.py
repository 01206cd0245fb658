"""One pass over the detections of a flight: how it went over time, where it flew, what ground its pictures show."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from edge.app.after.flight.lines import FileState, Lines, Progress, first_line
from edge.app.after.flight.thinned import Strip
from edge.app.after.flight.times import Times
from edge.app.after.flight.tracks import OpenTracks
from edge.data import Pose
from edge.geo.attitude import Mounting
from edge.geo.camera import CameraModel
from edge.geo.coverage.footprint import footprint
from edge.measure.detections_lines import FirstLine, FrameLine
from edge.measure.read_detections import searched
from edge.measure.thinned import Thinned
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.sinks.tracks.counts import FOOTPRINT_S
from edge.system.declared import decoded

Float64 = npt.NDArray[np.float64]
MOST_SEEN, MOST_WAY = 8000, 8000  # footprints, places of the aircraft: of more every second one goes
WAY_S = 1.0  # between two places of the aircraft that are kept
MOST_CLASSES = 1000  # names of classes that are counted
SUMS = ("frames", "missing", "shut", "spared", "boxes", "overflowed", "frozen", "posed", "traced", "latency_sum")
TOPS = ("latency_most",)


class TraceLine(Struct):
    """What is read of a line of trace.jsonl."""

    seq: int
    t: float
    latency_ms: float


class Frames:
    """What `read_frames` gathers. ``first``: the file's first line, None: it is damaged, or of version 0.1.0.
    ``strip``: sums over time. ``way``: latitude, longitude, height (m) of the aircraft. ``seen``: (4, 2) latitude and
    longitude of the ground in a picture. ``boxes``: by class. ``flags``: frames with each. ``gaps_in_seq``: numbers
    that no line has. ``back``: frames that were earlier than the one before. ``traced``: what became of trace.jsonl.
    """

    def __init__(self, first: FirstLine | None, times: Times) -> None:
        self.first, self.times = first, times
        self.strip = Strip(SUMS, TOPS)
        self.way = Thinned[tuple[float, float, float]](WAY_S, MOST_WAY)
        self.seen = Thinned[Float64](FOOTPRINT_S, MOST_SEEN)
        self.boxes, self.flags = Counter[str](), Counter[str]()
        self.frames = self.searched = self.posed = self.gaps_in_seq = self.back = self.stills = 0
        self.seconds = 0.0
        self.first_epoch = self.last_epoch = float("nan")
        self.state = self.traced = FileState(str(DETECTIONS.file))
        self._seq: int | None = None
        self._t = -np.inf

    def note(self, frame: FrameLine) -> float:
        """One frame; returns its seconds."""
        t = self.times.of_frame(frame)
        self.frames += 1
        self.back += t < self._t
        self._t = t
        asked = searched(frame)
        self.searched += asked
        missing = 0 if self._seq is None else min(max(frame.seq - self._seq - 1, 0), 10**9)
        self._seq = frame.seq
        self.gaps_in_seq += missing
        self.posed += isinstance(frame.pose, tuple)
        self.stills += isinstance(frame.origin, str)
        self.seconds = max(self.seconds, t)
        epoch = self.times.epoch(frame.t, frame.utc)
        self.first_epoch = epoch if np.isnan(self.first_epoch) else self.first_epoch
        self.last_epoch = self.last_epoch if np.isnan(epoch) else epoch
        shut = "ffc" in frame.flags
        self.flags.update(frame.flags)
        for found in frame.detections:
            if found.name in self.boxes or len(self.boxes) < MOST_CLASSES:
                self.boxes[found.name] += 1
        self.strip.add(
            t,
            frames=1,
            missing=missing,
            shut=shut,
            spared=not asked and not shut,
            boxes=len(frame.detections),
            overflowed=frame.overflowed is True,
            frozen="frozen" in frame.flags,
            posed=isinstance(frame.pose, tuple),
        )
        return t

    def look(self, frame: FrameLine, t: float, lens: tuple[CameraModel, Mounting, float] | None) -> None:
        """Note where it was, and what ground it shows."""
        if not isinstance(frame.pose, tuple):
            return
        pose = Pose(*frame.pose)
        self.way.note(t, (pose.latitude, pose.longitude, pose.height))
        if lens is None or not self.seen.due(t):
            return
        camera, mounting, level = lens
        if isinstance(frame.frame, Struct) and (frame.frame.width, frame.frame.height) != (camera.width, camera.height):
            return
        found = footprint((camera.width, camera.height), camera, mounting.apply(pose), level)
        if found is not None and np.isfinite(found.corners).all():
            self.seen.note(t, found.corners)


def begin_frames(folder: Path, times: Times) -> Frames:
    """The first line, and the clock of the first frame."""
    path = DETECTIONS.path(folder)
    try:
        first = decoded(first_line(path), FirstLine)
    except ValueError:
        first = None
    frames = Frames(first, times)
    for frame in frame_lines(path, first).each():
        times.of_frame(frame)
        break
    return frames


def read_frames(
    folder: Path,
    frames: Frames,
    lens: tuple[CameraModel, Mounting, float] | None,
    unfinished: OpenTracks,
    progress: Progress | None = None,
) -> None:
    """The whole file, in bounded memory; and the latencies of trace.jsonl where there is one."""
    lines = frame_lines(DETECTIONS.path(folder), frames.first)
    for frame in lines.each(progress):
        t = frames.note(frame)
        frames.look(frame, t, lens)
        for found in frame.detections:
            if found.track is not None:
                unfinished.note(found, frame.seq, frame.t, frame.utc, _origin(frame))
    frames.state = lines.state
    traces = Lines(folder / "trace.jsonl", TraceLine)
    for trace in traces.each(progress):
        t_of = frames.times.of_t(trace.t)
        if t_of is not None and 0 <= trace.latency_ms < 1e9 and abs(t_of) <= frames.seconds + 1:
            frames.strip.add(t_of, traced=1, latency_sum=trace.latency_ms, latency_most=trace.latency_ms)
    frames.traced = traces.state


def frame_lines(path: Path, first: FirstLine | None) -> Lines[FrameLine]:
    """Its frames; where the first line is none, it may be a frame of version 0.1.0."""
    return Lines(path, FrameLine, skip=0 if first is None else 1)


def _origin(frame: FrameLine) -> str | float | None:
    return frame.origin if isinstance(frame.origin, str | float | int) else None
