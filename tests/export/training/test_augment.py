"""Crops keep boxes on their objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from export.data.dataset import LabelledFrame
from export.training.augment import Augmentation, cut, warp_of
from tests.support.tiny_training import NONE


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(10, 110), st.floats(10, 80), st.integers(4, 30), st.integers(4, 30))
def test_a_box_stays_on_its_object(seed: int, x: float, y: float, w: int, h: int) -> None:
    x1, y1 = int(x), int(y)
    x2, y2 = min(x1 + w, 128), min(y1 + h, 96)
    grey = np.zeros((96, 128), np.uint8)
    grey[y1:y2, x1:x2] = 255
    box = np.array([[x1, y1, x2, y2]], np.float32)
    frame = LabelledFrame(Path("x"), 128, 96, box, np.zeros(1, np.int64), NONE)
    how = Augmentation(vflip=0.5, quarter_turns=0.5)
    affine = warp_of(frame, ((x1 + x2) / 2, (y1 + y2) / 2), 64, 1.0, how, np.random.default_rng(seed))
    crop = cut(grey, frame, affine, 64, 0.0, 0.0)
    rows, columns = np.nonzero(crop.pixels > 127)
    shown = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(crop.boxes[0], shown, atol=1.01)  # half a pixel of sampling at each end
