"""The lens: pixel to ray and back, against OpenCV's own formula; where the distortion folds; crops, sizes, data
sheets.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.geo import CameraModel, camera_of_profile

LENS = CameraModel(640, 512, 750.0, 740.0, 322.0, 250.0, (-0.32, 0.12, 0.0011, -0.0007, -0.02))
# at r = 0.5 its radial distortion turns back: 1 - 3 * (4 / 3) * r^2 = 0
FOLDS = CameraModel(640, 512, 400.0, 400.0, 320.0, 256.0, (-4 / 3,))


def grid(camera: CameraModel, n: int = 21) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, camera.width, n), np.linspace(0, camera.height, n))
    return np.column_stack((x.ravel(), y.ravel()))


def test_a_pinhole_ray_by_hand() -> None:
    camera = CameraModel(640, 512, 750.0, 750.0, 320.0, 256.0)
    assert camera.rays([[320, 256], [395, 256], [320, 331]]).tolist() == [[0, 0, 1], [0.1, 0, 1], [0, 0.1, 1]]
    assert camera.project([[0, 0, 5], [1, 0, 10], [0, -1, 10]]).tolist() == [[320, 256], [395, 256], [320, 181]]
    assert np.isnan(camera.project([[0, 0, -1.0]])).all()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-0.35, 0.35),
    st.floats(-0.1, 0.15),
    st.floats(-2e-3, 2e-3),
    st.floats(-2e-3, 2e-3),
    st.floats(-0.02, 0.02),
)
def test_there_and_back_is_a_millionth_of_a_pixel(k1: float, k2: float, p1: float, p2: float, k3: float) -> None:
    camera = CameraModel(640, 512, 600.0, 610.0, 330.0, 240.0, (k1, k2, p1, p2, k3))
    points = grid(camera)
    rays = camera.rays(points)
    good = np.isfinite(rays[:, 0])
    # no ray has what lies past the fold, and only that; the tangential part moves it by some thousandths
    fold = camera.fold_radius
    reach = fold * (1 + k1 * fold**2 + k2 * fold**4 + k3 * fold**6) if np.isfinite(fold) else np.inf
    radius = np.hypot((points[:, 0] - 330) / 600, (points[:, 1] - 240) / 610)
    assert (good | (radius > 0.97 * reach)).all()
    assert np.abs(camera.project(rays[good]) - points[good]).max() < 1e-6
    matrix = np.array([[600.0, 0, 330], [0, 610, 240], [0, 0, 1]])
    theirs = cv2.projectPoints(rays[good], np.zeros(3), np.zeros(3), matrix, np.array(camera.distortion))[0]
    assert np.abs(theirs.reshape(-1, 2) - points[good]).max() < 1e-6


def test_where_the_distortion_folds_there_is_no_ray() -> None:
    assert FOLDS.fold_radius == pytest.approx(0.5)
    # there the picture reaches 0.5 * (1 - 1/3) * 400 px from its middle
    inside, outside = FOLDS.rays([[320 + 133.2, 256]]), FOLDS.rays([[320 + 133.5, 256], [600, 256], [10, 10]])
    assert inside[0, 0] == pytest.approx(0.5, abs=0.02)
    assert inside[0, 0] < 0.5
    assert np.isnan(outside[:, :2]).all()
    assert np.isnan(FOLDS.project([[0.51, 0, 1]])).all()
    assert FOLDS.usable == pytest.approx(np.pi * 133.3**2 / (640 * 512), abs=0.02)
    assert "folds in 8" in str(FOLDS)
    assert LENS.usable == 1
    assert "folds" not in str(LENS)


def test_outside_the_picture_there_is_no_ray() -> None:
    rays = LENS.rays([[0, 0], [640, 512], [-0.9, 10], [-1.1, 10], [10, 513.1], [np.nan, 10]])
    assert np.isfinite(rays[:3]).all()
    assert np.isnan(rays[3:]).any(axis=1).all()


def test_a_crop_looks_the_same_way() -> None:
    crop = LENS.cropped((100, 50, 320, 256))
    assert (crop.width, crop.height) == (320, 256)
    points = grid(crop, 5)
    assert crop.rays(points) == pytest.approx(LENS.rays(points + np.array([100, 50])))
    with pytest.raises(InputError, match=r"crop \(400, 0, 320, 256\) reaches out of the picture, which is 640x512"):
        LENS.cropped((400, 0, 320, 256))


def test_a_smaller_copy_looks_the_same_way() -> None:
    half = LENS.scaled(320, 256)
    assert half.rays(grid(half, 5)) == pytest.approx(LENS.rays(grid(half, 5) * 2))


def test_data_sheets() -> None:
    camera = CameraModel.from_lens(640, 512, focal_mm=9.0, pitch_um=12.0)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (750, 750, 320, 256)
    wide = CameraModel.from_fov(640, 512, 90.0)
    assert (wide.fx, wide.fy) == pytest.approx((320, 320))
    assert wide.fov_deg == pytest.approx((90, 2 * math.degrees(math.atan(0.8))))
    assert CameraModel.from_fov(640, 512, 90.0, vertical_deg=90.0).fy == pytest.approx(256)
    assert CameraModel.from_fov(300, 400, diagonal_deg=90.0).fx == pytest.approx(250)
    assert camera_of_profile("boson", 640, 512, 9.0) == CameraModel.from_lens(640, 512, 9.0, 12.0, "boson")
    assert camera_of_profile("infiray", 256, 192, 4.3).width == 256
    assert camera_of_profile("lepton", 80, 60, 1.7).fx == pytest.approx(100)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CameraModel(640, 512, 0.0, 1, 1, 1), "focal length 0, 1 px: expected positive"),
        (lambda: CameraModel(640, 512, 1, 1, float("nan"), 1), "expected finite numbers"),
        (lambda: CameraModel(640, 512, 1, 1, 1, 1, (0.1,) * 8), "8 distortion coefficients: expected up to 5"),
        (lambda: CameraModel.from_lens(640, 512, 9.0, 0.0), "9 mm on pixels of 0 um: expected a pitch of 1 to 100 um"),
        (lambda: CameraModel.from_lens(640, 512, 9.0, 0.012), "on pixels of 0.012 um: expected a pitch of 1 to 100 um"),
        (lambda: CameraModel.from_lens(640, 512, 9.0, 12000), "on pixels of 12000 um: expected a pitch of 1 to 100 um"),
        (lambda: CameraModel.from_lens(640, 512, 0.009, 12), "lens of 0.009 mm on pixels of 12 um: expected a focal"),
        (lambda: CameraModel.from_lens(640, 512, 9000, 12), "expected a focal length of 1 to 2000 mm"),
        (lambda: CameraModel.from_fov(640, 512, 180.0), "horizontal field of view 180.0 deg"),
        (lambda: CameraModel.from_fov(640, 512, 0.2), "horizontal field of view 0.2 deg: expected 0.3 or more"),
        (lambda: CameraModel.from_fov(640, 512), "expected the horizontal one"),
        (lambda: CameraModel.from_fov(640, 512, 50.0, diagonal_deg=60.0), "expected the horizontal one"),
        (lambda: camera_of_profile("generic", 640, 512, 9.0), "camera 'generic' has no profile with a lens"),
        (lambda: camera_of_profile("boson", 640, 514, 9.0), "picture 640x514: expected 320x256, 640x512, whole"),
    ],
)
def test_what_cannot_be_a_camera(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        make()  # type: ignore[operator]


def test_fewer_coefficients_are_filled_up() -> None:
    assert CameraModel(640, 512, 1, 1, 1, 1, (0.1, 0.2)).distortion == (0.1, 0.2, 0, 0, 0)
