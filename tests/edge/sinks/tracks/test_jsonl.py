"""tracks.jsonl and the pictures beside it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.errors import SinkError
from edge.measure.track_lines import read_tracks
from edge.sinks.tracks.crops import RESERVE_BYTES, crop_name
from edge.sinks.tracks.jsonl import TracksSink
from tests.support.track_lines import tracked


def counts(seq: int, t: float) -> Result:
    """Track 12 in a frame of 16 bit."""
    pixels = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80) * 7
    found = Detections(
        np.array([[10, 10, 20, 20]], np.float32),
        np.array([0.5], np.float32),
        np.zeros(1, np.int32),
        80,
        64,
        track_ids=np.array([12], np.int32),
    )
    picture = (pixels >> 8).astype(np.uint8)
    return Result(frame=Frame(pixels, seq, t), detections=found, t_result=t, picture=picture, t_source=t)


def test_a_line_is_there_when_its_track_is_over_and_at_the_end_the_others(tmp_path: Path) -> None:
    path = tmp_path / "tracks.jsonl"
    with TracksSink(path, ("Person",)) as sink:
        sink.write(tracked(0, 0.0, [2, 1, 3]))
        assert read_tracks(path) == []
        sink.write(tracked(1, 0.1, [1], ended=(2, 3)))
        assert [line.track for line in read_tracks(path)] == [2, 3]
    sink.close()
    lines = read_tracks(path)
    assert [(line.track, line.frames, line.crops) for line in lines] == [
        (2, 1, ["crops/000002-1.png"]),
        (3, 1, ["crops/000003-1.png"]),
        (1, 2, ["crops/000001-1.png"]),
    ]
    assert sorted(path.name for path in (tmp_path / "crops").iterdir()) == [
        "000001-1.png",
        "000002-1.png",
        "000003-1.png",
    ]


def test_pictures_in_8_and_in_16_bits_are_of_the_same_place(tmp_path: Path) -> None:
    with TracksSink(tmp_path / "tracks.jsonl", ("Person",)) as sink:
        for seq in range(2):
            sink.write(counts(seq, float(seq)))
    (line,) = read_tracks(tmp_path / "tracks.jsonl")
    assert line.crops == [crop_name(12, place, ending) for place in (1, 2) for ending in ("", "-counts")]
    assert line.crops[1] == "crops/000012-1-counts.png"
    grey, raw = (cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED) for name in line.crops[:2])
    given = counts(0, 0.0)
    assert (grey.dtype, raw.dtype) == (np.uint8, np.uint16)
    assert np.array_equal(raw, given.frame.pixels[:48, :48])
    assert np.array_equal(grey, given.picture[:48, :48])


def test_where_the_disk_is_nearly_full_lines_go_on_without_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, int]] = []
    monkeypatch.setattr("edge.sinks.tracks.crops.has_room", lambda *given: bool(asked.append(given)))
    with TracksSink(tmp_path / "tracks.jsonl", ("Person",)) as sink:
        sink.write(tracked(0, 0.0, [1]))
    assert asked == [(tmp_path / "crops", RESERVE_BYTES)]
    assert [line.crops for line in read_tracks(tmp_path / "tracks.jsonl")] == [[]]
    assert list((tmp_path / "crops").iterdir()) == []


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "crops").write_text("a file")
    sink = TracksSink(tmp_path / "tracks.jsonl", ("Person",))
    sink.write(tracked(0, 0.0, [1]))
    with pytest.raises(SinkError, match="cannot write .*crops: .*: free some space or give another --out"):
        sink.close()
    with pytest.raises(SinkError, match="cannot open .*/no/tracks.jsonl"):
        TracksSink(tmp_path / "no" / "tracks.jsonl", ("Person",))
