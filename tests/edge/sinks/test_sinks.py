from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.errors import SinkError
from edge.sim.truth import SimulatedFrame, Truth
from edge.sinks import Background, JsonlSink, VideoSink, draw
from edge.sinks.jsonl import to_json
from edge.sinks.line_file import LineFile
from edge.sinks.open import known_specs
from tests.conftest import made

CLASSES = ("Person", "Car")


def result(seq: int = 0, t: float = 0.0, size: tuple[int, int] = (48, 64), n: int = 1, **frame: object) -> Result:
    height, width = size
    pixels = np.full(size, 100, np.uint8)
    found = Detections(
        np.tile(np.array([[10.123, 20, 20, 30.5]], np.float32), (n, 1)),
        np.full(n, 0.87654321, np.float32),
        np.ones(n, np.int32),
        width,
        height,
    )
    kind = SimulatedFrame if "truth" in frame else Frame
    return made(kind(pixels, seq, t, **frame), found, t + 0.1, pixels)  # type: ignore[arg-type]


def test_line_golden() -> None:
    utc = datetime(2026, 5, 1, 4, 30, 0, 250_000, timezone.utc)
    line = to_json(result(7, 12.5, utc=utc, flags=frozenset({"repaired"})), CLASSES)
    assert json.dumps(line) == (
        '{"seq": 7, "t": 12.5, "utc": "2026-05-01T04:30:00.250+00:00", "flags": ["repaired"], '
        '"detections": [{"box": [10.12, 20.0, 20.0, 30.5], "score": 0.8765, "label": 1, "class": "Car"}]}'
    )


def test_lines_are_appended_and_each_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "detections.jsonl"
    path.write_text('{"seq": -1}\n')
    sink = JsonlSink(path, CLASSES, model="tiny", crop=(4, 8, 80, 64))
    sink.write(result(0))
    sink.write(result(1, n=0))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[1] == {
        "format": 1,
        "frame": {"width": lines[1]["frame"]["width"], "height": lines[1]["frame"]["height"]},
        "crop": [4, 8, 80, 64],
        "classes": list(CLASSES),
        "model": "tiny",
    }
    assert [line.get("seq") for line in lines] == [-1, None, 0, 1]
    assert lines[3]["detections"] == []
    sink.close()
    sink.close()


def test_fsync_follows_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[float] = []
    now = [0.0]
    sink = JsonlSink(tmp_path / "d.jsonl", CLASSES, clock=lambda: now[0])
    monkeypatch.setattr("os.fsync", lambda _: synced.append(now[0]))
    for now[0] in (0.2, 0.9, 1.0, 1.3, 1.5, 2.1):
        sink.write(result())
    assert synced == [0.9, 1.5, 2.1]
    sink.close()


def test_what_was_written_is_synced_though_nothing_more_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    lines = JsonlSink(tmp_path / "d.jsonl", CLASSES, sync_s=0.1)
    monkeypatch.setattr("os.fsync", lambda _: synced.set())
    sink = Background(lines, depth=8, lossless=True)
    sink.write(result())
    assert synced.wait(30)
    sink.close()


def test_the_name_of_a_file_of_lines_is_synced_before_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    file = LineFile(tmp_path / "d.jsonl")
    assert synced == [tmp_path.stat().st_ino]
    file.close()
    assert synced[1:] == [(tmp_path / "d.jsonl").stat().st_ino]


def test_a_name_that_cannot_be_synced_is_told_and_its_file_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", broken)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SinkError, match=r"cannot open .*d.jsonl: Input/output error"):
        LineFile(tmp_path / "d.jsonl")
    assert len(os.listdir("/proc/self/fd")) == before


def test_full_disk_is_a_clear_line() -> None:
    sink = JsonlSink(Path("/dev/full"), CLASSES)
    with pytest.raises(SinkError, match="No space left on device: free some space"):
        sink.write(result())
    with contextlib.suppress(SinkError):  # a device has nothing to force to the disk
        sink.close()


def test_unwritable_place(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="cannot open"):
        JsonlSink(tmp_path / "nowhere" / "d.jsonl", CLASSES)


class Slow:
    """A sink that waits for leave before each write."""

    def __init__(self) -> None:
        self.leave = threading.Semaphore(0)
        self.seen: list[int] = []
        self.closed = False

    def write(self, item: Result) -> None:
        self.leave.acquire()
        self.seen.append(item.frame.seq)

    def close(self) -> None:
        self.closed = True


def test_background_never_waits_and_counts_what_it_skips() -> None:
    slow = Slow()
    sink = Background(slow, depth=2, lossless=False)
    for seq in range(10):
        sink.write(result(seq))  # would hang here if it waited
    slow.leave.release(10)
    sink.close()
    assert slow.closed
    assert len(slow.seen) + sink.skipped == 10
    assert sink.skipped >= 7  # 2 queued and at most one in hand


def test_background_lossless_keeps_all_in_order() -> None:
    slow = Slow()
    slow.leave.release(100)
    sink = Background(slow, depth=2, lossless=True)
    for seq in range(100):
        sink.write(result(seq))
    sink.close()
    assert slow.seen == list(range(100))
    assert sink.skipped == 0


def test_background_keeps_the_error_and_does_not_hang() -> None:
    class Broken:
        def write(self, item: Result) -> None:
            raise SinkError("the disk is gone")

        def close(self) -> None:
            raise OSError(errno.EIO, "again")

    sink = Background(Broken(), depth=1, lossless=True)
    for seq in range(20):
        sink.write(result(seq))
    sink.close()
    assert str(sink.error) == "the disk is gone"  # the first error is the one that tells
    assert sink.skipped == 19


def test_video_plays_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    sink = VideoSink(path, CLASSES, fps=10, live=False)
    for seq in range(12):
        sink.write(result(seq))
    sink.close()
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    assert len(frames) == 12
    assert frames[0].shape == (48, 64, 3)
    assert abs(np.median(frames[0]) - 100) < 6


def test_live_video_keeps_the_time_of_the_flight(tmp_path: Path) -> None:
    path = tmp_path / "video.mkv"
    sink = VideoSink(path, CLASSES, fps=10, live=True)
    for t in (0.0, 0.1, 0.55, 1.0, 1.02):  # 1 s at 10 frames/s: 11 pictures
        sink.write(result(0, 100 + t))
    sink.write(result(0, 100 + 3600))  # the camera was away for an hour: at most 5 s are filled
    sink.close()
    video = cv2.VideoCapture(str(path))
    count = 0
    while video.read()[0]:
        count += 1
    assert 11 + 49 <= count <= 11 + 51


def test_video_of_another_size_ends_with_a_reason(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "video.mkv", CLASSES, fps=10, live=False)
    sink.write(result())
    with pytest.raises(SinkError, match="became 32x24"):
        sink.write(result(size=(24, 32), n=0))
    sink.close()


def test_draw_leaves_the_inside_of_a_box_as_it_was() -> None:
    image = draw(result(), CLASSES)
    assert image.shape == (48, 64, 3)
    assert (image[21:30, 11:19] == 100).all()
    assert (image[18, 9:21] != 100).any()


def test_draw_scales_and_marks_the_truth() -> None:
    truth = Truth(np.array([[40, 5, 50, 15]], np.float32), ("deer",), np.ones(1, np.float32))
    marked = draw(result(n=0, truth=truth), CLASSES, truth=True, scale=2)
    plain = draw(result(n=0, truth=truth), CLASSES, scale=2)
    assert marked.shape == (96, 128, 3)
    assert (marked != plain).any(axis=2)[:40, 70:110].any()


def test_what_waits_with_its_pixels_takes_no_gigabyte() -> None:
    """A result has a megabyte of pixels at 640x512 and 16 bits; a thousand of them waited for a slow disk."""
    depths = {spec.name: spec.depth for spec in known_specs() if spec.pixels}
    assert depths.keys() >= {"tracks", "video"}
    assert max(depths.values()) <= 300
