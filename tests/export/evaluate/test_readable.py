"""Frames and boxes that cannot be right are refused before the work begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.data.clean import tidy
from export.data.dataset import LabelledFrame, LabelledSet
from export.evaluate.readable import check_boxes, check_readable
from tests.support.label_files import write_image

NONE = np.zeros((0, 4), np.float32)


def labelled(folder: Path, boxes: list[list[float]], count: int = 3) -> LabelledSet:
    frames = []
    for i in range(count):
        write_image(folder / f"{i}.png")
        rows = np.array(boxes, np.float32).reshape(-1, 4)
        frames.append(LabelledFrame(folder / f"{i}.png", 64, 48, rows, np.zeros(len(rows), np.int64), NONE))
    return LabelledSet(("person",), tuple(frames))


def test_every_kind_of_frame_that_cannot_be_used_is_counted(tmp_path: Path) -> None:
    data = labelled(tmp_path, [], 5)
    told: list[int] = []
    check_readable(data, told.append)
    assert told == [1, 2, 3, 4, 5]
    (tmp_path / "4.png").unlink()
    sizes = tuple(replace(f, width=640, height=480) if i in (1, 2) else f for i, f in enumerate(data.frames))
    with pytest.raises(InputError) as error:
        check_readable(replace(data, frames=sizes))
    assert str(error.value).startswith(
        "3 of 5 frames cannot be used (2 of them of another size than their labels say, 1 of them missing or broken), "
        f"the first: image {tmp_path / '1.png'} is 64x48, its boxes are for 640x480"
    )


def test_boxes_of_other_pictures_are_refused(tmp_path: Path) -> None:
    data = labelled(tmp_path, [[100.0, 60, 120, 80], [64, 0, 70, 10]])
    with pytest.raises(InputError, match="none of the 6 boxes lies inside its picture"):
        check_boxes(data, tidy(data)[0])


@pytest.mark.parametrize("boxes", [[], [[0.0, 0, 2, 1]], [[60, 40, 80, 60]]])
def test_other_boxes_are_fine(tmp_path: Path, boxes: list[list[float]]) -> None:
    data = labelled(tmp_path, boxes)
    check_boxes(data, tidy(data)[0])
