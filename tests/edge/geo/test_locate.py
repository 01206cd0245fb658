"""Where a pixel is on the ground: against pymap3d, geographiclib, other conventions of turning and the simulator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pymap3d
import pymap3d.los
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data import Pose
from edge.geo import CameraModel, Mounting, locate, located
from edge.geo.attitude import angles, camera_axes
from edge.geo.wgs84 import ecef, geodetic, utm
from edge.sim.flight import Flight, to_wgs84
from edge.sim.settings import SimulatorSettings

CAMERA = CameraModel(640, 512, 750.0, 740.0, 322.0, 250.0, (-0.2, 0.05, 0.001, -0.001, 0.0))
PLAIN = CameraModel.from_lens(640, 512, 9.0, 12.0)
LATITUDES = st.floats(-88.9, 88.9)
# not within a micron of straight up or down, where hypothesis would look for trouble that is none
ANGLES = st.floats(-180, 180)


def far(a: np.ndarray, b: np.ndarray) -> float:
    """Metres between places, (N, 2) degrees each, the farthest pair."""
    return max(float(Geodesic.WGS84.Inverse(*p, *q)["s12"]) for p, q in zip(a.tolist(), b.tolist(), strict=True))


def turned(pose: Pose, rays: np.ndarray) -> np.ndarray:
    """North, east, down of rays (N, 3), z ahead: Tait-Bryan z-y'-x'' of a body: x ahead, y right, z down."""

    def about(axis: int, degrees: float) -> np.ndarray:
        i, j = (axis + 1) % 3, (axis + 2) % 3
        found = np.eye(3)
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        found[i, i], found[i, j], found[j, i], found[j, j] = c, -s, s, c
        return found

    body = rays[:, [2, 0, 1]]
    return body @ (about(2, pose.yaw) @ about(1, pose.pitch) @ about(0, pose.roll)).T


@settings(max_examples=60, deadline=None)
@given(
    LATITUDES, ANGLES, st.floats(2, 3000), ANGLES, st.floats(-100, -20), st.floats(-40, 40), st.integers(0, 2**32 - 1)
)
def test_it_is_where_pymap3d_says(
    latitude: float, longitude: float, height: float, yaw: float, pitch: float, roll: float, seed: int
) -> None:
    pose = Pose(latitude, longitude, height, yaw, pitch, roll)
    uv = np.random.default_rng(seed).uniform(0, (640, 512), (8, 2))
    north, east, down = turned(pose, CAMERA.rays(uv)).T
    azimuth, tilt = np.degrees(np.arctan2(east, north)), np.degrees(np.arctan2(np.hypot(east, north), down))
    lat, lon, _ = pymap3d.los.lookAtSpheroid(latitude, longitude, height, azimuth, tilt)
    found = locate(uv, CAMERA, pose)
    assert (np.isnan(found).any(axis=1) == (tilt > 75)).all()
    seen = tilt <= 75
    assert far(found[seen, :2], np.column_stack((lat, lon))[seen]) < 1e-3


@settings(max_examples=40, deadline=None)
@given(LATITUDES, ANGLES, ANGLES, st.floats(0, 74))
def test_it_is_where_the_geodesic_ends(latitude: float, longitude: float, yaw: float, tilt: float) -> None:
    height = 50.0
    pose = Pose(latitude, longitude, height, yaw, tilt - 90)
    found = locate([[320, 256]], PLAIN, pose)[0]
    end = Geodesic.WGS84.Direct(latitude, longitude, yaw, height * math.tan(math.radians(tilt)))
    assert far(found[None, :2], np.array([[end["lat2"], end["lon2"]]])) < 0.02  # the Earth curves 6 mm down on the way


def test_ground_that_is_higher() -> None:
    pose = Pose(47.0, 8.0, 60.0, 30.0, -40.0, 3.0)
    uv = [[10, 20], [600, 500]]
    assert locate(uv, PLAIN, pose, 25.0) == pytest.approx(locate(uv, PLAIN, replace(pose, height=35.0)), rel=1e-12)


@pytest.mark.parametrize(("latitude", "longitude", "yaw"), [(-17.0, 180.0, 90.0), (52.0, -179.9999, 270.0)])
def test_over_the_antimeridian(latitude: float, longitude: float, yaw: float) -> None:
    found = locate([[320, 256]], PLAIN, Pose(latitude, longitude, 100.0, yaw, -45.0))[0]
    assert -180 <= found[1] <= 180
    assert math.copysign(1, found[1]) == -math.copysign(1, (longitude + 180) % 360 - 180) or yaw == 90.0
    end = Geodesic.WGS84.Direct(latitude, longitude, yaw, 100.0)
    assert far(found[None, :2], np.array([[end["lat2"], end["lon2"]]])) < 0.02


@pytest.mark.parametrize("pitch", [-90, -60, -45])
def test_the_simulated_bodies_are_where_they_stand(pitch: float) -> None:
    """Straight lines and turns, with the shake of the gimbal: what the simulator projects comes back."""
    settings = SimulatorSettings(pitch=pitch, jitter=3.0, altitude=80.0)
    flight, rng = Flight(settings, np.random.default_rng(5)), np.random.default_rng(6)
    camera = CameraModel.from_lens(640, 512, settings.focal, settings.pixel)
    courses, compared = set(), 0
    for t in np.arange(0.0, 120.0, 2.7):
        view = flight.view(t)
        courses.add(round(view.pose.yaw / 45))
        ground = np.column_stack((view.centre[:2] + rng.uniform(-90, 90, (60, 2)), np.zeros(60)))
        uv, depth = view.project(ground)
        inside = (depth > 0) & (uv > 0).all(axis=1) & (uv < (640, 512)).all(axis=1)
        if inside.any():
            truth = np.array([to_wgs84(*point[:2]) for point in ground[inside]])
            assert far(locate(uv[inside], camera, view.pose)[:, :2], truth) < 0.05
            compared += int(inside.sum())
    assert len(courses) > 4  # turns as well
    assert compared > 100


def test_refused_with_a_word() -> None:
    uv = [[320, 256], [320, 0], [700, 10]]
    pose = Pose(47.0, 8.0, 60.0, 0.0, -20.0)
    found = located(uv, PLAIN, pose)
    assert np.isfinite(found.positions[0]).all()
    assert np.isnan(found.positions[1:]).all()
    assert np.isnan(found.covariance[1:]).all()
    assert found.refused[0] == ""
    assert found.refused[1] == "the ray is more than 75 degrees off nadir"
    assert "no direction" in found.refused[2]
    steep = replace(pose, pitch=-15.001)
    assert np.isfinite(locate([[320, 256]], PLAIN, steep)).all()
    assert np.isnan(locate([[320, 256]], PLAIN, replace(pose, pitch=-14.999))).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latitude": 89.01}, "within 1 degree of a pole"),
        ({"latitude": -89.5}, "within 1 degree of a pole"),
        ({"latitude": 91.0}, "latitude is 91: expected -90 to 90"),
        ({"longitude": 4e8}, "longitude is 4e+08"),
        ({"height": 0.0}, "the camera is 0 m above the ground"),
        ({"height": -3.0}, "the camera is -3 m above the ground"),
        ({"height": 60000.0}, "height is 60000: expected metres, up to 20000"),
        ({"yaw": float("nan")}, "not a number"),
        ({"sigma_height_m": -1.0}, "negative or not a number"),
    ],
)
def test_a_pose_that_cannot_be_worked_with(change: dict[str, float], words: str) -> None:
    pose = replace(Pose(47.0, 8.0, 60.0, 0.0, -90.0), **change)  # type: ignore[arg-type]
    found = located([[320, 256], [1, 1]], PLAIN, pose)
    assert np.isnan(found.positions).all()
    assert all(words in text for text in found.refused)
    assert np.isnan(locate([[320, 256]], PLAIN, pose)).all()


def test_shapes() -> None:
    pose = Pose(47.0, 8.0, 60.0, 0.0, -90.0)
    assert locate([], PLAIN, pose).shape == (0, 3)
    assert locate(np.zeros((0, 2)), PLAIN, pose).shape == (0, 3)
    assert located([], PLAIN, pose).refused == ()
    with pytest.raises(ValueError, match=r"image points are \(3,\): expected \(N, 2\)"):
        locate([1.0, 2.0, 3.0], PLAIN, pose)


# ---- angles ----


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 359.9), st.floats(-89.99, 89.99), st.floats(-179, 179))
def test_angles_come_back(yaw: float, pitch: float, roll: float) -> None:
    axes = camera_axes(yaw, pitch, roll)
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert camera_axes(*angles(axes)) == pytest.approx(axes, abs=1e-9)


def test_straight_down_the_yaw_is_that_of_the_images_up() -> None:
    axes = camera_axes(70.0, -90.0, 0.0)
    assert -axes[1] == pytest.approx([math.sin(math.radians(70)), math.cos(math.radians(70)), 0], abs=1e-12)
    assert angles(axes) == pytest.approx((70.0, -90.0, 0.0))
    assert camera_axes(*angles(camera_axes(70.0, -90.0, 25.0))) == pytest.approx(camera_axes(70, -90, 25), abs=1e-9)


def test_a_mounting_turns_the_camera_in_its_own_frame() -> None:
    nose = Pose(47.0, 8.0, 60.0, 90.0, 0.0)
    down = Mounting(pitch_deg=-90.0, height_offset_m=2.0).apply(nose)
    assert (down.yaw, down.pitch, down.height) == pytest.approx((90.0, -90.0, 62.0))
    assert Mounting(yaw_deg=20.0).apply(nose).yaw == pytest.approx(110.0)
    assert Mounting(roll_deg=5.0).apply(nose).roll == pytest.approx(5.0)
    # of a camera that looks down, turned to its right, the axis points to the right of the flight
    axis = camera_axes(*[getattr(Mounting(yaw_deg=10.0).apply(down), name) for name in ("yaw", "pitch", "roll")])[2]
    assert axis == pytest.approx([0.0, -math.sin(math.radians(10)), -math.cos(math.radians(10))], abs=1e-12)
    assert Mounting(yaw_offset_deg=-7.5).apply(down).yaw == pytest.approx(82.5)
    assert Mounting().apply(nose) == nose


# ---- the ellipsoid ----


@settings(max_examples=60, deadline=None)
@given(st.floats(-89, 89), ANGLES, st.floats(-100, 9000))
def test_the_ellipsoid_is_that_of_pymap3d(latitude: float, longitude: float, altitude: float) -> None:
    point = ecef(latitude, longitude, altitude)
    assert point == pytest.approx(pymap3d.geodetic2ecef(latitude, longitude, altitude), abs=1e-6)
    lat, lon, alt = geodetic(point[None])
    assert (lat[0], alt[0]) == pytest.approx((latitude, altitude), abs=1e-6)
    assert (lon[0] - longitude + 180) % 360 == pytest.approx(180, abs=1e-9)


def test_utm_is_that_of_its_definition() -> None:
    # on the central meridian: 0.9996 of the meridian's arc, which geographiclib knows
    arc = Geodesic.WGS84.Inverse(0, 9, 52, 9)["s12"]
    east, north = utm(np.array([52.0, -52.0]), np.array([9.0, 9.0]), 32, False)
    assert east == pytest.approx([500000, 500000], abs=1e-4)
    assert north == pytest.approx([0.9996 * arc, -0.9996 * arc], abs=1e-3)
    assert utm(np.array([-52.0]), np.array([9.0]), 32, True)[1] == pytest.approx([1e7 - 0.9996 * arc], abs=1e-3)
    # off it: the scale along a short way
    (e1, e2), (n1, n2) = utm(np.array([52.0, 52.001]), np.array([11.9, 11.901]), 32, False)
    way = Geodesic.WGS84.Inverse(52.0, 11.9, 52.001, 11.901)["s12"]
    k = 0.9996 * (1 + ((e1 + e2) / 2 - 5e5) ** 2 / (2 * (0.9996 * 6.3810e6) ** 2))
    assert math.hypot(e2 - e1, n2 - n1) == pytest.approx(way * k, rel=2e-6)
