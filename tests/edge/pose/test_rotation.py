"""Attitudes: what yaw, pitch and roll mean, and that they are mixed the short way, without a step near the nadir."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.pose.rotation import (
    Rotation,
    between,
    degrees_between,
    of_angles,
    of_quaternion,
    wrap_180,
    wrap_360,
)  # fmt: skip
from edge.sim.flight import camera_axes

Angles = tuple[float, float, float]
angle = st.floats(-720, 720)
level = st.floats(-89.9, 89.9)


def matrix(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """North, east, down of a vector forward, right, down: the textbook's product of three turns."""
    y, p, r = map(math.radians, (yaw, pitch, roll))
    turn_z = np.array([[math.cos(y), -math.sin(y), 0], [math.sin(y), math.cos(y), 0], [0, 0, 1]])
    turn_y = np.array([[math.cos(p), 0, math.sin(p)], [0, 1, 0], [-math.sin(p), 0, math.cos(p)]])
    turn_x = np.array([[1, 0, 0], [0, math.cos(r), -math.sin(r)], [0, math.sin(r), math.cos(r)]])
    return np.asarray(turn_z @ turn_y @ turn_x)


@given(angle, level, st.floats(-179, 179))
def test_angles_come_back(yaw: float, pitch: float, roll: float) -> None:
    found = of_angles(yaw, pitch, roll).angles
    assert 0 <= found[0] < 360
    assert wrap_180(found[0] - yaw) == pytest.approx(0, abs=1e-4)
    assert found[1:] == (pytest.approx(pitch, abs=1e-5), pytest.approx(roll, abs=1e-4))


@given(st.tuples(angle, angle, angle), st.tuples(angle, angle, angle))
def test_one_after_the_other_is_the_product_of_the_matrices(a: Angles, b: Angles) -> None:
    both = of_angles(*a) @ of_angles(*b)
    assert matrix(*both.angles) == pytest.approx(matrix(*a) @ matrix(*b), abs=1e-6)


def test_straight_down_yaw_is_where_the_pictures_top_points() -> None:
    yaw, pitch, roll = of_angles(30, -90, 0).angles
    assert (yaw, pitch, roll) == (pytest.approx(30), pytest.approx(-90), 0)
    turned = of_angles(30, -90, 20).angles  # of the optical axis to the right: the top goes on clockwise
    assert turned == (pytest.approx(50), pytest.approx(-90), 0)
    assert matrix(30, -90, 0) @ (0, 0, -1) == pytest.approx((math.cos(math.radians(30)), 0.5, 0))


@pytest.mark.parametrize(("a", "b", "middle"), [(170, -170, 180), (350, 20, 5), (0, 90, 45), (10, 10, 10)])
def test_yaw_is_mixed_over_the_wrap(a: float, b: float, middle: float) -> None:
    assert between(of_angles(a, -30, 0), of_angles(b, -30, 0), 0.5).angles[0] == pytest.approx(middle)


def test_near_the_nadir_nothing_steps() -> None:
    """A gimbal that swings through straight down: yaw and roll turn by 180 degrees, the camera hardly at all."""
    a, b = of_angles(10, -89, 0), of_angles(190, -89, 180)
    assert degrees_between(a, b) == pytest.approx(2)
    assert between(a, b, 0.5).angles == (pytest.approx(10), pytest.approx(-90), pytest.approx(0))


@given(st.tuples(angle, level, angle), st.tuples(angle, level, angle), st.floats(0, 2))
def test_mixing_is_even_and_goes_on(one: Angles, other: Angles, f: float) -> None:
    a, b = of_angles(*one), of_angles(*other)
    whole = degrees_between(a, b)
    mixed = between(a, b, f)
    assert sum(part * part for part in mixed) == pytest.approx(1, abs=1e-6)
    if 0.01 < whole < 170 and whole * f < 180:
        assert degrees_between(a, mixed) == pytest.approx(whole * f, abs=1e-3)


@pytest.mark.parametrize("q", [(0, 0, 0, 0), (math.nan, 0, 0, 1), (1, 1, 1, 1), (math.inf, 0, 0, 0)])
def test_what_is_no_quaternion(q: tuple[float, float, float, float]) -> None:
    assert of_quaternion(*q) is None


def test_a_quaternion_of_single_precision_is_made_a_unit() -> None:
    found = of_quaternion(0.7071, 0, 0.7071, 0)
    assert isinstance(found, Rotation)
    assert sum(part * part for part in found) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("tilt", "upright"), [((0, 0), 1), ((0, 60), 0.5), ((-60, 0), 0.5), ((0, 180), -1)])
def test_upright_is_the_cosine_of_the_tilt(tilt: tuple[float, float], upright: float) -> None:
    assert of_angles(77, *tilt).upright == pytest.approx(upright)


def test_wrapping_leaves_the_end_out() -> None:
    assert (wrap_360(360), wrap_360(-1e-20), wrap_360(-90)) == (0, 0, 270)
    assert (wrap_180(180), wrap_180(-180), wrap_180(190)) == (-180, -180, -170)


@given(st.floats(0, 359), st.floats(-90, 0), st.floats(-180, 180))
def test_angles_mean_what_they_mean_in_the_simulated_flight(yaw: float, pitch: float, roll: float) -> None:
    """Both say north, east, down and east, north, up of the same three axes: right, down, forward."""
    right, down, forward = camera_axes(yaw, pitch, roll)
    ours = matrix(*of_angles(yaw, pitch, roll).angles)
    for axis, column in ((forward, ours[:, 0]), (right, ours[:, 1]), (down, ours[:, 2])):
        assert axis == pytest.approx((column[1], column[0], -column[2]), abs=1e-6)
