"""Sensor frames to model input, and the model's boxes back to sensor pixels: one pair, exact inverses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.data import Detections, Float32, Frame, Pixels, RawDetections
from edge.model.bundle import Bundle
from edge.model.letterbox import Letterbox, fill_of
from edge.model.normalisers import Normalisers
from edge.model.thresholds import Thresholds
from edge.model.tiling import Tiling
from edge.thermal.normalise import Normaliser
from edge.thermal.temperature import box_temperatures


class Preprocessor:
    """Makes the model's input exactly as in training: normalise, then letterbox. One per flight."""

    def __init__(self, bundle: Bundle, independent: bool = False, tiling: Tiling | None = None) -> None:
        """``independent``: the frames do not follow each other in time: each is normalised as the first. ``tiling``:
        the engine cuts the picture into tiles itself, so it gets the whole one as it is, normalised once.
        """
        self._bundle, self._independent, self._tiling = bundle, independent, tiling
        self._specs = Normalisers(bundle.normalise_8bit, bundle.normalise_16bit)
        self._normalisers: dict[np.dtype[np.generic], Normaliser] = {}  # by the depths that the flight has had
        self._letterbox: Letterbox | None = None

    def for_bundle(self, bundle: Bundle, tiling: Tiling | None = None) -> Preprocessor:
        """One for another bundle; it remembers what this one does where both normalise alike."""
        new, old = Preprocessor(bundle, self._independent, tiling), self._bundle
        if (bundle.normalise_8bit, bundle.normalise_16bit) == (old.normalise_8bit, old.normalise_16bit):
            new._normalisers = self._normalisers
        return new

    def forward(self, frame: Frame) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], Letterbox]:
        """``(picture (H, W) uint8 in sensor pixels, image (H, W) uint8 in model pixels, their mapping)``.

        For an engine that cuts frames into tiles the image is the picture.
        """
        bundle, box = self._bundle, self._letterbox
        if box is None or (box.width, box.height) != (frame.width, frame.height):
            size = (frame.width, frame.height) if self._tiling else (bundle.width, bundle.height)
            box = Letterbox(frame.width, frame.height, *size, fill_of(bundle.trained_mean))
            self._letterbox = box
        normaliser = self._normaliser(frame.pixels)
        if self._independent or "resumed" in frame.flags:
            normaliser.reset()
        picture = normaliser(frame.pixels, frame.temperature)
        if frame.shutter_closed:
            normaliser.reset()  # counts step when the shutter opens
        if frame.mask is not None:
            picture = np.where(frame.mask, np.uint8(box.fill), picture)
        return picture, box.forward(picture), box

    def _normaliser(self, pixels: Pixels) -> Normaliser:
        if pixels.dtype not in self._normalisers:
            self._normalisers[pixels.dtype] = Normaliser(self._specs.pick(pixels))
        return self._normalisers[pixels.dtype]


def to_detections(
    raw: RawDetections | None,
    letterbox: Letterbox,
    threshold: float | Thresholds,
    frame: Frame,
    min_size_px: float = 0.0,
) -> Detections:
    """What the engine found, in sensor pixels: scores of ``threshold`` and more, padding rows left out.

    ``min_size_px``: boxes whose longer side is shorter are left out, sensor pixels. ``frame``: what it was
    found in; where that has a temperature scale, each detection gets its temperatures, and where it has a mask, those
    whose centre lies in it are left out.
    """
    if raw is None:
        return Detections.none(letterbox.width, letterbox.height)
    shown = Thresholds.of(threshold).shown(raw.scores, raw.labels) & (raw.scores > 0)
    boxes = raw.boxes[shown]
    if not len(boxes):  # as in most frames of a survey
        celsius = box_temperatures(frame, boxes)
        return Detections(boxes, raw.scores[:0], raw.labels[:0], letterbox.width, letterbox.height, celsius=celsius)
    boxes, kept = letterbox.inverse(boxes)
    kept &= (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= min_size_px
    if frame.mask is not None:
        kept &= ~_hidden(frame.mask, boxes)
    boxes = boxes[kept]
    return Detections(
        boxes,
        raw.scores[shown][kept],
        raw.labels[shown][kept],
        letterbox.width,
        letterbox.height,
        celsius=box_temperatures(frame, boxes),
    )


def _hidden(mask: npt.NDArray[np.bool_], boxes: Float32) -> npt.NDArray[np.bool_]:
    """(N,) bool: whether the centre of each box, (N, 4) xyxy in pixels of ``mask``, lies where nobody wants to look."""
    height, width = mask.shape
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    return np.asarray(mask[np.minimum(y, height - 1).astype(int), np.minimum(x, width - 1).astype(int)])
