"""edge report: what it takes, writes and says."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

import pytest

from edge.app.after.hand_over import OF_DETECTIONS, OF_TRACKS, write_track_files
from edge.app.output import OF_REPORT, PAGE, prepare_folder
from edge.app.review.store import Review
from edge.commands.after.report import FILES, degrees
from edge.commands.console import Screen
from edge.commands.main import main
from edge.commands.steps import Steps
from edge.sinks.tracks.geojson import geojson
from tests.support.flight_folder import FRAMES, flight
from tests.support.survey_flights import fly

SPOTS = [(50.0, 2.0, 0), (120.0, 4.0, 1)]


def read_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def test_all_of_them_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = flight(tmp_path / "f")
    before = {path.name for path in folder.iterdir()}
    assert main(["report", str(folder), *(f"--{name}" for name in FILES), "--csv"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        f"{folder}/tracks.geojson: 2 tracks, 1 of them on the map",
        f"{folder}/tracks.kmz: 2 tracks, 1 of them on the map",
        f"{folder}/tracks.csv: 2 tracks",
    ]
    written = {path.name for path in folder.iterdir()} - before
    assert written == {*OF_REPORT, "tracks.geojson", "tracks.kmz", "tracks.csv"} - {PAGE}
    prepare_folder(folder)  # the next run moves them aside
    assert not written & {path.name for path in folder.iterdir()}


def test_every_file_has_its_option() -> None:
    assert list(FILES) == [*OF_TRACKS, *OF_DETECTIONS]


def test_the_same_bytes_as_in_flight_and_the_best_picture(tmp_path: Path) -> None:
    import zipfile

    from edge.measure.track_lines import read_tracks

    folder = flight(tmp_path / "f")
    write_track_files(folder)
    assert (folder / "tracks.geojson").read_bytes() == geojson(read_tracks(folder / "tracks.jsonl"))
    with zipfile.ZipFile(folder / "tracks.kmz") as archive:
        assert archive.read("files/000003.png") == b"png"
    (folder / "crops/000003-1.png").unlink()
    write_track_files(folder, ["kmz"])
    with zipfile.ZipFile(folder / "tracks.kmz") as archive:
        assert archive.namelist() == ["doc.kml"]


def test_the_report_of_a_flight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    before = {path.name for path in folder.iterdir()}
    assert main(["report", str(folder)]) == 0
    page, table, points = capsys.readouterr().out.splitlines()
    assert page.startswith(
        f"{folder}/report.html: 0.1 MB with 4 pictures; it opens by a double click, and needs no net"
    )
    assert (table, points) == (
        f"{folder}/tracks.csv: 2 tracks",
        f"{folder}/tracks.geojson: 2 tracks, 2 of them on the map",
    )
    written = {path.name for path in folder.iterdir()} - before
    assert written == {PAGE, "tracks.csv", "tracks.geojson"}
    prepare_folder(folder)  # the next run moves them aside
    assert not written & {path.name for path in folder.iterdir()}


def test_its_tables_are_those_of_a_run_with_three_things_more(tmp_path: Path) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    Review.read(folder).add("wrong", [2])
    assert main(["report", str(folder), "--out", str(tmp_path / "o"), "--quiet"]) == 0
    assert main(["report", str(folder), "--csv", "--geojson", "--quiet"]) == 0
    plain, more = (read_rows(where / "tracks.csv") for where in (folder, tmp_path / "o"))
    assert [(row.pop("flight"), row.pop("individual"), row.pop("verdict")) for row in more] == [
        ("f", "1", ""),
        ("f", "2", "wrong"),
    ]
    assert more == plain
    plain_map, map_of = (json.loads((where / "tracks.geojson").read_text()) for where in (folder, tmp_path / "o"))
    said = [
        [point["properties"].pop(name) for name in ("flight", "individual", "verdict")] for point in map_of["features"]
    ]
    assert said == [["f", 1, None], ["f", 2, "wrong"]]
    assert map_of == plain_map


def test_several_flights_into_a_folder_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [fly(tmp_path / name, SPOTS, after_s=after) for name, after in (("a", 0), ("b", 60))]
    assert main(["report", *map(str, folders), "--out", str(tmp_path / "new" / "o")]) == 0
    assert "tracks.csv: 4 tracks" in capsys.readouterr().out
    rows = read_rows(tmp_path / "new" / "o" / "tracks.csv")
    assert [(row["flight"], row["track"]) for row in rows] == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert [row["individual"] for row in rows] == ["1", "2", "1", "2"]
    points = json.loads((tmp_path / "new" / "o" / "tracks.geojson").read_text())["features"]
    assert [point["id"] for point in points] == ["a/1", "a/2", "b/1", "b/2"]
    assert not (folders[0] / PAGE).exists()


def test_a_full_or_lost_disk_leaves_nothing_half(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fly(tmp_path / "f", SPOTS)
    (folder / PAGE).mkdir()
    assert main(["report", str(folder)]) == 1
    assert "cannot write into" in capsys.readouterr().err
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_progress_is_shown_and_quiet_is_silent() -> None:
    now = [0.0]
    for terminal, quiet, shown in ((False, False, "tracks: 50 %\n"), (False, True, ""), (True, False, "tracks: 50 %")):
        text = io.StringIO()
        screen = Screen(file=text, force_terminal=terminal, width=80)
        with Steps(screen, quiet=quiet, clock=lambda: now[0]) as steps:
            steps("tracks", 0.4)
            assert text.getvalue() == ""
            now[0] += 6
            steps("tracks", 0.5)
        assert shown in text.getvalue()
        assert bool(text.getvalue()) is bool(shown)


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "holds none of detections.jsonl" in capsys.readouterr().err
    one, other = (str(flight(tmp_path / name)) for name in "ab")
    assert main(["report", one, other]) == 2
    assert "several flights need a folder for what is made of all of them: give --out FOLDER" in capsys.readouterr().err
    assert main(["report", one, other, "--csv", "--coco"]) == 2
    assert "--csv, --coco: these files are written into the folder of one flight" in capsys.readouterr().err
    assert main(["report", one, "--kmz", "--out", str(tmp_path / "o")]) == 2
    assert "give one DIR, no --out" in capsys.readouterr().err
    assert main(["report", one, "--location", "1", "2"]) == 2
    assert "--location belongs to --camtrap-dp" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "no"), "--coco"]) == 2
    assert "cannot read" in capsys.readouterr().err
    assert main(["report", str(flight(tmp_path / "f")), "--coco", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["", "n", "nan", "1e1", "1,2", "inf", "--1", "1234"])
def test_no_degrees(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected degrees"):
        degrees(text)


@pytest.mark.parametrize(("latitude", "longitude", "code"), [("-90", "180", 0), ("90.1", "0", 2), ("0", "-180.1", 2)])
def test_a_place_is_on_the_earth(latitude: str, longitude: str, code: int, tmp_path: Path) -> None:
    folder = flight(tmp_path / "f", FRAMES[1:], tracks=[])
    assert main(["report", str(folder), "--camtrap-dp", "--location", latitude, longitude]) == code
