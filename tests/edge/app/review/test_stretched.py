"""A dark picture is shown from black to white, and one in which nothing is stays calm."""

from __future__ import annotations

import cv2
import numpy as np

from edge.app.review.stretched import LEAST_RANGE, stretched


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def shown(pixels: np.ndarray) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(stretched(png(pixels)), np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_dark_one_is_from_black_to_white_in_the_same_order() -> None:
    grey = np.linspace(10, 60, 48 * 48).astype(np.uint8).reshape(48, 48)
    found = shown(grey)
    assert (found.min(), found.max(), found.shape, found.dtype) == (0, 255, (48, 48), np.uint8)
    assert (np.diff(found.ravel().astype(int)) >= 0).all()
    assert len(np.unique(found)) > 40


def test_a_single_bright_pixel_does_not_keep_it_dark() -> None:
    grey = np.tile(np.array([20, 40], np.uint8), (48, 24))
    grey[5, 5] = 255
    found = shown(grey)
    assert set(np.unique(found)) == {0, 255}


def test_where_nothing_is_noise_stays_faint() -> None:
    found = shown(np.tile(np.array([100, 101], np.uint8), (48, 24)))
    assert int(found.max()) - int(found.min()) <= 255 / LEAST_RANGE + 1
    assert (shown(np.full((8, 8), 7, np.uint8)) == 128).all()


def test_what_is_no_grey_png_is_given_as_it_is() -> None:
    for data in (
        b"", b"no picture", png(np.zeros((4, 4), np.uint16)), png(np.zeros((4, 4, 3), np.uint8)),
        png(np.zeros((4, 2000), np.uint8)),
    ):  # fmt: skip
        assert stretched(data) == data
