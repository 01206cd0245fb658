"""What training changes in a detector leaves its numbers as they are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import box_iou

from export.training.criterion import LOSSES, DetectionCriterion
from export.training.prepare import overlap, prepare_for_training
from tests.support.tiny_training import crops, detector


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
