"""Frame to network input against torchvision's transform, and grey folded into the first convolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edge.errors import InputError
from export.graph.stages.input import ImageInput
from tests.support.random_detectors import thermal_scene

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.mark.parametrize(("smaller", "larger"), [(128, 160), (200, 333), (96, 640), (256, 250)])
def test_is_torchvisions_transform(smaller: int, larger: int) -> None:
    transform = GeneralizedRCNNTransform(smaller, larger, MEAN, STD).eval()
    frame = torch.from_numpy(thermal_scene(128, 160))
    expected, _ = transform([frame.float().div(255)[None].repeat(3, 1, 1)])
    ours = ImageInput(transform, 128, 160)
    torch.testing.assert_close(ours(frame[None, :, :, None]), expected.tensors, rtol=0, atol=1e-5)
    assert ours.size == expected.image_sizes[0]
    assert ours.padded == tuple(expected.tensors.shape[2:])
    assert ours.ratio == pytest.approx((160 / ours.size[1], 128 / ours.size[0]))


def backbone() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False), nn.ReLU(), nn.Conv2d(8, 3, 3))


def test_equal_means_fold_into_one_channel_exactly_at_the_border_too() -> None:
    transform = GeneralizedRCNNTransform(96, 96, [0.4] * 3, [0.2] * 3).eval()
    frame = torch.from_numpy(thermal_scene(96, 96))[None, :, :, None]
    ours, layers = ImageInput(transform, 96, 96), backbone()
    with torch.no_grad():
        expected = layers(ours(frame))
        ours.take_grey(layers)
        assert ours(frame).shape[1] == 1
        torch.testing.assert_close(layers(ours(frame)), expected, rtol=0, atol=1e-5)


def test_unequal_means_keep_three_channels() -> None:
    transform = GeneralizedRCNNTransform(96, 96, MEAN, STD).eval()
    ours, layers = ImageInput(transform, 96, 96), backbone()
    ours.take_grey(layers)
    assert ours.channels == 3
    assert layers[0].in_channels == 3


def test_other_channel_count_than_the_mean() -> None:
    transform = GeneralizedRCNNTransform(96, 96, [0.4], [0.2]).eval()
    with pytest.raises(InputError, match="takes 3 channels, its image mean and std have 1"):
        ImageInput(transform, 96, 96).take_grey(backbone())
