"""Single frames of a recording: each bit for bit, in any order, whatever else is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.data import Frame
from edge.errors import SourceError
from edge.recording import Recording
from edge.recording.contents import Origin
from edge.recording.seek import Frames
from edge.recording.writer import RecordingWriter

SEQS = [3, 4, 7, 8, 20]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two segments; a mask over the first column."""
    mask = np.zeros((4, 6), bool)
    mask[:, 0] = True
    writer = RecordingWriter(tmp_path / "r", Origin("a test", True, 9.0, mask=mask), reserve=0, segment_bytes=900)
    for seq in SEQS:
        writer.write(Frame(np.random.default_rng(seq).integers(0, 65535, (4, 6)).astype(np.uint16), seq, float(seq)))
    writer.close()
    assert len(list((tmp_path / "r").iterdir())) > 1
    return tmp_path / "r"


def test_in_any_order_and_as_they_were(folder: Path) -> None:
    frames, recorded = Frames(folder), {frame.seq: frame for frame in Recording(folder)}
    assert frames.seqs == SEQS
    for seq in reversed(SEQS):
        assert np.array_equal(frames[seq].pixels, recorded[seq].pixels)
        assert frames[seq].t_capture == seq
        mask = frames[seq].mask
        assert mask is not None
        assert mask.sum() == 4
    assert 5 not in frames
    with pytest.raises(KeyError):
        frames[5]


@pytest.mark.parametrize(
    ("seq", "step", "there"),
    [
        *((4, 0, 4), (4, 1, 7), (4, -1, 3), (4, 3, 20), (4, 4, None), (3, -1, None), (5, 1, 7), (5, -1, 4), (5, 0, 7)),
        *((99, -1, 20), (99, 1, None), (0, -1, None), (0, 1, 3)),
    ],
)
def test_the_frames_beside_it(folder: Path, seq: int, step: int, there: int | None) -> None:
    assert Frames(folder).beside(seq, step) == there


def test_a_damaged_frame_is_told_and_the_others_are_there(folder: Path) -> None:
    first = sorted(folder.iterdir())[0]
    data = bytearray(first.read_bytes())
    at = data.rfind(b"\x89TEf")
    data[data.find(b"}", at) + 5] ^= 0xFF  # in the pixels of the last frame of this segment
    first.write_bytes(data)
    frames = Frames(folder)
    broken = [seq for seq in SEQS if not readable(frames, seq)]
    assert len(broken) == 1
    with pytest.raises(SourceError, match=rf"frame {broken[0]} cannot be read \(bad checksum\)"):
        frames[broken[0]]


def readable(frames: Frames, seq: int) -> bool:
    try:
        return frames[seq].seq == seq
    except SourceError:
        return False


def test_what_comes_after_a_cut_is_said_to_be_missing(folder: Path) -> None:
    last = sorted(folder.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-40] + b"nonsense")
    frames = Frames(folder)
    assert 3 in frames
    assert frames.losses


def test_no_recording(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        Frames(tmp_path)
