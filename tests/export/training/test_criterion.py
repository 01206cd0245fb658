"""The losses of training are torchvision's, but for regions that count neither way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from export.training.augment import Crop
from export.training.criterion import LOSSES, DetectionCriterion, without_ignored
from export.training.prepare import prepare_for_training
from tests.support.tiny_training import NONE, assert_same_gradients, crops, detector


def test_losses_and_gradients_are_those_of_torchvision() -> None:
    plain, ours = detector().train(), detector()
    prepare_for_training(ours)
    for model in (plain, ours):  # every region and every sample: rounding decides nothing, and chance neither
        model.rpn._pre_nms_top_n["training"] = model.rpn._post_nms_top_n["training"] = 10**5
        model.rpn.fg_bg_sampler.batch_size_per_image = model.roi_heads.fg_bg_sampler.batch_size_per_image = 10**6
    images = [torch.from_numpy(c.pixels)[None].float().expand(3, -1, -1) / 255 for c in crops()]
    targets = [{"boxes": torch.from_numpy(c.boxes), "labels": torch.from_numpy(c.labels + 1)} for c in crops()]
    expected, found = plain(images, targets), DetectionCriterion(ours)(crops())
    assert set(found) == set(LOSSES) == set(expected)
    for name in LOSSES:
        torch.testing.assert_close(
            found[name], expected[name], rtol=1e-4, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )
    for values in (expected, found):
        torch.stack(list(values.values())).sum().backward()
    assert_same_gradients(ours, plain)


def test_an_ignored_region_is_no_background() -> None:
    ignored = torch.tensor([[0.0, 0, 32, 64]])
    boxes = torch.tensor([[4.0, 4, 12, 12], [40, 4, 48, 12], [20, 4, 40, 12], [4, 4, 12, 12]])
    labels = without_ignored([torch.tensor([0.0, 0, 0, 1])], [boxes], [ignored])[0]
    # inside; outside; 12 of 20 columns inside; an object stays one
    assert labels.tolist() == [-1, 0, -1, 1]


def test_no_loss_comes_from_an_ignored_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the RPN nor the RoI heads sample background there."""
    model = detector()
    prepare_for_training(model)
    sampled: list[tuple[Tensor, Tensor]] = []  # boxes and labels that are sampled from
    for part in (model.rpn, model.roi_heads):
        name = "assign_targets_to_anchors" if part is model.rpn else "assign_targets_to_proposals"
        assign, sample = getattr(part, name), part.fg_bg_sampler
        seen: list[Tensor] = []

        def watched(boxes: list[Tensor], *more: object, assign: object = assign, seen: list[Tensor] = seen) -> object:
            seen.append(boxes[0])
            return assign(boxes, *more)  # type: ignore[operator]

        def sampling(labels: list[Tensor], sample: object = sample, seen: list[Tensor] = seen) -> object:
            sampled.append((seen.pop(), labels[0]))
            return sample(labels)  # type: ignore[operator]

        monkeypatch.setattr(part, name, watched)
        monkeypatch.setattr(part, "fg_bg_sampler", sampling)
    crop = Crop(np.full((64, 64), 100, np.uint8), NONE, np.zeros(0, np.int64), np.array([[0, 0, 32, 64]], np.float32))
    losses = DetectionCriterion(model)([crop])
    assert all(torch.isfinite(value) for value in losses.values())
    assert len(sampled) == 2
    for boxes, labels in sampled:
        inside = (boxes[:, 0] >= 0) & (boxes[:, 2] <= 32) & (boxes[:, 1] >= 0) & (boxes[:, 3] <= 64)
        assert inside.any()
        assert (labels[inside] == -1).all()
        assert (labels[~inside] == 0).any()
