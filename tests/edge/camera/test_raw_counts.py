"""Raw frames without a header: exactly the counts that were written, or one line that asks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.live.pacer import Paced
from edge.camera.raw_counts import RawCounts
from edge.errors import CameraError, SourceError
from tests.support.videos import counts, pictures, write

N = 3


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "lepton.bin"
    np.stack(counts(N)).tofile(path)
    return path


@pytest.mark.parametrize("name", ["a.bin", "a.raw", "a.y16", "a.dat", "a", "a.asc", "a.png", "a.avi", "a b?c.bin"])
@pytest.mark.parametrize("words", ["format=Y16", "format=gray16le", "format=Y16&endian=little", "format=Y16&header=0"])
def test_counts_under_any_name(dump: Path, name: str, words: str) -> None:
    path = dump.rename(dump.with_name(name))
    with open_camera(f"{path}?width=64&height=48&{words}") as camera:
        assert type(camera) is RawCounts
        frames = list(iter(camera.read, None))
        assert (camera.frames, camera.fps, camera.live) == (N, None, False)
        assert camera.description == (
            f"{path}: raw frames without a header, 64x48 16-bit raw counts, unknown rate, 3 frames"
        )
    assert [(f.seq, f.origin) for f in frames] == [(0, None), (1, None), (2, None)]
    assert all(f.pixels.dtype == np.dtype("=u2") for f in frames)
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(N), strict=True))


def test_the_high_byte_first(dump: Path) -> None:
    np.stack(counts(N)).astype(">u2").tofile(dump)
    source = f"{dump}?width=64&height=48&format=Y16"
    with pytest.raises(SourceError, match=r"wrong way round \(big-endian\): add endian=big"):
        open_camera(source)
    with open_camera(f"{source}&endian=big") as camera:
        assert "raw counts, big-endian" in camera.description
        frames = list(iter(camera.read, None))
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(N), strict=True))
    with open_camera(f"{source}&endian=little") as camera:
        frame = camera.read()
    assert frame is not None
    assert np.array_equal(frame.pixels, counts(1)[0].byteswap())


def test_grey_behind_a_header_at_a_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"made by me" + np.stack(pictures(N)).tobytes())
    source = f"{path}?width=64&height=48&format=GREY&header=10&fps=9"
    with open_camera(source) as camera:
        frames = list(iter(camera.read, None))
        assert camera.fps == 9.0
        assert "64x48 8-bit grey, 9 fps, 3 frames behind 10 bytes" in camera.description
    assert [f.origin for f in frames] == [0.0, 0.111111, 0.222222]
    assert all(np.array_equal(f.pixels, p) for f, p in zip(frames, pictures(N), strict=True))
    with open_camera(f"{source}&live=1") as camera:
        assert isinstance(camera, Paced)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("width=64", "height and format missing"),
        ("height=48&width=64", "format missing: raw frames without a header"),
        ("format=Y16", "width and height missing"),
        ("width=64&height=48&format=Y14", "format='Y14'; expected Y16"),
        ("width=0&height=48&format=Y16", "width='0'; expected pixels, 1 to 8192"),
        ("width=9999&height=48&format=Y16", "width='9999'; expected pixels"),
        ("width=x&height=48&format=Y16", "width='x'; expected pixels"),
        ("width=64&height=48&format=Y16&header=-1", "header='-1'; expected bytes"),
        ("width=64&height=48&format=Y16&endian=odd", "endian='odd'; expected big or little"),
        ("width=64&height=48&format=Y16&live=1", "live=1 needs a rate: expected &fps=9&live=1"),
        ("width=64&height=48&format=Y16&size=3", "unknown option size; expected width, height, format"),
        ("width=64&height=50&format=Y16", "18432 bytes are 2 x 6400 (a frame of 64x50) and 5632 more"),
        ("width=64&height=48&format=Y16&header=18432", "with header=18432 none are left for frames"),
        ("width=640&height=512&format=Y16", "18432 bytes are 0 x 655360"),
    ],
)
def test_refused_in_one_line(dump: Path, words: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_camera(f"{dump}?{words}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sizes_that_would_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    np.zeros((3, 120, 160), np.uint16).tofile(path)
    with pytest.raises(SourceError, match="it would hold whole frames of 160x120, 80x60: give its width and height"):
        open_camera(f"{path}?width=160&height=119&format=Y16")


def test_a_file_that_says_what_it_is_is_not_taken_for_raw_frames(tmp_path: Path) -> None:
    video, text = tmp_path / "a.mp4", tmp_path / "a.txt"
    write(video, "mp4v")
    text.write_text("20.1;20.2\n" * 600)
    for path, what in ((video, r"a video \(MP4\)"), (text, "a text file")):
        with pytest.raises(SourceError, match=f"{what}.*Leave width, height and format out"):
            open_camera(f"{path}?width=60&height=50&format=Y16")


def test_a_file_that_goes_away(dump: Path) -> None:
    camera = open_camera(f"{dump}?width=64&height=48&format=Y16")
    assert camera.read() is not None
    shutil.copy(dump, dump.with_suffix(".copy"))
    with dump.open("r+b") as file:
        file.truncate(7000)
    with pytest.raises(CameraError, match="broke off at frame 1 of 3: the file became shorter"):
        camera.read()
    camera.close()
    camera.close()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()
