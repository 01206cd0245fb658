"""Which of an engine's rows become detections, each limit from both sides; and what the graph promises."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Frame, RawDetections, TemperatureScale
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.graph_io import deviations, outputs, signature
from edge.model.letterbox import Letterbox
from edge.model.transform import Preprocessor, to_detections

SAME = Letterbox(80, 64, 80, 64, 0)


def rows(*boxes: tuple[float, float, float, float], scores: list[float] | None = None) -> RawDetections:
    count = len(boxes)
    return RawDetections(
        np.array(boxes, np.float32), np.array(scores or [0.5] * count, np.float32), np.arange(count, dtype=np.int32)
    )


def frame(mask: np.ndarray | None = None, scale: TemperatureScale | None = None) -> Frame:
    pixels = np.full((64, 80), 28315, np.uint16)  # 10 deg C
    pixels[20, 30] = 30315
    return Frame(pixels, 0, 0.0, mask=mask, temperature=scale)


def labels(raw: RawDetections, threshold: float = 0.25, size: float = 0.0, mask: np.ndarray | None = None) -> list[int]:
    return to_detections(raw, SAME, threshold, frame(mask), size).labels.tolist()


def test_the_threshold_itself_is_shown_and_a_score_of_nothing_never() -> None:
    box = (1.0, 2.0, 9.0, 12.0)
    raw = rows(box, box, box, box, scores=[0.5, 0.25, 0.2499, 0.0])
    assert labels(raw, 0.25) == [0, 1]
    assert labels(raw, 0.0) == [0, 1, 2]
    assert to_detections(raw, SAME, 0.25, frame()).scores.tolist() == [0.5, 0.25]


def test_the_longer_side_is_measured_in_pixels_of_the_sensor() -> None:
    raw = rows((30, 10, 38, 12), (30, 10, 32, 18), (30, 10, 37.75, 17.75))
    assert labels(raw, size=8) == [0, 1]
    assert labels(raw, size=7.75) == [0, 1, 2]
    assert len(to_detections(rows((1, 1, 1.25, 1.25)), SAME, 0.25, frame())) == 1  # nothing said: of any size
    twice = Letterbox(40, 32, 80, 64, 0)  # 8 px of the model are 4 px of the sensor
    assert to_detections(raw, twice, 0.25, Frame(np.zeros((32, 40), np.uint16), 0, 0.0), 4.0).labels.tolist() == [0, 1]


def test_where_the_centre_lies_in_the_mask_nothing_is_shown() -> None:
    mask = np.zeros((64, 80), np.bool_)
    mask[20:22, 30:33] = True
    at = [(30.0, 20.0), (32.9, 21.9), (29.9, 20.0), (33.0, 20.0), (30.0, 19.9), (30.0, 22.0)]
    raw = rows(*((x - 3, y - 2, x + 3, y + 2) for x, y in at))
    assert labels(raw, mask=mask) == [2, 3, 4, 5]
    assert labels(raw) == [0, 1, 2, 3, 4, 5]
    beside = rows((90, 70, 95, 75), (-9, -9, -5, -5), (90, 10, 95, 20), (10, 70, 20, 75), (10, 10, 20, 20))
    assert labels(beside, mask=mask) == [4]  # what lies outside is at no pixel of the mask


def test_a_masked_pixel_is_the_grey_of_the_training_mean(tiny_bundle: Path) -> None:
    mask = np.zeros((64, 80), np.bool_)
    mask[3, 5] = True
    picture, _, _ = Preprocessor(Bundle.load(tiny_bundle)).forward(frame(mask))
    assert picture[3, 5] == 102  # trained mean 0.4 of 255
    mask[3, 5] = False
    unmasked, _, _ = Preprocessor(Bundle.load(tiny_bundle)).forward(frame(mask))
    assert np.argwhere(picture != unmasked).tolist() == [[3, 5]]


def test_with_a_scale_each_has_its_temperatures() -> None:
    raw = rows((30, 20, 31, 21), (0, 0, 9, 9), (29, 20, 31, 21), scores=[0.9, 0.1, 0.8])
    found = to_detections(raw, SAME, 0.25, frame(scale=TemperatureScale(0.01)))
    assert found.celsius is not None
    np.testing.assert_allclose(found.celsius, [[30, 30, 30], [10, 20, 30]], atol=1e-4)
    assert to_detections(raw, SAME, 0.25, frame()).celsius is None


def test_frames_that_do_not_follow_each_other_are_each_the_first(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    a, b = (np.random.default_rng(i).integers(29000 + 300 * i, 30000 + 300 * i, (64, 80), np.uint16) for i in (0, 1))
    fresh, _, _ = Preprocessor(bundle).forward(Frame(b, 1, 0.1))
    for independent in (True, False):
        one = Preprocessor(bundle, independent=True) if independent else Preprocessor(bundle)
        one.forward(Frame(a, 0, 0.0))
        for again in (one, one.for_bundle(bundle)):
            assert (again.forward(Frame(b, 1, 0.1))[0] == fresh).all() == independent


def test_a_change_of_size_changes_the_mapping(tiny_bundle: Path) -> None:
    preprocess = Preprocessor(Bundle.load(tiny_bundle))
    for height, width in ((64, 80), (32, 80), (32, 40), (64, 80)):
        picture, image, box = preprocess.forward(Frame(np.full((height, width), 9, np.uint8), 0, 0.0))
        assert (picture.shape, image.shape, box.width, box.height) == ((height, width), (64, 80), width, height)


# ---- the letterbox at its limits


@pytest.mark.parametrize(("fill", "fits"), [(-1, False), (0, True), (255, True), (256, False)])
def test_fill_is_a_grey_level(fill: int, fits: bool) -> None:
    if fits:
        assert Letterbox(1, 1, 2, 1, fill).forward(np.full((1, 1), 7, np.uint8)).tolist() == [[7, fill]]
    else:
        with pytest.raises(InputError, match=f"fill is {fill}: expected a grey level"):
            Letterbox(1, 1, 2, 1, fill)


@pytest.mark.parametrize("at", range(4))
def test_no_side_is_less_than_a_pixel(at: int) -> None:
    sides = [1, 1, 1, 1]
    Letterbox(*sides, 0)
    sides[at] = 0
    with pytest.raises(InputError, match="expected 1 pixel or more"):
        Letterbox(*sides, 0)


def test_a_thin_picture_keeps_a_pixel() -> None:
    wide, high = Letterbox(1000, 1, 10, 10, 3), Letterbox(1, 1000, 10, 10, 3)
    assert (wide.scale_x, wide.scale_y) == (0.01, 1.0)
    assert (high.scale_x, high.scale_y) == (1.0, 0.01)
    assert wide.forward(np.full((1, 1000), 9, np.uint8)).tolist() == [[9] * 10, *[[3] * 10] * 9]
    assert high.forward(np.full((1000, 1), 9, np.uint8)).tolist() == [[9, *[3] * 9]] * 10


@pytest.mark.parametrize("factor", [0.3, 0.7, 0.9, 1.1, 1.5, 1.9, 2.1])
def test_a_larger_picture_is_averaged_and_a_smaller_one_interpolated(factor: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 100), np.uint8)
    height, width = round(50 * factor), round(100 * factor)
    out = Letterbox(100, 50, width, height, 0).forward(image)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    assert (out == cv2.resize(image, (width, height), interpolation=method)).all()


@pytest.mark.parametrize("shape", [(49, 100), (50, 99), (51, 100), (50, 101), (100, 50)])
def test_a_picture_of_another_shape_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"this letterbox was made for uint8 \(50, 100\)"):
        Letterbox(100, 50, 200, 100, 0).forward(np.zeros(shape, np.uint8))


# ---- what the graph promises


def test_a_signature_is_compared_tensor_by_tensor(tiny_bundle: Path) -> None:
    expected = signature(Bundle.load(tiny_bundle))
    assert list(expected) == ["image", "boxes", "scores", "labels", "converged"]
    found = {name: (mode, shape, dtypes[0]) for name, (mode, shape, dtypes) in expected.items()}
    assert found == {
        "image": ("INPUT", (1, 64, 80, 1), "UINT8"),
        "boxes": ("OUTPUT", (1, 4, 4), "FLOAT"),
        "scores": ("OUTPUT", (1, 4), "FLOAT"),
        "labels": ("OUTPUT", (1, 4), "INT32"),
        "converged": ("OUTPUT", (1,), "INT32"),
    }
    assert deviations(found, expected) == []
    assert deviations({**found, "converged": ("OUTPUT", (1,), "BOOL")}, expected) == []
    assert deviations({**found, "more": ("OUTPUT", (1,), "BOOL")}, expected) == ["more, which is unknown"]
    assert deviations({}, outputs(4)) == ["no boxes", "no scores", "no labels", "no converged"]
    promised = " where model.json promises OUTPUT FLOAT (1, 4)"
    for wrong in (("INPUT", (1, 4), "FLOAT"), ("OUTPUT", (1, 5), "FLOAT"), ("OUTPUT", (1, 4), "INT32")):
        assert deviations({**found, "scores": wrong}, expected) == [
            f"scores {wrong[0]} {wrong[2]} {wrong[1]}{promised}"
        ]
    either = " where model.json promises OUTPUT INT32 or BOOL (1,)"
    assert deviations({**found, "converged": ("OUTPUT", (1,), "FLOAT")}, expected) == [
        f"converged OUTPUT FLOAT (1,){either}"
    ]
