"""What a flight has left in its folder, read as its users read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import EdgeError
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import read_tracks
from edge.recording import Recording

WHOLE = ("*.json", "*.geojson")


@dataclass
class Kept:
    """``lines``: frames in detections.jsonl; ``recorded``: seqs in the recording, in order; ``tracks``: in
    tracks.jsonl; ``report``: report.json; ``start``: run.json. None: not there. ``bad``: what a reader chokes on.
    """

    lines: list[FrameLine] = field(default_factory=list)
    recorded: list[int] | None = None
    tracks: int | None = None
    report: dict[str, Any] | None = None
    start: dict[str, Any] | None = None
    bad: list[str] = field(default_factory=list)
    unread: str = ""
    """Why the recording cannot be read."""

    @property
    def words(self) -> str:
        """A few, for the table."""
        tracks = f"{self.tracks} tracks" if self.tracks else ""
        recorded = "" if self.recorded is None else f"{len(self.recorded)} recorded"
        report = "report" if self.report else ""
        return ", ".join(filter(None, [f"{len(self.lines)} lines", tracks, recorded, report]))


def kept(out: Path) -> Kept:
    """Read everything in the folder of a flight."""
    found = Kept()
    detections, tracks, recording = out / "detections.jsonl", out / "tracks.jsonl", out / "recording"
    if detections.exists() and b"\n" in detections.read_bytes():  # without results it has nothing in it
        try:
            found.lines = list(DetectionsFile(detections))
        except EdgeError as error:
            found.bad.append(str(error))
        seqs = [line.seq for line in found.lines]
        if seqs != sorted(set(seqs)):
            found.bad.append("numbers of frames come twice, or in another order")
    if tracks.exists():
        try:
            found.tracks = len(read_tracks(tracks))
        except EdgeError as error:
            found.bad.append(str(error))
    if recording.exists() and list(recording.glob("segment-*.rec")):
        try:
            one = Recording(recording)
            found.recorded = [frame.seq for frame in one]
        except EdgeError as error:
            found.unread = str(error)
    for pattern in WHOLE:
        for path in out.glob(pattern):
            try:
                read = json.loads(path.read_text())
            except ValueError as error:
                found.bad.append(f"{path.name}: {error}")
                continue
            found.report = read if path.name == "report.json" else found.report
            found.start = read if path.name == "run.json" else found.start
    return found


def litter(out: Path) -> list[str]:
    """Temporary files that a flight left."""
    return [path.name for path in out.rglob(".*")]
