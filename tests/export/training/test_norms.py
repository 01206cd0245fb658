"""Frozen batch norms: folded into the weights, and measured on the data."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torchvision.ops import FrozenBatchNorm2d

from export.training.norms import calibrate_norms, fold_frozen_norms
from tests.support.tiny_training import assert_same_gradients, detector, tiny_set


def test_folded_norms_leave_the_gradients_of_the_weights() -> None:
    plain, folded = detector(), detector()
    fold_frozen_norms(folded)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for model in (plain, folded):
        torch.stack([m.square().mean() for m in model.backbone(image).values()]).sum().backward()
    assert_same_gradients(folded.backbone, plain.backbone)


def test_measured_norms_give_what_has_mean_0_and_variance_1(tmp_path: Path) -> None:
    model, data = detector(), tiny_set(tmp_path)
    given: list[Tensor] = []
    norms = [m for m in model.modules() if isinstance(m, FrozenBatchNorm2d)]
    for norm in norms:
        norm.weight.fill_(1.0)
        norm.bias.fill_(0.0)
        norm.register_forward_hook(
            lambda _module, _inputs, output: given.append(output.clone())
        )  # a ReLU follows in place
    calibrate_norms(model, data)
    assert len(given) == len(norms) > 10
    for output in given:
        moved = output.var(dim=(0, 2, 3)) > 0.01  # a channel may be dead behind a ReLU
        assert moved.any()
        torch.testing.assert_close(output.mean(dim=(0, 2, 3)), torch.zeros(output.shape[1]), rtol=0, atol=1e-3)
        torch.testing.assert_close(output.var(dim=(0, 2, 3))[moved], torch.ones(int(moved.sum())), rtol=0, atol=0.1)
