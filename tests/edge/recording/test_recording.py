"""Frames to disk and back: bit for bit, within the budget, and nothing foreign is believed."""

from __future__ import annotations

import io
import json
import math
import shutil
import struct
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.data import Frame, Pose, TemperatureScale
from edge.errors import SinkError, SourceError
from edge.recording import Origin, Recording, RecordingWriter, codec
from edge.recording.contents import Header
from edge.recording.format import END, FRAME, HEADER, MAX_META, Damaged, pack, read_record
from tests.conftest import shared

CAMERA = Origin("a camera", live=True, fps=9.0)


def frame(seq: int, height: int = 24, width: int = 32, **more: object) -> Frame:
    """Noise, so that it does not shrink: about 1.7 kB on disk."""
    pixels = np.random.default_rng(seq).integers(0, 1 << 16, (height, width), dtype=np.uint16)
    return Frame(pixels, seq, 100.0 + seq / 9, **more)  # type: ignore[arg-type]


def same(a: Frame, b: Frame) -> bool:
    def rest(f: Frame) -> object:
        return f.seq, f.t_capture, f.utc, f.flags, f.temperature, repr(f.pose)  # repr: a NaN equals itself

    return rest(a) == rest(b) and a.pixels.dtype == b.pixels.dtype and np.array_equal(a.pixels, b.pixels)


def record(folder: Path, frames: list[Frame], **options: object) -> RecordingWriter:
    writer = RecordingWriter(folder, CAMERA, reserve=0, **options)  # type: ignore[arg-type]
    for each in frames:
        writer.write(each)
    writer.close()
    return writer


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)
PIXELS = hnp.arrays(st.sampled_from([np.uint8, np.uint16]), SHAPES)


@given(PIXELS)
def test_pixels_round_trip(pixels: np.ndarray) -> None:
    back = codec.decode(codec.Encoder()(pixels), *pixels.shape, 8 * pixels.itemsize)
    assert back.dtype == pixels.dtype
    np.testing.assert_array_equal(back, pixels)


def test_planes_golden() -> None:
    """By hand: 0x0102 -> 0x0204, +1 -> 2, -2 -> 3, +0x8000 = -0x8000 -> 0xFFFF; low bytes first."""
    pixels = np.array([[0x0102, 0x0103], [0x0101, 0x8101]], np.uint16)
    assert codec.to_planes(pixels).tolist() == [[0x04, 2, 3, 0xFF], [0x02, 0, 0, 0xFF]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strided_pixels(dtype: type) -> None:
    whole = np.random.default_rng(0).integers(0, 200, (30, 40)).astype(dtype)
    for view in (whole[::-2, ::3], whole.T, np.asfortranarray(whole)):
        back = codec.decode(codec.Encoder()(view), *view.shape, 8 * whole.itemsize)
        np.testing.assert_array_equal(back, view)


def test_smooth_frames_shrink() -> None:
    y, x = np.mgrid[:128, :160]
    pixels = (29000 + 3 * x + 2 * y + np.random.default_rng(0).normal(0, 3, (128, 160))).astype(np.uint16)
    assert len(codec.Encoder()(pixels)) < pixels.nbytes / 2.5


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    with pytest.raises(ValueError, match="pixels of 268435456 bytes; expected 8"):
        codec.decode(bomb, 2, 2, 16)


ZONES = st.sampled_from([timezone.utc, timezone(-timedelta(hours=3, minutes=30))])
METADATA = st.fixed_dictionaries(
    {
        "seq": st.integers(0, 1 << 62),
        "t_capture": st.floats(allow_nan=False, allow_infinity=False),
        "utc": st.none() | st.datetimes(timezones=ZONES),
        "flags": st.frozensets(st.sampled_from(["ffc", "frozen", "repaired"])),
        "temperature": st.none() | st.builds(TemperatureScale, st.floats(1e-6, 10), st.floats(-500, 500)),
        "pose": st.none() | st.builds(Pose, *[st.floats()] * 6),
    }
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples, which are one segment each and written anew."""
    return tmp_path_factory.mktemp("recording") / "r"


@given(st.lists(st.tuples(PIXELS, METADATA), min_size=1, max_size=4))
def test_frames_round_trip_exactly(place: Path, some: list[tuple[np.ndarray, dict[str, object]]]) -> None:
    frames = [Frame(pixels, **rest) for pixels, rest in some]  # type: ignore[arg-type]
    shutil.rmtree(place, ignore_errors=True)
    record(place, frames)
    recording = Recording(place)
    back = list(recording)
    assert len(back) == len(frames) == recording.frames
    assert all(same(a, b) for a, b in zip(frames, back, strict=True))
    assert [f.utc and f.utc.isoformat() for f in back] == [f.utc and f.utc.isoformat() for f in frames]
    assert recording.losses == []


def test_real_counts_round_trip(tmp_path: Path) -> None:
    files = sorted(shared("data", "raw16").glob("*_raw16.npy"))
    frames = [Frame(np.load(path), seq, float(seq)) for seq, path in enumerate(files)]
    writer = record(tmp_path / "r", frames)
    assert all(same(a, b) for a, b in zip(frames, Recording(tmp_path / "r"), strict=True))
    assert writer.bytes < sum(f.pixels.nbytes for f in frames) / 3


def test_a_frame_is_described_in_plain_json(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(3, temperature=TemperatureScale(0.01))])
    data = next((tmp_path / "r").iterdir()).read_bytes()
    at = data.index(FRAME)
    meta = json.loads(data[at + 16 : at + 16 + struct.unpack_from("<I", data, at + 4)[0]])
    assert meta == {"seq": 3, "t": 100 + 3 / 9, "utc": None, "flags": [], "temperature": [0.01, 0.0],
                    "pose": None, "size": [24, 32], "bits": 16}  # fmt: skip


def test_the_header_says_who_and_where(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(0)])
    header = Recording(tmp_path / "r").header
    assert header.origin == CAMERA
    assert header.segment == 0
    assert datetime.fromisoformat(header.started).tzinfo is not None
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    assert header.boot_id == (boot_id.read_text().strip() if boot_id.exists() else "")


def test_segments_by_size_and_by_age(tmp_path: Path) -> None:
    now = [0.0]
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=5000, segment_s=60, clock=lambda: now[0])
    for seq in range(6):  # two in a segment
        writer.write(frame(seq))
    assert len(names(tmp_path / "r")) == 3
    now[0] = 61
    writer.write(frame(6))
    assert len(names(tmp_path / "r")) == 4
    writer.close()
    recording = Recording(tmp_path / "r")
    assert [f.seq for f in recording] == list(range(7))
    assert recording.losses == []


def test_one_segment_can_be_read_alone(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(seq) for seq in range(6)], segment_bytes=5000)
    recording = Recording(tmp_path / "r" / "segment-000001.rec")
    assert [f.seq for f in recording] == [2, 3]
    assert recording.losses == []


def test_the_budget_removes_the_oldest_and_holds_at_every_moment(tmp_path: Path) -> None:
    budget = 20_000
    writer = RecordingWriter(tmp_path / "r", CAMERA, budget=budget, reserve=0)
    for seq in range(60):
        writer.write(frame(seq))
        assert size(tmp_path / "r") <= budget
    writer.close()
    assert budget / 2 < size(tmp_path / "r") <= budget
    recording = Recording(tmp_path / "r")
    seqs = [f.seq for f in recording]
    assert seqs == list(range(60 - len(seqs), 60))
    assert (writer.frames, writer.removed_frames) == (60, 60 - len(seqs))
    assert recording.losses == [f"the first {writer.removed_segments} segments were removed (disk budget)"]


def test_the_current_segment_is_never_removed(tmp_path: Path) -> None:
    writer = record(tmp_path / "r", [frame(seq) for seq in range(3)], budget=100)
    assert [f.seq for f in Recording(tmp_path / "r")] == [2]
    assert (writer.removed_segments, writer.removed_frames) == (2, 2)


def test_where_others_fill_the_disk_old_segments_go_then_the_recording_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_frsize, f_bavail = 1, 0

    now = [0.0]
    monkeypatch.setattr("os.statvfs", lambda path: Full)
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=1, segment_bytes=5000, sync_s=1, clock=lambda: now[0])
    for seq in range(5):
        writer.write(frame(seq))
    for now[0] in (1.0, 2.0):
        writer.sync_if_due()
    assert names(tmp_path / "r") == ["segment-000002.rec"]
    now[0] = 3.0
    with pytest.raises(SinkError, match="detections may need"):
        writer.write(frame(5))
    with pytest.raises(SinkError, match="has ended"):
        writer.write(frame(6))
    writer.close()
    assert [f.seq for f in Recording(tmp_path / "r")] == [4, 5]


def test_sync_follows_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, synced = [0.0], []
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, sync_s=0.5, clock=lambda: now[0])
    monkeypatch.setattr("os.fsync", lambda file: synced.append(now[0]))
    for now[0] in (0.1, 0.4, 0.5, 0.7, 1.0, 1.1):
        writer.write(frame(0))
    assert synced == [0.5, 1.0]
    for now[0] in (1.2, 1.6, 2.2):
        writer.sync_if_due()
    assert synced == [0.5, 1.0, 1.6]  # nothing new at 2.2
    writer.close()


def test_a_folder_that_holds_a_recording_is_left_alone(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(0)])
    with pytest.raises(SinkError, match="already holds a recording"):
        RecordingWriter(tmp_path / "r", CAMERA)
    assert [f.seq for f in Recording(tmp_path / "r")] == [0]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="Not a directory"):
        RecordingWriter(tmp_path / "file" / "r", CAMERA)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: None, "No such file"),
        (lambda r: r.mkdir(), "holds no segment"),
        (lambda r: r.write_bytes(b""), "empty"),
        (lambda r: r.write_bytes(b"\x89PNG" + bytes(100)), "no record begins there"),
        (lambda r: r.write_bytes(pack(END, {})), "no header"),
        (lambda r: r.write_bytes(pack(HEADER, {"format": 1, "codec": codec.NAME})), "no readable segment"),
    ],
)
def test_foreign_files_are_refused_in_one_line(make: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    make(tmp_path / "r")
    with pytest.raises(SourceError, match=message) as caught:
        Recording(tmp_path / "r")
    assert "\n" not in str(caught.value)


def test_a_folder_above_names_the_folder_to_give(tmp_path: Path) -> None:
    record(tmp_path / "recording", [frame(0)])
    with pytest.raises(SourceError, match="give rec:.*/recording"):
        Recording(tmp_path)


def header_file(path: Path, change: dict[str, object]) -> Path:
    path.write_bytes(pack(HEADER, {**Header.here("a", 0, CAMERA).to_json(), **change}))
    return path


@pytest.mark.parametrize("change", [{"format": 2}, {"codec": "another"}])
def test_a_later_version_is_refused_by_name(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="later version .*update"):
        Recording(header_file(tmp_path / "r.rec", change))


@pytest.mark.parametrize(
    "change",
    [{"format": 0}, {"format": "1"}, {"segment": -1}, {"live": 1}, {"fps": 0}, {"fps": math.inf},
     {"fps": 10**400}, {"fps": math.nan}, {"fps": "9"}, {"source": None}, {"segment": True}, {"segment": 1 << 64},
     {"host": ["a"]}, {"codec": None}, {"format": True}, {"format": 1.5}, {"format": 10**400}],
)  # fmt: skip
def test_a_header_is_checked(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no readable segment"):
        Recording(header_file(tmp_path / "r.rec", change))


@pytest.mark.parametrize(
    "change",
    [{"size": [24, 33]}, {"size": [1 << 40, 1 << 40]}, {"size": [0, 32]}, {"size": 5}, {"bits": 12},
     {"seq": -1}, {"t": "soon"}, {"t": math.nan}, {"t": 10**400}, {"utc": "2026-01-01T00:00:00"},
     {"utc": "yesterday"}, {"flags": ["tired"]}, {"flags": 3}, {"temperature": [0, 0]}, {"pose": [1, 2]},
     {"pose": "here"}, {"pose": [1, 2, 3, 4, 5, "6"]}, {"seq": True}, {"seq": 1.0}, {"seq": 1 << 63}, {"bits": None},
     {"size": [24.5, 32]}, {"size": [24, 32, 1]}, {"flags": [1]}, {"utc": 5}, {"temperature": [math.nan, 0]},
     {"temperature": [10**400, 0]}, {"temperature": {"gain": 1}}],
)  # fmt: skip
def test_a_frame_is_checked_even_with_the_right_checksum(change: dict[str, object], tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(0), frame(1), frame(2)])
    (path,) = (tmp_path / "r").iterdir()
    with path.open("rb") as file:
        header, *frames = [read_record(file, 1 << 20) for _ in range(4)]
    parts = [pack(HEADER, header.meta)]
    parts += [pack(FRAME, {**f.meta, **(change if i == 1 else {})}, f.payload) for i, f in enumerate(frames)]
    path.write_bytes(b"".join(parts))
    recording = Recording(tmp_path / "r")
    assert [f.seq for f in recording] == [0]
    (loss,) = recording.losses
    assert "after frame 0" in loss


@pytest.mark.parametrize("mark", [{}, {"frames": "2", "final": True}, {"frames": -1, "final": True}, {"frames": 2}])
def test_an_end_mark_that_says_nothing_counts_as_none(mark: dict[str, object], tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(0), frame(1)])
    (path,) = (tmp_path / "r").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(END)] + pack(END, mark))
    recording = Recording(tmp_path / "r")
    assert recording.frames == 2
    assert [f.seq for f in recording] == [0, 1]


def test_what_a_later_version_adds_to_the_metadata_is_left_alone(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(0)])
    (path,) = (tmp_path / "r").iterdir()
    with path.open("rb") as file:
        header, one = [read_record(file, 1 << 20) for _ in range(2)]
    parts = [
        pack(HEADER, {**header.meta, "lens": {"f": 13.0}}),
        pack(FRAME, {**one.meta, "gimbal": [1, 2]}, one.payload),
    ]
    path.write_bytes(b"".join(parts))
    (back,) = Recording(tmp_path / "r")
    assert same(back, frame(0))


@pytest.mark.parametrize("text", [b"[" * 20_000, b"[1]", b"{", b"\xff", b"1" * 5000])
def test_metadata_that_are_no_object_are_damage(text: bytes) -> None:
    checked = struct.pack("<4sII", FRAME, len(text), 0)
    data = checked + struct.pack("<I", zlib.crc32(checked + text)) + text
    with pytest.raises(Damaged, match="no JSON"):
        read_record(io.BytesIO(data), len(data))


@pytest.mark.parametrize(("meta", "payload"), [(10, 1 << 30), (MAX_META + 1, 0), (10, 1 << 20)])
def test_no_length_is_believed_that_the_file_does_not_have(meta: int, payload: int) -> None:
    data = struct.pack("<4sIII", FRAME, meta, payload, 0) + bytes(100)
    with pytest.raises(Damaged, match="over the limits|cut off"):
        read_record(io.BytesIO(data), len(data))


def test_two_recordings_in_one_folder_are_refused(tmp_path: Path) -> None:
    record(tmp_path / "a", [frame(0)])
    record(tmp_path / "b", [frame(seq) for seq in range(6)], segment_bytes=5000)
    (tmp_path / "b" / "segment-000001.rec").rename(tmp_path / "a" / "segment-000001.rec")
    with pytest.raises(SourceError, match="two recordings"):
        Recording(tmp_path / "a")


def test_missing_segments_are_said(tmp_path: Path) -> None:
    record(tmp_path / "r", [frame(seq) for seq in range(8)], segment_bytes=5000)
    (tmp_path / "r" / "segment-000001.rec").unlink()
    (tmp_path / "r" / "segment-000003.rec").unlink()
    recording = Recording(tmp_path / "r")
    assert [f.seq for f in recording] == [0, 1, 4, 5]
    assert recording.losses == [
        "1 segments between the first and the last are missing",
        "what came after segment-000002.rec is missing",
    ]
