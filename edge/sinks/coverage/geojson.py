"""``coverage.geojson``: polygons of the ground that was searched, and of the gaps in it, as RFC 7946 says."""

from __future__ import annotations

import json
from typing import Any

from edge.geo.coverage.gaps import Findings, Shape
from edge.geo.coverage.outline import Polygon

GREEN, RED = "#2E9E44", "#E03020"


def coverage_geojson(found: Findings, search: str, assumed: str) -> bytes:
    """The file. ``search``: what was searched for, ``assumed``: what probabilities assume, in words; they stand in the
    file, with the sums.
    """
    features = [_feature(f"gap-{i}", _gap(i, gap), gap, RED, 0.35) for i, gap in enumerate(found.gaps, 1)]
    features += [_feature(f"searched-{i}", _searched(one), one, GREEN, 0.15) for i, one in enumerate(found.covered, 1)]
    whole = {
        "type": "FeatureCollection",
        "search": search,
        "searched_m2": round(found.searched_m2, 1),
        "seen_m2": round(found.seen_m2, 1),
        "gap_m2": round(found.gap_m2, 1),
        "contrast": found.contrast and round(found.contrast, 1),
        "assumed": assumed,
        "left_out": found.left_out,
        "features": features,
    }
    return (json.dumps(whole, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _gap(number: int, gap: Shape) -> dict[str, Any]:
    why = ", ".join(f"{name} {area:.0f} m2" for name, area in gap.reasons.items())
    return {
        "title": f"Gap {number}: {gap.reason}, {gap.area_m2:.0f} m2",
        "description": why,
        "kind": "gap",
        "reason": gap.reason,
        "reasons_m2": {name: round(area, 1) for name, area in gap.reasons.items()},
        "probability_least": None,
        "probability_median": None,
        "probability_part": None,
    }


def _searched(one: Shape) -> dict[str, Any]:
    least, median, part = one.probability or (None, None, None)
    said = "probability of detection not measured"
    if least is not None:
        said = (
            f"probability of detection {median:.2f} (median), {least:.2f} (least), of {100 * (part or 0):.0f} % of it"
        )
    return {
        "title": f"Searched: {one.area_m2:.0f} m2",
        "description": said,
        "kind": "searched",
        "reason": None,
        "reasons_m2": {},
        "probability_least": least and round(least, 3),
        "probability_median": median and round(median, 3),
        "probability_part": part and round(part, 3),
    }


def _feature(name: str, said: dict[str, Any], shape: Shape, colour: str, opacity: float) -> dict[str, Any]:
    polygons = [_rings(polygon) for polygon in shape.polygons]
    one = len(polygons) == 1
    return {
        "type": "Feature",
        "id": name,
        "geometry": {
            "type": "Polygon" if one else "MultiPolygon",
            "coordinates": polygons[0] if one else polygons,
        },
        "properties": {
            **said,
            "area_m2": round(shape.area_m2, 1),
            "latitude": round(shape.centre[0], 7),
            "longitude": round(shape.centre[1], 7),
            "stroke": colour,
            "fill": colour,
            "fill-opacity": opacity,
        },
    }


def _rings(polygon: Polygon) -> list[list[list[float]]]:
    closed = []
    for ring in polygon:
        corners = [[round(lon, 7), round(lat, 7)] for lat, lon in ring.tolist()]
        closed.append([*corners, corners[0]])
    return closed
