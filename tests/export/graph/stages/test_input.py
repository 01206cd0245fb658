"""Frame to network input against torchvision's transform, and grey folded into the first convolution."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
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


def image_input(mean: list[float], std: list[float]) -> ImageInput:
    return ImageInput(GeneralizedRCNNTransform(32, 32, mean, std).eval(), 32, 32)


@pytest.mark.parametrize(
    ("mean", "std", "channels"),
    [([0.4] * 3, [0.2] * 3, 1), ([0.4, 0.5, 0.4], [0.2] * 3, 3), ([0.4] * 3, [0.2, 0.2, 0.3], 3), ([0.4], [0.2], 1)],
)
def test_channels_are_summed_only_where_all_are_alike(mean: list[float], std: list[float], channels: int) -> None:
    ours, net = image_input(mean, std), nn.Sequential(nn.Conv2d(len(mean), 2, 3))
    before = net[0].weight
    ours.take_grey(net)
    assert ours.channels == net[0].in_channels == net[0].weight.shape[1] == channels
    assert (len(ours.mean), len(ours.std)) == (channels, channels)
    assert (net[0].weight is before) is (channels == len(mean))
    assert not net[0]._forward_pre_hooks


class Beside(nn.Module):
    """Two convolutions that read the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (Beside(), "2 convolutions read the image"),
        (nn.Sequential(nn.ReLU()), "0 convolutions read"),
        (nn.Sequential(nn.Conv2d(3, 3, 3, groups=3)), "expected one ungrouped first convolution"),
        (nn.Sequential(nn.Flatten(), nn.Linear(5, 5)), "first convolution takes 0 channels, its image mean and std"),
        (nn.Sequential(nn.Conv2d(4, 5, 3), nn.Conv2d(5, 6, 3)), "takes 4 channels, its image mean and std have 3"),
    ],
)
def test_a_first_convolution_that_cannot_take_grey(net: nn.Module, told: str) -> None:
    with pytest.raises(InputError, match=told):
        image_input([0.4] * 3, [0.2] * 3).take_grey(net)
    assert not any(m._forward_pre_hooks for m in net.modules())
