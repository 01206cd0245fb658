"""CPTV files against a decoder of the test's own, written from the format's description."""

from __future__ import annotations

import functools
import gzip
import struct
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera import open_camera
from edge.camera.live.pacer import Paced
from edge.data import Frame
from edge.errors import CameraError, EdgeError, SourceError
from tests.conftest import shared

REAL = "lepton_v2.cptv"
H, W = 120, 160


def needs_cptv() -> None:
    pytest.importorskip("cptv", reason="needs the package cptv: pip install 'thermal-edge[cptv]'")


def decode(path: Path) -> list[tuple[npt.NDArray[np.uint16], int]]:
    """(counts, milliseconds) of each frame: snake order, deltas to the frame before, then to the neighbour."""
    data = gzip.decompress(path.read_bytes())
    assert data[:5] == b"CPTV\x02"
    at, frames = 5, []
    before = np.zeros(H * W, np.int64)
    while at < len(data):
        kind, n = data[at : at + 1], data[at + 1]
        at += 2
        fields = {}
        for _ in range(n):
            size, name = data[at], data[at + 1 : at + 2]
            fields[name] = data[at + 2 : at + 2 + size]
            at += 2 + size
        if kind == b"H":
            continue
        size, bits = struct.unpack("<I", fields[b"f"])[0], fields[b"w"][0]
        packed = np.frombuffer(data[at + 4 : at + size], np.uint8)
        deltas = np.unpackbits(packed)[: (H * W - 1) * bits].reshape(-1, bits) @ (1 << np.arange(bits)[::-1])
        deltas[deltas >= 1 << (bits - 1)] -= 1 << bits
        first = struct.unpack("<i", data[at : at + 4])[0]
        before = before + np.cumsum(np.concatenate([[first], deltas]))
        picture = before.reshape(H, W).copy()
        picture[1::2] = picture[1::2, ::-1]
        frames.append((picture.astype(np.uint16), struct.unpack("<I", fields[b"t"])[0]))
        at += size
    return frames


def frames_of(path: Path | str) -> list[Frame]:
    with open_camera(str(path)) as camera:
        return list(iter(camera.read, None))


def write(path: Path, n: int, ffc_ms: int = 1, background: bool = False, gap_ms: int = 0, before: int = 0) -> Path:
    """A file as the Cacophony Project's recorder writes it: 9 Hz from 60 s after power-up; ``gap_ms`` more ``before``
    one of its frames.
    """
    from cptv import CPTVWriter
    from cptv import Frame as Section

    random = np.random.default_rng(n)
    with path.open("wb") as file:
        writer = CPTVWriter(file)
        writer.timestamp = datetime(2026, 5, 4, 3, 2, 1, tzinfo=timezone.utc)
        writer.fps = 9
        sections = []
        for i in range(n):
            pixels = random.integers(2800, 3200, (H, W), dtype=np.uint16)
            on = timedelta(milliseconds=60_000 + 111 * i + (gap_ms if i >= before else 0))
            sections.append(Section(pixels, on, timedelta(milliseconds=ffc_ms), 20.0, 20.0))
        if background:
            sections.insert(0, Section(sections[0].pix + 1, timedelta(0), timedelta(0), 0.0, 0.0, True))
            writer.has_background = True
        for section in sections:
            writer.write_frame(section)
        writer.close()
    return path


def test_real_file() -> None:
    needs_cptv()
    path = shared("data", "raw16", REAL)
    frames, truth = frames_of(path), decode(path)
    assert len(frames) == len(truth) == 100
    start = datetime(2018, 9, 6, 9, 21, 25, 774768, timezone.utc)  # in its header
    for i, (frame, (counts, ms)) in enumerate(zip(frames, truth, strict=True)):
        assert frame.pixels.dtype == np.uint16
        assert np.array_equal(frame.pixels, counts)
        assert (frame.seq, frame.flags) == (i, frozenset())
        assert frame.utc == start + timedelta(milliseconds=ms - truth[0][1])
    with open_camera(str(path)) as camera:
        assert "CPTV video of 2018-09-06 09:21:25 UTC, 160x120 16-bit raw counts, 9.009 fps" in camera.description
        assert (camera.live, camera.frames) == (False, None)  # this recorder did not count
    with open_camera(f"{path}?live=1") as camera:
        assert isinstance(camera, Paced)


def test_shutter_background_and_count(tmp_path: Path) -> None:
    needs_cptv()
    path = write(tmp_path / "a.cptv", n=20, ffc_ms=59_900, background=True)
    frames = frames_of(path)
    assert [frame.seq for frame in frames] == list(range(20))
    assert [frame.origin for frame in frames] == [pytest.approx(0.111 * i) for i in range(20)]
    assert np.array_equal(frames[0].pixels, np.random.default_rng(20).integers(2800, 3200, (H, W), dtype=np.uint16))
    # 60.000 s - 59.900 s is 0.1 s after the shutter; 0.9 s more are 8 frames of 0.111 s
    assert [bool(frame.flags) for frame in frames] == [True] * 9 + [False] * 11
    with open_camera(str(path)) as camera:
        assert (camera.frames, camera.fps) == (20, 9.0)


@pytest.mark.parametrize(("gap_ms", "lost"), [(111 * 4, 4), (5000, 0)])
def test_frames_that_its_clock_shows_to_be_missing(tmp_path: Path, gap_ms: int, lost: int) -> None:
    needs_cptv()
    path = write(tmp_path / "a.cptv", n=20, gap_ms=gap_ms, before=12)
    with open_camera(str(path)) as camera:
        frames = list(iter(camera.read, None))
        said = camera.description
    assert [frame.seq for frame in frames] == [*range(12), *range(12 + lost, 20 + lost)]
    assert frames[12].origin == pytest.approx(12 * 0.111 + gap_ms / 1000)
    assert ("; 4 frames lost in one hole" in said, "; a gap of 5.11 s at 0:01.221, taken as pause" in said) == (
        lost > 0,
        lost == 0,
    )


@functools.cache
def real_file() -> tuple[bytes, list[tuple[npt.NDArray[np.uint16], int]]]:
    path = shared("data", "raw16", REAL)
    return path.read_bytes(), decode(path)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.one_of(st.none(), st.integers(1, 255)))
def test_cut_or_damaged_anywhere(where: float, flip: int | None) -> None:
    """Whole frames of before, then an error that says so; never another exception, never a quiet end."""
    needs_cptv()
    data, truth = real_file()
    at = min(int(where * len(data)), len(data) - 1)
    bad = data[:at] if flip is None else data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
    frames: list[Frame] = []
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "x.cptv"
        copy.write_bytes(bad)
        try:
            with open_camera(str(copy)) as camera:
                while (frame := camera.read()) is not None:
                    frames.append(frame)
        except EdgeError as error:
            said = str(error)
    if flip is None:
        assert ("the file is cut off" if at else "the file is empty") in said
        assert all(np.array_equal(f.pixels, t[0]) for f, t in zip(frames, truth, strict=False))
        assert len(frames) < 100 or at > len(data) - 9  # the last 8 bytes are the checksum
    else:
        assert said or len(frames) == 100  # gzip's own header holds bytes that mean nothing
    assert "\n" not in said


def test_what_is_no_cptv(tmp_path: Path) -> None:
    needs_cptv()
    for name, data, said in (
        ("a.cptv", b"", "the file is empty"),
        ("b.cptv", b"no gzip", "the file is damaged"),
        ("c.cptv", gzip.compress(b"something else", mtime=0), "magic not found"),
        ("d.cptv", gzip.compress(b"CPTV\x02H\x00", mtime=0), "expected a whole CPTV file"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match=said):
            open_camera(str(tmp_path / name))


def test_frames_that_the_header_promised_and_that_are_not_there(tmp_path: Path) -> None:
    needs_cptv()
    path = write(tmp_path / "a.cptv", n=5)
    data = gzip.decompress(path.read_bytes())
    assert data.count(b"\x02J\x05\x00") == 1
    path.write_bytes(gzip.compress(data.replace(b"\x02J\x05\x00", b"\x02J\x06\x00")))
    with open_camera(str(path)) as camera:
        for _ in range(5):
            assert camera.read() is not None
        with pytest.raises(CameraError, match="broke off at frame 5 of 6: the rest is missing"):
            camera.read()


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.cptv").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "cptv", None)
    monkeypatch.delitem(sys.modules, "edge.camera.cptv", raising=False)
    with pytest.raises(SourceError, match=r"pip install 'thermal-edge\[cptv\]'"):
        open_camera(str(tmp_path / "a.cptv"))
