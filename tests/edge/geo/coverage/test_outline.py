"""Outlines of cells: closed rings, ground to the left, and an area that is that of the cells."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.geo.coverage.local import Local
from edge.geo.coverage.outline import polygons_of, ring_area, rings_of


@settings(max_examples=50, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_rings_hold_the_cells(mask: np.ndarray) -> None:
    rings = rings_of(mask)
    assert sum(ring_area(ring) for ring in rings) == np.count_nonzero(mask)
    parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1
    assert sum(ring_area(ring) > 0 for ring in rings) == parts
    for ring in rings:
        assert len(set(ring)) == len(ring)
        sides = np.diff(np.array([*ring, ring[0]]), axis=0)
        assert (np.count_nonzero(sides, axis=1) == 1).all()  # along cells, and each corner is a turn
        assert (sides[:, 0] != 0).tolist() == [bool(sides[0, 0]) ^ bool(i % 2) for i in range(len(sides))]


def test_around_a_hole_with_the_clock() -> None:
    mask = np.ones((3, 4), bool)
    mask[1, 1] = False
    assert sorted(map(ring_area, rings_of(mask))) == [-1, 12]


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(51.5, -0.25), (-35.0, 149.0), (10.0, 179.99999), (-60.0, -179.99999)]
)
def test_ground_lies_where_it_is(latitude: float, longitude: float) -> None:
    local = Local(latitude, longitude)
    polygons = polygons_of(np.ones((4, 6), bool), -3, -2, 10.0, local)
    metres = np.concatenate([local.metres(ring) for polygon in polygons for ring in polygon])
    assert metres.min(0) == pytest.approx((-30, -20), abs=1e-6)
    assert metres.max(0) == pytest.approx((30, 20), abs=1e-6)


def test_at_the_date_line_it_is_cut() -> None:
    local = Local(-17.0, 180.0 - 1e-4)  # 10.6 m to the west of it
    polygons = polygons_of(np.ones((2, 6), bool), -3, -1, 10.0, local)
    assert len(polygons) == 2
    west, east = (polygon[0] for polygon in polygons)
    assert (west[:, 1] > 179).all()
    assert west[:, 1].max() == pytest.approx(180, abs=1e-5)
    assert (east[:, 1] < -179).all()
    assert east[:, 1].min() == pytest.approx(-180, abs=1e-5)
    wide = [np.ptp(ring[:, 1]) for ring in (west, east)]
    assert wide == pytest.approx([40 / 106_450, 20 / 106_450], abs=5 / 106_450)  # half a cell


def test_a_part_with_a_hole_is_one_polygon_its_outer_ring_first() -> None:
    mask = np.zeros((5, 9), bool)
    mask[:, :5] = mask[2, 7] = True
    mask[2, 2] = False
    polygons = polygons_of(mask, 0, 0, 1.0, Local(0.0, 0.0))
    assert sorted(len(polygon) for polygon in polygons) == [1, 2]
    outer, hole = next(polygon for polygon in polygons if len(polygon) == 2)
    assert np.ptp(outer[:, 1]) > np.ptp(hole[:, 1])
