"""Recording behind a camera, and flying it again from ``rec:``."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import open_camera, open_frames
from edge.camera.live.frozen import RepeatedFrames
from edge.camera.live.tee import Tee
from edge.data import Frame
from edge.engine import open_engine
from edge.errors import CameraError, SinkError, SourceError
from edge.pipeline import stream
from edge.recording import Origin, Recording, RecordingWriter
from edge.recording.codec import Encoder
from edge.recording.contents import pack_frame, unpack_frame
from edge.recording.format import Damaged, read_record
from edge.recording.recorder import Recorder
from edge.recording.replay import LONGEST_WAIT_S, Replay
from edge.seams import Camera

WAIT_S = 10.0
SIM = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,seed=3,frames=60,fps=10"
SIM += ",ffc_interval=2,ffc_duration=0.5"


def frame(seq: int, value: int | None = None, flags: frozenset[str] = frozenset(), t: float | None = None) -> Frame:
    pixels = np.full((6, 8), seq if value is None else value, np.uint16)
    return Frame(pixels, seq, float(seq) if t is None else t, flags=flags, replayed=True)


def record(folder: Path, frames: list[Frame], live: bool = True, source: str = "a camera") -> Path:
    writer = RecordingWriter(folder, Origin(source, live, 30.0), reserve=0)
    for each in frames:
        writer.write(each)
    writer.close()
    return folder


def drain(camera: Replay) -> list[Frame]:
    return list(iter(camera.read, None))


def test_what_a_camera_gave_comes_again(tmp_path: Path) -> None:
    with open_camera(SIM) as camera:
        writer = RecordingWriter(tmp_path / "r", Origin(camera.description, camera.live, camera.fps), reserve=0)
        recorder = Recorder(writer, lossless=True)
        with Tee(camera, recorder.write) as tapped:
            given = list(iter(tapped.read, None))
        recorder.close()
    assert recorder.error is None
    assert recorder.skipped == 0
    with Replay(tmp_path / "r") as replay:
        back = drain(replay)
        assert replay.read() is None
        assert (replay.frames, replay.fps, replay.live) == (60, 10.0, False)
        assert "recording of 60 frames, 80x64 16-bit" in replay.description
        assert "simulated flight" in replay.description
    assert len(back) == len(given) == 60
    for a, b in zip(given, back, strict=True):
        assert np.array_equal(a.pixels, b.pixels)
        assert (a.seq, a.t_capture, a.utc, a.flags, a.temperature, a.pose) == (
            b.seq, b.t_capture, b.utc, b.flags, b.temperature, b.pose)  # fmt: skip
        assert type(b) is Frame


@pytest.mark.parametrize("live", [True, False])
def test_a_replay_is_repaired_as_the_flight_was(tmp_path: Path, tiny_bundle: Path, live: bool) -> None:
    """Also of a camera that does not say its rate: only of stills is an even one a scene and no shutter."""
    noise = np.random.default_rng(0)
    spread = [300.0] * 20 + [4.0] * 10 + [300.0] * 5
    flight = [
        Frame(noise.normal(29000, sigma, (64, 80)).astype(np.uint16), i, i / 10) for i, sigma in enumerate(spread)
    ]
    for each in flight:
        smooth = cv2.GaussianBlur(each.pixels, (0, 0), 2)
        each.pixels[:] = smooth if each.seq < 20 or each.seq >= 30 else each.pixels
    writer = RecordingWriter(tmp_path / "r", Origin("without a rate", live, None), reserve=0)
    for each in flight:
        writer.write(each)
    writer.close()
    with Replay(tmp_path / "r") as camera, open_engine(tiny_bundle, "ort") as engine:
        shut = [result.frame.seq for result in stream(Tee(camera, lambda frame: None), engine) if not result.inferred]
    assert shut == (list(range(20, 30)) if live else [])


def shutter(count: int) -> list[Frame]:
    """Frames 3 and 4 repeat 2; frames 7 and 8 repeat 6 while the shutter is flagged."""
    values = {3: 2, 4: 2, 7: 6, 8: 6}
    ffc = frozenset({"ffc"})
    return [frame(s, values.get(s), ffc if s in (6, 7, 8) else frozenset()) for s in range(count)]


def test_repeats_are_left_out_as_in_the_flight(tmp_path: Path) -> None:
    class Given(Camera):
        description, live, fps, frames = "given", True, None, None

        def __init__(self) -> None:
            self.rest = shutter(12)

        def read(self) -> Frame | None:
            return self.rest.pop(0) if self.rest else None

    with open_frames(Given(), "every") as source:
        flight = list(iter(source.get, None))
    with Replay(record(tmp_path / "r", shutter(12))) as replay, open_frames(replay) as source:
        again = list(iter(source.get, None))
    assert [(f.seq, f.flags) for f in again] == [(f.seq, f.flags) for f in flight]
    assert [f.seq for f in again] == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    assert again[5].flags == {"ffc", "frozen"}


def test_of_a_file_every_frame_counts(tmp_path: Path) -> None:
    with Replay(record(tmp_path / "r", shutter(12), live=False)) as replay:
        assert [f.seq for f in drain(replay)] == list(range(12))


@pytest.mark.parametrize(("live", "lost"), [(True, 0), (False, 2)])
def test_a_repeat_that_was_left_out_is_no_lost_frame(tmp_path: Path, live: bool, lost: int) -> None:
    rest = [each for each in shutter(12) if each.seq not in (9, 10)]  # two were lost in the flight
    with Replay(record(tmp_path / "r", rest, live)) as replay, Tee(replay, lambda f: None) as tapped:
        with open_frames(tapped) as source:
            assert len(list(iter(source.get, None))) == (8 if live else 10)
        assert source.lost == lost  # of a live flight nobody can tell one from the other


def test_a_still_s_name_comes_through_a_recording(tmp_path: Path) -> None:
    named = [replace(frame(0), origin="DJI_0001_T.JPG"), frame(1), replace(frame(2), origin=7208.966667)]
    with Replay(record(tmp_path / "r", named, live=False)) as replay:
        assert [f.origin for f in drain(replay)] == ["DJI_0001_T.JPG", None, 7208.966667]


@pytest.mark.parametrize(("origin", "said"), [([7], r"origin is \[7\]"), (True, "origin is True")])
def test_an_origin_that_is_no_name_and_no_time_is_damage(origin: object, said: str) -> None:
    data = pack_frame(frame(1), Encoder())
    record = read_record(io.BytesIO(data), len(data))
    with pytest.raises(Damaged, match=said):
        unpack_frame(replace(record, meta=record.meta | {"origin": origin}))


def test_sifting_twice_is_sifting_once() -> None:
    first = RepeatedFrames(True)
    once = [new for f in shutter(12) if (new := first.sift(f)) is not None]
    second = RepeatedFrames(True)
    twice = [new for f in once if (new := second.sift(f)) is not None]
    assert [(f.seq, f.flags) for f in twice] == [(f.seq, f.flags) for f in once]


def test_only_the_chosen_frames_with_flags_that_depend_on_the_others(tmp_path: Path) -> None:
    with Replay(record(tmp_path / "r", shutter(12))) as replay:
        replay.select({1, 3, 8, 11, 99})
        frames = drain(replay)
    assert [f.seq for f in frames] == [1, 8, 11]  # 3 was a repeat: no flight has looked at it
    assert frames[1].flags == {"ffc", "frozen", "resumed"}  # 5 was dropped, and with it the first new picture after 3


def test_live_keeps_the_flight_s_pace_on_this_clock(tmp_path: Path) -> None:
    times = (5000.0, 5000.02, 5000.02, 5000.08, 4000.0)  # one twice, one back
    folder = record(tmp_path / "r", [frame(seq, t=t) for seq, t in enumerate(times)])
    begun = time.monotonic()
    with Replay(folder, live=True) as replay:
        frames = drain(replay)
        assert replay.live
    assert tuple(f.t_capture for f in frames) == times
    due = np.array([f.t_arrival for f in frames])
    np.testing.assert_allclose(due - due[0], [0, 0.02, 0.02, 0.08, 0.08], atol=1e-9)
    assert begun <= due[0]
    assert time.monotonic() >= due[-1]
    assert [f.seq for f in frames] == [0, 1, 2, 3, 4]


def test_a_long_gap_is_cut_short_and_close_wakes_the_reader(tmp_path: Path) -> None:
    replay = Replay(record(tmp_path / "r", [frame(0, t=0.0), frame(1, t=3600.0)]), live=True)
    assert replay.read() is not None
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            replay.read()
        except CameraError as error:
            caught.append(error)

    reader = threading.Thread(target=wait)
    reader.start()
    replay.close()
    reader.join(LONGEST_WAIT_S - 1)
    assert not reader.is_alive()
    assert len(caught) <= 1  # it waited, or had not yet begun to
    assert replay.read() is None
    replay.close()


def test_losses_reach_the_description(tmp_path: Path) -> None:
    folder = record(tmp_path / "r", [frame(seq) for seq in range(5)])
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-150])
    with Replay(folder) as replay:
        before = replay.description
        assert len(drain(replay)) == 4
        assert replay.description.startswith(before)
        assert "cut off at byte" in replay.description
        assert len(replay.losses) == 1


def test_a_recording_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no frame: nothing was recorded"):
        Replay(record(tmp_path / "r", []))


def test_a_source_text_cannot_break_the_line(tmp_path: Path) -> None:
    folder = record(tmp_path / "r", [frame(0)], source="red \x1b[31m\nalert" + "x" * 9000)
    with Replay(folder) as replay:
        assert replay.description.isprintable()
        assert len(replay.description) < 600


class Slow:
    """A writer that waits for leave before each write."""

    sync_s = 0.02

    def __init__(self) -> None:
        self.leave = threading.Semaphore(0)
        self.seen: list[int] = []
        self.frames = self.syncs = 0
        self.closed = False

    def write(self, item: Frame) -> None:
        assert self.leave.acquire(timeout=WAIT_S)
        self.seen.append(item.seq)
        self.frames += 1

    def sync_if_due(self) -> None:
        self.syncs += 1
        self.leave.release()

    def close(self) -> None:
        self.closed = True


def test_capture_never_waits_and_what_is_left_out_is_counted() -> None:
    slow = Slow()
    recorder = Recorder(slow, depth=3)  # type: ignore[arg-type]
    for seq in range(20):
        recorder.write(frame(seq))  # would hang here if it waited
    slow.leave.release(20)
    recorder.close()
    recorder.close()
    assert slow.closed
    assert len(slow.seen) + recorder.skipped == 20
    assert recorder.skipped >= 16  # three wait and at most one is in hand
    recorder.write(frame(99))
    assert 99 not in slow.seen


def test_while_no_frame_comes_the_last_ones_are_synced_all_the_same() -> None:
    slow = Slow()
    recorder = Recorder(slow, depth=3)  # type: ignore[arg-type]
    assert slow.leave.acquire(timeout=WAIT_S)
    recorder.close()
    assert slow.syncs > 0
    assert slow.seen == []


def test_after_an_error_the_rest_is_skipped_and_nobody_hangs() -> None:
    class Broken(Slow):
        def write(self, item: Frame) -> None:
            if item.seq == 2:
                raise SinkError("the card is gone")
            self.frames += 1

    recorder = Recorder(Broken(), lossless=True, depth=1)  # type: ignore[arg-type]
    for seq in range(20):
        recorder.write(frame(seq))
    recorder.close()
    assert str(recorder.error) == "the card is gone"
    assert recorder.writer.frames == 2
    assert recorder.skipped == 18


def test_a_fault_in_the_thread_is_an_error_too() -> None:
    class Faulty(Slow):
        def write(self, item: Frame) -> None:
            raise ZeroDivisionError

    recorder = Recorder(Faulty())  # type: ignore[arg-type]
    recorder.write(frame(0))
    recorder.close()
    assert "ZeroDivisionError" in str(recorder.error)
    assert recorder.skipped == 1


def test_the_tap_stands_before_what_is_dropped(tmp_path: Path) -> None:
    seen: list[int] = []
    with (
        Replay(record(tmp_path / "r", [frame(seq, t=seq / 200) for seq in range(30)]), live=True) as camera,
        Tee(camera, lambda f: seen.append(f.seq)) as tapped,
        open_frames(tapped, "latest") as source,
    ):
        taken = []
        while (f := source.get()) is not None:
            taken.append(f.seq)
            time.sleep(0.02)
    assert seen == list(range(30))
    assert len(taken) < 30


def test_format_1_golden(tmp_path: Path) -> None:
    """The layout on disk, so that it is not changed unknowingly."""
    folder = record(tmp_path / "r", [frame(1, t=0.5)])
    data = next(folder.iterdir()).read_bytes()
    at = data.index(b"\x89TEf")
    meta = b'{"seq":1,"t":0.5,"utc":null,"flags":[],"temperature":null,"pose":null,"size":[6,8],"bits":16}'
    assert data[at + 16 : at + 16 + len(meta)] == meta
    assert data[:4] == b"\x89TEh"
    assert data[16:].startswith(b'{"format":1,"codec":"delta-zigzag-planes-zstd","recording":"')
    assert data.endswith(b'{"frames":1,"final":true}')
    assert next(iter(Recording(folder))).pixels.tolist() == [[1] * 8] * 6
