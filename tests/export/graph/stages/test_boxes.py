"""Box arithmetic against torchvision's own."""

from __future__ import annotations

import math

import pytest
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


def test_a_box_from_its_deltas() -> None:
    anchor = torch.tensor([10.0, 20.0, 50.0, 30.0])  # 40 wide, 10 high, middle 30, 25
    found = decode(torch.tensor([1.0, -2.0, 0.0, 0.0]), anchor, (10.0, 10.0, 5.0, 5.0), 4.0)
    assert found.tolist() == pytest.approx([14.0, 18.0, 54.0, 28.0])
    grown = decode(torch.tensor([0.0, 0.0, 5 * math.log(2), -5 * math.log(2)]), anchor, (10.0, 10.0, 5.0, 5.0), 4.0)
    assert grown.tolist() == pytest.approx([-10.0, 22.5, 70.0, 27.5])
    most = decode(torch.tensor([0.0, 0.0, 1e3, 1e3]), anchor, (1.0, 1.0, 1.0, 1.0), math.log(3))
    assert most.tolist() == pytest.approx([-30.0, 10.0, 90.0, 40.0])


def test_a_box_is_clipped_to_width_and_height() -> None:
    box = torch.tensor([-5.0, -6.0, 500.0, 600.0])
    assert clip_to_image(box, (40, 70)).tolist() == [0.0, 0.0, 70.0, 40.0]
    assert clip_to_image(torch.tensor([60.0, 30.0, 69.0, 39.0]), (40, 70)).tolist() == [60.0, 30.0, 69.0, 39.0]


def test_both_sides_must_be_long_enough() -> None:
    boxes = torch.tensor([[0, 0, 2, 9], [0, 0, 9, 2], [0, 0, 1.9, 9], [0, 0, 9, 1.9]])
    assert at_least(boxes, 2.0).tolist() == [True, True, False, False]


def test_overlaps_of_boxes_that_are_not_square() -> None:
    boxes = torch.tensor([[[0.0, 0, 30, 10], [10, 5, 40, 25], [30, 0, 60, 10], [5, 5, 5, 9]]])
    found = pairwise_iou(boxes)
    assert found.shape == (1, 4, 4)
    assert found[0, 0].tolist() == pytest.approx([1.0, 100 / 800, 0.0, 0.0])
    assert found[0, 1, 2].item() == pytest.approx(50 / 850)
    assert torch.equal(found, found.transpose(1, 2))
    assert found[0, 3, 3] == 0
