"""What a detector begins with: norms and grey statistics of the data, a ResNet's weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models import resnet18, resnet50
from torchvision.ops import FrozenBatchNorm2d

from edge.errors import InputError
from edge.model.normalisers import Normalisers
from export.data.dataset import read_grey
from export.training.start import calibrate_norms, grey_statistics, load_backbone
from tests.support.tiny_training import detector, tiny_set

pytestmark = pytest.mark.usefixtures("narrow_resnet")


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
    calibrate_norms(model, data, crop=128)
    assert len(given) == len(norms) > 10
    for output in given:
        moved = output.var(dim=(0, 2, 3)) > 0.01  # a channel may be dead behind a ReLU
        assert moved.any()
        torch.testing.assert_close(output.mean(dim=(0, 2, 3)), torch.zeros(output.shape[1]), rtol=0, atol=1e-3)
        torch.testing.assert_close(output.var(dim=(0, 2, 3))[moved], torch.ones(int(moved.sum())), rtol=0, atol=0.1)


def test_mean_and_deviation_are_those_of_all_pixels(tmp_path: Path) -> None:
    data = tiny_set(tmp_path)
    pixels = np.stack([read_grey(frame) for frame in data.frames]) / 255
    mean, std = grey_statistics(data, Normalisers())
    assert mean == pytest.approx(pixels.mean(), abs=1e-4)
    assert std == pytest.approx(pixels.std(), abs=1e-4)


def test_a_resnets_weights_are_taken_and_another_is_refused(tmp_path: Path) -> None:
    model, body = detector(), resnet18(weights=None)
    torch.save(body.state_dict(), tmp_path / "r18.pth")
    load_backbone(model, tmp_path / "r18.pth")
    assert torch.equal(model.backbone.body.layer3[0].conv1.weight, body.layer3[0].conv1.weight)
    torch.save(resnet50(weights=None).state_dict(), tmp_path / "r50.pth")
    with pytest.raises(InputError, match=r"r50\.pth does not fit"):
        load_backbone(model, tmp_path / "r50.pth")
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "fc.pth")
    with pytest.raises(InputError, match="holds no conv1.weight"):
        load_backbone(model, tmp_path / "fc.pth")
