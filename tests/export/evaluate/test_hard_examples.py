"""Where a detector errs, and which of these places the next run has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from edge.measure.average_precision import Judged
from export.data.dataset import LabelledFrame, LabelledSet
from export.evaluate.hard_examples import hard_examples_of, read_hard_examples

NONE = np.zeros((0, 4), np.float32)
FOUND, MISSED, FALSE, FAINT, FAINTER, HIDDEN = (
    np.array([x, 10, x + 8, 20], np.float32) for x in (0, 20, 40, 60, 80, 100)
)


def frames(folder: Path, count: int = 3) -> LabelledSet:
    truth = np.stack([FOUND, MISSED])
    labels, hidden = np.zeros(2, np.int64), HIDDEN[None] + np.float32([-2, -2, 2, 2])
    return LabelledSet(
        ("Person",), tuple(LabelledFrame(folder / f"{i}.png", 128, 96, truth, labels, hidden) for i in range(count))
    )


def judged(data: LabelledSet) -> list[Judged]:
    """All right in the first frame; in the others one missed, one false, fainter ones, one in an ignored region."""
    first = data.frames[0]
    boxes = np.stack([FOUND, FALSE, FAINT, FAINTER, HIDDEN])
    scores = np.array([0.9, 0.85, 0.45, 0.35, 0.95], np.float32)
    good = Judged(first.boxes, np.ones(2, np.float32), first.labels, first.boxes, first.labels, first.ignored)
    bad = Judged(boxes, scores, np.zeros(5, np.int64), first.boxes, first.labels, first.ignored)
    return [good] + [bad] * (len(data) - 1)


def test_what_is_missed_and_what_is_false(tmp_path: Path) -> None:
    data = frames(tmp_path)
    found = hard_examples_of(data, judged(data), 0.8)
    assert set(found["frames"]) == {str(f.path.resolve()) for f in data.frames[1:]}
    for kinds in found["frames"].values():
        assert kinds == {"missed": [[24.0, 15.0]], "false": [[44.0, 15.0], [64.0, 15.0]]}


def test_places_are_those_of_the_frames_trained_on(tmp_path: Path) -> None:
    data = frames(tmp_path, 4)
    file = tmp_path / "hard.json"
    file.write_text(json.dumps(hard_examples_of(data, judged(data), 0.8)))
    fewer = LabelledSet(data.classes, data.frames[:0:-1][1:])  # the third and the second
    places, others = read_hard_examples(file, fewer)
    assert others == 3
    assert places == [(i, point) for i in (1, 0) for point in ((24.0, 15.0), (44.0, 15.0), (64.0, 15.0))]
    with pytest.raises(InputError, match="none of its 9 places"):
        read_hard_examples(file, LabelledSet(data.classes, data.frames[:1]))


@pytest.mark.parametrize(
    "text",
    [
        '{"frames": {"a": {"missed": [[NaN, 1]], "false": []}}}',
        "{",
        "[]",
        "{}",
        '{"frames": []}',
        '{"frames": {"a": {"missed": [[1]], "false": []}}}',
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match="edge-export eval --hard-examples"):
        read_hard_examples(tmp_path / "x.json", frames(tmp_path))
    with pytest.raises(InputError, match="check the path"):
        read_hard_examples(tmp_path / "absent.json", frames(tmp_path))
