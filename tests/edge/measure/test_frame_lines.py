"""Single lines of detections.jsonl, while the file grows and when it is another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError
from edge.measure.frame_lines import FrameLines
from tests.support.flight_folder import FIRST, FRAMES


def text(*lines: dict[str, Any], compact: bool = True) -> str:
    separators = (",", ":") if compact else None
    return "".join(json.dumps(one, separators=separators) + "\n" for one in lines)


@pytest.mark.parametrize("compact", [True, False])
def test_each_by_its_number(tmp_path: Path, compact: bool) -> None:
    path = tmp_path / "detections.jsonl"
    path.write_text(text(FIRST, *FRAMES, compact=compact))
    lines = FrameLines(path)
    assert lines.seqs() == [3, 4, 5, 9]
    nine, three = lines.of(9), lines.of(3)
    assert nine is not None
    assert three is not None
    assert (nine.seq, len(nine.detections), three.detections[0].track) == (9, 2, 4)
    assert lines.of(6) is None


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "detections.jsonl"
    lines = FrameLines(path)
    assert lines.of(3) is None
    path.write_text(text(FIRST, FRAMES[0]) + '{"seq":4,"t"')
    assert lines.seqs() == [3]
    path.write_text(text(FIRST, *FRAMES))
    assert lines.seqs() == [3, 4, 5, 9]
    path.write_text(text(FIRST, FRAMES[3]))  # another flight
    assert lines.seqs() == [9]
    path.unlink()
    assert lines.seqs() == []


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "detections.jsonl"
    path.write_text('{"seq":1,"t":"soon"}\n')
    with pytest.raises(InputError, match="detections.jsonl, frame 1: .*: expected a line as edge run writes it"):
        FrameLines(path).of(1)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="cannot read"):
        FrameLines(path).seqs()
