"""Camtrap DP 1.0.2: columns, required fields and vocabularies as https://camtrap-dp.tdwg.org has them.

The columns were compared with those of the package trap-schema 0.2.2, which is made from the schemas of the standard.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from edge.app.after.hand_over import hand_over
from edge.app.wildlife.camtrap_tables import TABLES, Table
from edge.commands.main import main
from edge.errors import InputError
from edge.measure.track_lines import GroundPosition
from tests.support.flight_folder import FRAMES, flight
from tests.support.track_lines import line

# of the three table schemas of 1.0.2: what is required, and the words that are allowed
REQUIRED = {
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileMediatype"),
    "observations": (
        *("observationID", "deploymentID", "eventStart", "eventEnd", "observationLevel", "observationType"),
    ),
}
WORDS = {
    "captureMethod": {"activityDetection", "timeLapse"},
    "observationLevel": {"media", "event"},
    "observationType": {"animal", "human", "vehicle", "blank", "unknown", "unclassified"},
    "classificationMethod": {"human", "machine", ""},
    "filePublic": {"true", "false"},
    "timestampIssues": {"true", "false"},
    "baitUse": {"true", "false", ""},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TIMES = ("deploymentStart", "deploymentEnd", "timestamp", "eventStart", "eventEnd")


def read(folder: Path) -> dict[str, list[dict[str, str]]]:
    found = {}
    for name, columns in TABLES.items():
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, strict=True)
            assert tuple(rows.fieldnames or ()) == columns
            found[name] = list(rows)
    return found


def check(folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    package, tables = json.loads((folder / "datapackage.json").read_text()), read(folder)
    for name, rows in tables.items():
        key = f"{name.removesuffix('s')}ID"
        assert len({row[key] for row in rows}) == len(rows)
        for row in rows:
            assert None not in row
            assert [column for column in REQUIRED[name] if not row[column]] == []
            assert {c: row[c] for c in WORDS if c in row and row[c] not in WORDS[c]} == {}
            assert all(TIME.fullmatch(row[column]) for column in TIMES if column in row)
    media = {row["mediaID"] for row in tables["media"]}
    (deployment,) = tables["deployments"]
    for row in [*tables["media"], *tables["observations"]]:
        assert row["deploymentID"] == deployment["deploymentID"]
        assert (
            deployment["deploymentStart"] <= (row.get("timestamp") or row["eventStart"]) <= deployment["deploymentEnd"]
        )
    for row in tables["media"]:
        assert re.fullmatch(r"^(?=^[^./~])(^((?!\.{2}).)*$).*$", row["filePath"])
        assert re.fullmatch(r"(image|video|audio)/.*", row["fileMediatype"])
    for row in tables["observations"]:
        assert (row["mediaID"] in media) == (row["observationLevel"] == "media")
        assert bool(row["eventID"]) == (row["observationLevel"] == "event")
        if row["bboxX"]:
            x, y, width, height = (float(row[f"bbox{part}"]) for part in ("X", "Y", "Width", "Height"))
            assert 0 <= x <= 1
            assert 0 <= y <= 1
            assert 1e-15 <= width <= 1
            assert 1e-15 <= height <= 1
    required = {"resources", "profile", "created", "contributors", "project", "spatial", "temporal", "taxonomic"}
    assert required <= package.keys()
    assert re.fullmatch(r"([-a-z0-9._/])+", package["name"])
    assert {r["name"]: r["path"] for r in package["resources"]} == {name: f"{name}.csv" for name in TABLES}
    assert all(r["profile"] == "tabular-data-resource" and "1.0.2" in r["schema"] for r in package["resources"])
    assert {"title", "samplingDesign", "captureMethod", "individualAnimals", "observationLevel"} <= package[
        "project"
    ].keys()
    assert package["temporal"].keys() == {"start", "end"}
    return package, tables


def test_stills_become_a_package(tmp_path: Path) -> None:
    folder = flight(tmp_path / "Flight 7")
    said = hand_over(folder, ["camtrap-dp"])
    assert said[0] == f"{folder}/datapackage.json: 3 media, 5 observations"
    assert "contributors, project.samplingDesign, licenses" in said[1]
    assert "timestampIssues is true" in said[2]  # of the frame without a date
    package, tables = check(folder)
    (deployment,) = tables["deployments"]
    assert package["name"] == "flight-7"
    assert (deployment["latitude"], deployment["longitude"]) == ("51.5", "-0.25")
    assert deployment["coordinateUncertainty"] == "4"  # that of the track, rounded up
    assert deployment["timestampIssues"] == "true"
    assert package["spatial"] == {"type": "Point", "coordinates": [-0.25, 51.5]}
    assert [row["filePath"] for row in tables["media"]] == ["a.tif", "b.tif", "c.tif"]
    assert [row["timestamp"] for row in tables["media"]] == ["2026-05-01T04:30:00Z"] * 3
    assert tables["media"][2]["mediaComments"] == "the camera's shutter was closed"
    person, deer, blank, first, second = tables["observations"]
    assert (person["observationType"], person["bboxX"], person["bboxWidth"]) == ("human", "0.05", "0.1525")
    assert person["observationTags"] == "class:Person | track:4"
    assert (deer["observationType"], deer["classificationProbability"]) == ("animal", "0.5")
    assert (blank["observationType"], blank["mediaID"]) == ("blank", "Flight 7-f4")
    assert (first["observationLevel"], first["count"], first["eventEnd"]) == ("event", "1", "2026-05-01T04:30:01Z")
    assert "at 51.5000000, -0.2500000, 3.2 m (1 sigma)" in first["observationComments"]
    assert second["observationType"] == "animal"
    assert package["project"]["observationLevel"] == ["media", "event"]


def test_frames_of_a_camera_need_pictures_or_tracks_with_them(tmp_path: Path) -> None:
    camera = [{**{k: v for k, v in frame.items() if k != "origin"}} for frame in FRAMES[:3]]
    folder = flight(tmp_path / "a", camera)
    hand_over(folder, ["camtrap-dp"])
    package, tables = check(folder)
    assert [row["filePath"] for row in tables["media"]] == ["crops/000003-1.png"]
    assert package["project"]["captureMethod"] == ["activityDetection"]
    (folder / "pictures").mkdir()
    (folder / "pictures/frame-000003.png").write_bytes(b"")
    hand_over(folder, ["camtrap-dp"])
    assert [row["filePath"] for row in check(folder)[1]["media"]] == ["pictures/frame-000003.png"]
    folder = flight(tmp_path / "b", camera, tracks=[])
    with pytest.raises(InputError, match="run it with --pictures, or on stills"):
        hand_over(folder, ["camtrap-dp"])
    assert not {"datapackage.json", "media.csv"} & {path.name for path in folder.iterdir()}


def test_without_a_place_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = [{**FRAMES[1]}]
    folder = flight(tmp_path / "f", nowhere, tracks=[])
    assert main(["report", str(folder), "--camtrap-dp"]) == 2
    assert "give --location LAT LON" in capsys.readouterr().err
    assert main(["report", str(folder), "--camtrap-dp", "--location", "-33.5", "151.25"]) == 0
    (deployment,) = check(folder)[1]["deployments"]
    assert (deployment["latitude"], deployment["longitude"]) == ("-33.5", "151.25")
    assert (deployment["coordinateUncertainty"], deployment["timestampIssues"]) == ("", "false")


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (("51.5", "-0.25"), ""),
        (("52.3", "-0.25"), ""),  # 89 km
        (
            ("-0.2", "51.5"),
            "--location -0.2 51.5 is 7506 km from the nearest place of the flight itself, 51.5 -0.25; expected "
            "latitude, then longitude, within 100 km of it: give --location 51.5 -0.2, or leave it out",
        ),
        (("52.5", "-0.25"), "is 111 km from the nearest place of the flight itself, 51.5 -0.25; expected latitude"),
        (("8", "147"), "within 100 km of it: leave --location out"),  # no place the other way round
    ],
)
@pytest.mark.parametrize("by", ["objects", "poses", "tracks"])
def test_a_place_far_from_the_flight_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], location: tuple[str, str], why: str, by: str
) -> None:
    pose = {"pose": [51.5, -0.25, 60.0, 0.0, -90.0, 0.0]} if by == "poses" else {}
    frames = [FRAMES[0]] if by == "objects" else [{**FRAMES[1], **pose}]
    folder = flight(tmp_path / "f", frames, tracks=[line(3)] if by == "tracks" else [])
    assert main(["report", str(folder), "--camtrap-dp", "--location", *location]) == (2 if why else 0)
    assert why in capsys.readouterr().err
    assert (folder / "deployments.csv").exists() == (not why)


def test_a_refused_place_leaves_the_package_that_is_there(tmp_path: Path) -> None:
    """Its user has filled in by hand what the program does not know."""
    folder = flight(tmp_path / "f", [FRAMES[0]], tracks=[])
    assert main(["report", str(folder), "--camtrap-dp"]) == 0
    (folder / "datapackage.json").write_text("filled in")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main(["report", str(folder), "--camtrap-dp", "--location", "8", "147"]) == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_flight_over_the_antimeridian_is_near_itself(tmp_path: Path) -> None:
    frames = [{**FRAMES[1], "pose": [-16.8, 179.99, 60.0, 0.0, -90.0, 0.0]}]
    folder = flight(tmp_path / "f", frames, tracks=[])
    assert main(["report", str(folder), "--camtrap-dp", "--location", "-16.8", "-179.99"]) == 0


def test_without_a_date_it_is_refused(tmp_path: Path) -> None:
    folder = flight(tmp_path / "f", [{**FRAMES[0], "utc": None}], tracks=[])
    (folder / "report.json").unlink()
    with pytest.raises(InputError, match="needs the date of each picture"):
        hand_over(folder, ["camtrap-dp"])
    (folder / "report.json").write_text("[]")
    with pytest.raises(InputError, match="expected the report of a run"):
        hand_over(folder, ["camtrap-dp"])
    (folder / "report.json").write_text('{"started": "2026-05-01T06:00:00+02:00"}')
    hand_over(folder, ["camtrap-dp"])
    assert check(folder)[1]["media"][0]["timestamp"] == "2026-05-01T04:00:00Z"


def test_a_clock_that_was_set_in_flight_dates_all_of_it(tmp_path: Path) -> None:
    folder = flight(tmp_path / "f", [{**FRAMES[0], "utc": None}], tracks=[])
    first = {"t": 10.0, "utc": None, "state": "unset", "by": "system"}
    last = {"t": 100.0, "utc": "2026-05-01T04:01:30+00:00", "state": "synchronised", "by": "autopilot"}
    told = {"started": "1970-01-01T00:00:10+00:00", "clock": {"first": first, "last": last}}
    (folder / "report.json").write_text(json.dumps(told))
    hand_over(folder, ["camtrap-dp"])
    assert check(folder)[1]["media"][0]["timestamp"] == "2026-05-01T04:00:00Z"
    for bad in (1, "x", {"first": first}, {"first": first, "last": {**last, "t": 1e300}}):
        (folder / "report.json").write_text(json.dumps({**told, "clock": bad}))
        with pytest.raises(InputError, match="expected the report of a run"):
            hand_over(folder, ["camtrap-dp"])
    (folder / "report.json").write_text(json.dumps({**told, "clock": {"first": first, "last": first}}))
    with pytest.raises(InputError, match="needs the date of each picture"):
        hand_over(folder, ["camtrap-dp"])


def test_across_the_date_line_the_places_are_near(tmp_path: Path) -> None:
    where = [GroundPosition(0.0, 179.9999, 1.0), GroundPosition(0.0, -179.9999, 1.0)]
    folder = flight(tmp_path / "f", [FRAMES[1]], [line(n, position=one) for n, one in enumerate(where, 1)])
    hand_over(folder, ["camtrap-dp"])
    assert check(folder)[1]["deployments"][0]["coordinateUncertainty"] == "24"  # 22.2 m and the error


def test_names_that_look_like_leaving_the_folder(tmp_path: Path) -> None:
    folder = flight(tmp_path / "f", [{**FRAMES[0], "origin": "a..b.tif"}])
    hand_over(folder, ["camtrap-dp"])
    assert check(folder)[1]["media"][0]["filePath"] == "a%2E%2Eb.tif"


def test_a_column_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Table("media", io.StringIO()).add(shape=1)
