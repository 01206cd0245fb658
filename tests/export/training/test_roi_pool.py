"""The RoIAlign of training is torchvision's: same values, same gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from export.detector.build import frc_resnet_fpn
from export.training.roi_pool import BagRoIAlign, use_bag_pooling

SIZE = (96, 128)


def pyramid(images: int, seed: int) -> dict[str, Tensor]:
    """Strides 4, 8 and 16 of pictures of `SIZE`, and a map that nothing is pooled from."""
    rng = torch.Generator().manual_seed(seed)
    shapes = {"0": (24, 32), "1": (12, 16), "2": (6, 8), "pool": (3, 4)}
    return {n: torch.randn(images, 5, *shape, generator=rng, requires_grad=True) for n, shape in shapes.items()}


def regions(seed: int, count: int) -> Tensor:
    """(count, 4) xyxy: some tiny, some the whole picture, some on its border and of no size."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng) * torch.tensor([128.0, 96.0])
    size = torch.exp(torch.rand(count, 2, generator=rng) * 6 - 1)
    boxes = torch.cat([corner, corner + size], 1)
    return torch.minimum(boxes, torch.tensor([128.0, 96.0, 128.0, 96.0]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 9), min_size=1, max_size=3), st.integers(1, 3))
def test_values_and_gradients_are_those_of_torchvision(seed: int, counts: list[int], ratio: int) -> None:
    pool = MultiScaleRoIAlign(["0", "1", "2"], (3, 4), ratio, canonical_scale=64, canonical_level=4)
    boxes = [regions(seed + i, count) for i, count in enumerate(counts)]
    results = []
    for pooling in (pool, BagRoIAlign(pool)):
        maps = pyramid(len(counts), seed)
        pooled = pooling(maps, boxes, [SIZE] * len(counts))
        weight = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(seed))
        (pooled * weight).sum().backward()
        results.append((pooled.detach(), {name: m.grad for name, m in maps.items()}))
    (theirs, their_gradients), (ours, our_gradients) = results
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    for name in ("0", "1", "2"):
        theirs = their_gradients[name]
        expected = torch.zeros_like(our_gradients[name]) if theirs is None else theirs
        torch.testing.assert_close(our_gradients[name], expected, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize(("ratio", "replaced"), [(2, True), (-1, False)])
def test_adaptive_sampling_stays_torchvisions(ratio: int, replaced: bool) -> None:
    model = frc_resnet_fpn(18, 1, "layer1", channels=8, representation_size=16, sampling_ratio=ratio)
    use_bag_pooling(model)
    assert isinstance(model.roi_heads.box_roi_pool, BagRoIAlign) == replaced
