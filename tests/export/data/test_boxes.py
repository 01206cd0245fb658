"""Boxes made upright, and boxes that are not what they were read as."""

from __future__ import annotations

import math

import numpy as np
import pytest

from export.data.boxes import around, look_like_corners, outside, turned, turns


def test_around_points() -> None:
    assert around([3, 9, 7, 2, 5, 5]) == (3, 2, 7, 9)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133.3, 180, -30, 359])
def test_a_turned_box_holds_its_corners_and_no_more(degrees: float) -> None:
    x1, y1, x2, y2 = 10.0, 20.0, 40.0, 32.0
    angle, middle = math.radians(degrees), np.array([25.0, 26.0])
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    corners = (np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) - middle) @ matrix.T + middle
    expected = (*corners.min(0), *corners.max(0))
    np.testing.assert_allclose(turned((x1, y1, x2, y2), degrees), expected, atol=1e-9)


@pytest.mark.parametrize(("degrees", "changes"), [(0, 0), (180, 0), (-360, 0), (90, 1), (0.5, 1), (math.nan, 0)])
def test_what_turns_a_box(degrees: float, changes: int) -> None:
    assert turns(degrees) == bool(changes)


def test_corners_are_recognised_from_three_boxes_on() -> None:
    corners = [(40.0, 20.0, 50.0, 30.0)] * 5
    read = [(x, y, x + w, y + h) for x, y, w, h in corners]
    sizes = [(64, 48)] * 5
    assert look_like_corners(corners[:3], read[:3], sizes[:3])
    assert not look_like_corners(corners[:2], read[:2], sizes[:2])
    assert not look_like_corners(corners, read, [(0, 0)] * 5)  # no size is known
    assert not look_like_corners([(2.0, 2.0, 9.0, 9.0)] * 5, [(2.0, 2.0, 11.0, 11.0)] * 5, sizes)  # both would fit
    assert outside(read, sizes) == 5
    assert outside([(-1.0, 0.0, 64.5, 48.0), (-2.0, 0.0, 64.0, 48.0)], [(64, 48)] * 2) == 1  # a little is drawn by hand
