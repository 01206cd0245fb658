"""Which point of a box is located; the mean place of one object over frames and passes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edge.data import Detections, Frame, Pose
from edge.geo import CameraModel, Mounting, locate, located, located_of, positions_of, track_position
from edge.geo.positions import foot_points
from edge.geo.wgs84 import metres_a_degree
from edge.sim.bodies import Body
from edge.sim.flight import Flight, camera_axes, to_wgs84
from edge.sim.settings import SimulatorSettings

CAMERA = CameraModel.from_lens(640, 512, 9.0, 12.0)
POSE = Pose(47.0, 8.0, 60.0, 90.0, -90.0)
A_LATITUDE, A_LONGITUDE = metres_a_degree(47.0)
BOX = np.array([[300, 200, 340, 260]], np.float32)


def detections(boxes: np.ndarray) -> Detections:
    n = len(boxes)
    return Detections(np.asarray(boxes, np.float32), np.ones(n, np.float32), np.zeros(n, np.int32), 640, 512)


def frame(pose: Pose | None, width: int = 640) -> Frame:
    return Frame(np.zeros((512, width), np.uint8), 0, 0.0, pose=pose)


def test_straight_below_it_is_the_middle_and_obliquely_near_the_foot() -> None:
    middle = np.array([[300, 236, 340, 276]])
    assert foot_points(middle, CAMERA, POSE) == pytest.approx(np.array([[320, 256]]))
    # 1 - 1 / (1 + tan t) of the way from the middle to the edge
    for pitch, part in ((-60, 1 - 1 / (1 + math.tan(math.radians(30)))), (-45, 0.5)):
        found = foot_points(middle, CAMERA, replace(POSE, pitch=float(pitch)))[0]
        assert found == pytest.approx([320, 256 + 20 * part])
    # the side that looks towards the point below, wherever that is in the picture
    turned = foot_points(middle, CAMERA, replace(POSE, pitch=-45.0, roll=90.0))[0]
    assert turned == pytest.approx([320 + 20 * 0.5, 256])
    left = foot_points(np.array([[0, 246, 20, 266]]), CAMERA, POSE)[0]
    assert 10 < left[0] < 20
    assert left[1] == pytest.approx(256)


@pytest.mark.parametrize(("pitch", "most"), [(-90.0, 0.45), (-60.0, 0.45), (-40.0, 0.75)])
def test_bodies_of_the_simulator_stand_where_they_are(pitch: float, most: float) -> None:
    """Outlines of deer, people and cars, drawn exactly: the place by the rule, nearer than by middle or bottom."""
    view = Flight(SimulatorSettings(pitch=pitch, jitter=0.0, speed=5.0), np.random.default_rng(1)).view(3.0)
    camera = CameraModel.from_lens(640, 512, 19.0, 17.0)
    rng = np.random.default_rng(2)
    kinds = [("deer", "grazing"), ("deer", "walking"), ("person", "standing"), ("person", "lying"), ("car", "parked")]
    off: dict[str, list[float]] = {"rule": [], "middle": [], "bottom": []}
    for name, posture in kinds * 12:
        body = Body(name, posture, 0, 0, rng.uniform(0, 360), core=35.0)
        spot = locate([rng.uniform((60, 60), (580, 450))], camera, view.pose)[0]
        east = (spot[1] - view.pose.longitude) * metres_a_degree(view.pose.latitude)[1] + view.centre[0]
        north = (spot[0] - view.pose.latitude) * metres_a_degree(view.pose.latitude)[0] + view.centre[1]
        a = math.radians(body.heading)
        f, left, u = body.shape(0.0).points.T
        points = np.column_stack(
            (east + f * math.sin(a) - left * math.cos(a), north + f * math.cos(a) + left * math.sin(a), u)
        )
        uv, _ = view.project(points)
        x1, y1, x2, y2 = *uv.min(axis=0), *uv.max(axis=0)
        truth = np.array(to_wgs84(east, north))
        for kind, point in {
            "rule": foot_points([[x1, y1, x2, y2]], camera, view.pose)[0],
            "middle": [(x1 + x2) / 2, (y1 + y2) / 2],
            "bottom": [(x1 + x2) / 2, y2],
        }.items():
            away = (locate([point], camera, view.pose)[0, :2] - truth) * metres_a_degree(truth[0])
            off[kind].append(float(np.hypot(*away)))
    usual = {kind: float(np.sqrt(np.mean(np.square(values)))) for kind, values in off.items()}
    assert usual["rule"] < most
    assert usual["rule"] < min(usual["middle"], usual["bottom"]) * 1.1


def test_positions_of_a_frame() -> None:
    boxes = np.concatenate((BOX, BOX + 100))
    found = positions_of(detections(boxes), frame(POSE), CAMERA)
    assert found.shape == (2, 3)
    assert found == pytest.approx(locate(foot_points(boxes, CAMERA, POSE), CAMERA, POSE))
    replace(detections(boxes), positions=found)  # of the type that detections take
    assert positions_of(detections(boxes[:0]), frame(POSE), CAMERA).shape == (0, 3)
    mounted = Mounting(pitch_deg=10.0, height_offset_m=5.0)
    there = positions_of(detections(BOX), frame(POSE), CAMERA, 2.0, mounted)
    assert there == pytest.approx(positions_of(detections(BOX), frame(mounted.apply(POSE)), CAMERA, 2.0))
    assert not np.allclose(there[:, :2], found[:1, :2], atol=1e-5, rtol=0)


def test_without_a_pose_there_is_no_position() -> None:
    found = located_of(detections(BOX), frame(None), CAMERA)
    assert np.isnan(found.positions).all()
    assert found.refused == ("the frame has no pose",)
    broken = located_of(detections(BOX), frame(replace(POSE, yaw=math.nan)), CAMERA)
    assert broken.refused == ("the pose holds a value that is not a number",)


def test_the_camera_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the camera model is of 640x512, the frame is 320x512: expected the same"):
        positions_of(detections(BOX), frame(POSE, 320), CAMERA)


# ---- the mean of many ----


def pass_over(rng: np.random.Generator, heading: float, n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One object at 47 N, 8 E, seen n times; the pose says what it errs by, and errs so."""
    told = Pose(47.0, 8.0, 60.0, heading, -70.0, 0.0, 1.0, 2.0, 1.0, 0.0, 0.0)
    shift, height = rng.normal(0, 1.0, 2), rng.normal(0, 2.0)
    mounting = Mounting(*rng.normal(0, math.sqrt(0.8), 3))
    rows = []
    for s in np.linspace(-15, 15, n):
        at = s - 60 * math.tan(math.radians(20))
        a = math.radians(heading)
        pose = replace(told, latitude=47 + at * math.cos(a) / A_LATITUDE, longitude=8 + at * math.sin(a) / A_LONGITUDE)
        axes = camera_axes(pose.yaw, pose.pitch, 0.0)
        uv = CAMERA.project((np.array([-at * math.sin(a), -at * math.cos(a), -60.0]) @ axes.T)[None])
        uv = uv + rng.normal(0, 2.0, 2)
        jitter = Mounting(*rng.normal(0, math.sqrt(0.2), 3))
        wrong = mounting.apply(jitter.apply(pose))
        wrong = replace(
            wrong,
            latitude=pose.latitude + shift[1] / A_LATITUDE,
            longitude=pose.longitude + shift[0] / A_LONGITUDE,
            height=60 + height,
        )
        rows.append(located(uv, CAMERA, wrong))
    return (
        np.concatenate([row.positions for row in rows]),
        np.concatenate([row.covariance for row in rows]),
        np.concatenate([row.factors for row in rows]),
    )


@pytest.mark.parametrize("passes", [1, 3])
def test_the_mean_is_as_sure_as_it_says(passes: int) -> None:
    """What the frames of a pass share does not average out, what passes do not share does."""
    rng = np.random.default_rng(7)
    inside, sigmas, single, scatter = 0, [], [], []
    for _ in range(60):
        flown = [pass_over(rng, heading, 5) for heading in (90.0, 200.0, 330.0)[:passes]]
        positions, covariance, factors = (np.concatenate(part) for part in zip(*flown, strict=True))
        found = track_position(positions, covariance, factors, np.repeat(np.arange(passes), 5))
        assert found is not None
        away = math.hypot((found.latitude - 47) * A_LATITUDE, (found.longitude - 8) * A_LONGITUDE)
        inside += away < found.sigma_m
        sigmas.append(found.sigma_m)
        single.append(positions[:, 2].mean())
        scatter.append(found.scatter)
    assert inside / 60 == pytest.approx(0.683, abs=0.15)
    part = np.mean(sigmas) / np.mean(single)
    assert (0.85 < part < 1.0) if passes == 1 else (0.45 < part < 0.75)
    assert np.mean(scatter) == pytest.approx(1.0, abs=0.1)


def test_one_position_and_none() -> None:
    one = located([[320, 256], [320, 256]], CAMERA, POSE)
    found = track_position(one.positions[:1], one.covariance[:1], one.factors[:1])
    assert found is not None
    assert (found.frames, found.scatter) == (1, 1.0)
    assert (found.latitude, found.longitude, found.sigma_m) == pytest.approx(tuple(one.positions[0]), rel=1e-3)
    assert found.covariance == pytest.approx(one.covariance[0], rel=1e-3)
    assert found.ellipse[:2] == pytest.approx(one.ellipses[0, :2], rel=1e-3)
    nothing = np.full_like(one.positions, np.nan)
    assert track_position(nothing, one.covariance, one.factors) is None
    half = np.concatenate((nothing[:1], one.positions[1:]))
    left = track_position(half, one.covariance, one.factors)
    assert left is not None
    assert left.frames == 1
    with pytest.raises(ValueError, match="2 positions, 1 covariances, 2 factors, 2 passes"):
        track_position(one.positions, one.covariance[:1], one.factors)


def test_an_object_that_moves_is_less_sure() -> None:
    one = located([[320, 256]], CAMERA, replace(POSE, sigma_position_m=0.1, sigma_height_m=0.1, sigma_attitude_deg=0.1))
    n = 20
    positions = np.repeat(one.positions, n, axis=0)
    positions[:, 0] += np.linspace(0, 30, n) / A_LATITUDE
    found = track_position(positions, np.repeat(one.covariance, n, axis=0), np.repeat(one.factors, n, axis=0))
    assert found is not None
    assert found.scatter > 10
    assert found.sigma_m > 1.5
    assert (found.latitude - one.positions[0, 0]) * A_LATITUDE == pytest.approx(15, abs=0.1)


def test_a_mean_over_the_antimeridian() -> None:
    one = located([[320, 256]], CAMERA, replace(POSE, latitude=0.0, longitude=180.0))
    positions = np.repeat(one.positions, 2, axis=0)
    positions[:, 1] = 179.9999, -179.9997
    found = track_position(positions, np.repeat(one.covariance, 2, axis=0), np.repeat(one.factors, 2, axis=0))
    assert found is not None
    assert found.longitude == pytest.approx(-179.9999)
