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
    plain, ours = detector("layer1").train(), detector("layer1")
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


@pytest.mark.usefixtures("narrow_resnet")
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


WHOLE = np.array([[0, 0, 64, 64]], np.float32)  # a region as large as the crop


def losses_of(crops_: list[Crop]) -> tuple[dict[str, Tensor], torch.nn.Module]:
    """Every region and every sample counts, so that neither rounding nor chance decides."""
    model = detector("layer1")
    prepare_for_training(model)
    model.rpn._pre_nms_top_n["training"] = model.rpn._post_nms_top_n["training"] = 10**5
    model.rpn.fg_bg_sampler.batch_size_per_image = model.roi_heads.fg_bg_sampler.batch_size_per_image = 10**6
    return DetectionCriterion(model)(crops_), model


@pytest.mark.usefixtures("narrow_resnet")
@pytest.mark.parametrize("count", [1, 2])
def test_crops_of_ignored_regions_alone_cost_nothing(count: int) -> None:
    empty = Crop(np.full((64, 64), 100, np.uint8), NONE, np.zeros(0, np.int64), WHOLE)
    losses, model = losses_of([empty] * count)
    assert {name: value.item() for name, value in losses.items()} == dict.fromkeys(LOSSES, 0.0)
    torch.stack(list(losses.values())).sum().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(float(g.abs().max()) == 0 for g in gradients)


@pytest.mark.usefixtures("narrow_resnet")
def test_a_crop_that_is_ignored_does_not_change_the_others_losses() -> None:
    empty = Crop(np.full((64, 64), 100, np.uint8), NONE, np.zeros(0, np.int64), WHOLE)
    alone, _ = losses_of(crops())
    beside, _ = losses_of([*crops(), empty])
    for name in LOSSES:
        torch.testing.assert_close(beside[name], alone[name], rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("narrow_resnet")
def test_crops_of_background_alone_teach_that_nothing_is_there() -> None:
    background = Crop(np.full((64, 64), 100, np.uint8), NONE, np.zeros(0, np.int64), NONE)
    losses, _ = losses_of([background] * 2)
    assert losses["loss_objectness"].item() > 0
    assert losses["loss_classifier"].item() > 0
    assert losses["loss_rpn_box_reg"].item() == losses["loss_box_reg"].item() == 0


@pytest.mark.usefixtures("narrow_resnet")
@pytest.mark.parametrize("part", ["rpn.head.cls_logits", "roi_heads.box_predictor.cls_score"])
def test_weights_that_are_not_finite_show_even_there(part: str) -> None:
    model = detector()
    prepare_for_training(model)
    with torch.no_grad():
        model.get_submodule(part).bias.fill_(float("nan"))
    empty = Crop(np.full((64, 64), 100, np.uint8), NONE, np.zeros(0, np.int64), WHOLE)
    losses = DetectionCriterion(model)([empty])
    assert not torch.isfinite(torch.stack(list(losses.values())).sum())
