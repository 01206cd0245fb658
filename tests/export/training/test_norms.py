"""Frozen batch norms, folded into the weights."""

from __future__ import annotations

import torch

from export.training.norms import fold_frozen_norms
from tests.support.tiny_training import assert_same_gradients, detector


def test_folded_norms_leave_the_gradients_of_the_weights() -> None:
    plain, folded = detector(), detector()
    fold_frozen_norms(folded)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for model in (plain, folded):
        torch.stack([m.square().mean() for m in model.backbone(image).values()]).sum().backward()
    assert_same_gradients(folded.backbone, plain.backbone)
