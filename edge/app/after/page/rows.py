"""The tracks of all flights as columns of numbers, in base64: 95 bytes a track in the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.app.after.flight.flight import Flight
from edge.app.after.reviewed import Reviewed
from edge.app.after.survey.merged import key_of
from edge.app.after.survey.survey import Survey
from edge.geo.coverage.local import Local

MOST_ROWS = 200_000  # tracks in the page; the CSV has all
TYPES = {  # of each column, as JavaScript's typed arrays name them
    "epoch": "Float64",  # seconds since 1970; NaN: not known
    **dict.fromkeys(("first", "lasted", "east", "north", "sigma", "cmin", "cmean", "cmax", "w", "h"), "Float32"),
    "score": "Float32",
    **dict.fromkeys(("track", "frames", "animal", "seq"), "Uint32"),
    "chunk": "Uint32",  # of pictures, from 1; 0: none
    "label": "Uint16",
    **dict.fromkeys(("flight", "verdict", "kept"), "Uint8"),  # kept: pictures that the flight has of it
}
_DTYPES = {"Float64": "<f8", "Float32": "<f4", "Uint32": "<u4", "Uint16": "<u2", "Uint8": "u1"}
AS_READ = {  # columns of edge.app.after.flight.tracks, under the names of the page
    "epoch": "first_epoch",
    "first": "first",
    "sigma": "sigma_m",
    "cmin": "celsius_min",
    "cmean": "celsius_mean",
    "cmax": "celsius_max",
    "w": "width",
    "h": "height",
    "score": "score",
    "track": "track",
    "frames": "frames",
}


@dataclass
class Rows:
    """``columns``: by name, those of `TYPES`, all of one length. ``source``: (N,) of each row the flight and the row in
    it, as `edge.app.after.survey.merged.key_of`. ``left_out``: tracks that are too many for the page.
    """

    columns: dict[str, npt.NDArray[Any]]
    source: npt.NDArray[np.int64]
    left_out: int

    def __len__(self) -> int:
        return len(self.source)


def rows_of(survey: Survey, reviewed: Sequence[Reviewed | None], most: int = MOST_ROWS) -> Rows:
    """Counted individuals first, in their order, then the other tracks, the surest first."""
    flights, home = survey.flights, survey.home
    animal = np.concatenate(survey.animals)
    score = np.concatenate([flight.tracks.column("score") for flight in flights])
    order = np.lexsort((-score, np.where(animal > 0, animal, np.iinfo(np.int64).max)))
    chosen = order[:most]
    source = np.concatenate([key_of(i, 0) + np.arange(len(flight.tracks)) for i, flight in enumerate(flights)])
    # one column after the other: all of a million tracks at once would take as much again
    columns = {
        name: np.concatenate(
            [
                _column(name, i, flight, home, animals, verdicts).astype(_DTYPES[kind])
                for i, (flight, animals, verdicts) in enumerate(zip(flights, survey.animals, reviewed, strict=True))
            ]
        )[chosen]
        for name, kind in TYPES.items()
    }
    return Rows(columns, source[chosen].astype(np.int64), max(len(order) - most, 0))


def _column(
    name: str,
    number: int,
    flight: Flight,
    home: Local | None,
    animals: npt.NDArray[np.int64],
    verdicts: Reviewed | None,
) -> npt.NDArray[Any]:
    """Of one flight, as `TYPES` names it."""
    tracks, n = flight.tracks, len(flight.tracks)
    if name in AS_READ:
        return tracks.column(AS_READ[name])
    if name == "lasted":
        return tracks.column("last") - tracks.column("first")
    if name in ("east", "north"):
        if home is None:
            return np.full(n, np.nan)
        at = home.metres(np.column_stack((tracks.column("lat"), tracks.column("lon"))))
        return np.asarray(at[:, ("east", "north").index(name)])
    if name == "animal":
        return animals
    if name == "verdict" and verdicts is not None:
        return verdicts.verdicts
    if name == "seq":
        return np.maximum(tracks.column("best_seq"), 0)
    if name == "label":
        return np.minimum(tracks.column("label"), 0xFFFF)
    if name == "kept":
        return np.minimum(tracks.column("pictures"), 255)
    return np.full(n, number if name == "flight" else 0)


def encoded(column: npt.NDArray[Any]) -> bytes:
    """Base64 of its little-endian bytes."""
    return base64.b64encode(column.tobytes())
