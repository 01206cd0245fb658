"""Which units are below a folder, and what is told to be none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.archive import find as found_by
from edge.archive.find import Found, find, find_file
from edge.archive.unit import Unread
from tests.edge.archive.flights import record, still


def units(folder: Path) -> list[Found]:
    return [one for one in find(folder) if isinstance(one, Found)]


def unread(folder: Path) -> dict[str, str]:
    return {Path(one.path).name: one.why for one in find(folder) if isinstance(one, Unread)}


def test_stills_are_cut_into_units_in_their_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_by, "UNIT_STILLS", 2)
    for name in ("f1.png", "f2.png", "f10.png"):
        still(tmp_path / name)
    first, second = units(tmp_path)
    assert [Path(name).name for name in first.sources] == ["f1.png", "f2.png"]
    assert [Path(name).name for name in second.sources] == ["f10.png"]
    assert [(one.flight, one.number, one.of, one.kind, one.pose) for one in (first, second)] == [
        (tmp_path, 0, 2, "stills", None),
        (tmp_path, 1, 2, "stills", None),
    ]


def test_of_pairs_the_thermal_ones_are_taken_and_the_others_told(tmp_path: Path) -> None:
    for number in (1, 2):
        still(tmp_path / f"DJI_{number}_T.JPG")
        still(tmp_path / f"DJI_{number}_V.JPG")
    (one,) = units(tmp_path)
    assert [path.name for path in one.files] == ["DJI_1_T.JPG", "DJI_2_T.JPG"]
    assert one.pose == "exif"
    assert unread(tmp_path) == {
        "DJI_1_V.JPG": "2 pictures named otherwise, this the first of them, beside the thermal ones (_T.JPG)"
    }


def test_a_recording_is_cut_between_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_by, "UNIT_BYTES", 1)
    record(tmp_path / "recording", segments=3)
    assert [one.sources for one in units(tmp_path)] == [
        (f"rec:{tmp_path}/recording?segments={number}-{number}",) for number in range(3)
    ]
    monkeypatch.setattr(found_by, "UNIT_BYTES", 1 << 30)
    (whole,) = units(tmp_path)
    assert whole.sources == (f"rec:{tmp_path}/recording",)
    assert len(whole.files) == 3


def test_what_a_run_wrote_is_no_input_but_for_its_recording(tmp_path: Path) -> None:
    record(tmp_path / "recording", segments=1)
    (tmp_path / "detections.jsonl").write_text("")
    for name in ("map.png", "crops/000001-1.png", "pictures/frame-000001.png", "earlier-1/map.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        still(tmp_path / name)
    (tmp_path / "earlier-1" / "report.json").write_text("{}")
    assert [one.kind for one in units(tmp_path)] == ["recording"]
    assert unread(tmp_path) == {}


def test_a_video_has_the_subtitles_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    (tmp_path / "a.SRT").write_text("1\n")
    (one,) = units(tmp_path)
    assert (one.flight, one.kind, one.pose) == (tmp_path / "a.mp4", "video", f"srt:{tmp_path / 'a.SRT'}")
    assert [path.name for path in one.files] == ["a.mp4", "a.SRT"]
    assert list(find_file(tmp_path / "a.mp4")) == [one]


def test_what_is_none_is_told_and_what_lies_beside_flights_is_not(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\x01\x02\x03")
    (tmp_path / "x.webp").write_bytes(b"RIFF\0\0\0\0WEBP")
    (tmp_path / "x.seq").write_bytes(b"FFF\0")
    (tmp_path / "x.tlog").write_bytes(b"\xfd")
    (tmp_path / ".hidden.bin").write_bytes(b"\x01")
    (tmp_path / "else").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "else")
    assert {name: why[:22] for name, why in unread(tmp_path).items()} == {
        "x.bin": "neither an image nor a",
        "x.webp": "WebP, which is not rea",
        "x.seq": "FLIR's SEQ and CSQ are",
        "link": "a link to a folder is ",
    }


def test_links_that_lead_nowhere_and_pipes_are_told(tmp_path: Path) -> None:
    """A disk that is not mounted: its flights were missing in the plan, without a word."""
    still(tmp_path / "a.png")
    (tmp_path / "flight7.mp4").symlink_to("/mnt/nowhere/flight7.mp4")
    (tmp_path / "flight8").symlink_to("/mnt/nowhere/flight8")
    (tmp_path / "circle").symlink_to("circle")  # ended the plan
    (tmp_path / ".hidden").symlink_to(".hidden")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert [one.kind for one in units(tmp_path)] == ["stills"]
    nowhere = "a link that leads nowhere: mount the disk that it leads to, or remove it"
    assert unread(tmp_path) == {
        "circle": "cannot be read: Too many levels of symbolic links",
        "flight7.mp4": nowhere,
        "flight8": nowhere,
        "pipe.mp4": "neither a file nor a folder, but a pipe, a socket or a device",
    }


def test_the_archive_itself_is_left_out(tmp_path: Path) -> None:
    still(tmp_path / "a.png")
    (tmp_path / "archive").mkdir()
    still(tmp_path / "archive" / "b.png")
    assert [Path(one.sources[0]).name for one in find(tmp_path, tmp_path / "archive") if isinstance(one, Found)] == [
        "a.png"
    ]
