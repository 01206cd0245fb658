"""Is this picture the one before again, and since when? What follows from it: test_latest.py, test_reconnect.py."""

from __future__ import annotations

import numpy as np
import pytest

from edge.camera.live.frozen import FrozenPicture


def test_since_when() -> None:
    frozen = FrozenPicture()
    first, other = np.full((4, 6), 7, np.uint16), np.full((4, 6), 8, np.uint16)
    asked = [(first, 5.0), (first.copy(), 6.0), (first, 9.0), (other, 10.0), (first, 11.0)]
    told = [(frozen.again(pixels, t), frozen.since) for pixels, t in asked]
    assert told == [(False, 5.0), (True, 5.0), (True, 5.0), (False, 10.0), (False, 11.0)]


@pytest.mark.parametrize("other", [np.zeros((40, 41), np.uint16), np.zeros((40, 40), np.uint8)])
def test_another_size_or_depth_is_another_picture(other: np.ndarray) -> None:
    frozen = FrozenPicture()
    frozen.again(np.zeros((40, 40), np.uint16), 0.0)
    assert not frozen.again(other, 1.0)
