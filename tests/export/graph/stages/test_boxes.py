"""Box arithmetic against torchvision's own."""

from __future__ import annotations

import math

import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou, clip_boxes_to_image, remove_small_boxes

from export.graph.stages.boxes import at_least, clip_to_image, decode, pairwise_iou


def boxes(n: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(n, 2, generator=generator) * 600 - 50
    return torch.cat((corner, corner + torch.rand(n, 2, generator=generator) * 120), 1)


def test_decode_is_torchvisions() -> None:
    weights = (10.0, 10.0, 5.0, 5.0)
    anchors = boxes(50, 0)
    deltas = torch.randn(50, 4) * torch.tensor([3.0, 3.0, 15.0, 15.0])  # some beyond the clip of 1000 / 16
    expected = BoxCoder(weights).decode_single(deltas, anchors)
    assert (deltas[:, 2:] / 5 > math.log(1000 / 16)).any()
    torch.testing.assert_close(decode(deltas, anchors, weights, math.log(1000 / 16)), expected)


def test_clip_and_small_boxes_are_torchvisions() -> None:
    some = torch.cat((boxes(50, 1), torch.tensor([[5.0, 5.0, 5.0, 9.0], [3.0, 3.0, 4.0, 4.0]])))
    torch.testing.assert_close(clip_to_image(some, (512, 640)), clip_boxes_to_image(some, (512, 640)))
    assert torch.where(at_least(some, 1.0))[0].tolist() == remove_small_boxes(some, 1.0).tolist()


def test_iou_is_torchvisions() -> None:
    some = boxes(40, 2)
    torch.testing.assert_close(pairwise_iou(some[None])[0], box_iou(some, some))


def test_iou_of_empty_boxes_is_zero() -> None:
    assert pairwise_iou(torch.zeros(1, 3, 4)).eq(0).all()
