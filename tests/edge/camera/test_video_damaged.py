"""Video files that broke: what is still read of each, and what is said where it ends."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edge.camera.video import VideoFile
from edge.errors import SourceError
from tests.edge.camera.test_video import N, pictures, read_all, write


def index_first(mp4: bytes) -> bytes:
    """The same MP4 with its index in front (as for streaming): cut off, it can still be opened."""
    boxes, at = {}, 0
    while at < len(mp4):
        size, kind = struct.unpack_from(">I4s", mp4, at)
        boxes[kind] = (at, mp4[at : at + size])
        at += size
    moov = bytearray(boxes[b"moov"][1])
    order = [boxes[b"ftyp"][1], moov, boxes[b"mdat"][1]]
    shift = len(order[0]) + len(moov) - boxes[b"mdat"][0]
    stco = moov.find(b"stco")
    for i in range(struct.unpack_from(">I", moov, stco + 8)[0]):
        offset = struct.unpack_from(">I", moov, stco + 12 + 4 * i)[0]
        struct.pack_into(">I", moov, stco + 12 + 4 * i, offset + shift)
    return b"".join(order)


@pytest.mark.parametrize("part", [0.3, 0.8])
@pytest.mark.parametrize("codec", ["MJPG", "FFV1"])
def test_cut_off_avi(tmp_path: Path, codec: str, part: float) -> None:
    path = tmp_path / "a.avi"
    write(path, codec, pictures())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    frames, error = read_all(path)
    assert 0 < len(frames) < N
    assert f"broke off at frame {len(frames)} of {N}" in str(error)
    assert f"{int(len(whole) * part)} bytes of the {len(whole)}" in str(error)
    # all but the one that the cut went through
    assert all(f.pixels.std() > 20 for f in frames[:-1])


def test_avi_that_lost_only_its_index_is_read_whole_and_described(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    write(path, "MJPG", pictures())
    path.write_bytes(path.read_bytes()[:-100])
    frames, error = read_all(path)
    assert (len(frames), error) == (N, None)
    with VideoFile(path) as video:
        assert "the file is cut off" in video.description


def test_recording_that_was_never_closed(tmp_path: Path) -> None:
    path, killed = tmp_path / "a.avi", tmp_path / "killed.avi"
    writer = write(path, "MJPG", [*pictures(200, 160, 128)], close=False)
    killed.write_bytes(path.read_bytes())  # as a power cut leaves it
    writer.release()
    frames, error = read_all(killed)
    assert len(frames) > 100
    assert "broke off" in str(error)


def test_mp4_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SourceError, match="the file is cut off"):
        VideoFile(path)


@pytest.mark.parametrize("size", [0, 8])
def test_mp4_that_the_camera_never_closed(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures())
    data = path.read_bytes()
    at, end = data.index(b"mdat"), data.index(b"moov") - 4
    path.write_bytes(data[: at - 4] + struct.pack(">I", size) + data[at:end])
    with pytest.raises(SourceError, match=r"its index \(moov\) is missing"):
        VideoFile(path)


@pytest.mark.parametrize("part", [0.5, 0.9])
def test_cut_off_mp4_with_index_in_front(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures(60))
    whole = index_first(path.read_bytes())
    path.write_bytes(whole)
    frames, error = read_all(path)
    assert (len(frames), error) == (60, None)
    path.write_bytes(whole[: int(len(whole) * part)])
    frames, error = read_all(path)
    assert 0 < len(frames) < 60
    assert f"broke off at frame {len(frames)} of 60" in str(error)


def test_mp4_with_frames_hidden_by_an_edit_list_ends_well(tmp_path: Path) -> None:
    """As `ffmpeg -ss -c copy` leaves it: 60 frames in the index, 45 to be seen."""
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures(60))
    data = bytearray(path.read_bytes())
    mvhd, mdhd, elst = data.find(b"mvhd"), data.find(b"mdhd"), data.find(b"elst")
    assert struct.unpack_from(">I", data, elst + 8)[0] == 1
    movie, media = (struct.unpack_from(">I", data, at + 16)[0] for at in (mvhd, mdhd))
    struct.pack_into(">Ii", data, elst + 12, int(4.5 * movie), int(1.5 * media))
    path.write_bytes(data)
    with VideoFile(path) as video:
        assert video.frames == 45
    frames, error = read_all(path)
    assert (len(frames), error) == (45, None)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_estimated_counts_are_not_taken_for_counts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, "FFV1" if name.endswith("mkv") else "MPEG", pictures())
    with VideoFile(path) as video:
        assert video.frames is None
        assert "about 20 frames" in video.description
    frames, error = read_all(path)
    assert (len(frames), error) == (N, None)


@pytest.mark.parametrize("part", [0.4, 0.97])
def test_cut_off_matroska(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.mkv"
    write(path, "FFV1", pictures())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    frames, error = read_all(path)
    assert 0 < len(frames) < N
    assert f"broke off at frame {len(frames)}: the file is cut off" in str(error)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_tail_of_zeros(tmp_path: Path, name: str) -> None:
    """A power cut on a journalled file system: the size is right, the data never came."""
    path = tmp_path / name
    write(path, "FFV1", pictures(40))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    frames, error = read_all(path)
    assert 15 <= len(frames) <= 25
    assert "broke off at frame" in str(error)


def test_damage_in_the_middle_does_not_end_the_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures(60))
    data = bytearray(index_first(path.read_bytes()))
    data[len(data) // 2 : len(data) // 2 + 600] = bytes(600)
    path.write_bytes(data)
    frames, error = read_all(path)
    assert 40 < len(frames) < 60
    assert frames[-1].seq > len(frames) - 1  # a gap in seq is a loss
    assert f"{60 - len(frames)} of 60 frames are damaged" in str(error)


def test_a_hole_in_an_avi_may_have_shifted_its_times(tmp_path: Path) -> None:
    """Chunks without a header are skipped, and what follows is counted on as if nothing had been there."""
    path = tmp_path / "a.avi"
    write(path, "FFV1", pictures(40))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 6000] = bytes(6000)
    path.write_bytes(data)
    frames, error = read_all(path)
    missing = 40 - len(frames)
    assert 2 <= missing <= 4
    assert frames[-1].origin == pytest.approx((39 - missing) / 10)
    assert f"or {missing} frames on the way: then all behind are up to {missing / 10:.2g} s too early" in str(error)
