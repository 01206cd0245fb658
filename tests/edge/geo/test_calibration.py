"""Calibration files: as OpenCV writes them, as ROS does, as a program of one's own; and those that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.geo import CameraModel, read_calibration

MATRIX = np.array([[745.5, 0, 318.2], [0, 746.1, 255.9], [0, 0, 1]])
DISTORTION = np.array([[-0.31, 0.12, 0.001, -0.0005, -0.02]])
EXPECTED = (640, 512, 745.5, 746.1, 318.7, 256.4, -0.31, 0.12, 0.001, -0.0005, -0.02)


def written(path: Path, distortion: np.ndarray = DISTORTION, matrix: np.ndarray = MATRIX, width: int = 640) -> Path:
    """As samples/cpp/calibration.cpp of OpenCV does."""
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    file.write("calibration_time", "Tue 03 Nov 2026")
    file.write("image_width", width)
    file.write("image_height", 512)
    file.write("camera_matrix", matrix)
    file.write("distortion_coefficients", distortion)
    file.write("avg_reprojection_error", 0.21)
    file.release()
    return path


def numbers(camera: CameraModel) -> tuple[float, ...]:
    return (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, *camera.distortion)


@pytest.mark.parametrize("name", ["c.yml", "c.yaml", "c.json"])
@pytest.mark.parametrize("columns", [4, 5, 8])
@pytest.mark.parametrize("turned", [False, True])
def test_as_opencv_writes_it(tmp_path: Path, name: str, columns: int, turned: bool) -> None:
    """One row or one column; four coefficients, five, or more that are 0. OpenCV counts from a pixel's middle."""
    distortion = np.pad(DISTORTION, ((0, 0), (0, 3)))[:, :columns]
    camera = read_calibration(written(tmp_path / name, distortion.T if turned else distortion))
    assert numbers(camera) == pytest.approx((*EXPECTED[: 6 + columns], *[0.0] * (5 - columns)))
    assert camera.name == name


ROS = """image_width: 640
image_height: 512
camera_name: boson
camera_matrix:
  rows: 3
  cols: 3
  data: [745.5, 0.0, 318.2, 0.0, 746.1, 255.9, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.31, 0.12, 0.001, -0.0005, -0.02]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
"""


def test_as_ros_writes_it(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(ROS)
    assert numbers(read_calibration(tmp_path / "c.yaml")) == pytest.approx(EXPECTED)


def test_as_a_program_of_ones_own_writes_it(tmp_path: Path) -> None:
    value = {"width": 640, "height": 512, "K": MATRIX.tolist(), "dist_coeffs": DISTORTION[0].tolist()}
    (tmp_path / "c.json").write_text(json.dumps(value))
    assert numbers(read_calibration(tmp_path / "c.json")) == pytest.approx(EXPECTED)


def test_a_ray_is_opencvs(tmp_path: Path) -> None:
    camera = read_calibration(written(tmp_path / "c.yml"))
    theirs = cv2.undistortPoints(np.array([[[100.0, 400.0]]]), MATRIX, DISTORTION)
    assert camera.rays([[100.5, 400.5]])[0, :2] == pytest.approx(theirs.ravel(), abs=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("image_width: 640\n", "", "it has no 'image_width'"),
        ("image_width: 640", "image_width: wide", "image_width is 'wide': expected a whole number"),
        ("image_width: 640", "image_width: 0", "image_width is 0: expected a whole number, 1 or more"),
        ("plumb_bob", "equidistant", "its distortion model is 'equidistant': expected plumb_bob"),
        ("[745.5, 0.0", "[745.5, 3.0", "expected fx 0 cx, 0 fy cy, 0 0 1"),
        ("[745.5, 0.0, ", "[745.5, ", "3x3 and 8 values: expected as many as rows x cols"),
        ("318.2", "700.0", "the optical axis is at 700, 255.9, outside of 640x512"),
        ("745.5", "-745.5", "expected positive ones"),
        ("745.5", ".nan", "camera_matrix"),
        ("745.5", "9.1", "its focal length of 9.1 px makes 177 deg of 640 columns: expected 0.3 to 175 deg"),
        ("745.5", "745500", "its focal length of 745500 px makes 0.0492 deg of 640 columns"),
        ("camera_matrix:\n  rows: 3\n  cols: 3", "camera_matrix:\n  rows: 1\n  cols: 9", "camera_matrix is 1x9"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in ROS
    (tmp_path / "c.yaml").write_text(ROS.replace(old, new))
    with pytest.raises(InputError, match=words) as told:
        read_calibration(tmp_path / "c.yaml")
    assert str(tmp_path / "c.yaml") in str(told.value)
    assert "\n" not in str(told.value)


def test_other_models_of_distortion(tmp_path: Path) -> None:
    rational = np.pad(DISTORTION, ((0, 0), (0, 3)), constant_values=0.1)
    with pytest.raises(InputError, match="8 distortion coefficients: expected k1, k2, p1, p2, k3"):
        read_calibration(written(tmp_path / "c.yml", rational))


@pytest.mark.parametrize(
    "data", [b"", b"\0\1\2", b"{", b"[1, 2]", b"just text", b"%YAML:1.0\n---\na: [1,", b"\xff\xfe"]
)
def test_files_that_are_no_calibration(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "c.yml").write_bytes(data)
    with pytest.raises(InputError, match=r"c\.yml: ") as told:
        read_calibration(tmp_path / "c.yml")
    assert "\n" not in str(told.value)


def test_one_that_is_too_large_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(InputError, match="it is over 1 MiB"):
        read_calibration(tmp_path / "c.yml")
    with pytest.raises(InputError, match="No such file"):
        read_calibration(tmp_path / "none.yml")
