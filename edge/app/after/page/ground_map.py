"""The map of the page: what is drawn below the tracks, in metres around its zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.app.after.survey.survey import Survey
from edge.geo.coverage.local import Local

BREAK_S = 5.0  # without a pose: the line of the aircraft is not drawn across
MOST_SEEN = 2000  # footprints of all flights that are drawn


def ground_map(survey: Survey) -> dict[str, Any] | None:
    """``home``, ``degree``: zero, and metres that a degree is there; ``way``: lines, ``seen``: grounds in pictures,
    ``searched``, ``gaps``: outlines: [east, north, east, north, ...], decimetres. None where nothing has a place.
    """
    home = survey.home
    if home is None:
        return None
    way: list[list[int]] = []
    seen: list[list[int]] = []
    searched: list[list[list[int]]] = []
    gaps: list[dict[str, Any]] = []
    every = -(-sum(len(flight.frames.seen.at) for flight in survey.flights) // MOST_SEEN) or 1
    for flight in survey.flights:
        way += _lines(flight.frames.way.at, flight.frames.way.values, home)
        seen += [_metres(corners, home) for corners in flight.frames.seen.values[::every]]
        for piece in flight.ground.features if flight.ground else ():
            rings = [_metres(np.array(ring)[:, 1::-1], home) for ring in piece.rings if len(ring) > 2]
            if piece.properties.kind == "searched":
                searched.append(rings)
            else:
                gaps.append({"rings": rings, "title": piece.properties.title[:200]})
    a_degree = home.metres(np.array([[home.latitude + 1, home.longitude + 1]]))[0]
    return {
        "home": [home.latitude, home.longitude],
        "degree": [round(float(a_degree[1]), 3), round(float(a_degree[0]), 3)],
        "way": way,
        "seen": seen,
        "searched": searched,
        "gaps": gaps,
    }


def _lines(at: list[float], places: list[tuple[float, float, float]], home: Local) -> list[list[int]]:
    """The aircraft's way, cut where it is not known for a while."""
    if not places:
        return []
    times = np.array(at)
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    cuts = np.flatnonzero(np.abs(np.diff(times)) > max(BREAK_S, 4 * abs(usual))) + 1
    return [_metres(part[:, :2], home) for part in np.split(np.array(places), cuts)]


def _metres(places: Any, home: Local) -> list[int]:
    """Latitude, longitude to decimetres, one behind the other."""
    found: list[int] = np.rint(home.metres(places) * 10).astype(np.int64).ravel().tolist()
    return found
