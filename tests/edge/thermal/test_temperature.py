from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.commands.main import main
from edge.data import Detections, Frame, Result, TemperatureScale
from edge.measure.detections_json import to_json
from edge.thermal.temperature import box_temperatures
from edge.track.book import _celsius

KELVIN = TemperatureScale(0.01)


def test_of_the_pixels_that_a_box_touches() -> None:
    pixels = np.full((10, 12), 28315, np.uint16)  # 10 deg C
    pixels[4, 5], pixels[4, 6] = 30315, 29315  # 30, 20
    frame = Frame(pixels, 0, 0.0, temperature=KELVIN)
    boxes = np.array([[5, 4, 7, 5], [5.9, 4.2, 6.1, 4.3], [0, 0, 12, 10], [11.5, 9.5, 12, 10]], np.float32)
    found = box_temperatures(frame, boxes)
    assert found is not None
    assert found.dtype == np.float32
    expected = [[20, 25, 30], [20, 25, 30], [10, 10 + 30 / 120, 30], [10, 10, 10]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_pixel_without_a_value_is_no_temperature() -> None:
    pixels = np.full((4, 4), 28315, np.uint16)
    pixels[0], pixels[2:] = 0, 0
    found = box_temperatures(
        Frame(pixels, 0, 0.0, temperature=KELVIN), np.array([[0, 0, 4, 2], [0, 2, 4, 4]], np.float32)
    )
    assert found is not None
    np.testing.assert_allclose(found, [[10] * 3, [np.nan] * 3], atol=1e-4)


def test_a_box_without_any_value_has_no_temperature_in_files(tmp_path: Path) -> None:
    pixels = np.full((8, 8), 28315, np.uint16)
    pixels[4:] = 0
    frame = Frame(pixels, 0, 0.0, temperature=KELVIN)
    boxes = np.array([[0, 4, 4, 8], [0, 0, 4, 4]], np.float32)
    found = Detections(
        boxes, np.full(2, 0.9, np.float32), np.zeros(2, np.int32), 8, 8, celsius=box_temperatures(frame, boxes)
    )
    line = to_json(Result(frame=frame, detections=found, t_result=0.0, picture=pixels.astype(np.uint8)), ("deer",))
    json.dumps(line, allow_nan=False)
    assert [one.get("celsius") for one in line["detections"]] == [None, [10.0, 10.0, 10.0]]
    assert _celsius(found, np.arange(2)) == [None, (10.0, 10.0, 10.0)]


def test_none_without_a_scale_and_no_rows_without_boxes() -> None:
    boxes = np.zeros((0, 4), np.float32)
    assert box_temperatures(Frame(np.zeros((4, 4), np.uint16), 0, 0.0), boxes) is None
    found = box_temperatures(Frame(np.zeros((4, 4), np.uint16), 0, 0.0, temperature=KELVIN), boxes)
    assert found is not None
    assert found.shape == (0, 3)


@given(st.integers(0, 2**32 - 1))
def test_every_valid_box_has_ordered_temperatures(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = Frame(rng.integers(0, 65536, (9, 7)).astype(np.uint16), 0, 0.0, temperature=KELVIN)
    a, b = rng.random((20, 2, 2)).astype(np.float32) * np.float32([7, 9]), rng.random((20, 2, 2)) * [7, 9]
    low, high = np.minimum(a, b).min(1), np.maximum(a, b).max(1)
    found = box_temperatures(frame, np.concatenate([low, high], 1).astype(np.float32))
    assert found is not None
    assert (np.diff(found, axis=1) >= 0).all()


def test_a_run_writes_them_for_each_detection(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = "sim:live=0,frames=3,width=80,height=64,dead=0,ffc_interval=0,people=500"
    assert (
        main(
            [
                "run",
                "--source",
                source,
                "--model",
                str(tiny_bundle),
                "--threshold",
                "0.01",
                "--out",
                str(out),
                "--quiet",
            ]
        )
        == 0
    )
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]
    found = [detection["celsius"] for line in lines for detection in line["detections"]]
    assert len(found) >= 3
    for low, mean, high in found:
        assert -10 < low < mean < high < 60
