"""Sets of labelled frames, and several as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.data.dataset import LabelledFrame, LabelledSet, merge

NONE = np.zeros((0, 4), np.float32)


def one_class(name: str, count: int, other: str = "rest") -> LabelledSet:
    box = np.array([[0, 0, 8, 8]], np.float32)
    frames = [LabelledFrame(Path(f"{name}{i}"), 64, 48, box, np.ones(1, np.int64), NONE) for i in range(count)]
    return LabelledSet((other, name), tuple(frames))


def test_sets_merge_by_class_name() -> None:
    merged = merge([one_class("Car", 2, "Person"), one_class("deer", 1, "CAR"), one_class("car", 1, "person")])
    assert merged.classes == ("Person", "Car", "deer")
    assert [int(f.labels[0]) for f in merged.frames] == [1, 1, 2, 1]
    assert [f.source for f in merged.frames] == [0, 0, 1, 2]
