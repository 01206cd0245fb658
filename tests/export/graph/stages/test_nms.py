"""Fixed-shape suppression against torchvision's greedy one."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms, nms

from export.graph.stages.nms import suppress_native, suppress_unrolled


def clustered(n: int, seed: int) -> torch.Tensor:
    """(N, 4) xyxy boxes in a few heaps: long chains of overlaps."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randint(0, 4, (n, 2), generator=generator) * 60.0 + torch.randn(n, 2, generator=generator) * 6
    size = 20 + 20 * torch.rand(n, 2, generator=generator)
    return torch.cat((centre - size / 2, centre + size / 2), 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 0.7]))
def test_unrolled_is_greedy(n: int, seed: int, threshold: float) -> None:
    boxes = clustered(n, seed)
    keep, converged = suppress_unrolled(boxes[None], torch.ones(1, n, dtype=torch.bool), threshold, rounds=n + 1)
    assert converged.item()
    falling = torch.arange(n, 0, -1).float()
    assert torch.where(keep[0])[0].tolist() == sorted(nms(boxes, falling, threshold).tolist())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(0, 10_000), st.integers(1, 4))
def test_groups_are_torchvisions_batched_nms(n: int, seed: int, groups: int) -> None:
    boxes = clustered(n, seed)
    label = torch.randint(0, groups, (n,), generator=torch.Generator().manual_seed(seed))
    keep, _ = suppress_unrolled(boxes[None], torch.ones(1, n, dtype=torch.bool), 0.5, label[None], rounds=n + 1)
    falling = torch.arange(n, 0, -1).float()
    # class by class: torchvision's offsets would round the boxes
    expected = [i for g in range(groups) for i in _nms_of(boxes, falling, label == g)]
    assert torch.where(keep[0])[0].tolist() == sorted(expected)
    assert len(expected) == pytest.approx(len(batched_nms(boxes, falling, label, 0.5)), abs=1)


def _nms_of(boxes: torch.Tensor, scores: torch.Tensor, chosen: torch.Tensor) -> list[int]:
    at = torch.where(chosen)[0]
    return at[nms(boxes[at], scores[at], 0.5)].tolist()


def test_too_few_rounds_are_told() -> None:
    # each box overlaps only the one before: the chain is as long as the list
    x = torch.arange(12) * 4.0
    chain = torch.stack((x, torch.zeros(12), x + 10, torch.full((12,), 10.0)), 1)[None]
    valid = torch.ones(1, 12, dtype=torch.bool)
    assert not suppress_unrolled(chain, valid, 0.4, rounds=5)[1].item()
    keep, converged = suppress_unrolled(chain, valid, 0.4, rounds=14)
    assert converged.item()
    assert keep[0].tolist() == [True, False] * 6


def test_what_is_not_valid_neither_stays_nor_suppresses() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0]])[None]
    keep, _ = suppress_unrolled(boxes, torch.tensor([[False, True]]), 0.5)
    assert keep[0].tolist() == [False, True]


def test_identical_boxes_of_equal_score_leave_the_first() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0]]).repeat(6, 1)[None]
    valid = torch.ones(1, 6, dtype=torch.bool)
    expected = [True] + [False] * 5
    assert suppress_unrolled(boxes, valid, 0.5)[0][0].tolist() == expected
    assert suppress_native(boxes, torch.full((1, 6), 0.5), valid, 0.5)[0].tolist() == expected


class _Native(torch.nn.Module):
    def forward(self, boxes: torch.Tensor, scores: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        return suppress_native(boxes, scores, valid, 0.5)


def test_native_in_onnxruntime_is_torchvisions() -> None:
    n = 70
    boxes = torch.stack([clustered(n, s) for s in (1, 2, 3)])
    scores = torch.rand(3, n).sort(descending=True).values
    scores[0, 10:20] = scores[0, 10]  # equal scores: the earlier goes first
    valid = torch.rand(3, n) > 0.2
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Native(),
            (boxes, scores, valid),
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=["b", "s", "v"],  # type: ignore[arg-type]
        )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    for seed in (0, 7):  # not the numbers it was traced with
        boxes = torch.stack([clustered(n, seed + s) for s in (1, 2, 3)])
        expected = suppress_native(boxes, scores, valid, 0.5).numpy()
        got = session.run(None, {"b": boxes.numpy(), "s": scores.numpy(), "v": valid.numpy()})[0]
        assert np.array_equal(got, expected)
        unrolled, _ = suppress_unrolled(boxes, valid, 0.5, rounds=n)
        assert np.array_equal(unrolled.numpy(), expected)


def test_nothing_valid_keeps_nothing() -> None:
    keep, converged = suppress_unrolled(clustered(40, 3)[None], torch.zeros(1, 40, dtype=torch.bool), 0.5)
    assert not keep.any()
    assert converged.item()


HALF = torch.tensor([[0.0, 0.0, 20.0, 10.0], [0.0, 0.0, 10.0, 10.0]])  # their IoU is 0.5


@pytest.mark.parametrize(("threshold", "kept"), [(0.5, [True, True]), (0.49, [True, False])])
def test_an_overlap_must_be_greater_than_the_threshold(threshold: float, kept: list[bool]) -> None:
    valid, scores = torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0.9, 0.8]])
    assert suppress_unrolled(HALF[None], valid, threshold)[0].tolist() == [kept]
    assert suppress_native(HALF[None], scores, valid, threshold).tolist() == [kept]


def test_sets_are_apart_and_so_are_groups() -> None:
    boxes, valid = HALF[None].repeat(2, 1, 1), torch.ones(2, 2, dtype=torch.bool)
    keep, converged = suppress_unrolled(boxes, valid, 0.4, torch.tensor([[0, 0], [0, 1]]))
    assert keep.tolist() == [[True, False], [True, True]]
    assert converged.tolist() == [True]


@pytest.mark.parametrize(("n", "settled"), [(20, True), (21, False)])
def test_twenty_rounds_settle_a_chain_of_twenty(n: int, settled: bool) -> None:
    """Each box overlaps only the one before: a round settles one more, and in the last one nothing may change."""
    x = torch.arange(n) * 4.0
    chain = torch.stack((x, torch.zeros(n), x + 10, torch.full((n,), 10.0)), 1)[None]
    keep, converged = suppress_unrolled(chain, torch.ones(1, n, dtype=torch.bool), 0.4)
    assert converged.item() is settled
    if settled:
        assert keep[0].tolist() == [i % 2 == 0 for i in range(n)]
