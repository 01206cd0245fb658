"""The box head on what is pooled, against torchvision's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import MultiScaleRoIAlign

from export.graph.stages.roi_head import RoIHead

PICTURE = (48, 32)


class Flipped(TwoMLPHead):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(2))


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("kind", ["plain", "class", "patched"])
@pytest.mark.parametrize("names", [["0", "1"], ["1"]])
@torch.no_grad()
def test_the_box_head_is_torchvisions(native: bool, kind: str, names: list[str]) -> None:
    torch.manual_seed(0)
    pool = MultiScaleRoIAlign(names, (2, 3), 2, canonical_scale=16, canonical_level=3)
    head = (Flipped if kind == "class" else TwoMLPHead)(5 * 6, 7)
    if kind == "patched":
        head.forward = lambda x: TwoMLPHead.forward(head, x.flip(3))
    predictor = FastRCNNPredictor(7, 3)
    heads = RoIHeads(pool, head, predictor, 0.5, 0.5, 8, 0.5, None, 0.1, 0.5, 9)
    features = {"0": torch.randn(1, 5, 12, 8), "1": torch.randn(1, 5, 6, 4), "pool": torch.randn(1, 5, 3, 2)}
    boxes = torch.tensor([[0.0, 0, 7, 9], [3, 4, 31, 44], [8, 8, 20, 21], [1, 30, 6, 47]])
    expected = predictor(head(pool({name: features[name] for name in names}, [boxes], [PICTURE])))
    stage = RoIHead(heads, features, PICTURE, native, 4)
    assert (stage.names, stage.levels, stage.finest) == (names, len(names), 2 if "0" in names else 3)
    assert stage.flat_head is (kind == "plain" and not native)
    for ours, theirs in zip(stage(features, boxes), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
