"""Recordings by hand: a replay compared with its flight, budgets and limits to the byte, sides in their order."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import struct
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import edge.recording.contents as contents
import edge.recording.recorder as recorder_module
from edge.data import Detections, Frame, Pose, TemperatureScale
from edge.errors import InputError, SinkError, SourceError
from edge.recording import Origin, Recording, RecordingWriter, codec
from edge.recording.contents import EndMark, Header, one_line, pack_frame, read_meta, unpack_frame
from edge.recording.format import (
    END,
    FRAME,
    HEADER,
    MAX_META,
    MAX_PAYLOAD,
    Damaged,
    pack,
    read_preamble,
    read_record,
)
from edge.recording.recorder import Recorder
from edge.recording.replay import Replay
from edge.recording.segment import NAME, Segment, segment_path
from edge.recording.verify import Verifier
from edge.thermal.temperature import PlanckScale
from tests.conftest import made

H, W = 6, 10
CAMERA = Origin("a camera", True, 9.0)


def frame(seq: int, flags: frozenset[str] = frozenset(), **more: Any) -> Frame:
    pixels = np.random.default_rng(seq).integers(0, 1 << 16, (H, W), dtype=np.uint16)
    return Frame(pixels, seq, 100 + seq / 8, flags=flags, **more)


def box(x: float, score: float = 0.5, label: int = 0) -> dict[str, Any]:
    return {"box": [x, 1.0, x + 2, 5.0], "score": score, "label": label, "class": ("deer", "fox")[label]}


# ---- a replay against its flight ----


def flight(path: Path, *lines: Any, ending: str = "\n") -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines) + ending)
    return path


def line(seq: int, *boxes: dict[str, Any], flags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"seq": seq, "t": 1.0, "flags": list(flags), "detections": list(boxes), **more}


def came(verifier: Verifier, seq: int, *at: float, flags: tuple[str, ...] = (), label: int = 0, **more: Any) -> None:
    boxes = np.array([[x, 1, x + 2, 5] for x in at], np.float32).reshape(-1, 4)
    n = len(at)
    found = Detections(boxes, np.full(n, 0.5, np.float32), np.full(n, label, np.int32), W, H)
    shown = Frame(np.zeros((H, W), np.uint8), seq, 1.0, flags=frozenset(flags))
    verifier.write(made(shown, found, 1.1, shown.pixels, **more))


def test_each_count_of_a_comparison(tmp_path: Path) -> None:
    """2 the same, 1 different; 3 missing; then 4 that may differ, of which 1 is the same."""
    path = flight(tmp_path / "d.jsonl", {"format": 1}, *(line(seq, box(seq % 5 + 0.0)) for seq in range(11)))
    verifier = Verifier(path, ("deer", "fox"))
    assert list(verifier.seqs) == list(range(11))
    came(verifier, 0, 0.0)
    came(verifier, 1, 1.0)
    came(verifier, 2, 4.0)
    for seq in (6, 7, 8):
        came(verifier, seq, 4.5)
    came(verifier, 9, 4.0)
    verifier.end_of_source()
    told = verifier.report("ort")
    assert (verifier.same, verifier.different, verifier.unsettled, verifier.missing) == (3, 1, 3, 4)
    assert told == {
        "file": str(path),
        "compared": 4,
        "different": 1,
        "first_difference": "frame 2, detection 0: box [2.0, 1.0, 4.0, 5.0] in the flight, [4.0, 1.0, 6.0, 5.0] now",
        "unsettled": 3,
        "missing": 4,
        "verdict": "not the same",
    }
    error = verifier.error({})
    assert error is not None
    assert f"1 of 4 frames differ from {path}: frame 2, detection 0: box" in str(error)


def test_a_closed_shutter_settles_what_was_missing_but_for_repair(tmp_path: Path) -> None:
    path = flight(tmp_path / "d.jsonl", *(line(seq, flags=("repaired",) if seq == 5 else ()) for seq in range(7)))
    verifier = Verifier(path, ("deer",))
    came(verifier, 1, 1.0)  # 0 is missing
    assert (verifier.different, verifier.unsettled) == (0, 1)
    came(verifier, 2, flags=("ffc",))
    came(verifier, 3, 1.0)
    assert (verifier.different, verifier.unsettled) == (1, 1)
    came(verifier, 4, 1.0, flags=("repaired",))  # repaired now
    came(verifier, 5, 1.0)  # repaired then
    assert (verifier.different, verifier.unsettled) == (1, 3)
    came(verifier, 6, 1.0)
    assert (verifier.same, verifier.different, verifier.unsettled, verifier.missing) == (1, 2, 3, 1)


def test_repaired_frames_of_a_whole_flight_are_compared(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(0, flags=("repaired",)), line(1)), ("deer",))
    came(verifier, 0, 1.0, flags=("repaired",))
    came(verifier, 1)
    assert (verifier.same, verifier.different, verifier.unsettled) == (1, 1, 0)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (line(3), {"at": (1.0,)}, "frame 3: 0 detections in the flight, 1 now"),
        (line(3, box(1)), {"at": ()}, "frame 3: 1 detections in the flight, 0 now"),
        (line(3, box(1), box(2)), {"at": (1.0, 4.0)}, "frame 3, detection 1: box [2"),
        (line(3, box(1, 0.75)), {"at": (1.0,)}, "frame 3, detection 0: score 0.75 in the flight, 0.5 now"),
        (line(3, box(1, label=1)), {"at": (1.0,)}, "frame 3, detection 0: label 1 in the flight, 0 now"),
        (line(3, inferred=False), {"at": ()}, "the engine was not asked in the flight"),
        (line(3), {"at": (), "inferred": False}, "the engine was asked in the flight"),
        (line(3, {**box(1), "track": 7}), {"at": (1.0,)}, "detection 0: track 7 in the flight, None now"),
        (line(3, dict(reversed(box(1).items()))), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        (line(3, {**box(1), "label": 0.0}), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        (line(3, box(1), inferred=1), {"at": (1.0,)}, "frame 3: the same, but written otherwise"),
        ({"seq": 3, "detections": ["x"]}, {"at": (1.0,)}, "detection 0: no object in the file"),
    ],
)
def test_the_first_difference_in_words(then: dict[str, Any], now: dict[str, Any], told: str, tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", then), ("deer", "fox"))
    came(verifier, 3, *now.pop("at"), **now)
    assert verifier.different == 1
    assert told in str(verifier.report("ort")["first_difference"])


def test_what_was_set_otherwise_is_named(tmp_path: Path) -> None:
    path = flight(tmp_path / "d.jsonl", line(3))
    (tmp_path / "report.json").write_text(
        json.dumps({"backend": "trt", "threshold": 0.25, "model": "a", "model_files": {"x": 1}, "frames": 9})
    )
    verifier = Verifier(path, ("deer",))
    came(verifier, 3, 1.0)
    here = {"backend": "ort", "threshold": 0.25, "model": "b", "model_files": {"x": 2}, "frames": 1}
    said = str(verifier.error(here))
    assert said.endswith(
        "; the flight had backend trt (here ort), model a (here b), another model_files: run with the same"
    )


def test_nothing_that_could_be_compared_is_an_error(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(3)), ("deer",))
    verifier.end_of_source()
    assert verifier.report("ort")["verdict"] == "not the same"
    assert "nothing could be compared" in str(verifier.error({}))
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(3)), ("deer",))
    came(verifier, 3)
    assert verifier.error({}) is None
    assert verifier.report("ort")["verdict"] != "not the same"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([{"format": 1}], "holds no line"),
        ([line(3), {"format": 1}], "line 2 is no line"),
        ([line(3), line(3)], "line 2 has seq 3 after 3"),
        ([line(3), line(2)], "line 2 has seq 2 after 3"),
        ([line(-1)], "line 1 has seq -1 after -1"),
        ([{**line(3), "seq": True}], "line 1 has seq True after -1"),
        ([{**line(3), "seq": 1.5}], "line 1 has seq 1.5"),
        ([{**line(3), "detections": {}}], "line 1 is no line"),
        ([{"seq": 3}], "line 1 is no line"),
        ([[1]], "line 1 is no line"),
    ],
)
def test_what_is_no_flight_s_file(lines: list[Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        Verifier(flight(tmp_path / "d.jsonl", *lines), ("deer",))


def test_a_first_frame_of_0_is_one_and_half_a_last_line_is_left_out(tmp_path: Path) -> None:
    verifier = Verifier(flight(tmp_path / "d.jsonl", line(0), line(1), ending=""), ("deer",))
    assert list(verifier.seqs) == [0]


# ---- bytes ----


def test_the_limits_of_a_record_to_the_byte() -> None:
    room = MAX_META - len('{"a":""}')
    assert len(pack(FRAME, {"a": "x" * room})) == 16 + MAX_META
    with pytest.raises(ValueError, match=f"a record of {MAX_META + 1} \\+ 0 bytes"):
        pack(FRAME, {"a": "x" * (room + 1)})
    for meta, payload in ((MAX_META, MAX_PAYLOAD), (0, 0)):
        head = io.BytesIO(struct.pack("<4sIII", FRAME, meta, payload, 7))
        assert read_preamble(head, 16 + meta + payload) == (FRAME, meta, payload, 7)
        head.seek(0)
        with pytest.raises(Damaged, match="cut off"):
            read_preamble(head, 15 + meta + payload)
    for meta, payload in ((MAX_META + 1, 0), (0, MAX_PAYLOAD + 1)):
        with pytest.raises(Damaged, match="over the limits"):
            read_preamble(io.BytesIO(struct.pack("<4sIII", FRAME, meta, payload, 0)), 1 << 40)
    with pytest.raises(Damaged, match="cut off"):
        read_preamble(io.BytesIO(bytes(15)), 15)


def test_a_record_s_bytes_are_in_this_order() -> None:
    made_ = pack(END, {"frames": 3}, b"xyz")
    text = b'{"frames":3}'
    checked = b"\x89TEe" + (12).to_bytes(4, "little") + (3).to_bytes(4, "little")
    assert made_ == checked + zlib.crc32(checked + text + b"xyz").to_bytes(4, "little") + text + b"xyz"
    back = read_record(io.BytesIO(made_), len(made_))
    assert (back.kind, back.meta, back.payload, back.size) == (END, {"frames": 3}, b"xyz", 31)
    for at in range(len(made_)):
        wrong = bytearray(made_)
        wrong[at] ^= 1
        with pytest.raises(Damaged):
            read_record(io.BytesIO(bytes(wrong)), len(wrong))


def test_planes_of_8_bit_and_the_way_back() -> None:
    pixels = np.array([[200, 199, 201], [0, 255, 255]], np.uint8)
    planes = codec.to_planes(pixels)
    # 200 as -56 -> 111; -1 -> 1; +2 -> 4; -201 = +55 -> 110; -1 -> 1; 0
    assert planes.tolist() == [[111, 1, 4, 110, 1, 0]]
    assert codec.from_planes(planes).tolist() == pixels.ravel().tolist()
    for bits, dtype in ((8, np.uint8), (16, np.uint16)):
        found = codec.decode(codec.Encoder()(np.arange(12, dtype=dtype).reshape(3, 4)), 3, 4, bits)
        assert (found.shape, found.dtype) == ((3, 4), dtype)
    with pytest.raises(ValueError, match="pixels of 12 bytes; expected 24"):
        codec.decode(codec.Encoder()(np.zeros((3, 4), np.uint8)), 3, 4, 16)


def test_a_frame_s_sides_scale_and_pose_are_in_their_order() -> None:
    pose = Pose(47.0, 8.0, 60.0, 10.0, -90.0, 2.0)
    for scale in (None, TemperatureScale(0.02, 3.0), PlanckScale(17000.0, 1500.0, 2.0, -1000.0, 0.01)):
        packed = pack_frame(frame(3, temperature=scale, pose=pose, origin=1.25), codec.Encoder())
        record = read_record(io.BytesIO(packed), len(packed))
        assert record.meta["size"] == [H, W]
        assert record.meta["pose"] == [47.0, 8.0, 60.0, 10.0, -90.0, 2.0]
        back = unpack_frame(record)
        assert (back.height, back.width, back.temperature, back.pose, back.origin) == (H, W, scale, pose, 1.25)
    with pytest.raises(Damaged, match="a temperature scale of 3 numbers"):
        unpack_frame(SimpleNamespace(meta={**record.meta, "temperature": [1.0, 2.0, 3.0]}, payload=record.payload))  # type: ignore[arg-type]


@pytest.mark.parametrize(("seq", "fine"), [(0, True), ((1 << 63) - 1, True), (1 << 63, False), (-1, False)])
def test_the_largest_number_of_a_frame(seq: int, fine: bool) -> None:
    packed = pack_frame(frame(3), codec.Encoder())
    record = read_record(io.BytesIO(packed), len(packed))
    changed: Any = SimpleNamespace(meta={**record.meta, "seq": seq}, payload=record.payload)
    if fine:
        assert unpack_frame(changed).seq == seq
    else:
        with pytest.raises(Damaged):
            unpack_frame(changed)


def test_the_largest_frame_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_PIXEL_BYTES", 2 * H * W)
    packed = pack_frame(frame(0), codec.Encoder())
    record = read_record(io.BytesIO(packed), len(packed))
    assert unpack_frame(record).seq == 0
    monkeypatch.setattr(contents, "MAX_PIXEL_BYTES", 2 * H * W - 1)
    with pytest.raises(Damaged, match="a frame of 10x6, 16 bit"):
        unpack_frame(record)
    with pytest.raises(ValueError, match="120 bytes of pixels; expected up to 119"):
        pack_frame(frame(0), codec.Encoder())


def test_a_header_keeps_what_the_camera_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((H, W), bool)
    mask[1, 7] = True
    origin = Origin("x" * 3000, False, None, independent=True, crop=(1, 2, W, H), mask=mask)
    header = Header.here("name", 7, origin)
    record = read_record(io.BytesIO(header.pack()), len(header.pack()))
    assert record.meta["mask"] == [H, W]
    assert record.meta["source"] == "x" * 2048
    back = Header.from_json(record.meta, record.payload)
    assert (back.segment, back.recording, back.host, back.started) == (7, "name", header.host, header.started)
    assert (back.origin.live, back.origin.fps, back.origin.independent) == (False, None, True)
    assert back.origin.crop == (1, 2, W, H)
    assert back.origin.mask is not None
    assert np.array_equal(back.origin.mask, mask)
    monkeypatch.setattr(contents, "MAX_PIXEL_BYTES", H * W)
    assert Header.from_json(record.meta, record.payload).origin.mask is not None
    monkeypatch.setattr(contents, "MAX_PIXEL_BYTES", H * W - 1)
    with pytest.raises(Damaged, match="a mask of 10x6"):
        Header.from_json(record.meta, record.payload)
    monkeypatch.setattr(contents, "BOOT_ID", Path("/nowhere/boot_id"))
    assert Header.here("name", 0, CAMERA).boot_id == ""
    plain = Header.here("name", 0, CAMERA).to_json()
    assert {"independent", "crop", "mask"}.isdisjoint(plain)


def test_one_line_of_foreign_text() -> None:
    assert one_line("a\nb\tc\x1b[0m") == "a?b?c?[0m"
    assert one_line("x" * 200) == "x" * 200
    assert one_line("x" * 201) == "x" * 200 + "..."
    assert one_line("abc", 3) == "abc"
    assert one_line("abcd", 3) == "abc..."


def test_an_end_mark_is_checked() -> None:
    mark = read_meta({"frames": 0, "final": True}, EndMark)
    assert (mark.frames, mark.final) == (0, True)
    for wrong in ({"frames": True, "final": True}, {"frames": 0, "final": 1}, {"frames": -1, "final": True}):
        with pytest.raises(Damaged):
            read_meta(wrong, EndMark)


# ---- segments ----


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
    assert segment.path.stat().st_mode & 0o777 == 0o644
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


# ---- behind a camera ----


def test_as_many_frames_wait_as_the_depth_says() -> None:
    begun, leave = threading.Event(), threading.Event()

    def write(_: Frame) -> None:
        begun.set()
        assert leave.wait(10)
        writer.frames += 1

    writer: Any = SimpleNamespace(
        frames=0, bytes=0, sync_s=0.5, write=write, sync_if_due=lambda: None, close=lambda: None
    )
    recorder = Recorder(writer, depth=3)
    recorder.write(frame(0))
    assert begun.wait(10)
    for seq in range(1, 6):
        recorder.write(frame(seq))
    assert recorder.skipped == 2  # one is being written, three wait
    leave.set()
    recorder.close()
    recorder.write(frame(9))
    assert (writer.frames, recorder.skipped) == (4, 2)


def test_by_default_64_frames_wait_and_a_quarter_of_the_sync_is_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    over = threading.Event()

    class Queue:
        def get(self, timeout: float) -> Frame | None:
            slept.append(timeout)
            over.wait(10)
            return None

        def put(self, _: Frame | None) -> None:
            over.set()

        def qsize(self) -> int:
            return 0

    monkeypatch.setattr(recorder_module.queue, "SimpleQueue", Queue)
    writer: Any = SimpleNamespace(frames=0, bytes=0, sync_s=0.5, sync_if_due=lambda: None, close=lambda: None)
    recorder = Recorder(writer)
    recorder.close()
    assert (recorder._depth, recorder._lossless, slept) == (64, False, [0.125])


def test_of_a_live_camera_frames_are_left_out_and_of_a_file_none(tmp_path: Path) -> None:
    for live in (True, False):
        camera: Any = SimpleNamespace(
            description="cam", live=live, once_live=True, fps=12.5, independent=False, crop=(1, 2, 3, 4), mask=None
        )
        recorder = Recorder.behind(camera, tmp_path / f"{live}", 1 << 20)
        assert recorder._lossless is not live
        recorder.write(frame(0))
        recorder.close()
        origin = Recording(tmp_path / f"{live}").header.origin
        assert (origin.source, origin.live, origin.fps, origin.crop) == ("cam", True, 12.5, (1, 2, 3, 4))
        assert recorder.writer._budget == 1 << 20
        assert math.isfinite(recorder.writer.bytes)


def test_kinds_of_records_have_marks_of_their_own() -> None:
    assert (HEADER, FRAME, END) == (b"\x89TEh", b"\x89TEf", b"\x89TEe")


def test_megabytes_are_millions_and_rounded() -> None:
    writer: Any = SimpleNamespace(frames=2, bytes=1_600_000, sync_s=0.01)
    writer.sync_if_due = writer.close = lambda: None
    recorder = Recorder(writer)
    recorder.close()
    assert recorder.status == "2 frames, 2 MB"


def test_a_recording_of_nothing_was_closed_all_the_same(tmp_path: Path) -> None:
    RecordingWriter(tmp_path / "r", CAMERA, reserve=0).close()
    recording = Recording(tmp_path / "r")
    assert (recording.frames, list(recording), recording.losses) == (0, [], [])


def test_a_replay_says_whether_it_is_played_live(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0)
    writer.write(frame(0))
    writer.close()
    for live in (True, False):
        with Replay(tmp_path / "r", live) as replay:
            assert replay.live is live
            assert replay.description.endswith("of [a camera]; played live" if live else "of [a camera]")
            assert f"recording of 1 frames, {W}x{H} 16-bit" in replay.description
