"""RoIAlign without a plugin against torchvision's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import MultiScaleRoIAlign, roi_align
from torchvision.ops.poolers import LevelMapper

from export.graph.stages.roi_align import _by_place, bilinear_samples, levels_of, pool_gather, pool_native

WIDTH, HEIGHT = 160, 128
SCALES = [1 / 4, 1 / 8, 1 / 16]


def pyramid(seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, 6, int(HEIGHT * s), int(WIDTH * s), generator=generator) for s in SCALES]


def regions(n: int, seed: int, largest: float) -> torch.Tensor:
    """Boxes in the picture, a third of them touching its border, some of no size at all."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(n, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT])
    boxes = torch.cat((corner, corner + torch.rand(n, 2, generator=generator) * largest), 1)
    boxes[::3, :2] = 0.0
    boxes[1::5] = 0.0
    return torch.minimum(boxes, torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT]).float())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 3]), st.sampled_from([(7, 7), (8, 10)]))
def test_gather_with_fixed_sampling_is_torchvisions(seed: int, ratio: int, size: tuple[int, int]) -> None:
    maps = pyramid(seed)[:1]
    boxes = regions(24, seed, 150.0)
    index = torch.zeros(len(boxes), 1)
    expected = roi_align(maps[0], torch.cat((index, boxes), 1), size, SCALES[0], ratio)
    got = pool_gather(maps, boxes, torch.zeros(len(boxes), dtype=torch.int64), SCALES[:1], size, ratio)
    torch.testing.assert_close(got.transpose(1, 2).reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_gather_with_adaptive_sampling_is_torchvisions_up_to_its_bound(seed: int, most: int) -> None:
    """A bin of 8 x 10 is at most ``most`` map pixels long: regions of 8 most rows, at stride 4."""
    maps = pyramid(seed)[:1]
    boxes = regions(24, seed, 8 * most * 4 - 0.01)
    expected = roi_align(maps[0], torch.cat((torch.zeros(len(boxes), 1), boxes), 1), (8, 10), SCALES[0], -1)
    small = (boxes[:, 3] - boxes[:, 1] <= 8 * most * 4) & (boxes[:, 2] - boxes[:, 0] <= 10 * most * 4)
    levels = torch.zeros(len(boxes), dtype=torch.int64)
    got = pool_gather(maps, boxes, levels, SCALES[:1], (8, 10), -1, most).transpose(1, 2).reshape(expected.shape)
    assert small.any()
    torch.testing.assert_close(got[small], expected[small], rtol=1e-4, atol=1e-5)


def test_gather_beyond_its_bound_stays_near() -> None:
    """Fewer samples of a large region: another average of the same pixels, not another place."""
    y, x = torch.meshgrid(torch.linspace(0, 3, 32), torch.linspace(0, 3, 40), indexing="ij")
    maps = [torch.stack((y.sin(), x.cos()))[None]]
    boxes = torch.tensor([[5.0, 3.0, 155.0, 120.0]])
    expected = roi_align(maps[0], torch.cat((torch.zeros(1, 1), boxes), 1), (8, 10), 0.25, -1)
    got = pool_gather(maps, boxes, torch.zeros(1, dtype=torch.int64), [0.25], (8, 10), -1, 2)
    torch.testing.assert_close(got.transpose(1, 2).reshape(expected.shape), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("canonical", [(224, 4), (640, 4), (100, 3)])
def test_levels_are_torchvisions(canonical: tuple[int, int]) -> None:
    side = torch.cat((torch.rand(500) * 900 + 1e-3, torch.tensor([80.0, 112.0, 160.0, 224.0, 320.0, 448.0, 640.0])))
    ratio = torch.rand(len(side)) + 0.5
    boxes = torch.stack((torch.zeros_like(side), torch.zeros_like(side), side * ratio, side / ratio), 1)
    boxes[-7:, 2:] = side[-7:, None]  # exactly on the steps
    expected = LevelMapper(2, 5, *canonical)([boxes])
    assert levels_of(boxes, 4, 2, *canonical).tolist() == expected.tolist()


@pytest.mark.parametrize("ratio", [2, -1])
def test_both_forms_over_a_pyramid_are_torchvisions(ratio: int) -> None:
    maps, boxes = pyramid(), regions(60, 3, 140.0)
    theirs = MultiScaleRoIAlign(["0", "1", "2"], (8, 10), ratio, canonical_scale=64, canonical_level=3)
    expected = theirs({str(i): m for i, m in enumerate(maps)}, [boxes], [(HEIGHT, WIDTH)])
    levels = levels_of(boxes, 3, 2, 64, 3)
    assert set(levels.tolist()) == {0, 1, 2}
    pooled, place = pool_native(maps, boxes, levels, SCALES, (8, 10), ratio)
    torch.testing.assert_close(pooled[place], expected)
    gathered = pool_gather(maps, boxes, levels, SCALES, (8, 10), ratio, 5)
    torch.testing.assert_close(gathered.transpose(1, 2).reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)


def test_boxes_of_a_level_are_pooled_from_left_to_right_strip_by_strip() -> None:
    corners = torch.tensor([[40.0, 33.0], [9.0, 15.0], [200.0, 0.0], [8.0, 47.0], [3.0, 16.0], [9.5, 1.0]])
    boxes = torch.cat((corners, corners + 12.0), 1)
    levels = torch.tensor([0, 0, 1, 0, 0, 1])
    _, place = pool_native(pyramid()[:2], boxes, levels, SCALES[:2], (8, 10), 2)
    # level 0: box 1 in the first strip of 16 px, 4 in the second, 3 and 0 in the third; then level 1: 5 and 2
    assert place.tolist() == [3, 0, 5, 2, 1, 4]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_box_that_is_no_number_moves_no_other(number: float) -> None:
    boxes = regions(20, 3, 140.0)
    order = _by_place(boxes).tolist()
    boxes[7] = number
    broken = _by_place(boxes).tolist()
    assert sorted(broken) == list(range(20))
    assert [i for i in broken if i != 7] == [i for i in order if i != 7]


def samples(low: float, high: float, extent: float, bins: int = 1, ratio: int = 1) -> tuple[Any, Any]:
    ends = (torch.tensor([value]) for value in (low, high, extent))
    cells, weights = bilinear_samples(*ends, bins, ratio, 2)
    return cells[0].tolist(), weights[0].tolist()


@pytest.mark.parametrize(
    ("low", "high", "cells", "weights"),
    [
        (2.0, 3.5, [[2, 3]], [[0.25, 0.75]]),  # at 2.75
        (6.0, 8.0, [[7, 7]], [[1.0, 0.0]]),  # on the last cell: no neighbour
        (7.0, 9.0, [[7, 7]], [[1.0, 0.0]]),  # at 8.0, one beyond it: the last one counts
        (7.25, 9.0, [[7, 7]], [[0.0, 0.0]]),  # at 8.125: outside
        (-2.0, 0.0, [[0, 1]], [[1.0, 0.0]]),  # at -1.0: the first one counts
        (-2.25, 0.0, [[0, 1]], [[0.0, 0.0]]),  # at -1.125: outside
        (3.0, 3.5, [[3, 4]], [[0.5, 0.5]]),  # at least one cell long
    ],
)
def test_samples_of_one_bin(low: float, high: float, cells: list[list[int]], weights: list[list[float]]) -> None:
    assert samples(low, high, 8.0) == (cells, weights)


def test_samples_of_two_bins() -> None:
    """From 1 to 5, bins of two: at 1.5, 2.5, 3.5, 4.5; the lower neighbours of both samples, then the upper ones."""
    expected = [[1, 2, 2, 3], [3, 4, 4, 5]], [[0.25] * 4] * 2
    assert samples(1.0, 5.0, 8.0, 2, 2) == expected
    for adaptive in (0, -1):
        assert samples(1.0, 5.0, 8.0, 2, adaptive) == expected
    # bins of 1: one sample each, though two would be held
    cells, weights = samples(1.0, 3.0, 8.0, 2, 0)
    assert weights == [[0.5, 0.0, 0.5, 0.0]] * 2
    assert [row[0] for row in cells] == [1, 2]


def test_pooled_at_the_last_cell_of_the_last_map() -> None:
    """Nothing beyond it is read."""
    last = torch.arange(6.0).reshape(1, 1, 2, 3)
    box = torch.tensor([[2.0, 1.0, 4.0, 3.0]])
    assert pool_gather([last], box, torch.zeros(1, dtype=torch.int64), [1.0], (1, 1), 1).tolist() == [[[5.0]]]
