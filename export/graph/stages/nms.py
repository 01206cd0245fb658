"""Greedy non-maximum suppression with fixed shapes, in two forms with equal results.

`suppress_unrolled`: no data-dependent shape, for TensorRT. Greedy suppression is the unique fixed point of

    keep[i] = no j before i that is kept, of the same group, with IoU(i, j) > threshold

Starting from "all kept", each round settles at least the next box in line of every chain of overlaps; a
state that repeats is the greedy result. The rounds needed are the longest such chain, not the number of boxes:
benchmarks/exported/rounds.py counts them on frames of yours, docs/speed.md has those of HIT-UAV.

`suppress_native`: ONNX ``NonMaxSuppression``, about 100 ms faster on two CPU cores.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision.ops import nms

from export.graph.stages.boxes import pairwise_iou

ROUNDS = 20


def suppress_unrolled(
    boxes: Tensor, valid: Tensor, threshold: float, groups: Tensor | None = None, rounds: int = ROUNDS
) -> tuple[Tensor, Tensor]:
    """Which boxes greedy suppression keeps, and whether ``rounds`` were enough to know.

    ``boxes``: (B, N, 4) float32 xyxy, each of the B sets on its own, best first. ``valid``: (B, N) bool, the
    others neither are kept nor suppress. ``threshold``: a box whose IoU with a kept one is greater goes.
    ``groups``: (B, N) int, boxes of different groups never suppress each other; None = one group.
    Returns keep (B, N) bool and converged (1,) bool.
    """
    beats = removals(boxes, valid, threshold, groups)
    keep = torch.ones_like(boxes[..., 0])  # (B, N)
    before = keep
    for _ in range(rounds):
        before = keep
        keep = next_round(beats, keep)
    converged = (keep - before).abs().sum().reshape(1) < 0.5
    return (keep > 0.5) & valid, converged


def removals(boxes: Tensor, valid: Tensor, threshold: float, groups: Tensor | None = None) -> Tensor:
    """(B, N, N) bool: box i goes if box j is kept; arguments as in `suppress_unrolled`."""
    order = torch.arange(boxes.shape[1])
    beats = (pairwise_iou(boxes) > threshold) & (order[None, :] < order[:, None])
    if groups is not None:
        beats = beats & (groups[:, :, None] == groups[:, None, :])
    return beats & valid[:, None, :]


def next_round(beats: Tensor, keep: Tensor) -> Tensor:
    """(B, N) float32, 1 where no box of ``keep``, (B, N) float32, removes one.

    A maximum over a boolean matrix, no product with a column: TensorRT pads that to a whole matrix, twice the bytes.
    """
    return (torch.where(beats, keep[:, None, :], 0.0).amax(-1) < 0.5).to(keep.dtype)


def suppress_native(boxes: Tensor, scores: Tensor, valid: Tensor, threshold: float) -> Tensor:
    """Keep (B, N) bool, by ONNX ``NonMaxSuppression`` in a traced graph, by torchvision outside of one.

    ``boxes``: (B, N, 4) float32 xyxy. ``scores``: (B, N) float32, 0 or more, of equal scores the earlier goes
    first. ``valid`` and ``threshold``: as above.
    """
    ordering = torch.where(valid, scores, torch.full_like(scores, -1.0))
    keep: Tensor = _NativeNms.apply(boxes, ordering, threshold, *map(int, scores.shape))
    return (keep > 0.5) & valid


class _NativeNms(torch.autograd.Function):
    """(B, N, 4) float32, (B, N) float32 -> (B, N) float32, 1 = kept."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, threshold: float, sets: int, n: int) -> Tensor:  # noqa: ARG004
        keep = torch.zeros_like(scores)
        for row, (one, score) in enumerate(zip(boxes, scores, strict=True)):
            inside = torch.where(score >= 0)[0]
            keep[row, inside[nms(one[inside], score[inside], threshold)]] = 1
        return keep

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, threshold: float, sets: int, n: int) -> Any:
        # the tracer knows no shapes here: they come as arguments
        def constant(*values: int | float) -> Any:
            return g.op("Constant", value_t=torch.tensor(values))

        chosen = g.op(  # (kept, 3) int64: set, 0, box
            "NonMaxSuppression",
            boxes,
            g.op("Unsqueeze", scores, constant(1)),
            constant(n),
            constant(threshold),
            constant(-0.5),
        )
        place = g.op("Gather", chosen, constant(0, 2), axis_i=1)
        how_many = g.op("Slice", g.op("Shape", chosen), constant(0), constant(1))
        ones = g.op("ConstantOfShape", how_many, value_t=torch.ones(1))
        nothing = g.op("Constant", value_t=torch.zeros(sets, n))
        return g.op("ScatterND", nothing, place, ones).setType(scores.type())
