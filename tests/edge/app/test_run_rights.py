"""Who may read what a run writes: its user, and the group where its folder says so; whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge
from edge.app.after.hand_over import OF_DETECTIONS, OF_TRACKS, hand_over
from edge.app.after.report import write_flight_report
from edge.app.compare.files import write_comparison
from edge.system.files import open_private, private_folder, written_private
from tests.support.flight_folder import flight

OUTPUTS = ("video", "pictures", "map", "geojson", "kmz", "csv", "trace")


SMALL = "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=1,live=0"


def rights(folder: Path) -> dict[str, int]:
    """Of everything below it, and of itself."""
    below = {str(path.relative_to(folder)): path.stat().st_mode & 0o7777 for path in folder.rglob("*")}
    return {".": folder.stat().st_mode & 0o7777, **below}


def fly(bundle: Path, out: Path) -> None:
    """Every output there is, twice: the first run's files are moved aside."""
    for _ in range(2):
        edge.run(
            edge.RunSettings(
                out=out,
                source="sim:seed=2,width=80,height=64,pitch=-90,live=0,people=6,deer=9,cars=0,frames=3",
                model=bundle,
                outputs=OUTPUTS,
                record=True,
                threshold=0.05,
                spare=out.parent / "spare",
                coverage="",
                backend="ort",
            )
        )
    hand_over(out, [*OF_TRACKS, *OF_DETECTIONS], (47.0, 8.0))


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_what_a_run_writes_is_its_users_alone(umask: int, tiny_bundle: Path, tmp_path: Path) -> None:
    fly(tiny_bundle, tmp_path / "new/flight")
    found = rights(tmp_path / "new/flight")
    assert {"report.json", "run.json", "detections.jsonl", "video.mkv", "pictures/frame-000001.png"} <= found.keys()
    assert {"recording/segment-000000.rec", "earlier-1/recording/segment-000000.rec", "earlier-1"} <= found.keys()
    folders = {name for name in found if (tmp_path / "new/flight" / name).is_dir()}
    assert {name: mode for name, mode in found.items() if mode != (0o700 if name in folders else 0o600)} == {}
    assert (tmp_path / "new/spare").stat().st_mode & 0o777 == 0o700


def test_reports_and_comparisons_are_their_users_alone_too(umask: int, tmp_path: Path) -> None:
    one, other = flight(tmp_path / "one"), flight(tmp_path / "other")
    before = set(rights(one))
    write_flight_report([one])
    write_comparison(one, other)
    write_flight_report([one], tmp_path / "new")
    told = {name: mode for name, mode in rights(one).items() if name not in before}
    assert {"report.html", "tracks.csv", "tracks.geojson", "compare/compare.html", "compare/boxes.csv"} <= told.keys()
    assert told.pop("compare") == 0o700
    assert set(told.values()) == {0o600}
    assert rights(tmp_path / "new") == {
        ".": 0o700, "report.html": 0o600, "tracks.csv": 0o600, "tracks.geojson": 0o600
    }  # fmt: skip


def test_an_open_folder_of_the_users_is_left_as_it_is_and_the_files_are_closed(
    umask: int, tiny_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    edge.run(edge.RunSettings(out=tmp_path / "open", source=SMALL, model=tiny_bundle, backend="null"))
    found = rights(tmp_path / "open")
    assert found.pop(".") == 0o777
    assert set(found.values()) == {0o600}


def test_a_folder_with_the_bit_of_its_group_is_shared_with_it(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2750)
    fly(tiny_bundle, tmp_path / "shared/flight")
    found = rights(tmp_path / "shared/flight")
    folders = {name for name in found if (tmp_path / "shared/flight" / name).is_dir()}
    assert "earlier-1/recording" in folders
    assert {name: mode for name, mode in found.items() if mode != (0o2750 if name in folders else 0o640)} == {}


def test_the_rights_of_one_file(umask: int, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "there").write_text("of a user")
    (tmp_path / "there").chmod(0o644)
    os.close(open_private(tmp_path / "there", os.O_APPEND))
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o644  # it is somebody's
    with written_private(tmp_path / "there") as out:
        out.write(b"ours")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o600
    os.close(open_private(Path("/dev/null"), 0))  # no file: its rights are left
    private_folder(tmp_path / "a/b")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    private_folder(tmp_path / "a/b")
    with pytest.raises(NotADirectoryError):
        private_folder(tmp_path / "there/b")
