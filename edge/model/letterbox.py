"""Letterbox: sensor image -> model input of a fixed size, and the model's boxes back to sensor pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.errors import InputError


def fill_of(trained_mean: float) -> int:
    """The grey level that a network takes for nothing. ``trained_mean``: of its training frames, 0..1."""
    return round(trained_mean * 255)


class Letterbox:
    """Scales an image to fit, keeping its proportions, and puts it top-left; the rest is one grey.

    Top-left, so that one factor for each axis is the whole mapping: ``x_model = scale_x * x_sensor`` and
    ``y_model = scale_y * y_sensor``, in pixel edges (0 .. width). The factors differ by the rounding of the
    scaled size to whole pixels.

    ``width``, ``height``: sensor image, pixels. ``model_width``, ``model_height``: model input, pixels.
    ``fill``: grey 0..255 of what the image does not cover.

    Raises InputError where a size is under 1 pixel or ``fill`` is no grey level.
    """

    def __init__(self, width: int, height: int, model_width: int, model_height: int, fill: int) -> None:
        if min(width, height, model_width, model_height) < 1:
            raise InputError(
                f"cannot fit a {width}x{height} image into a {model_width}x{model_height} model input: "
                "expected 1 pixel or more"
            )
        if not 0 <= fill <= 255:
            raise InputError(f"letterbox fill is {fill}: expected a grey level 0..255")
        self.width, self.height = width, height
        self.model_width, self.model_height = model_width, model_height
        self.fill = fill
        self._scale = min(model_width / width, model_height / height)
        self._fitted = (max(round(width * self._scale), 1), max(round(height * self._scale), 1))
        self.scale_x = self._fitted[0] / width
        self.scale_y = self._fitted[1] / height
        self._scales = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y])
        self._corner = np.array([width, height, width, height], np.float32)

    def forward(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """``image`` (height, width) uint8, sensor pixels -> (model_height, model_width) uint8, model pixels.

        Returns ``image`` itself where the two sizes are equal, else a new array.

        Raises InputError where ``image`` is of another shape or type.
        """
        if image.shape != (self.height, self.width) or image.dtype != np.uint8:
            raise InputError(
                f"image is {image.dtype} {image.shape}: this letterbox was made for uint8 {(self.height, self.width)}"
            )
        if image.shape == (self.model_height, self.model_width):
            return image
        fitted = image
        if self._fitted != (self.width, self.height):
            # area averaging keeps small targets that linear sampling would step over
            method = cv2.INTER_AREA if self._scale < 1 else cv2.INTER_LINEAR
            fitted = np.asarray(cv2.resize(image, self._fitted, interpolation=method), np.uint8)
        right, bottom = self.model_width - self._fitted[0], self.model_height - self._fitted[1]
        padded = cv2.copyMakeBorder(fitted, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(self.fill,))
        return np.asarray(padded, np.uint8)

    def inverse(self, boxes: Float32) -> tuple[Float32, npt.NDArray[np.bool_]]:
        """Boxes of the model -> boxes on the sensor.

        ``boxes``: (N, 4) float32 xyxy, model input pixels. Returns ``(boxes, keep)``: (N, 4) float32 xyxy,
        sensor pixels, clipped to 0 <= x <= width and 0 <= y <= height; (N,) bool, False for a box that has no
        area left (it lay in the fill or outside) or is not a number.
        """
        on_sensor = np.clip((boxes / self._scales).astype(np.float32), 0, self._corner)
        x1, y1, x2, y2 = on_sensor.T
        return on_sensor, (x1 < x2) & (y1 < y2)
