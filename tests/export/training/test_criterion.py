"""The losses of training are torchvision's, but for regions that count neither way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.ops import box_iou

from export.detector.build import frc_resnet_fpn
from export.training.augment import Crop
from export.training.criterion import LOSSES, DetectionCriterion, without_ignored
from export.training.norms import fold_frozen_norms
from export.training.prepare import overlap, prepare_for_training

NONE = np.zeros((0, 4), np.float32)


def detector() -> FasterRCNN:
    """Of 64 x 64 pictures; frozen norms that do something."""
    torch.manual_seed(0)
    model = frc_resnet_fpn(
        18, 2, channels=8, representation_size=16, sampling_ratio=2, image_mean=(0.4,) * 3, image_std=(0.2,) * 3,
        min_size=64, max_size=64,
    )  # fmt: skip
    rng = torch.Generator().manual_seed(1)
    for value in model.buffers():
        value.copy_(torch.rand(value.shape, generator=rng) + 0.5)
    return model


def crops() -> list[Crop]:
    rng = np.random.default_rng(0)
    boxes = np.array([[5, 5, 17, 29], [40, 30, 55, 41], [8, 44, 14, 50]], np.float32)
    labels = np.array([0, 1, 1], np.int64)
    pictures = rng.integers(0, 256, (2, 64, 64), np.uint8)
    return [Crop(pictures[0], boxes, labels, NONE), Crop(pictures[1], boxes[:1], labels[:1], NONE)]


def assert_same_gradients(found: nn.Module, expected: nn.Module) -> None:
    for (name, b), a in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert a.grad is not None, name
        assert b.grad is not None, name
        largest = float(a.grad.abs().max())
        torch.testing.assert_close(
            b.grad, a.grad, rtol=1e-3, atol=1e-5 * largest + 1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )


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


def test_mixed_precision_is_near_and_for_training_alone() -> None:
    exact, mixed = detector(), detector()
    for model in (exact, mixed):
        prepare_for_training(model, mixed=model is mixed)
    found = {m: DetectionCriterion(m)(crops()) for m in (exact, mixed)}
    for name in LOSSES:
        assert found[mixed][name].dtype == torch.float32
        assert found[mixed][name] != found[exact][name], f"{name}: no product was in bfloat16"
    for model in (exact, mixed):  # of the maps: which regions are sampled is a matter of rounding
        model.zero_grad()
        image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        maps = model.backbone(image)
        assert {m.dtype for m in maps.values()} == {torch.float32}
        torch.stack([m.square().mean() for m in maps.values()]).sum().backward()
    for (name, b), a in zip(mixed.backbone.named_parameters(), exact.backbone.parameters(), strict=True):
        assert a.grad is not None, name
        assert b.grad is not None, name
        assert b.grad.dtype == torch.float32
        direction = torch.cosine_similarity(b.grad.flatten(), a.grad.flatten(), dim=0)
        assert direction > 0.98, f"{name}: {float(direction)}"
        assert float(b.grad.norm() / a.grad.norm()) == pytest.approx(1, abs=0.05), name
    image = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(2))]
    with torch.inference_mode():
        (b,), (a,) = mixed.eval()(image), exact.eval()(image)
    for name, value in a.items():
        torch.testing.assert_close(b[name], value, rtol=0, atol=0, msg=name)


@st.composite
def boxes(draw: st.DrawFn) -> Tensor:
    """(N, 4) xyxy on a coarse grid, so that boxes touch, are the same, or have no area."""
    numbers = st.integers(0, 6)
    rows = draw(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=6))
    return torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=torch.float32).reshape(-1, 4) * 1.7


@settings(max_examples=100, deadline=None)
@given(boxes(), boxes())
def test_overlap_is_torchvisions_to_the_bit(first: Tensor, second: Tensor) -> None:
    torch.testing.assert_close(overlap(first, second), box_iou(first, second), rtol=0, atol=0, equal_nan=True)


def test_folded_norms_leave_the_gradients_of_the_weights() -> None:
    plain, folded = detector(), detector()
    fold_frozen_norms(folded)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for model in (plain, folded):
        torch.stack([m.square().mean() for m in model.backbone(image).values()]).sum().backward()
    assert_same_gradients(folded.backbone, plain.backbone)


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
