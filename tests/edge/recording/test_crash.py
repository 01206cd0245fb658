"""What is left of a recording after a power cut, kill -9, a damaged card, a full disk."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Frame
from edge.errors import SinkError, SourceError
from edge.recording import Origin, Recording, RecordingWriter
from edge.recording.recorder import Recorder
from tests.conftest import ROOT
from tests.support.loaded import run_loaded

CAMERA = Origin("a camera", live=True, fps=10.0)
FRAMES = 24
SEGMENT = 2500  # five frames


def frame(seq: int) -> Frame:
    return Frame(_pixels(seq).copy(), seq, seq / 10)


@cache
def _pixels(seq: int) -> np.ndarray:
    return np.random.default_rng(seq).integers(0, 256, (12, 16), dtype=np.uint16)


def read(path: Path) -> tuple[list[int], list[str]]:
    """The seqs read, each frame checked bit for bit; and the losses."""
    try:
        recording = Recording(path)
    except SourceError as error:
        return [], [str(error)]
    seqs = []
    for f in recording:
        assert np.array_equal(f.pixels, _pixels(f.seq))
        assert f.t_capture == f.seq / 10
        seqs.append(f.seq)
    return seqs, recording.losses


class Flight:
    """One recording, and what the disk was promised to hold after each sync."""

    def __init__(self, folder: Path) -> None:
        now = [0.0]
        synced: dict[int, int] = {}  # inode: bytes

        def fsync(file: int) -> None:
            status = os.fstat(file)
            synced[status.st_ino] = status.st_size

        patch = pytest.MonkeyPatch()
        patch.setattr("os.fsync", fsync)
        writer = RecordingWriter(folder, CAMERA, reserve=0, segment_bytes=SEGMENT, sync_s=0.5, clock=lambda: now[0])
        for seq in range(FRAMES):
            now[0] = seq / 10
            writer.write(frame(seq))
        patch.undo()
        self.segments = sorted(folder.iterdir())
        self.data = [path.read_bytes() for path in self.segments]  # as a power cut now would find it, at best
        self.synced = [synced[path.stat().st_ino] for path in self.segments]
        self.last_sync = max(seq for seq in range(FRAMES) if seq % 5 == 0)
        writer.close()


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Flight:
    return Flight(tmp_path_factory.mktemp("flight") / "r")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: each writes all files that it reads."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def every(flight: Flight, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """What is read where nothing was damaged."""
    return read(lay(tmp_path_factory.mktemp("every"), flight, flight.data[-1]))[0]


def lay(folder: Path, flight: Flight, last: bytes) -> Path:
    """The flight's segments, the last of them as ``last``."""
    for path, data in zip(flight.segments, [*flight.data[:-1], last], strict=True):
        (folder / path.name).write_bytes(data)
    return folder


def test_the_flight_is_what_the_tests_below_need(flight: Flight) -> None:
    assert len(flight.segments) == 5
    assert [s for s, d in zip(flight.synced, flight.data, strict=True) if s != len(d)] == flight.synced[-1:]


@given(data=st.data())
def test_a_power_cut_at_any_byte_costs_at_most_a_second(data: st.DataObject, flight: Flight, place: Path) -> None:
    """What was synced is there; behind it the disk may hold a part, zeros, or anything."""
    whole, synced = flight.data[-1], flight.synced[-1]
    cut = data.draw(st.integers(synced, len(whole)))
    after = data.draw(st.sampled_from([b"", bytes(1), bytes(4096), b"\xff" * 50]) | st.binary(max_size=60))
    seqs, losses = read(lay(place, flight, whole[:cut] + after))
    assert seqs == list(range(len(seqs)))
    assert len(seqs) > flight.last_sync  # so at most what was taken in the last 0.5 s is gone
    assert len(losses) == 1


@given(data=st.data())
def test_a_segment_cut_anywhere_gives_all_before_the_cut(
    data: st.DataObject, flight: Flight, tmp_path_factory: pytest.TempPathFactory
) -> None:
    number = data.draw(st.integers(0, len(flight.segments) - 1))
    cut = data.draw(st.integers(0, len(flight.data[number]) - 1))
    path = tmp_path_factory.mktemp("cut") / "segment-000000.rec"
    path.write_bytes(flight.data[number])
    full, _ = read(path)
    path.write_bytes(flight.data[number][:cut])
    seqs, losses = read(path)
    assert seqs == full[: len(seqs)]
    assert len(losses) == 1
    lost = sum(flight.data[number][:cut].count(mark) for mark in (b"\x89TEf",)) - len(seqs)
    assert lost in (0, 1)  # none but the one that was cut


@given(
    flips=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1 << 30), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes_never_give_a_wrong_frame(
    flips: list[tuple[int, int, int]], flight: Flight, every: list[int], place: Path
) -> None:
    changed = [bytearray(data) for data in flight.data]
    for number, at, change in flips:
        changed[number][at % len(changed[number])] ^= change
    for path, data in zip(flight.segments, changed, strict=True):
        (place / path.name).write_bytes(data)
    seqs, losses = read(place)
    assert set(seqs) <= set(every)
    assert seqs == sorted(seqs)
    if [bytes(data) for data in changed] != flight.data:
        assert losses  # nothing is lost quietly


@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_or_read_but_never_crash(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "segment-000000.rec"
    path.write_bytes(data)
    assert read(path)[0] == []


def write_all(writer: RecordingWriter, count: int) -> None:
    for seq in range(count):
        writer.write(frame(seq))


def kill(folder: Path, rounds: int, seed: int) -> int:
    done = run_loaded(
        [sys.executable, "-m", "tests.support.killed_recorder", str(folder), str(rounds), str(seed)],
        cwd=ROOT, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) == rounds
    return int(done.stdout.split()[1])


def test_kill_9_loses_no_written_frame(tmp_path: Path) -> None:
    assert kill(tmp_path, 20, 1) >= 10


@pytest.mark.slow
def test_kill_9_at_200_moments(tmp_path: Path) -> None:
    assert kill(tmp_path, 200, 2) >= 100


class SmallDisk:
    """``os.write`` of a disk with room for ``capacity`` bytes in ``folder``: what fits, then ENOSPC."""

    def __init__(self, folder: Path, capacity: int, monkeypatch: pytest.MonkeyPatch) -> None:
        really = os.write

        def write(file: int, data: memoryview) -> int:
            room = capacity - sum(path.stat().st_size for path in folder.iterdir())
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return really(file, data[:room])

        monkeypatch.setattr("os.write", write)


def test_a_full_disk_makes_room_for_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SmallDisk(tmp_path / "r", 7000, monkeypatch)
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=SEGMENT)
    for seq in range(100):
        writer.write(frame(seq))
    writer.close()
    seqs, losses = read(tmp_path / "r")
    assert seqs == list(range(100 - len(seqs), 100))
    assert len(seqs) >= 10
    assert writer.removed_frames == 100 - len(seqs)
    assert len(losses) == 1


def test_a_disk_too_full_ends_the_recording_and_not_the_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SmallDisk(tmp_path / "r", 1900, monkeypatch)
    recorder = Recorder(RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=SEGMENT), lossless=True)
    for seq in range(50):
        recorder.write(frame(seq))
    recorder.close()
    assert isinstance(recorder.error, SinkError)
    assert "No space left on device: free some space" in str(recorder.error)
    seqs, losses = read(tmp_path / "r")
    assert 0 < len(seqs) == recorder.writer.frames == 50 - recorder.skipped
    assert len(losses) == 1
    assert "not closed" in losses[0]


def test_the_system_s_file_limit_leaves_whole_records_only(tmp_path: Path) -> None:
    """The kernel itself refuses here: RLIMIT_FSIZE, EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(SinkError, match="File too large"):
            write_all(writer, 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    seqs, losses = read(tmp_path / "r")
    assert len(seqs) == writer.frames > 0
    assert losses == [
        f"segment-000000.rec was not closed (power cut, kill or full disk): nothing after frame {seqs[-1]}"
    ]


def test_a_sync_that_fails_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed fsync the system may have forgotten the data: going on would promise too much."""
    now = [0.0]
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, clock=lambda: now[0])

    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    now[0] = 1.0
    with pytest.raises(SinkError, match="Input/output error"):
        writer.write(frame(0))
    with pytest.raises(SinkError, match="has ended"):
        writer.write(frame(1))
    writer.close()
