"""The static detector finds what torchvision finds."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN, maskrcnn_resnet50_fpn

from edge.errors import InputError
from export.detector.build import build_detector, frc_resnet_fpn
from export.detector.configuration import preset
from export.graph.static import StaticDetector, Target
from export.parity.pairs import Pairs, pair
from tests.export.graph.stages.test_top import earlier_first
from tests.support.narrow import narrow
from tests.support.random_detectors import eager, enliven, static, thermal_scene

HEIGHT, WIDTH = 128, 160
SMALL: dict[str, Any] = {"channels": 16, "representation_size": 32, "min_size": HEIGHT, "max_size": WIDTH}
FEW: dict[str, Any] = {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 200}
TARGETS: tuple[Target, ...] = ("cpu", "tensorrt")
# more than the largest region of a 160 x 128 frame needs, on the finest map of each pyramid
SAMPLES = {"conv1": 8, "layer1": 4, "classic": 1}


def same(pairs: Pairs, ties: float = 0.02) -> None:
    """``ties``: part that may lack a partner. Regions smaller than a map pixel that meet at the border have equal
    features; suppression between equal scores, or within rounding of its threshold, can go either way.
    """
    assert len(pairs.iou) > 5
    assert pairs.lost.sum() + pairs.new.sum() <= ties * len(pairs.iou)
    assert pairs.iou.min() >= 0.99
    assert np.abs(pairs.score_change).max() <= 1e-3


DEPTHS, PYRAMIDS = (18, 34, 50, 101, 152), ("conv1", "layer1", "classic")
# each pyramid, and both kinds of blocks; the first is wide enough for minimal filtering
QUICK = [(18, "conv1", False), (18, "layer1", True), (50, "classic", True)]
WIDE = [(depth, pyramid, False) for depth, pyramid in product(DEPTHS, PYRAMIDS)]


@pytest.mark.parametrize(
    ("depth", "pyramid", "thin"),
    [*QUICK, *(pytest.param(*wide, marks=pytest.mark.slow) for wide in WIDE if wide not in QUICK)],
)
def test_paper_detectors(depth: int, pyramid: Any, thin: bool) -> None:
    scene = thermal_scene(HEIGHT, WIDTH, depth)
    with narrow() if thin else nullcontext():
        model = enliven(frc_resnet_fpn(depth, 3, pyramid, **SMALL, **FEW), scene)
    expected = eager(model, scene)
    for target in TARGETS:
        detector = StaticDetector(model, HEIGHT, WIDTH, target, samples=SAMPLES[pyramid])
        found = static(detector, scene)
        assert found.converged
        assert len(found.scores) == detector.max_detections
        same(pair(expected, found, 0.06, min_iou=0.9), 0.1 if pyramid == "classic" else 0.02)


@pytest.mark.parametrize(
    ("name", "thin"),
    [
        pytest.param("fasterrcnn_resnet50_fpn", False, marks=pytest.mark.slow),  # the next one has all its parts
        pytest.param("fasterrcnn_resnet50_fpn_v2", False, marks=pytest.mark.slow),
        ("fasterrcnn_resnet50_fpn_v2", True),
        ("fasterrcnn_mobilenet_v3_large_fpn", False),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", False),
    ],
)
def test_stock_detectors_with_resizing_and_padding(name: str, thin: bool) -> None:
    """128 x 160 is resized to 150 x 187 and padded to 160 x 192."""
    scene = thermal_scene(HEIGHT, WIDTH)
    configuration = preset(name).changed(classes=5, **{**SMALL, **FEW, "min_size": 150, "max_size": 250})
    with narrow() if thin else nullcontext():
        model = enliven(build_detector(configuration), scene)
    expected = eager(model, scene)
    for target in TARGETS:
        found = static(StaticDetector(model, HEIGHT, WIDTH, target), scene)
        same(pair(expected, found, 0.06, min_iou=0.9), 0.1)


@pytest.fixture(scope="module")
def small() -> FasterRCNN:
    with narrow():
        model = frc_resnet_fpn(18, 2, "layer1", **SMALL, **FEW, sampling_ratio=2)
    return enliven(model, thermal_scene(HEIGHT, WIDTH), seed=1)


@pytest.fixture(scope="module")
def made(small: FasterRCNN) -> dict[Target, StaticDetector]:
    """To be asked, not to be changed."""
    return {target: StaticDetector(small, HEIGHT, WIDTH, target) for target in TARGETS}


def test_other_frames_than_the_first(small: FasterRCNN, made: dict[Target, StaticDetector]) -> None:
    rng = np.random.default_rng(0)
    scenes = [thermal_scene(HEIGHT, WIDTH, seed) for seed in (1, 2)]
    # noise of all grey levels is so far from what the norms were set on that some processors' rounding moves a box
    scenes += [rng.integers(96, 160, (HEIGHT, WIDTH), np.uint8), np.full((HEIGHT, WIDTH), 255, np.uint8)]
    for scene in scenes:
        expected = eager(small, scene)
        for detector in made.values():
            same(pair(expected, static(detector, scene), 0.06, min_iou=0.9))


@pytest.mark.parametrize("target", TARGETS)
def test_boxes_lie_in_the_frame_and_some_touch_its_border(made: dict[Target, StaticDetector], target: Target) -> None:
    found = static(made[target], thermal_scene(HEIGHT, WIDTH))
    boxes = found.boxes[found.scores > 0]
    assert (boxes >= 0).all()
    assert (boxes[:, [0, 2]] <= WIDTH).all()
    assert (boxes[:, [1, 3]] <= HEIGHT).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert ((boxes == 0) | (boxes == [WIDTH, HEIGHT, WIDTH, HEIGHT])).any()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_found_is_all_zero(
    made: dict[Target, StaticDetector], target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made[target].postprocess, "score_threshold", 0.9999)
    found = static(made[target], thermal_scene(HEIGHT, WIDTH))
    assert found.converged
    for rows in (found.boxes, found.scores, found.labels):
        assert not rows.any()


def test_equal_scores_and_identical_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that answers the same everywhere: every score is equal, and the earlier box goes first.

    With a topk as ONNX has it, for torch's own gives equal values in any order; that ONNX Runtime's is so, and its
    suppression too, show `test_top` and `test_nms`.
    """
    few = {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 100}
    with narrow():
        model = frc_resnet_fpn(18, 1, "layer1", **SMALL, **few, sampling_ratio=2)
    enliven(model, thermal_scene(HEIGHT, WIDTH))
    for layer in (model.roi_heads.box_predictor.cls_score, model.roi_heads.box_predictor.bbox_pred):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    scene = thermal_scene(HEIGHT, WIDTH)
    expected = eager(model, scene)
    assert len(set(expected.scores)) == 1
    monkeypatch.setattr(torch.Tensor, "topk", earlier_first)
    for target in TARGETS:
        found = static(StaticDetector(model, HEIGHT, WIDTH, target), scene)
        assert found.converged
        same(pair(expected, found, 0.06, min_iou=0.9))


def test_rounds_that_do_not_suffice_are_told(small: FasterRCNN) -> None:
    scene = thermal_scene(HEIGHT, WIDTH)
    assert not static(StaticDetector(small, HEIGHT, WIDTH, rounds=2), scene).converged


def test_candidates_left_out_that_might_matter_are_told(small: FasterRCNN) -> None:
    scene = thermal_scene(HEIGHT, WIDTH)
    detector = StaticDetector(small, HEIGHT, WIDTH)
    detector.postprocess.candidates = detector.max_detections  # too few: some are suppressed, others were left out
    assert not static(detector, scene).converged


def test_the_users_model_stays_as_it_is(small: FasterRCNN) -> None:
    before = {name: value.clone() for name, value in small.state_dict().items()}
    for target in TARGETS:
        StaticDetector(small, HEIGHT, WIDTH, target)
    after = small.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_in_evaluation_mode_also_after_the_exporter_put_modes_back(
    made: dict[Target, StaticDetector], target: Target
) -> None:
    assert not any(module.training for module in made[target].modules())


@pytest.mark.parametrize(("height", "width"), [(500, 640), (512, 650), (0, 64), (1056, 1280), (1024, 1312)])
def test_sizes_that_are_no_multiple_of_the_stride(small: FasterRCNN, height: int, width: int) -> None:
    with pytest.raises(InputError, match="multiple of 32"):
        StaticDetector(small, height, width)


def test_topk_beyond_tensorrt(small: FasterRCNN) -> None:
    model = deepcopy(small)
    model.rpn._pre_nms_top_n["testing"] = 4000
    with pytest.raises(InputError, match="3840"):
        StaticDetector(model, HEIGHT, WIDTH)
    assert StaticDetector(model, HEIGHT, WIDTH, "cpu").max_detections == 100


def test_unsupported_parts_are_named(small: FasterRCNN) -> None:
    with torch.device("meta"):  # without 44 million random numbers
        mask = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    with pytest.raises(InputError, match="MaskRCNN|mask head"):
        StaticDetector(mask, HEIGHT, WIDTH)
    model = deepcopy(small)
    model.roi_heads.box_predictor = nn.Linear(4, 4)
    with pytest.raises(InputError, match=r"box_predictor is a Linear.*FastRCNNPredictor"):
        StaticDetector(model, HEIGHT, WIDTH)
    with pytest.raises(InputError, match="expected a torchvision FasterRCNN"):
        StaticDetector(nn.Identity(), HEIGHT, WIDTH)  # type: ignore[arg-type]


def test_weights_that_overflow(small: FasterRCNN) -> None:
    model = deepcopy(small)
    torch.nn.init.constant_(model.backbone.body.conv1.weight, 1e38)
    with pytest.raises(InputError, match="overflow"):
        StaticDetector(model, 64, 64)


@pytest.mark.parametrize("samples", [0, -1, 17])
def test_samples_out_of_range(small: FasterRCNN, samples: int) -> None:
    with pytest.raises(InputError, match=r"expected 1\.\.16"):
        StaticDetector(small, 64, 64, samples=samples)
