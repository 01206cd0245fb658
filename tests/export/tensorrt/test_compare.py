"""What counts as lost, added and the same, and which frames are compared."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.comparison import LEAST_IOU, MARGIN, Comparison
from export.parity.compare import FLOAT16
from export.tensorrt.compare import FRAMES, TRIED, Seen, judge, look, simulated
from tests.conftest import HEIGHT, WIDTH

THRESHOLD = 0.5
A, B = (10.0, 10.0, 20.0, 20.0), (40.0, 40.0, 60.0, 52.0)
Row = tuple[tuple[float, ...], float, int]


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    """Shown from 0.5, given from 0.02."""
    return dataclasses.replace(Bundle.load(tiny_bundle), graph_score_threshold=0.02)


def rows(*found: Row, finite: bool = True, converged: bool = True) -> RawDetections:
    """Padded to six rows, as a graph gives them."""
    boxes, scores, labels = np.zeros((6, 4), np.float32), np.zeros(6, np.float32), np.zeros(6, np.int32)
    for i, (box, score, label) in enumerate(found):
        boxes[i], scores[i], labels[i] = box, score, label
    return RawDetections(boxes, scores, labels, converged, finite)


def judged(bundle: Bundle, reference: RawDetections, engine: RawDetections) -> Comparison:
    image = np.full((HEIGHT, WIDTH), 7, np.uint8)
    return judge(bundle, Seen("frames", [image], [reference]), [engine], {"tensorrt": "10.3.0"})


def test_the_same(bundle: Bundle) -> None:
    found = rows((A, 0.9, 0), (B, 0.3, 1))
    said = judged(bundle, found, found)
    assert (said.both, said.lost, said.added, said.below, said.below_both) == (1, 0, 0, 1, 1)
    assert (said.most_box_px, said.most_score, said.least_iou) == (0, 0, 1)
    assert said.refusals == said.doubts == []
    assert said.frames_sha256 == "04e510dea1a8d661f8c273a4681ed7fe7e896006109de523d7a22f9a6f7e2656"


@pytest.mark.parametrize(
    ("score", "engine", "lost"),
    [
        (0.9, 0.51, 0),  # still shown: no loss, and told as a difference
        (0.9, 0.49, 1),  # no longer shown, and not by rounding
        (0.51, 0.49, 0),  # carried across the threshold by less than the margin
        (0.52, 0.489, 1),  # by more than the margin
        (0.501, None, 1),  # where there was something, there is nothing at all
    ],
)
def test_lost_is_what_is_no_longer_shown_by_more_than_rounding(
    bundle: Bundle, score: float, engine: float | None, lost: int
) -> None:
    other = rows((A, engine, 0)) if engine else rows()
    assert judged(bundle, rows((A, score, 0)), other).lost == lost
    assert judged(bundle, other, rows((A, score, 0))).added == lost  # and the other way round


def test_each_class_is_compared_at_its_own_score(bundle: Bundle) -> None:
    own = dataclasses.replace(bundle, classes=("Person", "Deer"), score_thresholds={"Deer": 0.2})
    found = rows((A, 0.9, 0), (B, 0.3, 1))
    said = judged(own, found, rows((A, 0.9, 0)))
    assert (said.both, said.lost, said.below) == (1, 1, 0)
    assert (said.threshold, said.thresholds) == (0.2, {"Person": 0.5, "Deer": 0.2})
    assert judged(own, rows((A, 0.3, 0)), rows((A, 0.3, 0))).doubts == [
        "the 1 frames hold no detection with a score of 0.5 (Deer 0.2) or more"
    ]
    assert judged(own, rows((A, 0.21, 1)), rows((A, 0.19, 1))).lost == 0
    assert judged(own, rows((A, 0.24, 1)), rows((A, 0.19, 1))).lost == 1
    assert judged(bundle, found, found).thresholds == {}


def test_just_above_a_graph_that_ends_there_nobody_can_tell(bundle: Bundle) -> None:
    ends = dataclasses.replace(bundle, graph_score_threshold=0.48)
    assert judged(ends, rows((A, 0.505, 0)), rows()).lost == 0
    assert judged(ends, rows((A, 0.53, 0)), rows()).lost == 1


def test_another_class_is_lost_and_added(bundle: Bundle) -> None:
    said = judged(bundle, rows((A, 0.9, 0)), rows((A, 0.9, 1)))
    assert (said.both, said.lost, said.added) == (0, 1, 1)
    assert said.refusals == ["it loses 1 of the 1 detections that ONNX Runtime finds"]
    assert said.doubts == ["detections that only the engine finds: 1"]


def test_a_moved_box(bundle: Bundle) -> None:
    near, far = (11.0, 10.0, 21.0, 20.5), (14.0, 10.0, 24.0, 20.0)
    said = judged(bundle, rows((A, 0.9, 0)), rows((near, 0.88, 0)))
    assert (said.both, said.most_box_px) == (1, 1.0)
    assert said.most_score == pytest.approx(0.02)
    assert said.least_iou == pytest.approx(90 / 115)
    assert said.doubts == ["a box overlaps its partner by 0.78, expected 0.9 or more"]
    assert judged(bundle, rows((A, 0.9, 0)), rows((far, 0.9, 0))).lost == 1  # an IoU of 60 / 140


def test_a_score_that_moved_more_than_rounding_is_told(bundle: Bundle) -> None:
    said = judged(bundle, rows((A, 0.9, 0)), rows((A, 0.8, 0)))
    assert said.refusals == []
    assert said.doubts == ["a score differs by 0.100, expected 0.03 or less"]


def test_suppression_at_its_limit_goes_either_way(bundle: Bundle) -> None:
    """Two boxes of one class that overlap by the threshold of NMS: one form keeps both, the other the better one."""
    close = (10.0, 10.0, 20.0, 15.1)  # IoU 0.51 with A
    pair = rows((A, 0.9, 0), (close, 0.8, 0))
    tied = dataclasses.replace(bundle, nms_thresholds={"nms": 0.51})
    assert judged(tied, pair, rows((A, 0.9, 0))).lost == 0
    assert judged(tied, pair, rows((close, 0.8, 0))).lost == 1  # the better one does not go for the worse
    assert judged(dataclasses.replace(bundle, nms_thresholds={"nms": 0.6}), pair, rows((A, 0.9, 0))).lost == 1
    other_class = rows((A, 0.9, 0), (close, 0.8, 1))
    assert judged(tied, other_class, rows((A, 0.9, 0))).lost == 1


def test_numbers_that_are_not_finite(bundle: Bundle) -> None:
    said = judged(bundle, rows((A, 0.3, 0)), rows((A, 0.3, 0), finite=False))
    assert said.refusals == ["its numbers are not finite in 1 of 1 frames"]
    both = rows(finite=False)
    assert judged(bundle, both, both).overflowed == 0  # the model's own fault


def test_suppression_that_did_not_settle_is_told(bundle: Bundle) -> None:
    said = judged(bundle, rows((A, 0.9, 0)), rows((A, 0.9, 0), converged=False))
    assert said.doubts == ["suppression of double boxes did not settle in 1 of 1 frames"]


def test_frames_without_anything_shown_still_compare_what_is_below(bundle: Bundle) -> None:
    boxes = [(10.0 * i, 0.0, 10.0 * i + 9, 9.0) for i in range(6)]
    weak = rows(*((box, 0.2, 0) for box in boxes))
    said = judged(bundle, weak, rows(*((box, 0.19, 0) for box in boxes)))
    assert (said.empty, said.below, said.below_both, said.most_score) == (True, 6, 6, pytest.approx(0.01))
    assert said.doubts == ["the 1 frames hold no detection with a score of 0.5 or more"]
    assert said.refusals == []
    assert judged(bundle, weak, rows()).refusals == ["of 6 weaker detections, below the score 0.5, it gives 0"]
    assert judged(bundle, weak, rows(*((box, 0.2, 0) for box in boxes[:3]))).refusals == []  # half of them
    assert judged(bundle, weak, rows(*((box, 0.2, 0) for box in boxes[:2]))).refusals != []
    few = rows((A, 0.2, 0), (B, 0.2, 0))
    assert judged(bundle, few, rows()).refusals == []  # suppression alone may have taken them
    noise = rows((A, 0.04, 0))  # within the margin of the graph's own threshold
    assert judged(bundle, noise, rows()).below == 0


def test_the_margins_are_those_of_the_check_of_a_bundle() -> None:
    assert (FLOAT16.score, FLOAT16.iou) == (MARGIN, LEAST_IOU)


# ---- which frames ----


def still(folder: Path, name: str, hot: bool) -> None:
    picture = np.full((HEIGHT, WIDTH), 60, np.uint8)
    if hot:
        picture[8:16, 8:16] = 255
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), picture)


def test_those_with_most_in_them_in_their_order(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle, folder = Bundle.load(tiny_bundle), tmp_path / "frames"
    for i in range(12):
        still(folder, f"{i:02}", hot=i >= 7)
    looks: list[int] = []
    with OrtEngine(bundle) as engine:
        seen = look(bundle, engine, str(folder), lambda: looks.append(1))
    assert len(looks) == 12
    shown = [int((found.scores >= 0.5).sum()) for found in seen.found]
    assert shown == [0, 0, 0, 1, 1, 1, 1, 1]
    assert seen.origin == str(folder)
    assert all(image.shape == (HEIGHT, WIDTH) for image in seen.images)


def test_enough_is_enough(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle, looks = Bundle.load(tiny_bundle), []
    for i in range(30):  # every second one is taken
        still(tmp_path / "frames", f"{i:02}", hot=True)
    with OrtEngine(bundle) as engine:
        seen = look(bundle, engine, str(tmp_path / "frames"), lambda: looks.append(1))
    assert len(looks) == len(seen.images) == FRAMES


def test_simulated_frames_are_of_the_models_size(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    source = simulated(bundle)
    assert source == "sim:live=0,fps=0.5,ffc_interval=0,frames=24,width=80,height=64"
    with OrtEngine(bundle) as engine:
        seen, again = (look(bundle, engine, source, lambda: None) for _ in range(2))
    assert len(seen.images) == FRAMES < TRIED
    assert all(np.array_equal(a, b) for a, b in zip(seen.images, again.images, strict=True))
    assert "width=2048,height=32" in simulated(dataclasses.replace(bundle, width=4096, height=8))


def test_no_frames_and_a_live_source(tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    with OrtEngine(bundle) as engine, pytest.raises(InputError, match="is live: expected a folder of stills"):
        look(bundle, engine, "sim:width=32,height=32", lambda: None)
