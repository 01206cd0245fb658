"""tracks.geojson, tracks.kmz and tracks.csv, each read by somebody else's reader."""

from __future__ import annotations

import csv
import io
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from edge.errors import SinkError
from edge.measure.kinds import KINDS, kind_of
from edge.measure.track_lines import GroundPosition
from edge.sinks.colours import on_paper, on_paper_bgr
from edge.sinks.tracks import track_file
from edge.sinks.tracks.geojson import geojson
from edge.sinks.tracks.kmz import kmz
from edge.sinks.tracks.track_csv import COLUMNS, track_csv
from edge.sinks.tracks.track_file import TrackFileSink
from tests.support.track_lines import UTC, line, tracked

EVIL = '=HYPERLINK("http://x","]]>&<b>")'
NOWHERE = line(4, position=None)


# ---- GeoJSON: what RFC 7946 says of a FeatureCollection, section by section ----


def check_geojson(value: Any) -> None:
    assert value["type"] == "FeatureCollection"  # 3.3
    assert "crs" not in value  # 4
    assert not {"geometry", "properties", "coordinates"} & value.keys()  # 7.1
    for feature in value["features"]:
        assert feature["type"] == "Feature"  # 3.2
        assert {"geometry", "properties"} <= feature.keys()
        assert isinstance(feature.get("id", ""), (str, int))
        assert not {"coordinates", "geometries", "features"} & feature.keys()  # 7.1
        geometry = feature["geometry"]
        if geometry["type"] == "Point":  # 3.1.2
            check_position(geometry["coordinates"])
            continue
        assert geometry["type"] == "Polygon"  # 3.1.6
        for ring in geometry["coordinates"]:
            assert len(ring) >= 4
            assert ring[0] == ring[-1]
            for position in ring:
                check_position(position)
            area = sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))
            assert area > 0  # the right-hand rule


def check_position(position: list[float]) -> None:
    longitude, latitude = position  # 3.1.1: this order
    assert -180 <= longitude <= 180
    assert -90 <= latitude <= 90


def test_geojson_is_that_of_the_standard() -> None:
    value = json.loads(geojson([line(), NOWHERE, line(5, name="Reh ü")]))
    check_geojson(value)
    assert (value["tracks"], value["without_position"]) == (3, 1)
    assert [feature["id"] for feature in value["features"]] == [3, 5]
    first = value["features"][0]
    assert first["geometry"] == {"type": "Point", "coordinates": [-0.25, 51.5]}
    assert first["properties"] == {
        "title": "Person 3",
        "description": "score 0.91; found in 10 frames; position to 3.2 m (1 sigma); 11.5 to 31.0 degrees C, apparent; "
        f"first seen {UTC}",
        "marker-symbol": "point",
        "marker-color": on_paper(line().label),
        "track": 3,
        "kind": "Person",
        "score": 0.91,
        "frames": 10,
        "sigma_m": 3.2,
        "first_utc": UTC,
        "last_utc": "2026-05-01T04:30:01.750+00:00",
        "celsius_min": 11.5,
        "celsius_mean": 20.25,
        "celsius_max": 31.0,
        "best_seq": 12,
        "origin": None,
        "picture": "crops/000003-1.png",
    }
    assert value["features"][1]["properties"]["title"] == "Reh ü 5"


def test_geojson_of_what_is_not_known() -> None:
    bare = line(1, frames=1, celsius=None, first_utc=None, last_utc=None, crops=[], origin="a.tif")
    value = json.loads(geojson([bare]))
    check_geojson(value)
    properties = value["features"][0]["properties"]
    assert properties["description"] == "score 0.91; found in 1 frame; position to 3.2 m (1 sigma)"
    assert [properties[name] for name in ("celsius_min", "first_utc", "picture", "origin")] == [
        None,
        None,
        None,
        "a.tif",
    ]
    empty = json.loads(geojson([]))
    check_geojson(empty)
    assert (empty["tracks"], empty["features"]) == (0, [])


@pytest.mark.parametrize("latitude", [-75.0, 0.0, 51.5])
def test_a_circle_has_its_radius(latitude: float) -> None:
    geographic = pytest.importorskip("geographiclib.geodesic").Geodesic.WGS84
    where = GroundPosition(latitude, 7.25, 40.0)
    value = json.loads(geojson([line(position=where)], circles=True))
    check_geojson(value)
    point, circle = value["features"]
    assert (point["properties"]["track"], circle["properties"]["track"]) == (3, 3)
    (ring,) = circle["geometry"]["coordinates"]
    radii = [geographic.Inverse(latitude, 7.25, lat, lon)["s12"] for lon, lat in ring]
    assert max(abs(radius - 40) for radius in radii) < 0.4  # 1 %: the earth is no sphere


@pytest.mark.parametrize("where", [(10.0, 179.9999, 50.0), (10.0, -179.9999, 50.0), (89.5, 0.0, 5.0), (1.0, 1.0, 0.0)])
def test_no_circle_where_it_would_be_torn(where: tuple[float, float, float]) -> None:
    value = json.loads(geojson([line(position=GroundPosition(*where))], circles=True))
    check_geojson(value)
    assert [feature["geometry"]["type"] for feature in value["features"]] == ["Point"]


# ---- KMZ ----

KML = "{http://www.opengis.net/kml/2.2}"


def opened(data: bytes) -> tuple[zipfile.ZipFile, ET.Element]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist()[0] == "doc.kml"  # the one that is opened
    return archive, ET.fromstring(archive.read("doc.kml"))


# the order that ogckml22.xsd (OGC 07-147r2) demands of those that are used
ORDER = {
    "kml": ["Document"],
    "Document": ["name", "description", "Style", "Placemark"],
    "Style": ["IconStyle"],
    "IconStyle": ["color"],
    "Placemark": ["name", "description", "TimeSpan", "styleUrl", "ExtendedData", "Point"],
    "TimeSpan": ["begin", "end"],
    "ExtendedData": ["Data"],
    "Data": ["value"],
    "Point": ["altitudeMode", "coordinates"],
}


def check_order(element: ET.Element) -> None:
    name = element.tag.removeprefix(KML)
    below = [child.tag.removeprefix(KML) for child in element]
    places = [ORDER.get(name, []).index(child) for child in below]
    assert places == sorted(places), name
    for child in element:
        check_order(child)


def test_kmz_is_kml_with_its_pictures() -> None:
    data = kmz(
        [line(), NOWHERE, line(5, name=EVIL), line(6, first_utc=None)], lambda t: b"png" if t.track < 6 else None
    )
    archive, root = opened(data)
    assert archive.namelist() == ["doc.kml", "files/000003.png", "files/000005.png"]
    check_order(root)
    document = root.find(f"{KML}Document")
    assert document is not None
    assert document.findtext(f"{KML}description") == "4 tracks; 1 of them have no position and are not shown"
    marks = document.findall(f"{KML}Placemark")
    assert [mark.findtext(f"{KML}name") for mark in marks] == ["Person 3", f"{EVIL} 5", "Person 6"]
    point = marks[0].find(f"{KML}Point")
    assert point is not None
    assert point.findtext(f"{KML}altitudeMode") == "clampToGround"
    assert point.findtext(f"{KML}coordinates") == "-0.2500000,51.5000000"
    said = marks[0].findtext(f"{KML}description") or ""
    assert said.endswith('<br/><img src="files/000003.png" width="256"/>')
    assert "<img" not in (marks[2].findtext(f"{KML}description") or "")
    assert marks[0].findtext(f"{KML}TimeSpan/{KML}begin") == UTC
    assert marks[2].find(f"{KML}TimeSpan") is None
    styles = {style.get("id"): style.findtext(f"{KML}IconStyle/{KML}color") for style in document.iter(f"{KML}Style")}
    (label,) = {line().label, line(5).label}
    assert styles == {f"class-{label}": "ff" + bytes(on_paper_bgr(label)).hex()}  # aabbggrr
    assert [mark.findtext(f"{KML}styleUrl") for mark in marks] == [f"#class-{label}"] * 3
    assert {(mark.findtext(f"{KML}styleUrl") or "")[1:] for mark in marks} <= styles.keys()


def test_kmz_takes_every_name_and_is_the_same_twice() -> None:
    tracks = [line(1, name="\x00\x1b\ud800<&>")]
    _, root = opened(kmz(tracks))
    assert root.findtext(f".//{KML}Placemark/{KML}name") == "\ufffd\ufffd\ufffd<&> 1"
    assert kmz(tracks) == kmz(tracks)
    check_order(opened(kmz([]))[1])


# ---- CSV ----


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def test_csv_has_a_row_for_each_track() -> None:
    data = track_csv([line(name='Reh, "ü"'), NOWHERE, line(5, origin=2.5, crops=[], celsius=None, first_utc=None)])
    assert data.count(b"\r\n") == data.count(b"\n") == 4  # RFC 4180
    first, second, third = rows(data)
    assert tuple(first) == COLUMNS
    assert list(first.values()) == [
        *("3", 'Reh, "ü"', "0.91", "10", "51.5", "-0.25", "3.2", "11.5", "20.25", "31.0"),
        *(UTC, "2026-05-01T04:30:01.750+00:00", "100.5", "102.0", "12", ""),
        *("10.0", "20.0", "30.0", "44.0", "crops/000003-1.png"),
    ]
    assert [second[name] for name in ("track", "latitude", "longitude", "sigma_m")] == ["4", "", "", ""]
    assert [third[name] for name in ("origin", "picture", "celsius_mean", "first_utc")] == ["2.5", "", "", ""]


@pytest.mark.parametrize("text", [EVIL, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_spreadsheet_runs_a_name(text: str) -> None:
    (row,) = rows(track_csv([line(name=text, origin=text, crops=[text])]))
    assert [row[name] for name in ("class", "origin", "picture")] == [f"'{text}"] * 3


# ---- the sink ----


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def sink(folder: Path, clock: Clock, **more: Any) -> TrackFileSink:
    return TrackFileSink(folder / "tracks.geojson", ("Person",), geojson, clock=clock, **more)


def shown(folder: Path) -> list[int]:
    return [feature["id"] for feature in json.loads((folder / "tracks.geojson").read_text())["features"]]


def test_it_is_written_in_flight_but_not_too_often(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "tracks.geojson"
    with sink(tmp_path, clock) as writer:
        writer.write(tracked(0, 0.0, [1, 2]))
        clock.now = 20.0
        writer.write(tracked(1, 5.0, [2]))
        assert not path.exists()  # nothing is over
        writer.write(tracked(2, 10.1, [], ended=(1,)))  # now the first is
        assert shown(tmp_path) == [1]
        clock.now = 29.9
        writer.write(tracked(3, 30.0, [3], ended=(2,)))  # and the second
        writer.idle()
        assert shown(tmp_path) == [1]
        clock.now = 30.0
        writer.idle()
        assert shown(tmp_path) == [1, 2]
        before = path.stat().st_ino
        clock.now = 99.0
        writer.idle()
        assert path.stat().st_ino == before  # nothing new
    assert shown(tmp_path) == [1, 2, 3]


def test_a_file_that_takes_long_is_written_more_rarely(tmp_path: Path) -> None:
    clock = Clock()

    def slow(tracks: Any, picture: Any = None) -> bytes:
        clock.now += 2.0
        return b"%d" % len(tracks)

    writer = TrackFileSink(tmp_path / "a", ("Person",), slow, clock=clock)
    for seq, clock.now in enumerate((20.0, 40.0, 81.9, 82.0)):
        writer.write(tracked(seq, 20.0 * seq, [seq + 1], ended=(seq,)))
        if seq in (1, 2):
            assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "a").read_bytes() == b"3"
    writer.close()
    assert (tmp_path / "a").read_bytes() == b"4"


def test_a_picture_is_named_only_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops/000001-1.png").write_bytes(b"")
    with sink(tmp_path, Clock()) as writer:
        writer.write(tracked(0, 0.0, [1, 2]))
    features = json.loads((tmp_path / "tracks.geojson").read_text())["features"]
    assert [feature["properties"]["picture"] for feature in features] == ["crops/000001-1.png", None]


def test_the_pictures_of_a_kmz_are_those_of_the_tracks(tmp_path: Path) -> None:
    with TrackFileSink(tmp_path / "tracks.kmz", ("Person",), kmz, pictures=True) as writer:
        writer.write(tracked(0, 0.0, [7]))
    archive, _ = opened((tmp_path / "tracks.kmz").read_bytes())
    decoded = cv2.imdecode(np.frombuffer(archive.read("files/000007.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert decoded.shape == (48, 48)
    assert (decoded == 100).all()


def test_tracks_without_a_position_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    writer = sink(tmp_path, Clock())
    writer.write(tracked(0, 0.0, [1, 2], where=False))
    writer.close()
    writer.close()
    assert caplog.messages == ["tracks.geojson: 2 of 2 tracks have no position"]
    assert shown(tmp_path) == []


def test_of_very_many_tracks_the_first_are_kept_and_the_rest_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_file, "MOST_TRACKS", 3)
    writer = sink(tmp_path, Clock())
    for number in range(1, 7):
        writer.write(tracked(number, number / 10, [number], ended=(number - 1,)))
    writer.close()
    assert shown(tmp_path) == [1, 2, 3]
    assert caplog.messages == [
        f"tracks.geojson: it has 3 tracks, and takes no more: {track_file.LATER}",
        f"tracks.geojson: 3 tracks more were not written: {track_file.LATER}",
    ]


def test_a_disk_that_is_full_is_a_sink_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = sink(tmp_path, Clock())
    writer.write(tracked(0, 0.0, [1]))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SinkError, match=r"cannot write .*tracks.geojson: No space left on device: free some space"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


# ---- kinds ----


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[("Person", "person"), ("Car", "vehicle"), ("OtherVehicle", "vehicle"), ("Bicycle", "vehicle")],
        *[("deer", "animal"), ("roe_deer", "animal"), ("Red Deer", "animal"), ("animal", "animal"), ("dog", "animal")],
        *[("DontCare", None), ("hot spot", None), ("", None), ("carp", None), ("dogged", None), ("Reh", None)],
        ("horse rider", "person"),
    ],
)
def test_the_kind_of_a_class(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_no_word_is_of_two_kinds() -> None:
    assert sum(map(len, KINDS.values())) == len(frozenset.union(*KINDS.values()))
