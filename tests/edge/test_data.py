from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Detections, Frame, TemperatureScale
from edge.errors import CameraError, InputError


def detections(boxes: object, **changes: object) -> Detections:
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    fields: dict[str, object] = {
        "boxes": array,
        "scores": np.full(len(array), 0.5, np.float32),
        "labels": np.zeros(len(array), np.int32),
        "width": 100,
        "height": 50,
    }
    return Detections(**{**fields, **changes})  # type: ignore[arg-type]


def test_box_may_touch_the_border() -> None:
    assert len(detections([[0, 0, 100, 50]])) == 1


@pytest.mark.parametrize(
    "box",
    [
        [-0.01, 0, 1, 1],
        [0, 0, 100.1, 1],
        [5, 0, 5, 1],
        [6, 0, 5, 1],
        [0, 9, 5, 9],
        [0, 0, 5, 51],
        [np.nan, 0, 1, 1],
    ],
)
def test_box_outside_or_empty_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= x1 < x2 <= 100"):
        detections([box])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.array([1.5], np.float32)}, "expected 0..1"),
        ({"scores": np.array([np.nan], np.float32)}, "expected 0..1"),
        ({"scores": np.array([0.5])}, "float64"),
        ({"labels": np.array([-1], np.int32)}, "label -1"),
        ({"labels": np.array([0, 1], np.int32)}, r"labels is int32 \(2,\)"),
        ({"celsius": np.zeros((1, 2), np.float32)}, "celsius"),
    ],
)
def test_wrong_field_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detections([[0, 0, 1, 1]], **changes)


def test_none_is_empty() -> None:
    assert len(Detections.none(640, 512)) == 0


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4), np.uint8)]
)
def test_frame_refuses_what_is_no_thermal_image(pixels: np.ndarray) -> None:
    with pytest.raises(CameraError, match="expected \\(height, width\\) uint8 or uint16"):
        Frame(pixels, 0, 0.0)


def test_frame_knows_its_flags() -> None:
    with pytest.raises(ValueError, match="unknown frame flags"):
        Frame(np.zeros((4, 4), np.uint8), 0, 0.0, flags=frozenset({"shutter"}))


def test_tlinear_golden() -> None:
    # FLIR TLinear, 0.01 K a count: 30000 counts = 300 K = 26.85 degrees C
    scale = TemperatureScale(0.01)
    assert scale.celsius(30000) == pytest.approx(26.85)
    assert scale.counts(26.85) == pytest.approx(30000)
    assert scale.kelvin_per_count(30000) == 0.01


@given(gain=st.floats(1e-4, 10), offset=st.floats(-500, 500), counts=st.integers(0, 65535))
def test_temperature_round_trip(gain: float, offset: float, counts: int) -> None:
    scale = TemperatureScale(gain, offset)
    assert scale.counts(scale.celsius(counts)) == pytest.approx(counts, abs=1e-3, rel=1e-9)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_scale_is_refused(gain: float) -> None:
    with pytest.raises(InputError, match="temperature scale"):
        TemperatureScale(gain)
