"""What is inside a video: raw counts exactly or refused, streams of JPEGs, and no demuxer by suffix."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.decode.container import read_promise
from edge.camera.video import VideoFile
from edge.data import Frame
from edge.errors import EdgeError, SourceError
from tests.support.videos import body_at, counts, pictures, raw_avi, with_boxes, write


def read_all(path: Path | str) -> list[Frame]:
    with open_camera(path) as camera:
        return list(iter(camera.read, None))


@pytest.mark.parametrize(
    "fourcc",
    [bytes(4), b"\3\0\0\0", b"Y16 ", b"Y1\0\x10", b"\x10\x001Y", b"RGB\x0f", b"GREY", b"b16g", b"Y3\0\x10", b"RAW "],
)
def test_raw_16_bit_avi_is_exact_or_refused(tmp_path: Path, fourcc: bytes) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(raw_avi(counts(4), 16, fourcc))
    try:
        frames = read_all(path)
    except SourceError:
        return
    assert all(f.pixels.dtype == np.uint16 for f in frames)
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(4), strict=True))


def test_raw_16_bit_avi_without_a_format_is_refused_with_the_ways(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(raw_avi(counts(4), 16))
    assert read_promise(path).raw_16_bit
    with pytest.raises(
        SourceError, match=r"raw 16-bit video .* RGB555\?.*ffv1 -pix_fmt gray16le.*NUT.*OUT.raw\?width=W"
    ):
        open_camera(path)


@pytest.mark.parametrize("fourcc", [b"Y800", b"Y8  ", b"GREY"])
def test_raw_8_bit_avi_is_exact(tmp_path: Path, fourcc: bytes) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(raw_avi(pictures(4), 8, fourcc))
    try:
        frames = read_all(path)
    except SourceError:
        assert fourcc != b"Y800"  # the others are not known to every FFmpeg
        return
    assert all(np.array_equal(f.pixels, p) for f, p in zip(frames, pictures(4), strict=True))


def test_yuyv_is_its_brightness_and_counts_called_so_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    yuyv = [np.stack([p // 2 + 60, np.full_like(p, 128)], -1) for p in pictures(3)]
    path.write_bytes(raw_avi(yuyv, 16, b"YUY2"))
    assert len(read_all(path)) == 3
    path.write_bytes(raw_avi(counts(3), 16, b"YUY2"))  # as Optris RAVI
    with pytest.raises(SourceError, match="raw 16-bit video that does not say what its bits are"):
        open_camera(path)


def test_16_bit_y4m_and_nut_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.y4m"
    head = b"YUV4MPEG2 W64 H48 F10:1 Ip A1:1 Cmono16 XYSCSS=MONO16\n"
    path.write_bytes(head + b"".join(b"FRAME\n" + c.tobytes() for c in counts(4)))
    frames = read_all(path)
    assert [f.origin for f in frames] == [0.0, 0.1, 0.2, 0.3]
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(4), strict=True))


def test_a_codec_that_no_camera_records_with_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(raw_avi(counts(2), 16, b"CRAM"))  # Microsoft Video 1
    with pytest.raises(SourceError):
        open_camera(path)


@pytest.mark.parametrize("head", [b"", b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"])
def test_a_stream_of_jpegs(tmp_path: Path, head: bytes) -> None:
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures(12)]
    path = tmp_path / "dump.mjpeg"
    path.write_bytes(b"".join((head % len(j) if head else b"") + j + (b"\r\n" if head else b"") for j in jpegs))
    with VideoFile(path) as video:
        frames = list(iter(video.read, None))
        assert (video.fps, video.frames) == (None, None)
        assert "unknown rate" in video.description
    luma = [cv2.imdecode(np.frombuffer(j, np.uint8), cv2.IMREAD_GRAYSCALE) for j in jpegs]
    assert len(frames) == 12
    assert max(int(np.abs(f.pixels.astype(int) - y).max()) for f, y in zip(frames, luma, strict=True)) <= 1
    assert {frame.origin for frame in frames} == {None}


@pytest.mark.parametrize(
    "name", ["a.txt", "a.asc", "a.bin", "a.idf", "a.raw", "a.xb", "a", "a%03d.avi", "a.nut", "a.mjpeg"]
)
def test_a_video_is_one_under_any_name(tmp_path: Path, name: str) -> None:
    write(tmp_path / "v.mp4", "mp4v")
    shutil.copy(tmp_path / "v.mp4", tmp_path / name)
    assert len(read_all(tmp_path / name)) == 20


@pytest.mark.parametrize(
    "suffix", ["bin", "idf", "xb", "xbin", "ans", "asc", "txt", "diz", "nfo", "raw", "adf", "yuv", "dat", "mp4"]
)
def test_headerless_counts_are_never_played(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"".join(c.tobytes() for c in counts(4)))
    with pytest.raises(SourceError, match=r"no video or image that is known.*\?width=\d+&height=\d+&format=Y16"):
        open_camera(path)


def test_two_streams_in_one_file_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    data = write(path, "mp4v")
    moov = body_at(data, b"moov")
    path.write_bytes(with_boxes(data, {(b"moov",): moov + moov[moov.index(b"trak") - 4 :][: track_size(moov)]}))
    assert read_promise(path).tracks == 2
    with VideoFile(path) as video:
        assert "; 2 video streams in it, the first is read" in video.description


def test_two_recordings_in_one_file(tmp_path: Path) -> None:
    """Of two MP4 joined by `cat` only the first is decoded; of other containers both are."""
    path = tmp_path / "a.mp4"
    data = write(path, "mp4v")
    path.write_bytes(data + data)
    with pytest.raises(SourceError, match=f"another MP4 begins at byte {len(data)} of it") as told:
        VideoFile(path)
    assert f"head -c {len(data)} and tail -c +{len(data) + 1}" in str(told.value)
    path.write_bytes(data + b"\0\0\0\x08free" + b"a camera's own data")
    assert len(read_all(path)) == 20
    path = tmp_path / "a.avi"
    path.write_bytes(write(path, "MJPG") * 2)
    assert len(read_all(path)) == 40


def test_two_streams_in_an_avi_are_said(tmp_path: Path) -> None:
    avi = raw_avi(pictures(2), 8, b"Y800")
    at = avi.index(b"strl") - 8
    path = tmp_path / "a.avi"
    path.write_bytes(avi[:at] + avi[at : avi.index(b"LIST", at + 4)] * 2 + avi[avi.index(b"LIST", at + 4) :])
    assert read_promise(path).tracks == 2


def track_size(moov: bytes) -> int:
    return int(struct.unpack_from(">I", moov, moov.index(b"trak") - 4)[0])


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.ts", "a.y4m"])
def test_damaged_headers_open_or_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Some mutations of each, seeded; the parsers alone were given tens of thousands."""
    whole = (
        write(tmp_path / name, {"mp4": "mp4v", "avi": "MJPG", "mkv": "FFV1", "ts": "MPEG"}.get(name[2:], "Y800"), 6)
        if (name != "a.y4m")
        else b"YUV4MPEG2 W64 H48 F10:1 Cmono\n" + b"".join(b"FRAME\n" + p.tobytes() for p in pictures(6))
    )
    random = np.random.default_rng(5)
    moov = max(whole.find(b"moov"), 0)
    for _ in range(60):
        data: Any = bytearray(whole)
        for at in random.integers(moov, min(len(data), moov + 900), 3):
            piece = [bytes([random.integers(256)]), b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"][random.integers(4)]
            data[at : at + len(piece)] = piece
        (tmp_path / name).write_bytes(data)
        try:
            read_all(tmp_path / name)
        except EdgeError as error:
            assert "\n" not in str(error)  # noqa: PT017
