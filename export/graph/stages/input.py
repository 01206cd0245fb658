"""uint8 grey frame -> the detector's normalised input, and one grey channel in place of three equal ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from edge.errors import InputError


class ImageInput(nn.Module):
    """What torchvision's ``GeneralizedRCNNTransform`` does to one image of fixed size.

    ``size``: (height, width) of the picture inside the detector's input, after resizing. ``padded``: of that
    input itself, a multiple of 32. ``channels``: 1 where the first convolution takes grey.

    ``forward``: (1, H, W, 1) uint8 -> (1, channels, *padded) float32.
    """

    def __init__(self, transform: GeneralizedRCNNTransform, height: int, width: int) -> None:
        super().__init__()
        self.mean, self.std = list(transform.image_mean), list(transform.image_std)
        images, _ = transform([torch.zeros(len(self.mean), height, width)])
        self.original = (height, width)
        self.size: tuple[int, int] = images.image_sizes[0]
        self.padded: tuple[int, int] = tuple(images.tensors.shape[2:])

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def ratio(self) -> tuple[float, float]:
        """Frame pixels an input pixel: (x, y)."""
        return self.original[1] / self.size[1], self.original[0] / self.size[0]

    def forward(self, image: Tensor) -> Tensor:
        grey = image.to(torch.float32).permute(0, 3, 1, 2) / 255
        x = (grey - grey.new_tensor(self.mean)[:, None, None]) / grey.new_tensor(self.std)[:, None, None]
        if self.size != self.original:
            x = F.interpolate(x, size=self.size, mode="bilinear", align_corners=False)
        if self.padded != self.size:
            x = F.pad(x, (0, self.padded[1] - self.size[1], 0, self.padded[0] - self.size[0]))
        return x

    def take_grey(self, backbone: nn.Module) -> None:
        """Where all channels are alike, sum the first convolution over them, in place: exact, a third of the work.

        With unequal means or standard deviations the three channels differ, and stay.

        Raises InputError where the backbone takes another number of channels than the transform gives.
        """
        first = _first_convolution(backbone, self.channels)
        if self.channels == 1 or len(set(self.mean)) > 1 or len(set(self.std)) > 1:
            return
        self.mean, self.std = self.mean[:1], self.std[:1]
        first.weight = nn.Parameter(first.weight.detach().double().sum(1, keepdim=True).float())
        first.in_channels = 1


def _first_convolution(backbone: nn.Module, channels: int) -> nn.Conv2d:
    """The one convolution that reads the image."""
    image = torch.zeros(1, channels, 64, 64)
    readers: list[nn.Conv2d] = []

    def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and inputs[0] is image:
            readers.append(module)  # type: ignore[arg-type]

    convolutions = [m for m in backbone.modules() if isinstance(m, nn.Conv2d)]
    hooks = [m.register_forward_pre_hook(look) for m in convolutions]
    try:
        with torch.no_grad():
            backbone(image)
    except RuntimeError as error:
        expected = convolutions[0].in_channels if convolutions else 0
        raise InputError(
            f"the detector's first convolution takes {expected} channels, its image mean and std have {channels}: "
            f"give as many as channels ({str(error).splitlines()[0]})"
        ) from None
    finally:
        for hook in hooks:
            hook.remove()
    if len(readers) != 1 or readers[0].groups != 1:
        raise InputError(
            f"{len(readers)} convolutions read the image: expected one ungrouped first convolution (Conv2d), as in "
            "torchvision's ResNet and MobileNet"
        )
    return readers[0]
