"""What is drawn depends on the seed and the step alone, not on who draws it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EdgeError, InputError
from edge.model.normalisers import Normalisers
from export.training.augment import Augmentation, Crop
from export.training.batches import batches
from export.training.crops import Crops
from tests.support.tiny_training import tiny_model, tiny_set

pytestmark = pytest.mark.usefixtures("narrow_resnet")


@pytest.fixture
def crops(tmp_path: Path) -> Crops:
    return Crops(tiny_set(tmp_path), tiny_model(), Augmentation(crop=64, mosaic=0.5), Normalisers())


def same(found: Sequence[Crop], expected: Sequence[Crop]) -> None:
    for one, other in zip(found, expected, strict=True):
        for name in ("pixels", "boxes", "labels", "ignored"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_each_crop_is_drawn_by_its_seed_step_and_number(crops: Crops) -> None:
    drawn = list(batches(crops, 3, 2, range(5, 7)))
    for step, found in zip((5, 6), drawn, strict=True):
        same(found, [crops.draw(np.random.default_rng((3, step, i))) for i in range(2)])


def test_workers_draw_the_same_in_the_same_order_and_end(crops: Crops) -> None:
    ahead = batches(crops, 3, 2, range(4, 12), workers=2)
    for found, expected in zip(ahead, batches(crops, 3, 2, range(4, 12)), strict=True):
        same(found, expected)
    assert multiprocessing.active_children() == []


def test_workers_draw_after_opencv_had_threads_here(crops: Crops) -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        cv2.GaussianBlur(np.zeros((2000, 2000), np.uint8), (0, 0), 5.0)
        same(next(batches(crops, 3, 1, range(1), workers=1)), next(batches(crops, 3, 1, range(1))))
    finally:
        cv2.setNumThreads(before)


def test_workers_end_where_the_training_is_stopped(crops: Crops) -> None:
    ahead = batches(crops, 3, 1, range(1000), workers=2)
    next(ahead)
    assert len(multiprocessing.active_children()) == 2
    ahead.close()
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_killed_is_told_in_one_line(crops: Crops) -> None:
    ahead = batches(crops, 3, 1, range(1000), workers=2)
    next(ahead)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(EdgeError, match=r"^a process that draws crops ended \([^\n]+give fewer --workers$"):
        list(ahead)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_frame_that_has_gone_is_told_in_one_line(crops: Crops, tmp_path: Path, workers: int) -> None:
    for file in tmp_path.glob("*.png"):
        file.write_bytes(b"gone")
    with pytest.raises(InputError, match=r"^[^\n]+\.png[^\n]+$"):
        next(batches(crops, 3, 1, range(2), workers))
