"""edge report: what it takes, writes and says."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from edge.app.after.hand_over import OF_DETECTIONS, OF_TRACKS, write_track_files
from edge.app.output import OF_REPORT, prepare_folder
from edge.commands.main import main
from edge.commands.report import FILES, degrees
from edge.sinks.tracks.geojson import geojson
from tests.support.flight_folder import flight


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
    assert written == {*OF_REPORT, "tracks.geojson", "tracks.kmz", "tracks.csv"}
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


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "nothing to write: give one or more of --geojson, --kmz, --csv, --coco" in capsys.readouterr().err
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
    folder = flight(tmp_path / "f")
    assert main(["report", str(folder), "--camtrap-dp", "--location", latitude, longitude]) == code
