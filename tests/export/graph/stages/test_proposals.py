"""Region proposals: torchvision's, and each answer of the stage alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from edge.errors import InputError
from export.graph.stages.proposals import Proposals

PICTURE = (48, 32)


def rpn(score: float = 0.0, after: int = 15, sizes: Any = ((8, 16), (24, 30))) -> RegionProposalNetwork:
    torch.manual_seed(0)
    head = RPNHead(3, 2)
    for layer in head.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.5)
    anchors = AnchorGenerator(sizes, ((1.0,),) * 2)
    top = {"training": 0, "testing": 20}, {"training": 0, "testing": after}
    return RegionProposalNetwork(anchors, head, 0.7, 0.3, 8, 0.5, *top, 0.5, score).eval()


def maps() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, 3, *shape, generator=generator) for shape in ((6, 4), (3, 2))]


def proposals(network: RegionProposalNetwork, native: bool = False) -> Proposals:
    return Proposals(network, maps(), PICTURE, PICTURE, native, 40)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("score", [0.0, 0.5])
@torch.no_grad()
def test_proposals_are_torchvisions(native: bool, score: float) -> None:
    """More anchors than are taken on the first level, fewer on the second; the grid is not square."""
    network = rpn(score)
    levels = maps()
    expected = network(ImageList(torch.zeros(1, 3, *PICTURE), [PICTURE]), dict(enumerate(levels)))[0][0]
    boxes, valid, converged, finite = proposals(network, native)(levels)
    assert boxes.shape == (15, 4)
    assert 3 < len(expected) <= 15
    assert torch.allclose(boxes[valid], expected, atol=1e-4)
    assert (converged.tolist(), finite.tolist()) == ([True], [True])


def test_how_many_proposals() -> None:
    stage = proposals(rpn())
    assert (stage.takes, stage.count, stage.per_cell) == ([20, 12], 15, [2, 2])
    assert proposals(rpn(after=40)).count == 32


@pytest.mark.parametrize("native", [True, False])
def test_a_proposal_of_the_least_score_stays(native: bool) -> None:
    stage = proposals(rpn(0.5), native)
    stage.count = 3
    apart = torch.tensor([[[0.0, 0, 9, 9], [20, 0, 29, 9], [0, 20, 9, 29]]])
    boxes, valid, _ = stage._select(torch.tensor([[1.0, 0.0, -0.01]]), apart)
    assert valid.tolist() == [True, True, False]
    assert boxes[:2].tolist() == apart[0, :2].tolist()


def test_rounds_of_the_proposals_are_told() -> None:
    stage = proposals(rpn())
    stage.rounds = 1
    same = torch.tensor([[[0.0, 0, 9, 9]] * 3])
    assert stage._select(torch.zeros(1, 32), same.repeat(1, 11, 1)[:, :32])[2].tolist() == [False]


def test_a_value_that_is_no_number_is_told() -> None:
    stage = proposals(rpn())
    levels = maps()
    levels[1][0, 0, 0, 0] = torch.nan
    with torch.no_grad():
        assert stage(levels)[3].tolist() == [False]


def test_anchors_that_differ_from_cell_to_cell() -> None:
    network = rpn()
    own = network.anchor_generator

    def bent(images: ImageList, levels: list[Tensor]) -> list[Tensor]:
        (found,) = own(images, levels)
        found[-1, 3] += 1
        return [found]

    network.__dict__["_modules"]["anchor_generator"] = bent
    bent.num_anchors_per_location = own.num_anchors_per_location  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="anchors of level 1 are not one cell's, shifted"):
        proposals(network)
