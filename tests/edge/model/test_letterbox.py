"""Letterbox: forward and inverse are a pair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.model.letterbox import Letterbox

sizes = st.integers(1, 1300)
fractions = st.floats(0, 1, width=32)


def grey(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def test_equal_sizes_return_the_very_image() -> None:
    image = grey(512, 640)
    assert Letterbox(640, 512, 640, 512, 114).forward(image) is image


def test_a_smaller_image_is_scaled_up_top_left_with_the_fill_below() -> None:
    box = Letterbox(160, 120, 640, 512, 77)  # x4 = 640 x 480, 32 rows left
    image = grey(120, 160)
    out = box.forward(image)
    assert out.shape == (512, 640)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out[:480], cv2.resize(image, (640, 480), interpolation=cv2.INTER_LINEAR))
    assert (out[480:] == 77).all()


def test_a_larger_image_is_averaged_so_that_one_hot_pixel_survives() -> None:
    image = np.zeros((1024, 1280), np.uint8)
    image[501, 333] = 200
    out = Letterbox(1280, 1024, 640, 512, 0).forward(image)
    assert out[250, 166] == 50  # a quarter of the 2x2 block
    assert np.count_nonzero(out) == 1


def test_padding_alone_leaves_the_pixels_untouched() -> None:
    image = grey(480, 640)
    out = Letterbox(640, 480, 640, 512, 5).forward(image)
    np.testing.assert_array_equal(out[:480], image)
    assert (out[480:] == 5).all()


def test_a_picture_and_a_box_around_its_target_move_together() -> None:
    image = np.zeros((300, 500), np.uint8)
    image[60:120, 100:200] = 255
    box = Letterbox(500, 300, 640, 512, 0)
    ys, xs = np.nonzero(box.forward(image) > 127)
    found = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
    sensor, keep = box.inverse(found)
    assert keep.all()
    np.testing.assert_allclose(sensor, [[100, 60, 200, 120]], atol=0.5 / min(box.scale_x, box.scale_y))


@given(sizes, sizes, sizes, sizes, st.lists(st.tuples(*[fractions] * 4), max_size=20))
def test_round_trip(w: int, h: int, model_w: int, model_h: int, parts: list[tuple[float, ...]]) -> None:
    box = Letterbox(w, h, model_w, model_h, 0)
    boxes = np.array(parts, np.float32).reshape(-1, 4) * np.array([w, h, w, h], np.float32)
    there = boxes * np.array([box.scale_x, box.scale_y, box.scale_x, box.scale_y])
    back, keep = box.inverse(there.astype(np.float32))
    assert back.dtype == np.float32
    assert keep.shape == (len(boxes),)
    np.testing.assert_allclose(back, boxes, atol=1e-3)


@given(sizes, sizes, sizes, sizes)
def test_the_image_fits_and_fills_one_side(w: int, h: int, model_w: int, model_h: int) -> None:
    box = Letterbox(w, h, model_w, model_h, 0)
    fitted_w, fitted_h = round(box.scale_x * w), round(box.scale_y * h)
    assert 1 <= fitted_w <= model_w
    assert 1 <= fitted_h <= model_h
    assert fitted_w == model_w or fitted_h == model_h
    # the proportions are kept to the rounding of the short side
    assert abs(box.scale_x * w - w * min(model_w / w, model_h / h)) <= 1
    assert abs(box.scale_y * h - h * min(model_w / w, model_h / h)) <= 1


@pytest.mark.parametrize(("w", "h"), [(1, 1), (1, 700), (700, 1), (3, 2), (640, 513)])
def test_any_sensor_shape_gives_the_model_shape(w: int, h: int) -> None:
    assert Letterbox(w, h, 64, 48, 9).forward(grey(h, w)).shape == (48, 64)


def test_boxes_are_clipped_and_what_collapses_is_marked() -> None:
    box = Letterbox(640, 480, 640, 512, 0)
    boxes = np.array(
        [
            [10, 20, 30, 40],
            [-5, -6, 700, 511],  # reaches out on all sides
            [10, 490, 30, 505],  # wholly in the fill
            [700, 10, 720, 20],  # outside
            [30, 10, 30, 20],  # no width
            [30, 20, 40, 10],  # turned over
            [np.nan, 10, 20, 20],
            [-np.inf, -np.inf, np.inf, np.inf],
        ],
        np.float32,
    )
    sensor, keep = box.inverse(boxes)
    assert keep.tolist() == [True, True, False, False, False, False, False, True]
    np.testing.assert_array_equal(
        sensor[keep], np.array([[10, 20, 30, 40], [0, 0, 640, 480], [0, 0, 640, 480]], np.float32)
    )


def test_no_boxes() -> None:
    sensor, keep = Letterbox(640, 480, 320, 256, 0).inverse(np.zeros((0, 4), np.float32))
    assert sensor.shape == (0, 4)
    assert keep.shape == (0,)


def test_refusals_say_what_came_and_what_was_wanted() -> None:
    with pytest.raises(InputError, match="0x480 image into a 640x512"):
        Letterbox(0, 480, 640, 512, 0)
    with pytest.raises(InputError, match=r"fill is 256: expected a grey level 0\.\.255"):
        Letterbox(640, 480, 640, 512, 256)
    box = Letterbox(640, 480, 640, 512, 0)
    with pytest.raises(InputError, match=r"uint8 \(512, 640\).*made for uint8 \(480, 640\)"):
        box.forward(grey(512, 640))
    with pytest.raises(InputError, match=r"uint16 \(480, 640\)"):
        box.forward(np.zeros((480, 640), np.uint16))  # type: ignore[arg-type]
