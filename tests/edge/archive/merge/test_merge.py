"""An archive that was detected in becomes flights and a survey; what is missing is named."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.archive import find as found_by
from edge.archive.job import Job, Options, folder_of
from edge.archive.manifest import Manifest
from edge.archive.merge import against
from edge.archive.merge.against import write_against
from edge.archive.merge.merge import Merged, job_of, merge
from edge.archive.merge.parts import Parts
from edge.archive.plan import plan
from edge.archive.tries import Tries
from edge.archive.work import Places, detect
from edge.commands.main import main
from edge.engine.select import BACKENDS
from edge.errors import InputError
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import GroundPosition, TrackLine, read_tracks
from tests.edge.archive.bright import record_spots
from tests.edge.archive.flights import null_job, still
from tests.support.track_lines import line as track_line

FRAMES, SEGMENT = 36, 12


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "bright", "tests.edge.archive.bright")


def detected(archive: Path, job: Job, but: int = -1) -> Path:
    """All units of an archive but one; the folder of the job."""
    folder = folder_of(archive, job)
    for number, unit in enumerate(Manifest(archive).units()):
        if number != but:
            assert detect(job, folder, unit).state in ("done", "there")
    return folder


def job(backend: str = "bright", **more: Any) -> Job:
    return Job.of(None, Options(backend=backend, **more))


@pytest.mark.parametrize(
    ("flight", "name"),
    [
        ("/a/dawn/recording", "dawn"),
        ("/a/dawn", "dawn"),
        ("/a/b c.mp4", "b_c.mp4"),
        ("/recording", "flight"),
    ],
)
def test_a_flight_is_called_as_its_folder_or_file_a_recording_as_the_folder_around_it(flight: str, name: str) -> None:
    parts = Parts(flight, (), (), ())
    assert parts.name == f"{name}-{parts.digest[:8]}"


def spots(folder: Path) -> None:
    record_spots(
        folder,
        FRAMES,
        SEGMENT,
        [
            lambda seq: (5 + seq, 10),  # all the time, over both borders
            lambda seq: (60 - seq, 30) if seq < 20 else None,
            lambda seq: (20, 50) if seq >= 26 else None,
        ],
    )


def facts(tracks: list[TrackLine]) -> list[tuple[int, int, str | None]]:
    return sorted((track.first_seq // SEGMENT, track.last_seq, track.last_utc) for track in tracks)


def archive_of(tmp_path: Path) -> Path:
    """Two flights, stills and a recording."""
    (tmp_path / "data" / "stills").mkdir(parents=True)
    still(tmp_path / "data" / "stills" / "a.png")
    spots(tmp_path / "data" / "flown")
    plan([tmp_path / "data"], tmp_path / "archive")
    return tmp_path / "archive"


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, detected in by both jobs, the one of bright spots first."""
    folder = tmp_path_factory.mktemp("twice")
    archive = archive_of(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKENDS, "bright", "tests.edge.archive.bright")
        for one in (job(), null_job()):
            detected(archive, one)
    return archive


@pytest.fixture
def both(twice: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """An archive of one's own, detected in by both jobs, and their folders."""
    archive = shutil.copytree(twice, tmp_path / "archive")
    return archive, folder_of(archive, job()), folder_of(archive, null_job())


def test_a_flight_in_three_units_has_the_tracks_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spots(tmp_path / "data" / "flown")
    merged: list[Merged] = []
    for name, size in (("one", 1 << 30), ("three", 1)):
        monkeypatch.setattr(found_by, "UNIT_BYTES", size)
        assert plan([tmp_path / "data"], tmp_path / name).units == {"one": 1, "three": 3}[name]
        merged.append(merge(tmp_path / name, detected(tmp_path / name, job())))
    one, three = (next(iter(found.folders.values())) for found in merged)
    whole, joined = (read_tracks(folder / "tracks.jsonl") for folder in (one, three))
    assert facts(joined) == facts(whole)
    assert len(joined) == 3
    assert [frame.seq for frame in DetectionsFile(three / "detections.jsonl")] == list(range(FRAMES))
    boxes = [[found.box for frame in DetectionsFile(folder / "detections.jsonl") for found in frame.detections]
             for folder in (one, three)]  # fmt: skip
    assert np.abs(np.array(boxes[0]) - np.array(boxes[1])).max() < 0.5  # the grey window has a memory of its own
    report = json.loads((three / "report.json").read_text())
    assert (report["frames"], report["units"], report["units_missing"], report["fps"]) == (FRAMES, 3, 0, None)
    assert report["detections"] == json.loads((one / "report.json").read_text())["detections"]
    assert report["source"] == str(tmp_path / "data" / "flown")
    survey = json.loads((tmp_path / "three" / "merged" / merged[1].job.name / "survey.json").read_text())
    assert (survey["whole"], survey["incomplete"], survey["frames"]) == (1, 0, FRAMES)
    assert sum(count["tracks"] for count in survey["counts"].values()) == 3
    assert {count["count"] for count in survey["counts"].values() if count["tracks"]} == {None}  # no positions
    assert (merged[1].out / "report.html").exists()


def test_a_unit_that_is_missing_is_named_and_the_rest_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_by, "UNIT_BYTES", 1)
    archive = archive_of(tmp_path)
    folder = detected(archive, job(), but=1)
    units = list(Manifest(archive).units())
    tries = Tries(Places.of(folder, units[1].sha256).tries)
    for _ in range(2):
        tries.begin()
        tries.fail("no frame")
    found = merge(archive, folder).survey
    flown, stills = found.flights
    assert (found.whole, found.incomplete, found.without) == (1, 1, 0)
    assert [(one.part, one.why) for one in flown.missing] == [(2, "given up: no frame")]
    assert (flown.units, flown.frames, stills.missing, stills.frames) == (3, 24, [], 1)
    tries.again()
    detected(archive, job())
    again = merge(archive, folder).survey
    assert (again.whole, again.incomplete, again.flights[0].frames) == (2, 0, 36)


def test_what_is_merged_already_is_left_and_what_was_reviewed_is_kept(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    units = list(Manifest(archive).units())
    folder = detected(archive, null_job())
    flown = merge(archive, folder).folders
    first = next(path for path in flown.values() if path.name.startswith("flown"))
    result = Places.of(folder, units[0].sha256).result
    assert (first / "detections.jsonl").samefile(result / "detections.jsonl")
    (first / "review.jsonl").write_text("")
    merge(archive, folder)
    assert (first / "review.jsonl").exists()
    (first / "merged.json").unlink()  # as where it was made of other units
    merge(archive, folder)
    assert not (first / "review.jsonl").exists()
    assert (first.with_name(f"{first.name}.before-1") / "review.jsonl").exists()


def test_stills_of_two_units_are_numbered_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_by, "UNIT_STILLS", 2)
    (tmp_path / "data").mkdir()
    for number in range(5):
        still(tmp_path / "data" / f"{number}.png", number)
    plan([tmp_path / "data"], tmp_path / "archive")
    found = merge(tmp_path / "archive", detected(tmp_path / "archive", null_job()))
    frames = list(DetectionsFile(next(iter(found.folders.values())) / "detections.jsonl"))
    assert [(frame.seq, frame.origin) for frame in frames] == [(number, f"{number}.png") for number in range(5)]
    assert [frame.t for frame in frames] == sorted(frame.t for frame in frames)


def test_a_copy_of_a_flight_is_in_the_survey_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        still(tmp_path / "data" / name / "a.png")
    plan([tmp_path / "data"], tmp_path / "archive")
    found = merge(tmp_path / "archive", detected(tmp_path / "archive", null_job()))
    assert len(found.survey.flights) == 1
    assert found.survey.copies == {str(tmp_path / "data" / "b"): found.survey.flights[0].name}


def test_the_table_of_parquet_says_what_the_others_say(both: tuple[Path, Path, Path]) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pip install 'thermal-edge[parquet]'")
    archive, bright, _ = both
    found = merge(archive, bright)
    table = pyarrow.read_table(found.out / "tracks.parquet").to_pylist()
    rows = (found.out / "tracks.csv").read_text().splitlines()[1:]
    assert [(row["track"], row["flight"]) for row in table] == [
        (int(cells[0]), cells[-3]) for cells in (row.split(",") for row in rows)
    ]
    assert len(table) == 3
    assert [row["geometry"] for row in table] == [None] * 3


def test_without_pyarrow_a_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_of(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "edge.archive.merge.parquet", raising=False)
    found = merge(archive, detected(archive, null_job()))
    assert "! tracks.parquet was not written: pip install 'thermal-edge[parquet]'" in found.lines
    assert not (found.out / "tracks.parquet").exists()


def test_a_job_is_found_by_its_model_or_is_the_last(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    with pytest.raises(InputError, match=r"has no job: run: edge archive run"):
        job_of(archive, None)
    first = detected(archive, null_job())
    assert job_of(archive, None) == first
    assert job_of(archive, Path(null_job().model)) == first
    with pytest.raises(InputError, match="has no job with"):
        job_of(archive, Path(null_job().model), but=first)
    with pytest.raises(InputError, match=r"no result of any unit \(it has no result yet\)"):
        merge(archive, folder_of(archive, job()))


def test_two_jobs_side_by_side(both: tuple[Path, Path, Path]) -> None:
    archive, *folders = both
    new, old = (merge(archive, folder) for folder in folders)
    found = write_against(new, old)
    assert (found.compared, found.not_compared, found.frames) == (2, 0, FRAMES + 1)
    (sums,) = [one for one in found.classes.values() if one.tracks_a]
    assert (sums.tracks_a, sums.tracks_only_a, sums.tracks_b) == (3, 3, 0)
    assert sums.boxes_a == sums.boxes_only_a == FRAMES + 20 + 10
    for row in found.flights:
        assert row.page
        assert (new.out / row.page).exists()
    assert len((new.out / "against.csv").read_text().splitlines()) > 2


def test_what_only_the_new_model_knows_is_said(
    both: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bundle that knows animals, beside one that does not: the animals are the news."""
    archive, *folders = both
    new, old = (merge(archive, folder) for folder in folders)
    real = against.write_comparison

    def with_deer(a: Path, b: Path) -> Any:
        found = real(a, b)
        return replace(found, figures=msgspec.structs.replace(found.figures, unknown_a={"deer": 3}))

    monkeypatch.setattr(against, "write_comparison", with_deer)
    found = write_against(new, old)
    assert (found.unknown_a, found.unknown_b) == ({"deer": 6}, {})
    assert [row.unknown_a for row in found.flights] == [{"deer": 3}] * 2
    assert main(["archive", "merge", str(archive), "--against", new.job.name]) == 0
    assert "! B does not know deer: 6 boxes of A are in no number here: see the pages\n" in capsys.readouterr().out


def test_another_job_that_is_not_there_is_named_with_those_that_are(
    both: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, *folders = both
    new, old = (merge(archive, folder) for folder in folders)
    assert main(["archive", "merge", str(archive), "--against", "old"]) == 2  # the job begun last is merged
    told = capsys.readouterr().err
    assert told == f"edge: --against old: no job and no bundle; other jobs there: {new.job.name}\n"
    assert old.job.name not in told


def test_a_flight_of_one_job_alone_is_not_compared(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    new, old = merge(archive, detected(archive, job())), merge(archive, detected(archive, null_job(), but=1))
    found = write_against(new, old)
    assert (found.compared, found.not_compared) == (1, 1)
    assert [row.why for row in found.flights if row.why] == [f"{old.job.name} has no result of it"]


def test_a_place_is_a_point_longitude_first(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install 'thermal-edge[parquet]'")
    from edge.archive.merge.parquet import write_parquet
    from edge.archive.merge.rows import Row, write_geojson

    where = GroundPosition(47.5, -8.25, 2.0)
    rows = [Row(track_line(1, position=where), "a", 7), Row(track_line(2, position=None), "b", None)]
    assert write_parquet(tmp_path / "tracks.parquet", rows) == 2
    schema = parquet.read_schema(tmp_path / "tracks.parquet")
    geo = json.loads(schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert geo["columns"]["geometry"] == {"encoding": "WKB", "geometry_types": ["Point"]}
    first, second = parquet.read_table(tmp_path / "tracks.parquet").to_pylist()
    assert struct.unpack("<BIdd", first["geometry"]) == (1, 1, -8.25, 47.5)
    assert (first["flight"], first["individual"], first["sigma_m"]) == ("a", 7, 2.0)
    assert (second["geometry"], second["individual"], second["sigma_m"]) == (None, None, None)
    with (tmp_path / "tracks.geojson").open("wb") as file:
        assert write_geojson(file, rows) == 1
    (point,) = json.loads((tmp_path / "tracks.geojson").read_text())["features"]
    assert (point["id"], point["geometry"]["coordinates"][:2]) == ("a/1", [-8.25, 47.5])


def test_what_the_command_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, archive = tmp_path / "data", tmp_path / "archive"
    data.mkdir()
    still(data / "a.png")
    assert main(["archive", "plan", str(data), "--out", str(archive)]) == 0
    assert "1 units of 1 flights" in capsys.readouterr().out
    folder = detected(archive, null_job())
    other = detected(archive, job("null", threshold="0.7"), but=0)
    assert main(["archive", "merge", str(archive), "--against", folder.name]) == 2
    assert f"{other} has no result of any unit" in capsys.readouterr().err.replace("\n", " ")
    detected(archive, job("null", threshold="0.7"))
    assert main(["archive", "merge", str(archive), "--against", other.name]) == 2
    assert "is the job that is merged" in capsys.readouterr().err
    assert main(["archive", "merge", str(archive), "--against", folder.name]) == 0
    said = capsys.readouterr().out
    for line in (f"job {other.name}: 1 flights, 1 frames", f"A: {other.name}, B: {folder.name}; 1 flights compared"):
        assert line in said
    assert main(["archive", "merge", str(archive), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
