"""``tracks.geojson``: a point on the map for each track with a position, as RFC 7946 says; CalTopo and QGIS open it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from edge.measure.track_lines import GroundPosition, TrackLine
from edge.sinks.colours import on_paper
from edge.sinks.tracks.track_file import Picture, spec

CORNERS = 36  # of a circle
M_PER_DEGREE = 111_195.0  # of a great circle on a sphere of 6371 km: a circle on a map needs no more


def geojson(tracks: Sequence[TrackLine], picture: Picture | None = None, circles: bool = False) -> bytes:  # noqa: ARG001
    """The file. A track without a position is left out of ``features`` and counted in ``without_position``.

    ``circles``: beside each point a polygon with the radius of its 1-sigma error; none where it would cross the 180th
    meridian or come near a pole.
    """
    features: list[dict[str, Any]] = []
    for track in tracks:
        if track.position is None:
            continue
        features.append(feature(track, track.position))
        if circles and (ring := _circle(track.position)):
            features.append(_ring(track, ring))
    whole = {
        "type": "FeatureCollection",
        "tracks": len(tracks),
        "without_position": sum(track.position is None for track in tracks),
        "features": features,
    }
    return (json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n").encode()


def feature(track: TrackLine, where: GroundPosition) -> dict[str, Any]:
    """The point of one track."""
    low, mean, high = track.celsius or (None, None, None)
    return {
        "type": "Feature",
        "id": track.track,
        "geometry": {"type": "Point", "coordinates": [where.lon, where.lat]},
        "properties": {
            "title": title(track),
            "description": description(track),
            "marker-symbol": "point",
            "marker-color": on_paper(track.label),
            "track": track.track,
            "kind": track.name,  # not "class": that is CalTopo's own word, for the kind of a feature
            "score": track.score,
            "frames": track.frames,
            "sigma_m": where.sigma_m,
            "first_utc": track.first_utc,
            "last_utc": track.last_utc,
            "celsius_min": low,
            "celsius_mean": mean,
            "celsius_max": high,
            "best_seq": track.best_seq,
            "origin": track.origin,
            "picture": track.crops[0] if track.crops else None,
        },
    }


def _ring(track: TrackLine, ring: list[list[float]]) -> dict[str, Any]:
    colour = on_paper(track.label)
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "title": f"{title(track)}: 1-sigma error",
            "track": track.track,
            "stroke": colour,
            "fill": colour,
            "fill-opacity": 0.1,
        },
    }


def title(track: TrackLine) -> str:
    """What stands beside it on a map: ``Person 12``."""
    return f"{track.name} {track.track}"


def description(track: TrackLine) -> str:
    """What is known of it, in a line for a person."""
    said = [f"score {track.score:.2f}", f"found in {track.frames} frame{'s' * (track.frames != 1)}"]
    if track.position is not None:
        said.append(f"position to {track.position.sigma_m:.1f} m (1 sigma)")
    if track.celsius is not None:
        said.append(f"{track.celsius[0]:.1f} to {track.celsius[2]:.1f} degrees C, apparent")
    if track.first_utc is not None:
        said.append(f"first seen {track.first_utc}")
    return "; ".join(said)


def _circle(centre: GroundPosition) -> list[list[float]] | None:
    """Corners against the clock, the first one again at the end; None where there can be none."""
    up = centre.sigma_m / M_PER_DEGREE
    if up == 0 or abs(centre.lat) + up > 89:
        return None
    right = up / math.cos(math.radians(centre.lat))
    if abs(centre.lon) + right > 180:
        return None
    angles = (2 * math.pi * i / CORNERS for i in range(CORNERS))
    ring = [[round(centre.lon + right * math.cos(a), 7), round(centre.lat + up * math.sin(a), 7)] for a in angles]
    return [*ring, ring[0]]


SPEC = spec("geojson", geojson, "also write tracks.geojson: a point for each track with a position (CalTopo, QGIS)")
