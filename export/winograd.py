"""3x3 convolution by minimal filtering, F(4x4, 3x3): a quarter of the multiplications.

Lavin & Gray 2015, arXiv 1509.09308. ONNX Runtime has no such kernel for the CPU, so it is written as a Gather
and three matrix products. Worth it from about 128 channels on, where the products outweigh the moved memory
(256 channels at 128 x 160: half the time); float32 error about 1e-5 of the largest value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = 128  # fewest for which it is faster
_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float64,
)
_KERNEL = np.array(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.float64
) / np.array([[24.0]])
_KERNEL[0] = [1 / 4, 0, 0]
_OUTPUT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], np.float64)


class WinogradConv2d(nn.Module):
    """The same as a `torch.nn.Conv2d` with a 3x3 kernel, stride 1 and padding 1.

    ``forward``: (1, C, H, W) float32 -> (1, C', H, W) float32.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        kernel = conv.weight.detach().double().numpy()  # (C', C, 3, 3)
        products = np.einsum("ai,bj,ocij->abco", _KERNEL, _KERNEL, kernel)
        outside, inside = kernel.shape[:2]
        self.register_buffer("kernel", torch.from_numpy(products.reshape(36, inside, outside)).float())
        self.register_buffer("to_tiles", torch.from_numpy(np.kron(_INPUT, _INPUT)).float())
        self.register_buffer("from_tiles", torch.from_numpy(np.kron(_OUTPUT, _OUTPUT)).float())
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())
        self.kernel: Tensor
        self.to_tiles: Tensor
        self.from_tiles: Tensor
        self.bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        height, width = (int(n) for n in x.shape[2:])
        inside, outside = self.kernel.shape[1:]
        down, across = -(-height // 4), -(-width // 4)  # tiles of 4 x 4 outputs from 6 x 6 inputs
        x = x.permute(0, 2, 3, 1)
        x = F.pad(x, (0, 0, 1, across * 4 + 1 - width, 1, down * 4 + 1 - height))
        tiles = x.reshape(-1, inside)[torch.from_numpy(_pixels(down, across))]  # (36 T, C)
        seen = torch.matmul(self.to_tiles, tiles.reshape(36, down * across * inside))
        summed = torch.matmul(seen.reshape(36, down * across, inside), self.kernel)  # (36, T, C')
        y = torch.matmul(self.from_tiles, summed.reshape(36, down * across * outside))
        y = y.reshape(4, 4, down, across, outside).permute(2, 0, 3, 1, 4)
        y = y.reshape(1, down * 4, across * 4, outside)[:, :height, :width]
        if self.bias is not None:
            y = y + self.bias
        return y.permute(0, 3, 1, 2)


def use_winograd(module: nn.Module) -> None:
    """Replace, in place, every convolution of ``module`` that gains by it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and _gains(child):
            setattr(module, name, WinogradConv2d(child))
        else:
            use_winograd(child)


def _gains(conv: nn.Conv2d) -> bool:
    same = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    plain = conv.groups == 1 and conv.padding_mode == "zeros"
    return same and plain and min(conv.in_channels, conv.out_channels) >= CHANNELS


def _pixels(down: int, across: int) -> npt.NDArray[np.int64]:
    """(36 * down * across,) rows of the padded, flattened map: the 36 pixels of each tile, tile running fastest."""
    i = np.arange(6)
    y = i[:, None, None, None] + 4 * np.arange(down)[:, None]
    x = i[:, None, None] + 4 * np.arange(across)
    return (y * (4 * across + 2) + x).reshape(-1).astype(np.int64)
