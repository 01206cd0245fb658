"""Box arithmetic as torchvision does it, on tensors of fixed shape."""

from __future__ import annotations

import torch
from torch import Tensor


def decode(deltas: Tensor, anchors: Tensor, weights: tuple[float, ...], clip: float) -> Tensor:
    """Boxes from regression deltas (torchvision ``BoxCoder.decode``; Girshick et al. 2014, appendix C).

    ``deltas``: (..., 4) float32 dx, dy, dw, dh. ``anchors``: (..., 4) float32 xyxy pixels, shapes
    broadcast. ``weights``: the four divisors. ``clip``: upper bound of dw and dh before the exponential.
    Returns (..., 4) float32 xyxy pixels, not clipped to the image.
    """
    size = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + 0.5 * size
    shift = deltas[..., :2] / deltas.new_tensor(weights[:2])
    grow = (deltas[..., 2:] / deltas.new_tensor(weights[2:])).clamp(max=clip)
    middle = shift * size + centre
    half = 0.5 * (grow.exp() * size)
    return torch.cat((middle - half, middle + half), -1)


def clip_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(..., 4) xyxy pixels, clipped to an image of ``size`` = (height, width)."""
    height, width = size
    return torch.minimum(boxes.clamp(min=0.0), boxes.new_tensor([width, height, width, height]))


def at_least(boxes: Tensor, side: float) -> Tensor:
    """(...) bool: both sides of the (..., 4) xyxy box are ``side`` pixels or more."""
    size = boxes[..., 2:] - boxes[..., :2]
    return (size[..., 0] >= side) & (size[..., 1] >= side)


def pairwise_iou(boxes: Tensor) -> Tensor:
    """(B, N, N) float32 intersection over union of (B, N, 4) xyxy boxes with each other, 0 between empty ones."""
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    overlap = (high - low).clamp(min=0.0)
    intersection = overlap[..., 0] * overlap[..., 1]  # (B, N, N)
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])  # (B, N)
    union = area[:, :, None] + area[:, None, :] - intersection
    return intersection / union.clamp(min=1e-12)
