"""From class logits to detections: small numbers by hand, one step below and above each limit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import export.graph.stages.postprocess as postprocess
from export.graph.stages.postprocess import Postprocess


def heads(classes: int = 2, score: float = 0.25, nms: float = 0.5, most: int = 3) -> Any:
    return SimpleNamespace(
        box_coder=SimpleNamespace(weights=(10.0, 10.0, 5.0, 5.0), bbox_xform_clip=4.0),
        score_thresh=score,
        nms_thresh=nms,
        detections_per_img=most,
        box_predictor=SimpleNamespace(cls_score=SimpleNamespace(out_features=classes + 1)),
    )


def logits(*rows: tuple[float, ...]) -> torch.Tensor:
    """Whose softmax these rows are."""
    return torch.tensor(rows).log()


BOXES = torch.tensor([[0.0, 0, 20, 10], [40, 10, 60, 15], [80, 10, 90, 30]])


def detect(native: bool, scores: torch.Tensor, boxes: torch.Tensor = BOXES, **more: Any) -> tuple[torch.Tensor, ...]:
    n = len(boxes)
    valid = more.pop("valid", torch.ones(n, dtype=torch.bool))
    stage = Postprocess(heads(**more), n, (40, 100), (0.5, 2.0), native, 20)
    found: tuple[torch.Tensor, ...] = stage(scores, torch.zeros(n, 4 * scores.shape[1]), boxes, valid)
    return found


@pytest.mark.parametrize("native", [True, False])
def test_scores_labels_and_frame_pixels(native: bool) -> None:
    """Across by 0.5, down by 2: frame pixels of network input pixels; the background is no class."""
    boxes, scores, labels, converged = detect(
        native, logits((0.1, 0.2, 0.7), (0.2, 0.75, 0.05), (0.8, 0.1, 0.1)), score=0.15
    )
    assert scores.tolist() == pytest.approx([0.75, 0.7, 0.2])
    assert labels.tolist() == [0, 1, 0]
    assert labels.dtype == torch.int32
    assert boxes.tolist() == [[20, 20, 30, 30], [0, 0, 10, 20], [0, 0, 10, 20]]
    assert converged.tolist() == [True]


@pytest.mark.parametrize("native", [True, False])
def test_what_is_below_the_threshold_is_all_zero(native: bool) -> None:
    quarter = logits((0.5, 0.25, 0.25), (0.49, 0.26, 0.25), (0.9, 0.05, 0.05))
    boxes, scores, labels, _ = detect(native, quarter)
    assert scores.tolist() == pytest.approx([0.26, 0.0, 0.0])
    assert labels.tolist() == [0, 0, 0]
    assert not boxes[1:].any()


@pytest.mark.parametrize("native", [True, False])
def test_what_is_not_valid_or_has_no_side_is_left_out(native: bool) -> None:
    rows = logits(*[(0.1, 0.8, 0.1)] * 3)
    valid = torch.tensor([True, False, True])
    assert detect(native, rows, valid=valid)[1].tolist() == pytest.approx([0.8, 0.8, 0.0])
    thin = torch.tensor([[0.0, 0, 0.011, 5], [40, 10, 40.009, 15], [80, 10, 90, 10.009]])
    assert detect(native, rows, thin)[1].tolist() == pytest.approx([0.8, 0.0, 0.0])
    outside = torch.tensor([[100.0, 0, 120, 10], [0, 40, 20, 60], [90, 35, 120, 60]])  # of 100 x 40
    boxes, scores, _, _ = detect(native, rows, outside)
    assert scores.tolist() == pytest.approx([0.8, 0.0, 0.0])
    assert boxes[0].tolist() == [45, 70, 50, 80]


@pytest.mark.parametrize("native", [True, False])
def test_classes_do_not_suppress_each_other(native: bool) -> None:
    same = BOXES[:1].repeat(2, 1)
    _, scores, labels, _ = detect(native, logits((0.1, 0.5, 0.4), (0.1, 0.45, 0.45)), same, most=4)
    assert scores.tolist() == pytest.approx([0.5, 0.45, 0.0, 0.0])
    assert labels.tolist() == [0, 1, 0, 0]


def test_how_many_come_out_and_go_in() -> None:
    def counts(proposals: int, classes: int, most: int) -> tuple[int, int]:
        stage = Postprocess(heads(classes, most=most), proposals, (1, 1), (1.0, 1.0), False, 1)
        return stage.count, stage.candidates

    assert counts(300, 4, 100) == (100, 1000)
    assert counts(300, 3, 100) == (100, 900)
    assert counts(10, 2, 100) == (20, 20)
    assert counts(2000, 2, 1500) == (1500, 1500)


@pytest.mark.parametrize(("score", "whole"), [(0.25, False), (0.41, True)])
def test_candidates_left_out_that_could_be_shown(score: float, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two: of three that could be shown the two best suppress each other, so one row stays empty."""
    monkeypatch.setattr(postprocess, "CANDIDATES", 2)
    same = torch.tensor([[0.0, 0, 20, 10], [0, 0, 20, 10], [60, 0, 80, 10]])
    rows = logits((0.1, 0.8, 0.1), (0.2, 0.7, 0.1), (0.5, 0.4, 0.1))
    assert detect(False, rows, same, most=2, score=score)[3].tolist() == [whole]
    assert detect(False, rows, BOXES, most=2, score=score)[3].tolist() == [True]  # both rows are taken
