"""All files of tracks in one run: they say the same, and name pictures that are there."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

from edge.app.sinks import Sinks
from edge.measure.track_lines import read_tracks
from edge.model.bundle import Bundle
from edge.seams import Camera
from edge.sinks.open import choose_specs
from tests.support.track_lines import tracked


class Source(Camera):
    def read(self) -> None:
        return None


def test_pictures_are_there_before_the_files_that_name_them(tiny_bundle: Path, tmp_path: Path) -> None:
    specs = choose_specs(["csv", "kmz", "geojson", "map"])
    names = [spec.name for spec in specs]
    assert all(names.index("tracks") < names.index(other) for other in ("geojson", "kmz", "csv"))
    with Sinks(specs, tmp_path, Bundle.load(tiny_bundle), Source(), every=True) as sinks:
        for seq in range(5):
            sinks.write(tracked(seq, seq / 10, [1, 2], ended=(2,) if seq == 4 else ()))
    assert sinks.errors == []
    lines = read_tracks(tmp_path / "tracks.jsonl")
    assert [(line.track, line.frames) for line in lines] == [(2, 5), (1, 5)]
    expected = ["crops/000001-1.png", "crops/000002-1.png"]
    assert sorted(line.crops[0] for line in lines) == expected
    features = json.loads((tmp_path / "tracks.geojson").read_text())["features"]
    assert [feature["properties"]["picture"] for feature in features] == expected
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tracks.csv").read_text())))
    assert [row["picture"] for row in rows] == expected
    with zipfile.ZipFile(tmp_path / "tracks.kmz") as archive:
        assert [archive.read(f"files/00000{n}.png") for n in (1, 2)] == [
            (tmp_path / name).read_bytes() for name in expected
        ]
    assert json.loads((tmp_path / "counts.json").read_text())["Person"]["tracks"] == 2
    assert (tmp_path / "map.png").exists()
