"""Recordings by hand: records to the byte, sides in their order, and how many frames wait behind a camera."""

from __future__ import annotations

import io
import math
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
from edge.data import Frame, Pose, TemperatureScale
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
from edge.thermal.temperature import PlanckScale

H, W = 6, 10

CAMERA = Origin("a camera", True, 9.0)


def frame(seq: int, flags: frozenset[str] = frozenset(), **more: Any) -> Frame:
    pixels = np.random.default_rng(seq).integers(0, 1 << 16, (H, W), dtype=np.uint16)
    return Frame(pixels, seq, 100 + seq / 8, flags=flags, **more)


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


# ---- behind a camera ----


def test_as_many_frames_wait_as_the_depth_says() -> None:
    begun, leave = threading.Event(), threading.Event()

    def write(_: Frame) -> None:
        begun.set()
        assert leave.wait(30)
        writer.frames += 1

    writer: Any = SimpleNamespace(
        frames=0, bytes=0, sync_s=0.5, write=write, sync_if_due=lambda: None, close=lambda: None
    )
    recorder = Recorder(writer, depth=3)
    recorder.write(frame(0))
    assert begun.wait(30)
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
            over.wait(30)
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
            description="cam",
            live=live,
            once_live=True,
            fps=12.5,
            independent=False,
            crop=(1, 2, 3, 4),
            whole=(8, 9),
            mask=None,
            intrinsics=(700.0, 710.0, 1.5, 2.5),
        )
        recorder = Recorder.behind(camera, tmp_path / f"{live}", 1 << 20)
        assert recorder._lossless is not live
        recorder.write(frame(0))
        recorder.close()
        origin = Recording(tmp_path / f"{live}").header.origin
        assert (origin.source, origin.live, origin.fps, origin.crop) == ("cam", True, 12.5, (1, 2, 3, 4))
        assert origin.whole == (8, 9)
        assert origin.intrinsics == (700.0, 710.0, 1.5, 2.5)
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
