"""The best of many scores, with fewer of them ordered: TensorRT's TopK walks a long axis step by step.

Where equal scores meet, ONNX and ONNX Runtime put the earlier one first, and so do these; TensorRT does not promise
an order of equal ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from export.graph.precision import OVERFLOW, full

GAIN = 2  # two steps are taken where they order at most one of so many scores


def best(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` greatest of (N,) float32, greatest first, and where they are, (count,) int64.

    As a (1, N) tensor: TensorRT's parser makes (N, 1) of a flat one, and then orders along the first axis.
    """
    values, at = scores[None].topk(count)
    return values[0], at[0]


def best_of_map(score_map: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` greatest of (A, H, W) scores, half precision in that graph, greatest first, as float32.

    And where they are, (count,) int64 of the order H, W, A. A score that is no number or beyond half precision counts
    as infinite, so that it is among the greatest and is told there.

    In two steps where that pays: the cells with the greatest scores, then the greatest of their scores. A cell that
    is not among the ``count`` best by its greatest score holds none of the best, because ``count`` scores of other
    cells are at least as good and stand earlier where they are equal. The cells are put in order of place again, and
    with them equal scores: the answer is that of one step.
    """
    scores = score_map.permute(1, 2, 0).flatten(0, 1)  # (H W, A)
    cells, anchors = scores.shape
    if GAIN * (cells + count + count * anchors) > cells * anchors:
        return best(_numbers(full(scores)).flatten(), count)
    _, some = best(_numbers(full(scores)).amax(1), count)
    # their places as float32, which TensorRT's TopK takes: exact, there are less than 2^24
    some = some.to(torch.float32)[None].topk(count, largest=False).values[0].to(torch.int64)
    values, at = best(_numbers(full(scores[some])).flatten(), count)
    row = torch.div(at, anchors, rounding_mode="trunc")
    return values, some[row] * anchors + at - row * anchors


def _numbers(scores: Tensor) -> Tensor:
    return torch.where(scores.abs() < OVERFLOW, scores, torch.inf)
