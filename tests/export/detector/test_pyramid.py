"""The paper's pyramids: strides, and the sums of its text recomputed map by map."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.detector.pyramid import PyramidName

# Lyu et al. 2024 for conv1; torchvision's FPN for the other two
STRIDES = {"conv1": [2, 4, 8, 16, 32], "layer1": [4, 8, 16, 32, 64], "classic": [16, 32, 64]}


# both kinds of blocks, each pyramid
@pytest.mark.parametrize(("depth", "pyramid"), [(18, "layer1"), (50, "conv1"), (50, "classic")])
def test_strides_and_channels(depth: int, pyramid: PyramidName) -> None:
    with torch.device("meta"):  # shapes, and no numbers
        backbone = frc_resnet_fpn(depth, 1, pyramid, channels=8).backbone.eval()
        maps = backbone(torch.zeros(1, 3, 128, 192))
    expected = [(1, 8, 128 // s, 192 // s) for s in STRIDES[pyramid]]
    assert [tuple(m.shape) for m in maps.values()] == expected
    assert list(maps)[-1] == "pool"


def test_conv1_is_the_sums_of_the_text() -> None:
    torch.manual_seed(0)
    backbone = frc_resnet_fpn(18, 1, "conv1", channels=8).backbone.eval()
    image = torch.randn(1, 3, 64, 96)
    resnet, one, three = backbone.body, backbone.inner_blocks, backbone.layer_blocks
    with torch.no_grad():
        maps = backbone(image)
        conv1 = F.relu(resnet.bn1(resnet.conv1(image)))
        layer1 = resnet.layer1(resnet.maxpool(conv1))
        layer2 = resnet.layer2(layer1)
        layer3 = resnet.layer3(layer2)
        layer4 = resnet.layer4(layer3)

        def up2(x: torch.Tensor) -> torch.Tensor:
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

        c5 = one[4](layer4)
        m4 = up2(c5) + one[3](layer3)
        m3 = up2(m4) + one[2](layer2)
        m2 = up2(m3) + one[1](layer1)
        m1 = up2(m2) + one[0](conv1)
        p1, p2, p3, p4 = three[0](m1), three[1](m2), three[2](m3), three[3](m4)
        p5 = p4[:, :, ::2, ::2]
    for name, expected in zip(("0", "1", "2", "3", "pool"), (p1, p2, p3, p4, p5), strict=True):
        torch.testing.assert_close(maps[name], expected, rtol=0, atol=1e-5)
    kernels = [(block[0].kernel_size, block[0].out_channels) for block in (*one, *three)]
    assert kernels == [((1, 1), 8)] * 5 + [((3, 3), 8)] * 4


def test_unknown_pyramid() -> None:
    with pytest.raises(InputError, match="conv1, layer1, classic"):
        frc_resnet_fpn(18, 1, "conv2")  # type: ignore[arg-type]
