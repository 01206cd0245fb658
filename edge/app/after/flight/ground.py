"""``coverage.geojson`` of a flight: the ground that was searched, and the gaps in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from edge.app.after.flight.lines import FileState, whole
from edge.sinks.coverage.sink import FILE

MOST = 32 << 20  # bytes
MOST_CORNERS = 200_000  # that are drawn
Degrees = Annotated[list[float], Meta(min_length=2, max_length=3)]
Rings = list[list[Degrees]]


class OnePolygon(Struct, tag_field="type", tag="Polygon"):
    """As RFC 7946 says."""

    coordinates: Rings


class Polygons(Struct, tag_field="type", tag="MultiPolygon"):
    """As RFC 7946 says."""

    coordinates: list[Rings]


class Said(Struct):
    """Of one piece of ground."""

    kind: Literal["gap", "searched"]
    title: str
    area_m2: Annotated[float, Meta(ge=0)]
    description: str = ""


class Piece(Struct):
    """One feature."""

    geometry: OnePolygon | Polygons
    properties: Said

    @property
    def rings(self) -> list[list[Degrees]]:
        """All of its outlines: longitude, latitude."""
        shape = self.geometry
        return (
            shape.coordinates if isinstance(shape, OnePolygon) else [ring for one in shape.coordinates for ring in one]
        )


class Ground(Struct):
    """The file. ``left_out``: pieces that it does not hold, or that are too many corners to be drawn."""

    features: list[Piece]
    search: str = ""
    searched_m2: float = 0.0
    seen_m2: float = 0.0
    gap_m2: float = 0.0
    assumed: str = ""
    left_out: int = 0


def read_ground(folder: Path) -> tuple[Ground | None, FileState]:
    """It; None where it is not there or damaged."""
    found, state = whole(folder / FILE, Ground, MOST)
    if found is None:
        return None, state
    corners, kept = 0, []
    for piece in found.features:
        corners += sum(map(len, piece.rings))
        if corners > MOST_CORNERS:
            break
        if not all(abs(lon) <= 180 and abs(lat) <= 90 for ring in piece.rings for lon, lat, *_ in ring):
            state.refuse("a corner of it is not on the Earth")
            return None, state
        kept.append(piece)
    return msgspec.structs.replace(
        found, features=kept, left_out=found.left_out + len(found.features) - len(kept)
    ), state
