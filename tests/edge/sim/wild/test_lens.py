"""Size in the picture from altitude and focal length; distortion and its inverse; blur that keeps the energy."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.sim.wild.lens import Lens, black_edges, blurred, undistorted
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene, draw_scene

PLAIN = replace(draw_scene(np.random.default_rng(0)), pitch=-90.0, roll=0.0, k1=0.0, rectified=False)


def scene(**changes: float) -> Scene:
    return replace(PLAIN, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("altitude", "focal"), [(40.0, 758.0), (80.0, 758.0), (40.0, 1470.0)])
def test_two_metres_on_the_ground_are_focal_length_over_altitude_pixels(altitude: float, focal: float) -> None:
    ends = np.array([[-1.0, 0, 0], [1.0, 0, 0]])
    image, depth = Lens(scene(altitude=altitude, focal=focal)).project(ends)
    assert image[1, 0] - image[0, 0] == pytest.approx(2 * focal / altitude)
    assert depth == pytest.approx([altitude, altitude])
    assert image.mean(axis=0) == pytest.approx([WIDTH / 2, HEIGHT / 2])
    # obliquely the ground is farther away, and what lies along the view is shortened once more
    tilted = Lens(scene(altitude=altitude, focal=focal, pitch=-45.0))
    across, along = (np.ptp(tilted.project(e)[0], axis=0).max() for e in (ends, ends[:, [1, 0, 2]]))
    assert across == pytest.approx(2 * focal / (altitude * math.sqrt(2)))
    assert along == pytest.approx(across * math.sqrt(0.5), rel=0.01)


@pytest.mark.parametrize("changes", [{}, {"pitch": -50.0}, {"k1": -0.2, "focal": 700.0}, {"roll": 5.0, "pitch": -70.0}])
def test_the_ground_below_a_pixel_is_projected_into_it(changes: dict[str, float]) -> None:
    lens = Lens(scene(altitude=60.0, **changes))
    rows, columns = np.array([3, 100, 256, 400, 508]), np.array([5, 630, 320, 200, 77])
    ground = lens.ground[rows, columns].astype(np.float64)
    image, _ = lens.project(np.column_stack((ground, np.zeros(5))))
    assert np.abs(image - np.column_stack((columns + 0.5, rows + 0.5))).max() < 0.35


def test_distortion_is_that_of_opencv() -> None:
    lens = Lens(scene(k1=-0.2, focal=700.0, altitude=50.0))
    points = np.array([[10.0, -8.0, 0], [-15, 12, 1.0], [3, 2, 0.5]])
    camera = (points - lens.centre) @ lens.axes.T
    matrix = np.array([[700.0, 0, WIDTH / 2], [0, 700, HEIGHT / 2], [0, 0, 1]])
    expected, _ = cv2.projectPoints(camera, np.zeros(3), np.zeros(3), matrix, np.array([-0.2, 0, 0, 0.0]))
    assert lens.project(points)[0] == pytest.approx(expected[:, 0], abs=1e-6)
    seen = (lens.project(points)[0] - [WIDTH / 2, HEIGHT / 2]) / 700
    assert undistorted(seen, -0.2) == pytest.approx(camera[:, :2] / camera[:, 2:], abs=1e-6)


def test_a_rectified_frame_has_black_edges_in_the_middle_of_its_sides_only() -> None:
    edges = black_edges(scene(k1=-0.2, focal=700.0))
    assert not edges[20:-20, 40:-40].any()
    assert 0 < edges.mean() < 0.08
    straight = Lens(replace(PLAIN, k1=-0.2, rectified=True))
    assert straight.k1 == 0.0


@pytest.mark.parametrize(("sigma", "motion"), [(0.8, 0.0), (0.6, 3.0), (1.4, 2.0)])
def test_blur_keeps_the_energy(sigma: float, motion: float) -> None:
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 100.0
    seen = blurred(dot, sigma, motion, 0.0)
    assert seen.sum() == pytest.approx(100.0, rel=1e-3)
    across, along = (float((seen.sum(axis=a) * (np.arange(41) - 20) ** 2).sum() / 100) for a in (1, 0))
    assert math.sqrt(across) == pytest.approx(sigma, abs=0.15 + 0.1 * bool(motion))
    # a line of length m has the variance m^2 / 12
    assert along == pytest.approx(across + motion**2 / 12, abs=0.25)
