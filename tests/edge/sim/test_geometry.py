"""Pose, picture and truth of the simulated flight agree, by a second route: ECEF and rotation matrices of NED."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.camera import open_camera
from edge.data import Frame, Pose
from edge.sim import paint as sim_paint
from edge.sim.bodies import Body
from edge.sim.camera import Simulator
from edge.sim.flight import HOME_LATITUDE, HOME_LONGITUDE, Flight, to_wgs84
from edge.sim.settings import SimulatorSettings

Array = npt.NDArray[np.float64]
CLEAN = "netd=0,column_noise=0,drift=0,dead=0,blur=0,cooling=0,ffc_interval=0,live=0"


def ecef(latitude: float, longitude: float, height: float) -> Array:
    """WGS84, NIMA TR8350.2 section 4."""
    a, f = 6378137.0, 1 / 298.257223563
    p, q = math.radians(latitude), math.radians(longitude)
    n = a / math.sqrt(1 - f * (2 - f) * math.sin(p) ** 2)
    return np.array(
        [
            (n + height) * math.cos(p) * math.cos(q),
            (n + height) * math.cos(p) * math.sin(q),
            (n * (1 - f) ** 2 + height) * math.sin(p),
        ]
    )


def ned_from_ecef(latitude: float, longitude: float) -> Array:
    p, q = math.radians(latitude), math.radians(longitude)
    north = [-math.sin(p) * math.cos(q), -math.sin(p) * math.sin(q), math.cos(p)]
    east = [-math.sin(q), math.cos(q), 0.0]
    return np.array([north, east, np.cross(north, east)])


def rotation(axis: int, degrees: float) -> Array:
    a, i, j = math.radians(degrees), *((axis + 1) % 3, (axis + 2) % 3)
    r = np.eye(3)
    r[i, i] = r[j, j] = math.cos(a)
    r[j, i], r[i, j] = math.sin(a), -math.sin(a)
    return r


def project(pose: Pose, settings: SimulatorSettings, points: Array) -> Array:
    """Image points of (north, east, down) metres around home; camera: forward, right, down; Tait-Bryan z-y-x."""
    to_ned = rotation(2, pose.yaw) @ rotation(1, pose.pitch) @ rotation(0, pose.roll)
    home = ecef(HOME_LATITUDE, HOME_LONGITUDE, 0.0)
    eye = ned_from_ecef(HOME_LATITUDE, HOME_LONGITUDE) @ (ecef(pose.latitude, pose.longitude, 0.0) - home) - np.array(
        [0, 0, pose.height]
    )
    forward, right, down = to_ned.T @ (points - eye).T
    f = settings.focal * 1e-3 / (settings.pixel * 1e-6)
    return np.column_stack((settings.width / 2 + f * right / forward, settings.height / 2 + f * down / forward))


def body_points(body: Body, heading: float, east: float, north: float) -> Array:
    """(north, east, down) of the corners of a body that stands still."""
    forward, left, up = (body.shape(0.0).points * body.size).T
    a = math.radians(heading)
    return np.column_stack(
        (
            north + forward * math.cos(a) + left * math.sin(a),
            east + forward * math.sin(a) - left * math.cos(a),
            -up,
        )
    )


@pytest.mark.parametrize("pitch", [-90, -60])
def test_parked_cars_are_where_pose_and_lens_put_them(pitch: int) -> None:
    source = f"sim:{CLEAN},pitch={pitch},jitter=3,people=0,deer=0,fps=0.4,speed=8,width=480,height=400"
    compared = 0
    with open_camera(source) as camera:
        parked = [body for body in camera._bodies.all if body.posture == "parked"]
        for _ in range(12):
            frame = camera.read()
            assert frame is not None
            assert frame.pose is not None
            assert frame.truth is not None
            for body in parked:
                points = project(frame.pose, camera.settings, body_points(body, body.heading, body.east, body.north))
                box = np.concatenate((points.min(axis=0), points.max(axis=0)))
                if box.min() < 0 or box[2] > 480 or box[3] > 400:
                    continue
                nearest = np.abs(frame.truth.boxes - box).max(axis=1).min(initial=np.inf)
                crowned = nearest > 20  # under trees it is no truth
                assert crowned or nearest < 1.0
                compared += not crowned
    assert compared > 15


def test_truth_holds_all_that_was_painted_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same flight with and without bodies differs inside the boxes only, and up to their edges."""
    monkeypatch.setattr(sim_paint, "MIN_VISIBLE", 0.0)  # else a sliver at the edge is no truth
    scene = f"sim:{CLEAN},fps=0.5,width=480,height=400,altitude=45"
    with open_camera(scene) as camera, open_camera(scene + ",people=0,deer=0,cars=0") as empty:
        alone = 0
        for _ in range(8):
            frame, ground = camera.read(), empty.read()
            assert frame is not None
            assert ground is not None
            assert frame.truth is not None
            assert frame.pose == ground.pose
            painted = np.abs(frame.pixels.astype(int) - ground.pixels) > 20
            boxes, visible = frame.truth.boxes, frame.truth.visible
            outside = painted.copy()
            for x1, y1, x2, y2 in boxes:
                outside[
                    max(0, math.floor(y1) - 1) : math.ceil(y2) + 1, max(0, math.floor(x1) - 1) : math.ceil(x2) + 1
                ] = 0
            assert not outside.any()
            for i, box in enumerate(boxes):
                apart = np.maximum(boxes[:, :2] - box[2:], box[:2] - boxes[:, 2:]).max(axis=1) > 4
                apart[i] = True
                if visible[i] < 0.99 or not apart.all() or frame.truth.names[i] == "car":
                    continue
                x, y = np.maximum(np.floor(box[:2]).astype(int) - 2, 0)
                rows, columns = np.nonzero(painted[y : int(box[3]) + 3, x : int(box[2]) + 3])
                drawn = [columns.min() + x, rows.min() + y, columns.max() + x + 1, rows.max() + y + 1]
                assert np.abs(np.array(drawn) - box).max() <= 1.5
                alone += 1
    assert alone > 15


def test_ground_moves_as_the_pose_says() -> None:
    """A frame warped by the homography of two poses is the other frame."""
    source = f"sim:{CLEAN},people=0,deer=0,cars=0,fps=2,speed=6,jitter=2,width=240,height=200"
    with open_camera(source) as camera:
        frames = [camera.read() for _ in range(2)]
        settings = camera.settings
    first, second = (frame for frame in frames if frame is not None)

    def corners(frame: Frame) -> npt.NDArray[np.float32]:
        assert frame.pose is not None
        spots = np.array([[-60, -60, 0], [-60, 0, 0], [-20, -60, 0], [-20, 0, 0]], np.float64)
        return (project(frame.pose, settings, spots) - 0.5).astype(np.float32)

    moved = cv2.warpPerspective(
        first.pixels.astype(np.float32),
        cv2.getPerspectiveTransform(corners(first), corners(second)),
        (240, 200),
        borderValue=-1,
    )
    seen = cv2.erode((moved > 20000).astype(np.uint8), np.ones((5, 5))) > 0
    assert seen.mean() > 0.5
    error = np.abs(moved - second.pixels)[seen]
    unmoved = np.abs(first.pixels.astype(np.float32) - second.pixels)[seen]
    assert np.median(error) < 0.25 * np.median(unmoved)


def test_boxes_follow_altitude_and_lens() -> None:
    def car_length(**changes: float) -> float:
        scene = {"width": 320, "height": 256, "cars": 200, "people": 0, "deer": 0, "pitch": -90.0}
        settings = SimulatorSettings(**scene | changes, jitter=0.0, live=0, blur=0.0)  # type: ignore[arg-type]
        with Simulator(settings) as camera:
            frame = camera.read()
            assert frame is not None
            assert frame.truth is not None
            whole = frame.truth.boxes[frame.truth.visible > 0.99]
        return float(np.median((whole[:, 2:] - whole[:, :2]).max(axis=1)))

    # 4.44 m of car on pixels of 53.7 mm are 83; up to 12 deg askew its width adds to that
    normal = car_length()
    assert 82 < normal < 95
    assert car_length(altitude=120.0) == pytest.approx(normal / 2, rel=0.06)
    assert car_length(focal=9.5) == pytest.approx(normal / 2, rel=0.06)
    assert car_length(pixel=12.0, width=450, height=360) == pytest.approx(normal * 17 / 12, rel=0.06)


def test_circuit_is_flown_at_constant_speed_without_jumps_and_closes() -> None:
    settings = SimulatorSettings(speed=5.0, jitter=0.0)
    flight = Flight(settings, np.random.default_rng(0))
    step = 0.1
    views = [flight.view(t) for t in np.arange(0.0, 200.0, step)]
    centres = np.array([view.centre[:2] for view in views])
    moves = np.diff(centres, axis=0)
    assert np.hypot(*moves.T) == pytest.approx(5.0 * step, rel=0.02)
    # it flies where the camera's up direction points on the ground
    course = np.degrees(np.arctan2(*moves.T))
    yaw = np.array([view.pose.yaw for view in views[:-1]])
    assert np.abs((course - yaw + 180) % 360 - 180).max() < 2.0
    back = np.hypot(*(centres - centres[0]).T)
    assert back[int(60 / step) :].min() < 5.0 * step
    east, north = flight.world_size
    assert (np.abs(centres).max(axis=0) < [east / 2, north / 2]).all()


def test_latitude_and_longitude() -> None:
    for east, north in ((0.0, 0.0), (200.0, -150.0), (-250.0, 120.0)):
        latitude, longitude = to_wgs84(east, north)
        home = ecef(HOME_LATITUDE, HOME_LONGITUDE, 0.0)
        offset = ned_from_ecef(HOME_LATITUDE, HOME_LONGITUDE) @ (ecef(latitude, longitude, 0.0) - home)
        assert offset[:2] == pytest.approx([north, east], abs=0.01)
