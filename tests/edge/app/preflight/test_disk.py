"""The checks of a preflight for the disk: can it be written, is it fast, is there room?"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import numpy as np
import pytest

import edge.app.preflight.disk as disk
from edge.app.preflight.disk import disk_lines
from edge.app.preflight.drawn import picture_bytes, video_bytes
from edge.app.preflight.plan import Measured
from tests.support.planned import plan, told


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_out_folder_is_probed_and_left_as_it_was(tmp_path: Path, tiny_bundle: Path) -> None:
    made = plan(tmp_path, tiny_bundle)
    before = names(tmp_path)
    said = told(disk_lines(made, 0))
    assert said["out folder"] == ("green", f"{tmp_path}/out can be written", "")
    assert said["disk"][0] == "green"
    assert names(tmp_path) == before
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert told(disk_lines(made, 0))["out folder"][:2] == ("red", f"{tmp_path}/out: another run is writing to it")
    finally:
        os.close(handle)
    assert told(disk_lines(made, 0))["out folder"][0] == "green"
    assert names(tmp_path / "out") == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_folder: Path) -> float:
        raise OSError(30, "Read-only file system")

    made = plan(tmp_path, tiny_bundle)
    (tmp_path / "out").write_text("")
    assert told(disk_lines(made, 0))["out folder"][:2] == ("red", f"{tmp_path}/out is no folder")
    (tmp_path / "out").unlink()
    monkeypatch.setattr(disk, "_probe", refused)
    said = told(disk_lines(made, 0))["out folder"]
    assert said[:2] == ("red", f"{tmp_path}/out: Read-only file system")


@pytest.mark.parametrize(
    ("limits", "measured", "state", "words"),
    [
        (
            "seconds = 60",
            Measured(30.0, 1e5),
            "green",
            "180 MB a minute, so there is room for 56 min; 1 min are planned",
        ),
        ("seconds = 6000", Measured(30.0, 1e5), "red", "room for 56 min; 100 min are planned"),
        ("record_budget = '20GB'", Measured(30.0, 1e5), "red", "20.0 GB are its budget"),
        ("record_budget = '2GB'\nseconds = 6000", Measured(30.0, 1e5), "green", "2.0 GB are its budget"),
        ("", Measured(30.0, 1e5), "yellow", "room for 56 min"),
        ("", Measured(30.0, 1e7), "red", "the recording needs 300.0 MB/s"),
        ("", Measured(None, 1e5), "green", "the camera's rate is not known"),
        ("", None, "green", "the camera's rate is not known"),
    ],
)
def test_room_for_the_recording(
    tmp_path: Path,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    limits: str,
    measured: Measured | None,
    state: str,
    words: str,
) -> None:
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), {"free": 10_080_000_000}))
    made = plan(tmp_path, tiny_bundle, f"record = true\n[limits]\n{limits}\n")
    made.tell(measured)
    got = told(disk_lines(made, 0))["disk"]
    assert got[0] == state
    assert words in got[1]
    assert bool(got[2]) == (state != "green")


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (
            "record = true\nvideo = true\npictures = true",
            "the recording takes 180 MB a minute, the video takes 18 MB a minute, the pictures take 54 MB a minute, so "
            "there is room for 40 min; after 36 min, below 1.0 GB free, they stop and detections go on",
        ),
        ("video = true", "; the video takes 18 MB a minute, so there is room for 560 min; after 504 min"),
        ("map = true", "; no recording is asked for"),
    ],
)
def test_room_for_all_that_is_asked_for(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, outputs: str, words: str
) -> None:
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), {"free": 10_080_000_000}))
    made = plan(tmp_path, tiny_bundle, outputs)
    made.tell(Measured(30.0, 1e5, 1e4, 3e4))
    assert words in told(disk_lines(made, 0))["disk"][1]


def test_room_that_earlier_flights_leave(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"free": 1_000_000_000, "total": 64_000_000_000}
    monkeypatch.setattr(disk, "_probe", lambda _folder: 1e8)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _folder: type("", (), usage))
    monkeypatch.setattr(disk, "room_of", lambda runs: 9_080_000_000 * len(runs))
    (tmp_path / "out/earlier-1").mkdir(parents=True)
    made = plan(tmp_path, tiny_bundle, "record = true\n[limits]\nseconds = 3000\nkeep_free = '5GB'\n")
    made.tell(Measured(30.0, 1e5))
    state, value, _ = told(disk_lines(made, 0))["disk"]
    assert (state, "9.1 GB of earlier runs go first" in value) == ("green", True)
    assert "room for 56 min; 50 min are planned" in value
    made = plan(tmp_path, tiny_bundle, "[limits]\nkeep_free = '64GB'\n")
    assert told(disk_lines(made, 0))["disk"][::2] == ("red", "correct limits.keep_free")


def test_what_pictures_take_is_measured_with_those_of_the_camera() -> None:
    noise = [np.random.default_rng(n).integers(0, 255, (64, 80), dtype=np.uint8) for n in range(12)]
    flat = [np.full((64, 80), 90, np.uint8)] * 12
    assert 64 * 80 / 4 < video_bytes(noise) < 3 * 64 * 80
    assert 10 < video_bytes(flat) < video_bytes(noise) / 4
    assert 64 * 80 < picture_bytes(noise) < 3 * 64 * 80 + 1000
    assert picture_bytes(flat) < 300
    assert (video_bytes([]), picture_bytes([])) == (0.0, 0.0)
