"""The rows of a comparison: each box that differs, and each track of the two runs, as CSV and on a map."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

from edge.app.compare.boxes import BoxPair, position_of, side_px
from edge.app.compare.compare import Comparison
from edge.app.compare.tracks import BOTH, ONLY, PARTS, Seen, TrackPair, name_of, place_of
from edge.measure.detections_lines import DetectionLine
from edge.sinks.tracks.track_csv import harmless

BOX_COLUMNS = (
    *("seq", "utc", "origin", "found_by", "differs"),
    *("class_a", "score_a", "x1_a", "y1_a", "x2_a", "y2_a", "side_px_a", "track_a"),
    *("latitude_a", "longitude_a", "sigma_m_a"),
    *("class_b", "score_b", "x1_b", "y1_b", "x2_b", "y2_b", "side_px_b", "track_b"),
    *("latitude_b", "longitude_b", "sigma_m_b"),
    *("overlap", "apart_m"),
)
TRACK_COLUMNS = (
    *("found_by", "what"),
    *("track_a", "class_a", "score_a", "frames_a", "track_b", "class_b", "score_b", "frames_b"),
    *("frames_together", "apart_m", "first_seq", "last_seq", "first_utc", "best_seq", "origin"),
    *("x1", "y1", "x2", "y2", "side_px", "latitude", "longitude", "sigma_m"),
)
OF_BOX, OF_TRACK = 11, 4  # columns of one run
COLOURS = {"both": "#808080", "A": "#0072B2", "B": "#D55E00"}  # told apart by colour-blind eyes, too


def found_by(pair: BoxPair | TrackPair) -> str:
    """A, B or both."""
    return "both" if pair.a and pair.b else "A" if pair.a else "B"


class BoxRows:
    """Writes the boxes that differ, a row each, as they come. ``rows``: how many."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.rows = file, 0
        file.write(_csv([BOX_COLUMNS]))

    def add(self, pair: BoxPair) -> None:
        """Write one, if it differs."""
        if not pair.differs:
            return
        self.rows += 1
        frame = pair.frame
        why = [
            word
            for word, holds in (("other class", pair.other_class), ("moved", pair.moved), ("apart", pair.apart))
            if holds
        ]
        head = [frame.seq, frame.utc or "", _origin(frame.origin), found_by(pair), ", ".join(why) or "only"]
        tail = [round(pair.overlap, 3) if pair.a and pair.b else "", _rounded(pair.apart_m)]
        self._file.write(_csv([[*head, *_box(pair.a), *_box(pair.b), *tail]]))


def track_csv(found: Comparison) -> bytes:
    """All tracks of the two, a row each object."""
    rows: list[Sequence[object]] = [TRACK_COLUMNS]
    for pair in found.tracks:
        seen = pair.a or pair.b
        assert seen is not None  # one of them there is
        place = place_of_pair(found, pair)
        rows.append(
            [
                *(found_by(pair), what_of(pair)),
                *(*_track(pair.a), *_track(pair.b)),
                *(pair.frames, _rounded(pair.apart_m), seen.first.seq, seen.last.seq, seen.first.utc or ""),
                *(seen.best_frame.seq, _origin(seen.best_frame.origin)),
                *(*seen.best.box, round(side_px(seen.best.box), 1), *(place or ("", "", ""))),
            ]
        )
    return _csv(rows)


def places(found: Comparison) -> bytes:
    """The tracks with a position as GeoJSON (RFC 7946), a point each object; those without are counted."""
    features: list[dict[str, Any]] = []
    for pair in found.tracks:
        place = place_of_pair(found, pair)
        if place is None:
            continue
        latitude, longitude, sigma = place
        names = [f"{run} {name_of(one)} {one.number}" for run, one in (("A", pair.a), ("B", pair.b)) if one]
        properties = {
            "title": ", ".join(names),
            "description": what_of(pair),
            "marker-symbol": "point",
            "marker-color": COLOURS[found_by(pair)],
            "found_by": found_by(pair),
            "what": what_of(pair),
            "kind_a": name_of(pair.a) if pair.a else None,
            "kind_b": name_of(pair.b) if pair.b else None,
            "track_a": pair.a.number if pair.a else None,
            "track_b": pair.b.number if pair.b else None,
            "sigma_m": sigma,
            "apart_m": None if pair.apart_m is None else round(pair.apart_m, 2),
        }
        point = {"type": "Point", "coordinates": [longitude, latitude]}
        features.append({"type": "Feature", "geometry": point, "properties": properties})
    whole = {
        "type": "FeatureCollection",
        "tracks": len(found.tracks),
        "without_position": len(found.tracks) - len(features),
        "features": features,
    }
    return (json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n").encode()


def place_of_pair(found: Comparison, pair: TrackPair) -> tuple[float, float, float] | None:
    """Where it stands, by whichever run is surer: latitude, longitude, 1-sigma error in metres; None: not known."""
    sides = ((pair.a, found.a), (pair.b, found.b))
    known = [place for seen, side in sides if seen and (place := place_of(seen, side.tracks))]
    return min(known, key=lambda place: place[2], default=None)


def what_of(pair: TrackPair) -> str:
    """What became of it, in words."""
    if pair.what == BOTH:
        more = ["as another class"] if pair.other_class else []
        more += ["at another place"] if pair.apart else []
        return ", ".join(["followed by both", *more])
    other = "B" if pair.a else "A"
    words = {ONLY: f"{other} has nothing there", PARTS: f"a part of what {other} follows as one"}
    return words.get(pair.what, f"{other} has boxes there, and no track")


def _box(box: DetectionLine | None) -> list[object]:
    if box is None:
        return [""] * OF_BOX
    track = box.track if isinstance(box.track, int) else ""
    return [harmless(box.name), box.score, *box.box, round(side_px(box.box), 1), track, *(position_of(box) or [""] * 3)]


def _track(seen: Seen | None) -> list[object]:
    if seen is None:
        return [""] * OF_TRACK
    return [seen.number, harmless(name_of(seen)), seen.best.score, seen.frames]


def _origin(origin: object) -> object:
    return harmless(origin) if isinstance(origin, str) else origin if isinstance(origin, float) else ""


def _rounded(value: float | None) -> object:
    return "" if value is None else round(value, 2)


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
