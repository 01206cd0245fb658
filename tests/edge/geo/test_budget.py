"""How sure a position is: by the formula's own figures, against drawn errors, and what all frames of a pass share."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edge.data import Pose
from edge.errors import InputError
from edge.geo import Assumed, CameraModel, locate, located
from edge.geo.attitude import Mounting
from edge.geo.budget import ellipse_of, sigma_of
from edge.geo.wgs84 import metres_a_degree

CAMERA = CameraModel.from_lens(640, 512, 9.0, 12.0)
MIDDLE = [[320, 256]]
NOTHING = Pose(47.0, 8.0, 60.0, 90.0, -90.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
EXACT = Assumed(pixel_px=0.0)
A_LATITUDE, A_LONGITUDE = metres_a_degree(47.0)


def axes(pose: Pose, assumed: Assumed = EXACT) -> list[float]:
    found: list[float] = located(MIDDLE, CAMERA, pose, 0.0, assumed).ellipses[0].tolist()
    return found


def test_the_figures_of_the_formula() -> None:
    """60 m, straight down, 2 deg: 2.1 m. 15 m/s, 100 ms: 1.5 m. At 45 deg, 5 m of height: 5 m."""
    assert axes(replace(NOTHING, sigma_attitude_deg=2.0))[:2] == pytest.approx([2.094, 2.094], abs=1e-3)
    time = located(MIDDLE, CAMERA, replace(NOTHING, sigma_time_s=0.1, speed_m_s=15.0), 0.0, EXACT)
    assert math.sqrt(np.trace(time.covariance[0])) == pytest.approx(1.5)
    assert axes(replace(NOTHING, pitch=-45.0, sigma_height_m=5.0)) == pytest.approx([5.0, 0.0, 90.0], abs=1e-3)
    assert axes(replace(NOTHING, sigma_position_m=3.0))[:2] == pytest.approx([3.0, 3.0])
    slanted = axes(replace(NOTHING, pitch=-30.0, sigma_attitude_deg=1.0))
    # h sec(60)^2, h sec(60) times a degree; along the heading
    assert slanted == pytest.approx([240 * math.radians(1), 120 * math.radians(1), 90.0], rel=1e-3)
    pixels = axes(replace(NOTHING, pitch=-60.0), Assumed(pixel_px=3.0))
    slant = 60 / math.sin(math.radians(60))
    assert pixels == pytest.approx([3 * slant / 750 / math.sin(math.radians(60)), 3 * slant / 750, 90.0], rel=1e-3)


def test_what_is_assumed_is_said() -> None:
    bare = Pose(47.0, 8.0, 60.0, 0.0, -90.0)
    found = located(MIDDLE, CAMERA, bare)
    assert found.assumed == ("position 2 m", "height 3 m", "attitude 2 deg", "time 0.1 s", "speed 10 m/s")
    assert located(MIDDLE, CAMERA, NOTHING).assumed == ()
    told = replace(
        bare, sigma_position_m=2.0, sigma_height_m=3.0, sigma_attitude_deg=2.0, sigma_time_s=0.1, speed_m_s=10.0
    )
    assert located(MIDDLE, CAMERA, told).positions == pytest.approx(found.positions)
    with pytest.raises(InputError, match="assumed common_time is 1.5: expected a part from 0 to 1"):
        Assumed(common_time=1.5)
    with pytest.raises(InputError, match="assumed position_m is nan: expected 0 or more"):
        Assumed(position_m=float("nan"))


@pytest.mark.parametrize(
    ("pitch", "roll", "uv"),
    [(-90.0, 0.0, [320, 256]), (-90.0, 0.0, [20, 500]), (-50.0, 0.0, [320, 256]), (-40.0, 7.0, [600, 100])],
)
def test_against_drawn_errors(pitch: float, roll: float, uv: list[float]) -> None:
    """800 poses that err as they say: the covariance is theirs, and 68 of 100 lie within sigma."""
    rng, n = np.random.default_rng(4), 800
    told = Pose(47.0, 8.0, 70.0, 30.0, pitch, roll, 1.5, 2.0, 1.2, 0.1, 12.0)
    assumed = Assumed(pixel_px=3.0)
    found = located([uv], CAMERA, told, 0.0, assumed)
    places = np.empty((n, 2))
    for i in range(n):
        # of a course that nobody tells
        course = rng.uniform(0, 2 * math.pi)
        off = rng.normal(0, 1.5, 2) + 12 * rng.normal(0, 0.1) * np.array([math.sin(course), math.cos(course)])
        pose = replace(
            told,
            latitude=47.0 + off[1] / A_LATITUDE,
            longitude=8.0 + off[0] / A_LONGITUDE,
            height=70 + rng.normal(0, 2),
        )
        turned = Mounting(*rng.normal(0, 1.2, 3)).apply(pose)
        place = locate([np.clip(uv + rng.normal(0, 3, 2), 0, (640, 512))], CAMERA, turned)[0, :2]
        places[i] = (place - found.positions[0, :2])[::-1] * (A_LONGITUDE, A_LATITUDE)
    theirs = np.cov(places.T)
    ours = found.covariance[0]
    scale = math.sqrt(ours[0, 0] * ours[1, 1])
    assert np.abs(theirs - ours).max() < 0.13 * scale
    assert (np.hypot(*places.T) < found.positions[0, 2]).mean() == pytest.approx(0.683, abs=0.045)


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_radius_holds_68_of_100_of_any_ellipse(ratio: float) -> None:
    points = np.random.default_rng(5).normal(0, 1, (200_000, 2)) * (2.0, 2.0 * ratio)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    covariance = (turn @ np.diag([4.0, 4.0 * ratio**2]) @ turn.T)[None]
    assert (np.hypot(*points.T) < sigma_of(covariance)[0]).mean() == pytest.approx(0.6827, abs=0.01)
    a, b, heading = ellipse_of(covariance)[0]
    assert (a, b) == pytest.approx((2.0, 2.0 * ratio), abs=1e-6)
    if ratio < 1:
        assert heading == pytest.approx(math.degrees(math.atan2(0.8, 0.6)))


def test_what_a_pass_shares() -> None:
    """Everything but the pixel and a fifth of the attitude's variance; nothing where nothing is shared."""
    pose = Pose(47.0, 8.0, 60.0, 30.0, -50.0, 3.0, 1.5, 2.0, 1.2, 0.1, 12.0)
    uv = [[320, 256], [100, 400]]
    every = Assumed(pixel_px=0.0, common_attitude=1.0)
    whole = located(uv, CAMERA, pose, 0.0, every)
    assert whole.factors @ whole.factors.transpose(0, 2, 1) == pytest.approx(whole.covariance, rel=1e-9)
    usual = located(uv, CAMERA, pose)
    left = usual.covariance - usual.factors @ usual.factors.transpose(0, 2, 1)
    still = replace(pose, sigma_position_m=0.0, sigma_height_m=0.0, sigma_time_s=0.0)
    alone = located(uv, CAMERA, replace(still, sigma_attitude_deg=1.2 * math.sqrt(0.2)))
    assert left == pytest.approx(alone.covariance, rel=1e-9)
    none = Assumed(common_position=0, common_height=0, common_attitude=0, common_time=0)
    assert not located(uv, CAMERA, pose, 0.0, none).factors.any()
