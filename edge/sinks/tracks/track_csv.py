"""``tracks.csv``: a row for each track, for a spreadsheet (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edge.measure.track_lines import TrackLine
from edge.sinks.tracks.track_file import Picture, spec

COLUMNS = (
    *("track", "class", "score", "frames", "latitude", "longitude", "sigma_m"),
    *("celsius_min", "celsius_mean", "celsius_max", "first_utc", "last_utc", "first_t", "last_t"),
    *("best_seq", "origin", "x1", "y1", "x2", "y2", "picture"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a cell of text that begins so is run, or may be


def track_csv(tracks: Sequence[TrackLine], picture: Picture | None = None) -> bytes:  # noqa: ARG001
    """The file. What is not known is an empty cell."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)  # its own form is that of RFC 4180: commas, CRLF, quotes where they are needed
    rows.writerow(COLUMNS)
    for track in tracks:
        rows.writerow(cells(track))
    return text.getvalue().encode()


def cells(track: TrackLine) -> list[object]:
    """One row, a cell for each of `COLUMNS`."""
    where = track.position
    return [
        *(track.track, harmless(track.name), track.score, track.frames),
        *((where.lat, where.lon, where.sigma_m) if where else ("", "", "")),
        *(track.celsius or ("", "", "")),
        *(track.first_utc or "", track.last_utc or "", track.first_t, track.last_t, track.best_seq),
        harmless(track.origin) if isinstance(track.origin, str) else track.origin,
        *track.box,
        harmless(track.crops[0]) if track.crops else "",
    ]


def harmless(text: str) -> str:
    """The text of a cell that no spreadsheet takes for a formula: an apostrophe stands before one that begins as such,
    as OWASP advises; names of classes and files are the user's, or came with somebody's model.
    """
    return f"'{text}" if text.startswith(FORMULA) else text


SPEC = spec("csv", track_csv, "also write tracks.csv: a row for each track, for a spreadsheet")
