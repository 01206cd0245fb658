"""``tracks.parquet``: GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0/), a row for each track."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from edge.archive.merge.rows import Row
from edge.errors import SinkError
from edge.measure.detections_lines import moment
from edge.system.files import reason_of, written_whole

GROUP = 50_000  # rows that are in memory
GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},  # no crs: OGC:CRS84, longitude first
}
_UTC = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        ("flight", pa.string()),
        ("track", pa.int64()),
        ("individual", pa.int64()),
        ("class", pa.string()),
        ("score", pa.float64()),
        ("frames", pa.int64()),
        ("first_utc", _UTC),
        ("last_utc", _UTC),
        ("first_t", pa.float64()),
        ("last_t", pa.float64()),
        ("sigma_m", pa.float64()),
        ("celsius_min", pa.float64()),
        ("celsius_mean", pa.float64()),
        ("celsius_max", pa.float64()),
        ("best_seq", pa.int64()),
        ("origin", pa.string()),
        ("box", pa.list_(pa.float64(), 4)),
        ("picture", pa.string()),
        ("geometry", pa.binary()),
    ],
    metadata={"geo": json.dumps(GEO)},
)


def write_parquet(path: Path, rows: Iterable[Row]) -> int:
    """Write the file whole, and read it again; returns how many rows it has. Raises SinkError."""
    left, number, placed = iter(rows), 0, 0
    try:
        with written_whole(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as out:
            while group := list(islice(left, GROUP)):
                out.write_table(pa.Table.from_pylist([_columns(row) for row in group], SCHEMA))
                number += len(group)
                placed += sum(row.track.position is not None for row in group)
        found = (read := _read_again(path)), json.loads(pq.read_schema(path).metadata[b"geo"])
    except OSError as error:
        raise SinkError(f"{path}: {reason_of(error)}: free some space") from None
    if found != ((number, placed), GEO):
        raise SinkError(
            f"{path}: {number} tracks were written, {placed} with a place; {read[0]} and {read[1]} are read"
        )
    return number


def _columns(row: Row) -> dict[str, Any]:
    track, place = row.track, row.track.position
    coldest, mean, hottest = track.celsius or (None, None, None)
    return {
        "flight": row.flight,
        "track": track.track,
        "individual": row.individual,
        "class": track.name,
        "score": track.score,
        "frames": track.frames,
        "first_utc": track.first_utc and moment(track.first_utc),
        "last_utc": track.last_utc and moment(track.last_utc),
        "first_t": track.first_t,
        "last_t": track.last_t,
        "sigma_m": place and place.sigma_m,
        "celsius_min": coldest,
        "celsius_mean": mean,
        "celsius_max": hottest,
        "best_seq": track.best_seq,
        "origin": None if track.origin is None else str(track.origin),
        "box": track.box,
        "picture": track.crops[0] if track.crops else None,
        "geometry": place and wkb_point(place.lon, place.lat),
    }


def wkb_point(lon: float, lat: float) -> bytes:
    """Well-known binary, little-endian (OGC 06-103r4, 8.2)."""
    return struct.pack("<BIdd", 1, 1, lon, lat)


def _read_again(path: Path) -> tuple[int, int]:
    """Rows, and those whose geometry is a point on the earth."""
    number = placed = 0
    for batch in _batches(path):
        number += len(batch)
        for shape in batch.to_pylist():
            if shape is not None:
                order, kind, lon, lat = struct.unpack("<BIdd", shape)
                placed += (order, kind) == (1, 1) and abs(lon) <= 180 and abs(lat) <= 90
    return number, placed


def _batches(path: Path) -> Iterator[Any]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(GROUP, columns=["geometry"]):
            yield batch.column(0)
