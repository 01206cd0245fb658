from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.data import Frame, RawDetections
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor, to_detections
from edge.thermal.normalise import DEFAULT_16BIT, Normaliser, normalise


def raw(boxes: list[list[float]], scores: list[float]) -> RawDetections:
    return RawDetections(np.array(boxes, np.float32), np.array(scores, np.float32), np.zeros(len(boxes), np.int32))


@pytest.fixture
def preprocess(tiny_bundle: Path) -> Preprocessor:
    return Preprocessor(Bundle.load(tiny_bundle))


def test_8_bit_of_the_models_size_passes_untouched(preprocess: Preprocessor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80), np.uint8)
    picture, image, _ = preprocess.forward(Frame(pixels, 0, 0.0))
    assert (picture == pixels).all()
    assert (image == pixels).all()


def test_16_bit_is_normalised_as_the_bundle_says(preprocess: Preprocessor) -> None:
    pixels = np.random.default_rng(0).integers(29000, 31000, (64, 80), np.uint16)
    picture, image, _ = preprocess.forward(Frame(pixels, 0, 0.0))
    assert (picture == normalise(pixels, DEFAULT_16BIT)).all()
    assert image.shape == (64, 80)


@pytest.mark.parametrize("flagged", [True, False])
def test_the_normaliser_starts_afresh_after_the_shutter(preprocess: Preprocessor, flagged: bool) -> None:
    """One that nobody flagged is known by the pictures that it froze."""
    before = np.random.default_rng(0).integers(29000, 31000, (64, 80), np.uint16)
    after = before + np.uint16(700)  # still within the old window
    preprocess.forward(Frame(before, 0, 0.0))
    if flagged:
        preprocess.forward(Frame(before, 1, 0.1, flags=frozenset({"ffc"})))
    picture, _, _ = preprocess.forward(Frame(after, 2, 0.2, flags=frozenset() if flagged else frozenset({"resumed"})))
    assert (picture == Normaliser(DEFAULT_16BIT)(after)).all()


def test_padding_is_the_grey_of_the_training_mean(preprocess: Preprocessor) -> None:
    _, image, _ = preprocess.forward(Frame(np.full((40, 80), 9, np.uint8), 0, 0.0))
    assert set(np.unique(image[:40])) == {9}
    assert set(np.unique(image[40:])) == {102}  # trained mean 0.4 of 255


def test_rows_below_the_threshold_and_padding_rows_are_left_out(preprocess: Preprocessor) -> None:
    frame = Frame(np.zeros((64, 80), np.uint8), 0, 0.0)
    _, _, box = preprocess.forward(frame)
    engine_says = raw([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0]], [0.9, 0.4, 0.0])
    assert len(to_detections(engine_says, box, 0.5, frame)) == 1
    assert len(to_detections(engine_says, box, 0.0, frame)) == 2
    assert len(to_detections(None, box, 0.0, frame)) == 0


def test_boxes_in_the_padding_never_leave_the_frame(preprocess: Preprocessor) -> None:
    frame = Frame(np.zeros((40, 80), np.uint8), 0, 0.0)
    _, _, box = preprocess.forward(frame)
    found = to_detections(raw([[10, 30, 20, 50], [10, 45, 20, 60]], [0.9, 0.8]), box, 0.5, frame)
    assert found.boxes.tolist() == [[10, 30, 20, 40]]
