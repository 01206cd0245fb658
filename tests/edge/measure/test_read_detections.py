"""detections.jsonl read line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.measure import read_detections
from edge.measure.read_detections import DetectionsFile, picture_name, searched
from tests.support.flight_folder import FIRST, FRAMES


def written(path: Path, *lines: str) -> DetectionsFile:
    path.write_text("".join(f"{line}\n" for line in (json.dumps(FIRST), *lines)))
    return DetectionsFile(path)


def test_each_pass_reads_all_of_it(tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl", *map(json.dumps, FRAMES))
    assert [frame.seq for frame in file] == [frame.seq for frame in file] == [3, 4, 5, 9]
    assert file.first.classes == ["Person", "deer", "hot spot"]
    frames = list(file)
    assert [file.size(frame).width for frame in frames] == [200, 200, 200, 100]
    assert [searched(frame) for frame in frames] == [True, True, False, True]
    assert [picture_name(frame) for frame in frames] == ["a.tif", "b.tif#2", "c.tif", "pictures/frame-000009.png"]


def test_a_frame_of_a_video_is_named_as_its_picture(tmp_path: Path) -> None:
    (frame,) = written(tmp_path / "d.jsonl", json.dumps({**FRAMES[1], "origin": 2.5}))
    assert picture_name(frame) == "pictures/frame-000004.png"


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    (frame,) = written(tmp_path / "d.jsonl", json.dumps({**FRAMES[0], "wind": 3}))
    assert frame.seq == 3


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_detections, "MAX_LINE", 1 << 20)
    file = written(tmp_path / "d.jsonl", json.dumps(FRAMES[0]), "x" * (1 << 21))
    with pytest.raises(InputError, match="line 3 is longer than 1 MiB"):
        list(file)


def test_a_file_that_went_away(tmp_path: Path) -> None:
    file = written(tmp_path / "d.jsonl")
    (tmp_path / "d.jsonl").unlink()
    with pytest.raises(InputError, match="cannot read"):
        list(file)
