"""Figures by hand, where all are different and lie on the limit or one step beside it; boxes that are not square."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame, Pose, Result, TemperatureScale
from edge.measure.detections_json import header, is_header, to_json
from edge.measure.histogram import LEAST, METHOD, MOST, Histogram
from edge.measure.matching import Tally, iou, match
from edge.measure.meter import Meter, StageTimer, percentiles
from tests.conftest import made


def boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


# ---- overlaps ----


def test_overlap_of_boxes_that_are_not_square() -> None:
    a = boxes([0, 0, 30, 10], [100, 50, 104, 90])
    b = boxes([10, 5, 40, 25], [30, 0, 60, 10], [102, 80, 122, 84])
    # 20 x 5 of 300 + 600; they only touch; 2 x 4 of 160 + 80
    expected = [[100 / 800, 0.0, 0.0], [0.0, 0.0, 8 / 232]]
    assert iou(a, b) == pytest.approx(np.array(expected))
    assert iou(b, a) == pytest.approx(np.array(expected).T)
    assert iou(a, b).dtype == np.float64
    assert iou(boxes(), b).shape == (0, 3)


def test_two_that_touch_at_a_corner_do_not_overlap() -> None:
    assert iou(boxes([0, 0, 4, 4]), boxes([5, 6, 7, 8], [4, 4, 8, 8])).tolist() == [[0.0, 0.0]]


def test_the_first_of_equal_overlaps_is_taken_and_the_preferred_before_it() -> None:
    table = np.array([[0.6, 0.6, 0.9], [0.6, 0.6, 0.0]])
    assert match(table, 0.6).tolist() == [2, 0]
    assert match(table, 0.61).tolist() == [2, -1]
    assert match(table, 0.6, preferred=np.array([False, True, False])).tolist() == [1, 0]
    assert match(table, 0.6, order=[1, 0]).tolist() == [2, 0]
    assert match(table, 0.6, order=[1]).tolist() == [-1, 0]
    assert match(table, 0.6, allowed=np.array([[True, True, False], [True, False, True]])).tolist() == [0, -1]


# ---- what was found ----

TRUE = [0.0, 0.0, 20.0, 10.0]


def tally(box: list[float], ignored: list[bool] | None = None, min_iou: float | None = None) -> Tally:
    counted = Tally() if min_iou is None else Tally(min_iou)
    counted.add(boxes(box), np.ones(1, np.float32), ["deer"], boxes(TRUE), ["deer"], ignored)
    return counted


@pytest.mark.parametrize(("width", "hit"), [(10.0, True), (9.9, False)])
def test_half_an_overlap_is_a_hit(width: float, hit: bool) -> None:
    counted = tally([0, 0, width, 10])  # IoU 0.5 and 0.495
    assert (counted.found, counted.missed, counted.false) == (
        ({"deer": 1}, {}, {}) if hit else ({}, {"deer": 1}, {"deer": 1})
    )
    assert tally([0, 0, width, 10], min_iou=0.4).found == {"deer": 1}


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ([18, 0, 22, 10], True),  # half of it inside, IoU 20 / 220: more than half is asked for
        ([17.9, 0, 21.9, 10], False),
        ([16, 8, 20, 14], True),  # 4 x 2 of 4 x 6
        ([16, 6, 20, 12], False),  # 4 x 4 of 4 x 6
        ([0, 0, 20, 20], False),  # half of it inside, IoU 0.5
        ([0, 0, 20, 20.5], True),
        ([30, 20, 32, 22], True),  # beside it in both directions
        ([30, 2, 32, 4], True),  # and in one
    ],
)
def test_over_an_ignored_region_nothing_counts(box: list[float], counts: bool) -> None:
    counted = tally(box, [True])
    assert (counted.found, counted.missed, counted.false) == ({}, {}, {"deer": 1} if counts else {})


def test_a_region_that_is_met_by_less_than_half_of_the_box_hides_it_from_the_least_overlap_on() -> None:
    """The region's 200 pixels in a box of 560: IoU 0.357."""
    assert tally([0, 0, 20, 28], [True], min_iou=0.35).false == {}
    assert tally([0, 0, 20, 28], [True], min_iou=0.36).false == {"deer": 1}


def test_an_ignored_region_of_another_class_hides_too_and_a_true_box_beside_it_counts() -> None:
    counted = Tally()
    counted.add(
        boxes([1, 1, 9, 5], [40, 0, 60, 10]),
        np.array([0.9, 0.8], np.float32),
        ["car", "deer"],
        boxes(TRUE, [40, 0, 60, 10], [80, 0, 90, 10]),
        ["deer", "deer", "car"],
        [True, False, False],
    )
    assert (counted.found, counted.missed, counted.false) == ({"deer": 1}, {"car": 1}, {})


def test_each_count_of_a_class_and_of_all() -> None:
    counted = Tally(found={"deer": 3, "fox": 8}, missed={"deer": 1, "hare": 2}, false={"fox": 4, "deer": 6})
    assert counted.to_json() == {
        "deer": {"found": 3, "missed": 1, "false": 6, "recall": 0.75, "precision": 3 / 9},
        "fox": {"found": 8, "missed": 0, "false": 4, "recall": 1.0, "precision": 8 / 12},
        "hare": {"found": 0, "missed": 2, "false": 0, "recall": 0.0, "precision": None},
        "all": {"found": 11, "missed": 3, "false": 10, "recall": 11 / 14, "precision": 11 / 21},
    }
    assert list(counted.to_json()) == ["deer", "fox", "hare", "all"]


def test_counts_add_up_over_frames() -> None:
    counted = Tally()
    for _ in range(3):
        counted.add(boxes(TRUE), np.ones(1, np.float32), ["deer"], boxes(TRUE, [50, 0, 60, 9]), ["deer", "deer"])
    assert (counted.found, counted.missed, counted.false) == ({"deer": 3}, {"deer": 3}, {})


def test_of_equal_scores_the_first_detection_takes_the_box() -> None:
    counted = Tally(0.3)
    good, poor = TRUE, [0.0, 0.0, 10.0, 10.0]
    true = boxes(TRUE, [0, 0, 9, 10])
    counted.add(boxes(poor, good), np.array([0.5, 0.5], np.float32), ["deer", "deer"], true, ["deer", "deer"])
    assert counted.found == {"deer": 2}
    counted.add(boxes(good, good), np.array([0.5, 0.5], np.float32), ["deer", "fox"], boxes(TRUE), ["fox"])
    assert (counted.found, counted.false) == ({"deer": 2, "fox": 1}, {"deer": 1})


# ---- percentiles ----


def counted(*values: float) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def test_extremes_of_what_is_told_apart() -> None:
    """0.0001 to 100 million, as `METHOD`'s error holds there: below is 0, above is the extreme."""
    assert (LEAST, MOST) == (0.0001, 100_000_000.0)
    assert counted(0.00009, 0.00009, 5.0).percentiles([25]) == [pytest.approx(0.00009)]  # no less than the least
    small = counted(-1.0, 0.00009, 0.00011, 5.0).percentiles([100 / 3, 200 / 3])
    assert small == [0.0, pytest.approx(0.00011, rel=1e-3)]
    large = counted(1.0, 0.9e8, 1.1e8, 3e9).percentiles([100 / 3])
    assert large == [pytest.approx(0.9e8, rel=1e-3)]
    assert "DDSketch" in METHOD


def test_percentiles_between_two_values() -> None:
    """Linear, as numpy's: of 10, 20, 40, 80 the 50th is 30, the 10th 13, the 90th 68."""
    found = counted(40.0, 10.0, 80.0, 20.0).percentiles([0, 10, 50, 90, 100])
    assert found == [10.0, *(pytest.approx(v, rel=1e-3) for v in (13.0, 30.0, 68.0)), 80.0]


def test_the_sign_of_what_is_counted() -> None:
    histogram = counted(-8.0, -4.0, -2.0, 0.0, 1.0)
    assert histogram.percentiles([25, 50, 75]) == [pytest.approx(v, rel=1e-3) for v in (-4.0, -2.0)] + [0.0]
    assert (histogram.count, histogram.minimum, histogram.maximum, histogram.mean) == (5, -8.0, 1.0, -2.6)
    assert counted(0.0, 0.0).mean == 0.0


def test_a_bucket_is_a_thousandth_wide_and_as_far_off_on_both_sides() -> None:
    off = []
    for k in range(1000):
        value = 1.0 * 1.00004**k
        off.append(counted(0.5, value, 2.0).percentiles([50])[0] / value - 1)
    assert 0.0008 < max(off) < 0.001
    assert -0.001 < min(off) < -0.0008
    assert math.isclose(np.mean(off), 0.0, abs_tol=5e-5)


# ---- rates and times ----


def result(t_capture: float, t_result: float, inferred: bool = True, **stages: float) -> Result:
    pixels = np.zeros((4, 6), np.uint8)
    frame = Frame(pixels, 0, t_capture)
    return made(frame, Detections.none(6, 4), t_result, pixels, stages_ms=stages, inferred=inferred)


def test_by_default_one_result_warms_up_and_the_last_ones_are_recent() -> None:
    meter = Meter()
    for i in range(301):
        late = 5.0 if i == 0 else 0.010 if i < 201 else 0.020
        meter.add(result(float(i), i + late))
    assert meter.results == 301
    assert meter.fps == pytest.approx(299 / (300.020 - 1.010))
    assert meter.recent_fps == pytest.approx(1.0)
    assert meter.recent_latency_ms == {"p50": 10.0, "p95": 20.0}
    one_more = Meter()
    for i in range(762):
        late = 0.010 if i < 662 else 0.020
        one_more.add(result(float(i), i + (9.0 if i < 100 else late)))
    assert one_more.recent_latency_ms == {"p50": 10.0, "p95": 20.0, "p99": 20.0}  # the 663rd from the end is gone
    assert one_more.recent_fps == pytest.approx(1.0)
    one_more.add(result(762.0, 763.5))
    assert one_more.recent_fps == pytest.approx(99 / (763.5 - 663.02))  # of the last hundred


def test_what_was_not_looked_at_is_counted_and_not_recent() -> None:
    meter = Meter(warmup=0)
    meter.add(result(0.0, 0.5, inferred=False))
    assert (meter.results, meter.recent_fps, meter.recent_latency_ms) == (1, None, {})
    meter.add(result(1.0, 1.5))
    assert (meter.recent_fps, meter.fps) == (None, None)
    meter.add(result(2.0, 3.5))
    assert (meter.recent_fps, meter.fps) == (0.5, 0.5)
    meter.add(result(3.0, 3.5))
    assert meter.fps == 1.0


def test_results_of_one_moment_have_no_rate() -> None:
    meter = Meter(warmup=0)
    for _ in range(3):
        meter.add(result(1.0, 2.0))
    assert (meter.fps, meter.recent_fps) == (None, None)


def test_milliseconds_have_three_digits() -> None:
    assert percentiles([1.23456]) == {"p50": 1.235}
    assert percentiles([]) == {}
    meter = Meter(warmup=0)
    meter.add(result(1.0, 1.0123456, wait=7.65432, infer=2.0))
    assert meter.latency_ms == {"p50": 12.346}
    assert meter.stages_ms == {"wait": {"p50": 7.654}, "infer": {"p50": 2.0}}


def test_each_stage_of_a_frame_stands_under_its_name() -> None:
    times = iter([1.0, 1.002, 1.005])
    timer = StageTimer(lambda: next(times))
    assert (timer.end("wait"), timer.end("infer")) == (1.002, 1.005)
    found = timer.stages({"h2d": 0.25, "execute": 1.5}, 7.0)
    expected = {"wait": 2.0, "infer": 3.0, "engine.h2d": 0.25, "engine.execute": 1.5, "consumer": 7.0}
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)


# ---- a line of detections.jsonl ----


def line(**more: Any) -> dict[str, Any]:
    frame = Frame(
        np.zeros((40, 60), np.uint16),
        7,
        12.3456789,
        utc=datetime(2026, 5, 1, 4, 30, 0, 250_999, timezone.utc),
        flags=frozenset({"repaired", "ffc", "ffc_inferred"}),
        temperature=TemperatureScale(0.01),
        origin="a.png",
    )
    found = Detections(
        boxes([1.234, 2.344, 30.456, 4.567], [5, 6, 7, 8]),
        np.array([0.87654, 0.5], np.float32),
        np.array([1, 0], np.int32),
        60,
        40,
        track_ids=np.array([11, -1], np.int32),
        celsius=np.array([[1.234, 2.345, 3.456], [4.0, 5.0, 6.0]], np.float32),
        positions=np.array([[47.12345678, 8.98765432, 3.14], [-1.0, -2.0, 0.55]], np.float64),
    )
    return to_json(made(frame, found, 12.4, np.zeros((40, 60), np.uint8), **more), ("deer", "fox"))


def test_every_number_of_a_line_stands_under_its_name_with_its_digits() -> None:
    assert line() == {
        "seq": 7,
        "t": 12.345679,
        "utc": "2026-05-01T04:30:00.250+00:00",
        "flags": ["ffc", "repaired"],
        "origin": "a.png",
        "detections": [
            {
                "box": [1.23, 2.34, 30.46, 4.57],
                "score": 0.8765,
                "label": 1,
                "class": "fox",
                "track": 11,
                "celsius": [1.23, 2.35, 3.46],
                "position": [47.1234568, 8.9876543, 3.1],
            },
            {
                "box": [5.0, 6.0, 7.0, 8.0],
                "score": 0.5,
                "label": 0,
                "class": "deer",
                "celsius": [4.0, 5.0, 6.0],
                "position": [-1.0, -2.0, 0.6],
            },
        ],
    }


def test_a_position_that_is_none_is_left_out() -> None:
    """JSON has no NaN, of which the ray of a box that was refused is made."""
    found = Detections(
        boxes([1, 2, 3, 4], [5, 6, 7, 8]),
        np.ones(2, np.float32),
        np.zeros(2, np.int32),
        60,
        40,
        positions=np.array([[np.nan, np.nan, np.nan], [1.0, 2.0, 3.0]]),
    )
    frame = Frame(np.zeros((40, 60), np.uint8), 7, 12.0)
    first, second = to_json(made(frame, found, 12.4, np.zeros((40, 60), np.uint8)), ("deer",))["detections"]
    assert "position" not in first
    assert second["position"] == [1.0, 2.0, 3.0]


def test_what_the_engine_did_not_see_or_could_not_tell_is_said() -> None:
    assert {"inferred", "overflowed"}.isdisjoint(line())
    assert line(inferred=False)["inferred"] is False
    assert "overflowed" not in line(inferred=False)
    assert line(finite=False)["overflowed"] is True
    assert "inferred" not in line(finite=False)


def test_the_first_line_names_width_and_height() -> None:
    frame = Frame(np.zeros((40, 60), np.uint8), 0, 0.0)
    first = header(made(frame, Detections.none(60, 40), 0.1, frame.pixels), ("deer",), "tiny", (1, 2, 60, 40))
    assert first == {
        "format": 1,
        "frame": {"width": 60, "height": 40},
        "crop": [1, 2, 60, 40],
        "classes": ["deer"],
        "model": "tiny",
    }
    assert header(made(frame, Detections.none(60, 40), 0.1, frame.pixels), ("deer",), None, None)["crop"] is None
    flown = {"name": "north", "sha256": "0f"}
    said = header(made(frame, Detections.none(60, 40), 0.1, frame.pixels), ("deer",), None, None, mission=flown)
    assert said["mission"] == flown
    assert "mission" not in first
    assert is_header(first)
    assert not is_header({"seq": 1, "format": 1})
    assert not is_header({"seq": 1})
    assert not is_header({})
    assert not is_header(["format"])


@pytest.mark.parametrize("wrong", ["latitude", "longitude", "height", "yaw", "pitch", "roll"])
def test_a_pose_that_is_not_whole_is_left_out(wrong: str) -> None:
    pose = Pose(47.123456789, 8.0, 60.12345, 90.0, -90.0, 0.0)
    for one, said in ((pose, [47.12345679, 8.0, 60.123, 90.0, -90.0, 0.0]), (replace(pose, **{wrong: math.nan}), None)):
        pixels = np.zeros((4, 4), np.uint8)
        result = made(Frame(pixels, 0, 0.0, pose=one), Detections.none(4, 4), 0.1, pixels)
        assert to_json(result, ()).get("pose") == said
