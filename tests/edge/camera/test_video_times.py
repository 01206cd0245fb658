"""Media times of video files: each frame's own, and what holes, pauses, cuts and edit lists make of its number."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.decode.container import read_promise
from edge.camera.video import VideoFile
from edge.data import Frame
from edge.errors import SourceError
from tests.conftest import shared
from tests.support.videos import (
    annex_b,
    body_at,
    box,
    pictures,
    pictures_of,
    shown_at,
    ticks_of,
    with_boxes,
    with_edits,
    with_steps,
    write,
)

N, FPS = 60, 10.0


def read_all(path: Path) -> tuple[list[Frame], str]:
    """All frames, to a good end, and the description behind the reader's name."""
    with VideoFile(path) as video:
        frames = list(iter(video.read, None))
        return frames, video.description.partition(" of OpenCV ")[2]


def origins(frames: list[Frame]) -> list[float]:
    assert all(isinstance(frame.origin, float) for frame in frames)
    return [frame.origin for frame in frames]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "FFV1"), ("a.ts", "MPEG"), ("a.flv", "FLV1"), ("a.nut", "FFV1")],
)
@pytest.mark.parametrize("fps", [10.0, 30000 / 1001])
def test_every_container_gives_its_times(tmp_path: Path, name: str, codec: str, fps: float) -> None:
    write(tmp_path / name, codec, 30, 25.0 if codec == "MPEG" else fps)
    frames, _ = read_all(tmp_path / name)
    period = 1 / (25.0 if codec == "MPEG" else fps)
    tick = 0.0011 if name.endswith((".mkv", ".flv")) else 2e-5  # the containers' own
    assert np.allclose(origins(frames), np.arange(30) * period, atol=tick, rtol=0)
    assert [frame.seq for frame in frames] == list(range(30))


def test_times_of_frames_that_are_not_evenly_apart(tmp_path: Path) -> None:
    steps = [0.04, 0.2, 0.13, 0.5, 0.04, 0.31, 1.1, 0.07, 0.26, 0.04]
    path = tmp_path / "a.mp4"
    path.write_bytes(with_steps(write(path, "mp4v", 10), steps))
    frames, said = read_all(path)
    assert np.allclose(origins(frames), np.cumsum([0, *steps[:-1]]), atol=1e-4)
    assert [frame.seq for frame in frames] == list(range(10))
    assert "; its rate varies" in said
    assert "lost" not in said


def test_a_pause_is_no_loss_and_the_rate_is_that_of_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_steps(write(path, "mp4v", 40), [0.1] * 19 + [20.0] + [0.1] * 20))
    frames, said = read_all(path)
    assert [frame.seq for frame in frames] == list(range(40))
    assert origins(frames)[19:21] == [1.9, 21.9]
    assert "; a gap of 20 s at 0:01.900, taken as pause: no frame is counted as lost there" in said
    with VideoFile(path) as video:
        assert video.fps == pytest.approx(10)
        assert re.search(r"-bit grey, 10 fps( \(1.674 on average\))?, 40 frames", video.description)  # OpenCV's average


def test_frames_that_a_recorder_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_steps(write(path, "mp4v", 40), [0.1] * 9 + [0.7] + [0.1] * 30))
    frames, said = read_all(path)
    assert [frame.seq for frame in frames] == [*range(10), *range(16, 46)]
    assert "; 6 frames lost in one hole of its time stamps, from 0:00.900 on" in said


@pytest.mark.parametrize("lost", [range(13, 22), range(3, 10), range(37, 46), range(30, 31)])
def test_packets_that_a_link_lost(tmp_path: Path, lost: range) -> None:
    """Whole pictures are missing, in the order in which they were sent, which is not that in which they are shown."""
    path = tmp_path / "a.ts"
    before, groups = pictures_of(write(path, "MPEG", N, 25.0))
    assert len(groups) == N
    path.write_bytes(b"".join(before + [p for i, group in enumerate(groups) if i not in lost for p in group]))
    frames, said = read_all(path)
    first = shown_at(groups[0][0])
    kept = sorted((shown_at(group[0]) - first) // 3600 for i, group in enumerate(groups) if i not in lost)
    assert [frame.seq for frame in frames] == kept
    assert np.allclose(origins(frames), np.array(kept) / 25, atol=2e-5)
    assert f"; {len(lost)} frame" in said


def test_a_stream_that_begins_between_key_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    before, groups = pictures_of(write(path, "MPEG", N, 25.0))
    path.write_bytes(b"".join(before + [packet for group in groups[5:] for packet in group]))
    frames, said = read_all(path)
    assert len(frames) == N - 12
    assert [frame.seq for frame in frames] == list(range(N - 12))  # nothing is lost, and nothing damaged
    assert origins(frames)[0] == pytest.approx(0.32)  # as players count: from the first packet on
    assert "; its first picture is at 0:00.320: what is before it cannot be decoded" in said


@pytest.mark.parametrize(
    ("edits", "shown", "starts"),
    [
        ([(4.5, 1.5)], 45, 0.0),  # ffmpeg -ss 1.5 -c copy
        ([(1.0, 0.55)], 10, 0.0),  # from between two frames
        ([(6.0, 0.0)], 60, 0.0),
        ([(9.0, 1.0)], 50, 0.0),  # longer than there is
        ([(1.0, 1.0), (1.0, 4.0)], 20, 0.0),  # two pieces
        ([(1.0, 3.0), (1.0, 1.0)], 20, 0.0),  # in another order
        ([(1.0, 1.0), (1.0, 1.0)], 20, 0.0),  # one twice
        ([(0.7, None), (2.0, 1.3)], 20, 0.7),  # begins later than its sound
    ],
)
def test_edit_lists(tmp_path: Path, edits: list[tuple[float, float | None]], shown: int, starts: float) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_edits(write(path, "mp4v", N), edits))
    with VideoFile(path) as video:
        assert video.frames == shown
        frames = list(iter(video.read, None))
    assert [frame.seq for frame in frames] == list(range(shown))
    assert origins(frames) == pytest.approx([starts + i / FPS for i in range(shown)])
    seen = {
        i for length, start in edits if start is not None for i in range(N) if start <= i / FPS < start + length - 1e-9
    }
    assert (f"its edit list hides {N - len(seen)} more frames" in video.description) == (len(seen) < N)
    # the right ones: the first frame is the one that the first edit begins with
    first = next(round(start * FPS + 0.49) for _, start in edits if start is not None)
    off = [np.abs(frames[0].pixels.astype(int) - picture).mean() for picture in pictures(N)]
    assert int(np.argmin(off)) == first % 64 or off[first] == min(off)


@pytest.mark.parametrize("edits", [[(0.5, None)], [(0.0, 1.0)]])
def test_an_edit_list_that_shows_nothing(tmp_path: Path, edits: list[tuple[float, float | None]]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_edits(write(path, "mp4v", N), edits))
    with pytest.raises(SourceError, match="its edit list shows none of its frames"):
        VideoFile(path)


def test_bare_streams_have_no_times(tmp_path: Path) -> None:
    path = tmp_path / "a.h264"
    path.write_bytes(annex_b(shared("data", "ir_video", "IR_BIRD_001.mp4").read_bytes()))
    frames, said = read_all(path)
    with VideoFile(shared("data", "ir_video", "IR_BIRD_001.mp4")) as video:
        whole = list(iter(video.read, None))
    assert len(frames) == len(whole) == 310
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(frames, whole, strict=True))
    assert {frame.origin for frame in frames} == {None}
    assert "; a bare stream: it holds no times" in said
    with pytest.raises(SourceError, match="the file does not say its rate"):
        open_camera(f"{path}?live=1")


def test_live_playing_follows_the_files_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(with_steps(write(path, "mp4v", 4), [0.01, 0.05, 0.02, 0.01]))
    with open_camera(f"{path}?live=1") as camera:
        times = [frame.t_capture for frame in iter(camera.read, None)]
    assert np.diff(times) == pytest.approx([0.01, 0.05, 0.02], abs=1e-4)


def test_what_an_mp4_promises(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp4", "mp4v", N)
    for name, content, expected in (
        ("cut.mp4", with_edits(data, [(2.0, 1.0)]), (20, 40, 0.0, False)),
        ("late.mp4", with_edits(data, [(0.5, None), (6.0, 0.0)]), (60, 0, 0.5, False)),
        ("vary.mp4", with_steps(data, [0.1, 0.25, 0.17, 0.4] * 15), (60, 0, 0.0, True)),
    ):
        (tmp_path / name).write_bytes(content)
        promise = read_promise(tmp_path / name)
        assert (promise.shown, promise.hidden, promise.starts_s, promise.varies) == expected
        assert promise.counted
        assert promise.tracks == 1


def test_a_clip_whose_end_was_cut_between_frames_that_need_each_other(tmp_path: Path) -> None:
    """The last frame is shown two steps after the one before it: what would be shown between was decoded later."""
    data = write(tmp_path / "a.mp4", "mp4v", 30)
    _, track = ticks_of(data)
    tables = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
    later = [0] * 29 + [round(0.1 * track)]
    ctts = box(b"ctts", struct.pack(">II", 0, 30) + b"".join(struct.pack(">II", 1, ticks) for ticks in later))
    data = with_boxes(data, {tables: body_at(data, *tables) + ctts})
    path = tmp_path / "cut.mp4"
    path.write_bytes(with_edits(data, [(3.2, 0.0)]))
    assert read_promise(path).whole_s == pytest.approx(2.8)
    frames, said = read_all(path)
    assert origins(frames)[-2:] == [2.8, 3.0]
    assert [frame.seq for frame in frames] == list(range(30))
    assert "lost" not in said
