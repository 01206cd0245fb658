"""What the reviewing page is told, and what it may say: the JSON of its addresses, declared and limited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from edge.app.review.flight import Contents, Flight, shown_crops
from edge.app.review.keep import keep
from edge.app.review.line import LONGEST_NAME, MOST_TRACKS, Four, Number, OfTracks, ReviewLine, Whole
from edge.app.review.pictures import KeptFrames, WholeFrames
from edge.app.review.store import Review
from edge.measure.faint_lines import FAINT_FROM
from edge.measure.frame_lines import FrameLines
from edge.measure.track_lines import TrackLine
from edge.sinks.jsonl import SPEC as DETECTIONS
from edge.system.declared import declared, read_json

MOST_BODY = 64 << 10  # bytes of what is said at a time: some 6,000 tracks
GONE = "this frame is not kept, or no longer: there is no picture to keep"
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


class Said(Struct, forbid_unknown_fields=True, kw_only=True):
    """A verdict on tracks."""

    verdict: OfTracks
    tracks: Annotated[list[Number], Meta(min_length=1, max_length=MOST_TRACKS)]
    label: Whole | None = None
    by: Name | None = None


class Missed(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something that was not found. ``frame``: its seq; null: the newest one of a flight that goes on."""

    frame: Whole | None = None
    box: Four | None = None
    label: Whole | None = None
    by: Name | None = None


class Undo(Struct, forbid_unknown_fields=True, kw_only=True):
    """``n``: the line to take back; null: the newest that counts."""

    n: Number | None = None
    by: Name | None = None


class Answers:
    """Of one flight. ``frames``: whole ones; None: those that its folder keeps. Each raises InputError and SinkError
    as what it asks does, and ValueError for what cannot be said.
    """

    def __init__(self, folder: Path, frames: WholeFrames | None = None) -> None:
        self.flight, self.review = Flight(folder), Review.read(folder)
        self.frames = frames or KeptFrames(folder)
        self._lines = FrameLines(DETECTIONS.path(folder))

    # ---- what there is ----

    def stamp(self) -> str:
        """Another one whenever `everything` would say something else."""
        self.review.refresh()
        return f"{self.flight.contents().stamp}-{self.review.last}-{self.review.torn}"

    def everything(self) -> dict[str, Any]:
        """The flight, its tracks, and what was said of them."""
        self.review.refresh()
        there = self.flight.contents()
        return {
            "flight": self.flight.name,
            "live": self.frames.live,
            "classes": list(there.classes),
            "tracks": [_track(one) for one in (*there.tracks, *there.faint)],
            "faint_left_out": there.left_out,
            "frames": self._of_frames(),
            "review": self.said(there),
        }

    def said(self, there: Contents | None = None) -> dict[str, Any]:
        """What was said so far. ``unknown``: tracks that were reviewed and are not in the folder."""
        review = self.review
        there = there or self.flight.contents()
        numbers = {track.track for track in (*there.tracks, *there.faint)}
        opinions = review.opinions
        return {
            "last": review.last,
            "tracks": {str(track): [one.verdict, one.label] for track, one in opinions.items()},
            "missed": [{"n": m.n, "frame": m.frame, "box": m.box, "label": m.label} for m in review.missed],
            "counts": review.counts,
            "torn": review.torn,
            "unknown": len(opinions.keys() - numbers),
        }

    def _of_frames(self) -> dict[str, Any]:
        frames = self.frames
        return {"newest": frames.beside(None, 0), "why_not": frames.why_not}

    def frame(self, seq: int | None, step: int = 0) -> dict[str, Any] | None:
        """The frame ``step`` places from ``seq``, of None the newest: which one it is, and what was found in it; None
        where there is none. ``kept``: there are pixels to train on.
        """
        at = self.frames.beside(seq, step)
        if at is None:
            if step or seq is None:
                return None
            at = seq
        line = self._lines.of(at)
        return {
            "seq": at,
            "utc": line and line.utc,
            "searched": line is not None and line.inferred is not False,
            "detections": [] if line is None else [_detection(one) for one in line.detections],
            "kept": self.frames.frame(at) is not None,
        }

    # ---- what is said ----

    def add(self, body: bytes) -> dict[str, Any]:
        """Take what the page says; returns `said`, and as ``n`` the number of the new line."""
        value = read_json(body)
        if isinstance(value, dict) and value.get("verdict") == "missed":
            return self._missed(declared({name: v for name, v in value.items() if name != "verdict"}, Missed))
        said = declared(value, Said)
        self._check_label(said.label)
        there = self.flight.contents()
        if unknown := set(said.tracks) - {track.track for track in (*there.tracks, *there.faint)}:
            raise ValueError(f"track {min(unknown)} is none of this flight: load the page again")
        return self._after(self.review.add(said.verdict, said.tracks, said.label, said.by))

    def _missed(self, said: Missed) -> dict[str, Any]:
        self._check_label(said.label)
        seq = self.frames.beside(None, 0) if said.frame is None else said.frame
        if seq is None:
            raise ValueError("no frame was named, and there is no newest one: name the frame")
        frame = self.frames.frame(seq)
        if frame is None and self._lines.of(seq) is None:
            raise ValueError(f"frame {seq} is none of this flight")
        if frame is not None and said.box is not None:
            x1, y1, x2, y2 = said.box
            if not (0 <= x1 < x2 <= frame.width and 0 <= y1 < y2 <= frame.height):
                raise ValueError(f"the box does not lie in the frame, {frame.width}x{frame.height}")
        kept = frame and keep(self.flight.folder, frame)  # first, so that no line means a picture that is not there
        line = self.review.add_missed(seq, said.box, said.label, said.by)
        return {**self._after(line), "kept": kept, "why_not": "" if kept else self.frames.why_not or GONE}

    def undo(self, body: bytes) -> dict[str, Any]:
        """Take a line back; returns `said`, as ``n`` the number of the new line, None where nothing was there, and as
        ``undone`` the line that no longer counts.
        """
        said = declared(read_json(body or b"{}"), Undo)
        line = self.review.undo(said.n, said.by)
        return {**self._after(line), "undone": line and line.undoes}

    def _check_label(self, label: int | None) -> None:
        classes = self.flight.contents().classes
        if label is not None and label >= len(classes):
            raise ValueError(f"class {label}: expected one of the {len(classes)} of this flight, from 0")

    def _after(self, line: ReviewLine | None) -> dict[str, Any]:
        return {**self.said(), "n": line and line.n}


def encoded(value: object) -> bytes:
    """As JSON."""
    return msgspec.json.encode(value)


def _track(track: TrackLine) -> dict[str, Any]:
    x1, y1, x2, y2 = track.box
    position = track.position
    return {
        "track": track.track,
        "name": str(track.track) if track.track <= FAINT_FROM else f"faint {track.track - FAINT_FROM}",
        "faint": track.track > FAINT_FROM,
        "label": track.label,
        "class": track.name,
        "score": track.score,
        "frames": track.frames,
        "seconds": round(track.last_t - track.first_t, 1),
        "utc": track.first_utc,
        "best": track.best_seq,
        "box": track.box,
        "size": [round(x2 - x1, 1), round(y2 - y1, 1)],
        "celsius": track.celsius,
        "position": position and [position.lat, position.lon, position.sigma_m],
        "crops": shown_crops(track),
    }


def _detection(found: Any) -> dict[str, Any]:
    track = found.track if isinstance(found.track, int) else None
    return {"box": found.box, "score": found.score, "class": found.name, "track": track}
