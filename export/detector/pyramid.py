"""The paper's three feature pyramids over a torchvision ResNet.

Lyu et al. 2024, Ecological Informatics 79, 102383, doi 10.1016/j.ecoinf.2023.102383.

    conv1    C5 = 1x1(Layer4)              strides of the outputs P1..P5: 2, 4, 8, 16, 32
             M4 = up2(C5) + 1x1(Layer3)
             M3 = up2(M4) + 1x1(Layer2)
             M2 = up2(M3) + 1x1(Layer1)
             M1 = up2(M2) + 1x1(Conv1)
             P1..P4 = 3x3(M1..M4), P5 = P4 downsampled by 2
    layer1   torchvision's FPN on Layer1..Layer4 and a subsampled last level: strides 4 .. 64
             (what the paper's published code runs)
    classic  the same on Layer3 and Layer4 only, the paper's "traditional FPN": strides 16, 32, 64

Besides, "fpn" is torchvision's on the layers that are named (``returned_layers``), and "last2" that of its MobileNet.

The paper's text says that Layer4's map is downsampled before it is added to Layer3's; the sum needs
an upsampled map, and so it is read here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.resnet import ResNet
from torchvision.ops import Conv2dNormActivation

from edge.errors import InputError

PyramidName = Literal["conv1", "layer1", "classic", "fpn", "last2"]
PYRAMIDS: tuple[PyramidName, ...] = ("conv1", "layer1", "classic")  # the paper's
LAYERS: dict[str, tuple[int, ...]] = {
    "layer1": (1, 2, 3, 4),
    "classic": (3, 4),
}  # of the ResNet, below torchvision's FPN


class Conv1Pyramid(nn.Module):
    """ResNet body and the pyramid of the paper's text.

    ``forward``: images (N, 3, H, W) float32, normalised, H and W multiples of 32 -> maps "0" (P1, stride 2),
    "1", "2", "3" (P4, stride 16) and "pool" (P5, stride 32), each (N, channels, H / stride, W / stride).
    """

    def __init__(self, resnet: ResNet, channels: int) -> None:
        super().__init__()
        stem = resnet.conv1.out_channels
        deep = stage_channels(resnet)
        # "relu" is ResNet's name for the activation after conv1 and bn1
        self.body = IntermediateLayerGetter(
            resnet, {"relu": "0", "layer1": "1", "layer2": "2", "layer3": "3", "layer4": "4"}
        )
        self.inner_blocks = nn.ModuleList(_conv(c, channels, 1) for c in (stem, *deep))
        self.layer_blocks = nn.ModuleList(_conv(channels, channels, 3) for _ in range(4))
        self.out_channels = channels

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        c1, c2, c3, c4, c5 = (block(c) for block, c in zip(self.inner_blocks, self.body(images).values(), strict=True))
        m4 = _up2(c5) + c4
        m3 = _up2(m4) + c3
        m2 = _up2(m3) + c2
        m1 = _up2(m2) + c1
        p = [block(m) for block, m in zip(self.layer_blocks, (m1, m2, m3, m4), strict=True)]
        p5 = F.max_pool2d(p[3], kernel_size=1, stride=2)
        return OrderedDict(zip(("0", "1", "2", "3", "pool"), (*p, p5), strict=True))


def build_pyramid(
    body: nn.Module,
    pyramid: PyramidName,
    channels: int,
    norm: Callable[[int], nn.Module] | None = None,
    layers: tuple[int, ...] = (),
    last_level: bool = True,
) -> nn.Module:
    """A backbone with attribute ``out_channels`` for torchvision's ``FasterRCNN``.

    ``body``: a torchvision ResNet; for "last2" the features of MobileNetV3-Large. ``norm``: batch norm after
    each convolution of torchvision's FPN, or None. ``layers``: of the ResNet, for "fpn". ``last_level``: a subsampled
    map above the others.

    Raises InputError where there is no such pyramid over that body.
    """
    if pyramid == "last2" and isinstance(body, nn.Sequential):
        # the last two stages, as torchvision's fasterrcnn_mobilenet_v3_large_fpn; both have stride 32
        maps = {"13": "0", "16": "1"}
        inside = [_outside(body[13]), _outside(body[16])]
    elif pyramid != "last2" and isinstance(body, ResNet):
        if pyramid == "conv1" and last_level:
            return Conv1Pyramid(body, channels)
        if pyramid == "conv1":
            raise InputError(
                "the pyramid conv1 without its last level: expected last_level, it is part of that pyramid"
            )
        chosen = LAYERS.get(pyramid, layers)
        maps = {f"layer{i}": str(at) for at, i in enumerate(chosen)}
        inside = [stage_channels(body)[i - 1] for i in chosen]
    else:
        expected = f"expected one of {', '.join(PYRAMIDS)} over a ResNet"
        raise InputError(f"pyramid {pyramid!r} over {type(body).__name__}: {expected}")
    backbone = BackboneWithFPN(body, maps, inside, channels, norm_layer=norm)
    if not last_level:
        backbone.fpn.extra_blocks = None
    return backbone  # type: ignore[no-any-return]


def level_names(pyramid: PyramidName, layers: tuple[int, ...] = (), last_level: bool = True) -> list[str]:
    """Names of the maps that the pyramid gives, finest first. ``layers``, ``last_level``: as in `build_pyramid`."""
    own = {"conv1": 4, "last2": 2}.get(pyramid) or len(LAYERS.get(pyramid, layers))
    return [str(i) for i in range(own)] + ["pool"] * last_level


def stage_channels(resnet: ResNet) -> list[int]:
    """Channels of Layer1..Layer4."""
    last = int(resnet.inplanes)
    return [last // 8, last // 4, last // 2, last]


def _outside(block: nn.Module) -> int:
    """Channels that a block of MobileNet gives."""
    channels: int = block.out_channels  # type: ignore[assignment]
    return channels


def _conv(inside: int, outside: int, kernel: int) -> nn.Module:
    block: nn.Module = Conv2dNormActivation(inside, outside, kernel, norm_layer=None, activation_layer=None)
    nn.init.kaiming_uniform_(block.get_parameter("0.weight"), a=1)  # as torchvision's FPN
    nn.init.zeros_(block.get_parameter("0.bias"))
    return block


def _up2(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
