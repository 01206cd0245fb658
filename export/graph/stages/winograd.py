"""3x3 convolution by minimal filtering, F(4x4, 3x3): a quarter of the multiplications.

Lavin & Gray 2015, arXiv 1509.09308. ONNX Runtime has no such kernel for the CPU, so it is written as a Gather
and three matrix products. It pays from about 128 channels on, where the products outweigh the moved memory: 256
channels at 128 x 160 take half the time. Float32 error: about 1e-5 of the largest value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = 128  # fewest for which it is faster
TILES = 64  # fewest: below, reading the four times larger kernel takes longer than multiplying
_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_KERNEL = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_OUTPUT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


class WinogradConv2d(nn.Module):
    """The same as ``conv``, a `torch.nn.Conv2d` with a 3x3 kernel, stride 1 and padding 1.

    ``forward``: (1, C, H, W) float32 -> (1, C', H, W) float32; small maps go through ``conv`` itself.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.outside, self.inside = conv.weight.shape[:2]
        # the plain kernel is kept, ordered for one product: ONNX Runtime makes the large one from it when it loads
        flat = conv.weight.detach().permute(2, 3, 1, 0).reshape(9, -1)
        self.register_buffer("kernel", flat.contiguous())  # (9, C C')
        self.register_buffer("to_tiles", _kron(_INPUT))
        self.register_buffer("of_kernel", _kron(_KERNEL))
        self.register_buffer("from_tiles", _kron(_OUTPUT))

    def forward(self, x: Tensor) -> Tensor:
        height, width = (int(n) for n in x.shape[2:])
        inside, outside = self.inside, self.outside
        down, across = -(-height // 4), -(-width // 4)  # tiles of 4 x 4 outputs from 6 x 6 inputs
        if down * across < TILES:
            return self.conv(x)  # type: ignore[no-any-return]
        get = self.get_buffer
        kernel = torch.matmul(get("of_kernel"), get("kernel")).reshape(36, inside, outside)
        x = x.permute(0, 2, 3, 1)
        x = F.pad(x, (0, 0, 1, across * 4 + 1 - width, 1, down * 4 + 1 - height))
        tiles = x.reshape(-1, inside)[torch.from_numpy(_pixels(down, across))]  # (36 T, C)
        tiles = torch.matmul(get("to_tiles"), tiles.reshape(36, -1))
        tiles = torch.matmul(tiles.reshape(36, -1, inside), kernel)  # (36, T, C')
        y = torch.matmul(get("from_tiles"), tiles.reshape(36, -1))  # (16, T C')
        y = y.reshape(4, 4, down, across, outside).permute(2, 0, 3, 1, 4)
        y = y.reshape(1, down * 4, across * 4, outside)
        if (down * 4, across * 4) != (height, width):
            y = y[:, :height, :width]
        if self.conv.bias is not None:
            y = y + self.conv.bias
        return y.permute(0, 3, 1, 2)


def use_winograd(module: nn.Module) -> None:
    """Replace, in place, every convolution of ``module`` that gains by it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and _gains(child):
            setattr(module, name, WinogradConv2d(child))
        else:
            use_winograd(child)


def without_winograd(module: nn.Module) -> None:
    """Undo `use_winograd`, in place."""
    for name, child in module.named_children():
        if isinstance(child, WinogradConv2d):
            setattr(module, name, child.conv)
        else:
            without_winograd(child)


def _gains(conv: nn.Conv2d) -> bool:
    same = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    plain = conv.groups == 1 and conv.padding_mode == "zeros"
    return same and plain and min(conv.in_channels, conv.out_channels) >= CHANNELS


def _kron(matrix: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.kron(matrix, matrix)).float()


def _pixels(down: int, across: int) -> npt.NDArray[np.int64]:
    """(36 * down * across,) rows of the padded, flattened map: the 36 pixels of each tile, tile running fastest."""
    i = np.arange(6)
    y = i[:, None, None, None] + 4 * np.arange(down)[:, None]
    x = i[:, None, None] + 4 * np.arange(across)
    return (y * (4 * across + 2) + x).reshape(-1)
