"""Segments of a recording: their names, sizes and ages to the byte, and where one is damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.errors import SinkError, SourceError
from edge.recording import Recording, RecordingWriter, codec
from edge.recording.contents import Header, pack_frame
from edge.recording.format import (
    END,
    FRAME,
)
from edge.recording.segment import NAME, Segment, segment_path
from tests.edge.recording.test_recording_exact import CAMERA, frame


def test_names_of_segments_count_up_in_six_digits() -> None:
    assert segment_path(Path("r"), 12) == Path("r/segment-000012.rec")
    assert segment_path(Path("r"), 1_234_567) == Path("r/segment-1234567.rec")
    assert all(NAME.fullmatch(f"segment-{digits}.rec") for digits in ("000000", "123456789"))
    assert not any(
        NAME.fullmatch(name) for name in ("segment-00001.rec", "segment-1234567890.rec", "xsegment-000001.rec")
    )


def test_a_record_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment(tmp_path / "s.rec", b"header")
    assert (segment.size, segment.path.read_bytes()) == (6, b"header")
    write, given = os.write, []

    def slowly(file: int, data: Any) -> int:
        given.append(bytes(data))
        if len(given) == 4:
            raise OSError(errno.ENOSPC, "full")
        return write(file, data[:2])

    monkeypatch.setattr(os, "write", slowly)
    segment.append(b"abcde")
    assert given == [b"abcde", b"cde", b"e"]
    with pytest.raises(OSError, match="full"):
        segment.append(b"fg")
    monkeypatch.undo()
    assert (segment.size, segment.path.read_bytes()) == (11, b"headerabcde")
    segment.append(b"h")
    assert segment.size == 12
    segment.close()
    segment.close()
    assert segment.path.read_bytes() == b"headerabcdeh"
    assert segment.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Segment(tmp_path / "s.rec", b"header")


def test_a_segment_that_could_not_be_begun_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(OSError, match="I/O error"):
        Segment(tmp_path / "s.rec", b"header")
    assert not (tmp_path / "s.rec").exists()


def records(n: int) -> int:
    """Bytes of n frames, without their header; noise of one size packs to nearly the same."""
    return sum(len(pack_frame(frame(seq), codec.Encoder())) for seq in range(n))


@pytest.mark.parametrize(("more", "segments"), [(0, 1), (-1, 2)])
def test_a_segment_is_full_to_the_byte(more: int, segments: int, tmp_path: Path) -> None:
    head = RecordingWriter(tmp_path / "one", CAMERA, reserve=0)
    header = (tmp_path / "one/segment-000000.rec").stat().st_size
    head.close()
    full = header + records(3) + more
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=full)
    for seq in range(3):
        writer.write(frame(seq))
    writer.close()
    assert writer.segments == segments
    assert (writer.frames, writer.bytes) == (3, records(3))


@pytest.mark.parametrize(("age", "segments"), [(59.9, 1), (60.0, 2)])
def test_a_segment_is_old_after_a_minute(age: float, segments: int, tmp_path: Path) -> None:
    now = [100.0]
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, clock=lambda: now[0])
    writer.write(frame(0))
    now[0] += age
    writer.write(frame(1))
    assert writer.segments == segments
    writer.close()
    assert [found.seq for found in Recording(tmp_path / "r")] == [0, 1]


def test_a_segment_has_a_frame_before_there_is_another(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=1)
    for seq in range(3):
        writer.write(frame(seq))
    writer.close()
    assert writer.segments == 3
    assert [path.name for path in sorted((tmp_path / "r").iterdir())] == [f"segment-00000{i}.rec" for i in range(3)]


def test_a_budget_makes_segments_of_a_quarter_of_it(tmp_path: Path) -> None:
    assert RecordingWriter(tmp_path / "a", CAMERA, budget=4000, reserve=0)._segment_bytes == 1000
    assert RecordingWriter(tmp_path / "b", CAMERA, budget=4000, reserve=0, segment_bytes=999)._segment_bytes == 999
    assert RecordingWriter(tmp_path / "c", CAMERA, reserve=0)._segment_bytes == 256 * 1024 * 1024


def test_as_much_as_the_reserve_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, free = [0.0], [7]
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free[0], f_frsize=1024 * 1024))
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=7 << 20, clock=lambda: now[0])
    now[0] = 1.0
    writer.write(frame(0))
    free[0] = 6
    now[0] = 2.0
    with pytest.raises(SinkError, match="less than 7 MiB are free.* 2 frames are kept"):
        writer.write(frame(1))
    with pytest.raises(SinkError, match="has ended"):
        writer.write(frame(2))


def test_what_is_missing_is_said_with_its_number(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=1)
    for seq in range(7):
        writer.write(frame(seq))
    writer.close()
    for gone in (0, 1, 3):
        segment_path(tmp_path / "r", gone).unlink()
    recording = Recording(tmp_path / "r")
    assert recording.frames == 4
    assert [found.seq for found in recording] == [2, 4, 5, 6]
    assert recording.losses == [
        "the first 2 segments were removed (disk budget)",
        "1 segments between the first and the last are missing",
    ]
    segment_path(tmp_path / "r", 6).unlink()
    assert Recording(tmp_path / "r").losses[-1] == "what came after segment-000005.rec is missing"


def test_where_a_segment_is_damaged_and_how_much_is_lost(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0)
    for seq in range(3):
        writer.write(frame(seq))
    writer.close()
    path = segment_path(tmp_path / "r", 0)
    data = bytearray(path.read_bytes())
    at = data.index(FRAME, data.index(FRAME) + 4)
    data[at + 40] ^= 255
    path.write_bytes(bytes(data))
    recording = Recording(tmp_path / "r")
    assert recording.frames == 3
    assert [found.seq for found in recording] == [0]
    name = "segment-000000.rec"
    assert recording.losses == [
        f"{name}: bad checksum at byte {at}, after frame 0: {len(data) - at} bytes are not read"
    ]
    end = data.rindex(END)
    path.write_bytes(bytes(data[:end]))
    recording = Recording(tmp_path / "r")
    assert recording.frames == 3
    path.write_bytes(bytes(data[:at]))
    recording = Recording(tmp_path / "r")
    assert recording.frames == 1
    assert [found.seq for found in recording] == [0]
    assert recording.losses == [f"{name} was not closed (power cut, kill or full disk): nothing after frame 0"]


def test_what_follows_an_end_mark_or_is_a_second_header(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0)
    writer.write(frame(0))
    writer.close()
    path = segment_path(tmp_path / "r", 0)
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")
    recording = Recording(tmp_path / "r")
    assert [found.seq for found in recording] == [0]
    said = f"{path.name}: more after its end mark at byte {len(whole)}, after frame 0: 1 bytes are not read"
    assert recording.losses == [said]
    header = Header.here("a", 0, CAMERA).pack()
    path.write_bytes(whole[: whole.rindex(END)] + header)
    recording = Recording(tmp_path / "r")
    assert [found.seq for found in recording] == [0]
    assert "a second header" in recording.losses[0]


def test_a_segment_alone_is_no_broken_row(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=1)
    for seq in range(3):
        writer.write(frame(seq))
    writer.close()
    recording = Recording(segment_path(tmp_path / "r", 1))
    assert ([found.seq for found in recording], recording.losses) == ([1], [])
    with pytest.raises(SourceError, match="is no file"):
        Recording(Path("/dev/null"))
